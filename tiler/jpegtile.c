/* A tile's JPEG by libjpeg-turbo, with the settings that libtiff uses for RGB output: the accurate integer DCT,
 * interpolating chroma upsampling, and the colour space that the TIFF directory names instead of the one that
 * libjpeg would guess.  So the pixels are those that OpenSlide shows.
 *
 * libjpeg reports errors by a callback that must not return.  The jump lands in jpegtile_decode() alone, and what must
 * outlive it is in the Decoder, so there are no clobbered locals.  Damage that libjpeg only warns about is an error
 * here: the pixels after it are guesses. */
#include "tiler/jpegtile.h"
#include <setjmp.h>
#include <stdio.h>
#include <jpeglib.h>
#include <jerror.h>

typedef struct {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    jmp_buf leave;
    char *message;
} Decoder;

G_NORETURN static void fail(Decoder *decoder, const char *message)
{
    g_strlcpy(decoder->message, message, JPEGTILE_MESSAGE);
    longjmp(decoder->leave, 1);
}

G_NORETURN static void on_error(j_common_ptr jpeg)
{
    char text[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, text);
    fail(jpeg->client_data, text);
}

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

static void check_header(Decoder *decoder, const JpegTileSpec *spec)
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
    for (int c = 0; c < 3 && !spec->ycbcr; c++) {
        if (jpeg->comp_info[c].h_samp_factor != 1 || jpeg->comp_info[c].v_samp_factor != 1) {
            fail(decoder, "an RGB JPEG with subsampled components");
        }
    }
}

static void decode(Decoder *decoder, const JpegTileSpec *spec, const uint8_t *stream, size_t bytes,
                   uint8_t *rgb)
{
    struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
    jpeg_create_decompress(jpeg);
    if (spec->tables) {
        jpeg_mem_src(jpeg, spec->tables, spec->tables_bytes);
        if (jpeg_read_header(jpeg, FALSE) != JPEG_HEADER_TABLES_ONLY) {
            fail(decoder, "the JPEG tables of the directory hold a picture");
        }
    }
    jpeg_mem_src(jpeg, stream, bytes);
    jpeg_read_header(jpeg, TRUE);
    check_header(decoder, spec);
    if (!rgb) {
        return;
    }
    jpeg->jpeg_color_space = spec->ycbcr ? JCS_YCbCr : JCS_RGB;
    jpeg->out_color_space = JCS_RGB;
    jpeg->scale_num = 1;
    jpeg->scale_denom = (unsigned)spec->scale;
    jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW row = rgb + (size_t)jpeg->output_scanline * jpeg->output_width * 3;
        jpeg_read_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_decompress(jpeg);
}

gboolean jpegtile_decode(const JpegTileSpec *spec, const uint8_t *stream, size_t bytes, uint8_t *rgb,
                         char message[JPEGTILE_MESSAGE])
{
    Decoder decoder = {.message = message};
    decoder.jpeg.err = jpeg_std_error(&decoder.errors);
    decoder.jpeg.client_data = &decoder;
    decoder.errors.error_exit = on_error;
    decoder.errors.emit_message = on_message;
    if (setjmp(decoder.leave)) {
        jpeg_destroy_decompress(&decoder.jpeg);
        return FALSE;
    }
    decode(&decoder, spec, stream, bytes, rgb);
    jpeg_destroy_decompress(&decoder.jpeg);
    return TRUE;
}
