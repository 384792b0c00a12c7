/* Decodes the JPEG of a tile by libjpeg-turbo, with the settings that libtiff uses for RGB output: the accurate integer DCT,
 * interpolating chroma upsampling, and the colour space that the TIFF directory declares (libjpeg would guess), unless the stream
 * proves another one.  So the pixels are those that OpenSlide shows, if the directory is right.
 *
 * libjpeg reports errors by a callback that must not return.  The jump only goes to jpegtile_decode(), and everything that must
 * survive it is in the Decoder, so no local variable is clobbered.  Damage that libjpeg only warns about is an error
 * here, because the pixels after it are guesses. */
#include "tiler/tiff/jpegtile.h"
#include <setjmp.h>
#include <stdio.h>
#include <jpeglib.h>
#include <jerror.h>

typedef struct {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    jmp_buf leave;
    char *message;
    JpegTileResult result; /* of a failure */
} Decoder;

/* Leaves the decoder with a message. */
G_NORETURN static void fail(Decoder *decoder, const char *message)
{
    g_strlcpy(decoder->message, message, JPEGTILE_MESSAGE);
    longjmp(decoder->leave, 1);
}

G_NORETURN static void on_error(j_common_ptr jpeg)
{
    char text[JMSG_LENGTH_MAX];
    Decoder *decoder = jpeg->client_data;
    jpeg->err->format_message(jpeg, text);
    if (jpeg->err->msg_code == JERR_OUT_OF_MEMORY) {
        decoder->result = JPEGTILE_NO_MEMORY;
    }
    fail(decoder, text);
}

/* Warnings that mean damaged data are errors; others are ignored. */
static void on_message(j_common_ptr jpeg, int level)
{
    switch (level < 0 ? jpeg->err->msg_code : 0) {
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_JPEG_EOF:
    case JWRN_MUST_RESYNC:
    case JWRN_NOT_SEQUENTIAL:
        on_error(jpeg);
    }
}

enum { NO_ADOBE = -1 };

/* The transform of Adobe's marker in the last header; `before` when it has none. */
static int adobe_transform(const struct jpeg_decompress_struct *jpeg, int before)
{
    return jpeg->saw_Adobe_marker ? jpeg->Adobe_transform : before;
}

/* adobe: the transform in Adobe's marker of the tables or the stream, or NO_ADOBE. */
static JpegTileColour proved_colour(const struct jpeg_decompress_struct *jpeg, int adobe)
{
    const jpeg_component_info *parts = jpeg->comp_info;
    gboolean subsampled = FALSE;
    if (jpeg->num_components != 3) {
        return JPEGTILE_UNPROVED;
    }
    /* Components with other sampling factors than the first are subsampled. */
    for (int c = 1; c < 3; c++) {
        subsampled |= parts[c].h_samp_factor != parts[0].h_samp_factor ||
                      parts[c].v_samp_factor != parts[0].v_samp_factor;
    }
    gboolean named =
        parts[0].component_id == 'R' && parts[1].component_id == 'G' && parts[2].component_id == 'B';
    /* JFIF is YCbCr by definition, and nobody subsamples R, G, B. */
    gboolean ycbcr = jpeg->saw_JFIF_marker || adobe == 1 || subsampled, rgb = adobe == 0 || named;
    /* No proof, or proofs of both: the directory decides. */
    return ycbcr == rgb ? JPEGTILE_UNPROVED : ycbcr ? JPEGTILE_YCBCR : JPEGTILE_RGB;
}

/* Refuses streams that do not match the directory. */
static void check_header(Decoder *decoder, const JpegTileSpec *spec, gboolean ycbcr)
{
    struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
    if (jpeg->image_width != (JDIMENSION)spec->width || jpeg->image_height != (JDIMENSION)spec->height) {
        char text[JPEGTILE_MESSAGE];
        g_snprintf(text, sizeof text, "a JPEG of %u x %u px in a tile of %d x %d px", jpeg->image_width,
                   jpeg->image_height, spec->width, spec->height);
        fail(decoder, text);
    }
    if (jpeg->num_components != 3 || jpeg->progressive_mode || jpeg->data_precision != 8) {
        fail(decoder, "not a sequential 8-bit JPEG of three components");
    }
    for (int c = 0; c < 3 && !ycbcr; c++) {
        if (jpeg->comp_info[c].h_samp_factor != 1 || jpeg->comp_info[c].v_samp_factor != 1) {
            fail(decoder, "an RGB JPEG with subsampled components");
        }
    }
}

/* Decodes to rgb; every failure jumps to jpegtile_decode(). */
static void decode(Decoder *decoder, const JpegTileSpec *spec, const uint8_t *stream, size_t bytes,
                   uint8_t *rgb, JpegTileColour *proved)
{
    struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
    int adobe = NO_ADOBE;
    jpeg_create_decompress(jpeg);
    /* Abbreviated streams: the tables of the directory come first. */
    if (spec->tables) {
        jpeg_mem_src(jpeg, spec->tables, spec->tables_bytes);
        if (jpeg_read_header(jpeg, FALSE) != JPEG_HEADER_TABLES_ONLY) {
            fail(decoder, "the JPEG tables of the directory hold an image");
        }
        adobe = adobe_transform(jpeg, adobe);
    }
    jpeg_mem_src(jpeg, stream, bytes);
    jpeg_read_header(jpeg, TRUE);
    const JpegTileColour colour = proved_colour(jpeg, adobe_transform(jpeg, adobe));
    const gboolean ycbcr = colour == JPEGTILE_UNPROVED ? spec->ycbcr : colour == JPEGTILE_YCBCR;
    if (proved) {
        *proved = colour;
    }
    check_header(decoder, spec, ycbcr);
    if (!rgb) {
        return;
    }
    jpeg->jpeg_color_space = ycbcr ? JCS_YCbCr : JCS_RGB;
    jpeg->out_color_space = JCS_RGB;
    /* libjpeg scales in the inverse DCT, which computes only the pixels that stay. */
    jpeg->scale_num = 1;
    jpeg->scale_denom = (unsigned)spec->scale;
    jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW row = rgb + (size_t)jpeg->output_scanline * jpeg->output_width * 3;
        jpeg_read_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_decompress(jpeg);
}

JpegTileResult jpegtile_decode(const JpegTileSpec *spec, const uint8_t *stream, size_t bytes, uint8_t *rgb,
                               JpegTileColour *proved, char message[JPEGTILE_MESSAGE])
{
    Decoder decoder = {.message = message, .result = JPEGTILE_UNREADABLE};
    /* All later failures land in the setjmp() below. */
    decoder.jpeg.err = jpeg_std_error(&decoder.errors);
    decoder.jpeg.client_data = &decoder;
    decoder.errors.error_exit = on_error;
    decoder.errors.emit_message = on_message;
    if (setjmp(decoder.leave)) {
        jpeg_destroy_decompress(&decoder.jpeg);
        return decoder.result;
    }
    decode(&decoder, spec, stream, bytes, rgb, proved);
    jpeg_destroy_decompress(&decoder.jpeg);
    return JPEGTILE_DECODED;
}
