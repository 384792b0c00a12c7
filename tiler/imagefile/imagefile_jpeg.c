/* JPEG images by libjpeg-turbo.
 *
 * setjmp is only in small functions whose local variables do not change after it, so a jump cannot see a stale
 * register.  Decoding uses libjpeg's defaults (exact integer DCT, smooth chroma),
 * as Pillow and OpenCV do, so models see the same pixels. */
#include "tiler/imagefile/imagefile.h"
#include "tiler/imagefile/imagefile_codec.h"
#include "tiler/imagefile/jpegio.h"
#include "base/error.h"
#include <string.h>
#include <jerror.h>

/* Makes our error of libjpeg's message.  Always returns FALSE. */
static gboolean set_error(const JpegErrors *errors, const char *name, GError **error)
{
    gboolean memory = errors->base.msg_code == JERR_OUT_OF_MEMORY;
    g_set_error(error, WSI_ERROR, memory ? WSI_ERROR_MEMORY : WSI_ERROR_INPUT, "%s: %s", name,
                errors->message);
    return FALSE;
}

/* Reads the header, and asks for RGB output. */
static gboolean read_header(struct jpeg_decompress_struct *jpeg, JpegErrors *errors, const void *data,
                            size_t bytes)
{
    if (setjmp(errors->jump)) {
        return FALSE;
    }
    jpeg_create_decompress(jpeg);
    jpeg_mem_src(jpeg, data, bytes);
    jpeg_read_header(jpeg, TRUE);
    jpeg->out_color_space = JCS_RGB;
    return TRUE;
}

/* Decodes all rows.  Damaged data are an error, although libjpeg only warns. */
static gboolean read_rows(struct jpeg_decompress_struct *jpeg, JpegErrors *errors, Image *image)
{
    if (setjmp(errors->jump)) {
        return FALSE;
    }
    jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW row = image->pixels + (size_t)jpeg->output_scanline * image->width * 3;
        jpeg_read_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_decompress(jpeg);
    /* libjpeg fills what is missing with grey, which must not pass for pixels. */
    return !errors->damaged;
}

/* Header, then the size check, then pixels. */
static Image *decode(struct jpeg_decompress_struct *jpeg, JpegErrors *errors, const void *data, size_t bytes,
                     const char *name, GError **error)
{
    if (!read_header(jpeg, errors, data, bytes)) {
        set_error(errors, name, error);
        return NULL;
    }
    if (!imagefile_codec_check_size(jpeg->image_width, jpeg->image_height, name, error)) {
        return NULL;
    }
    g_autoptr(Image) image = image_new((int)jpeg->image_width, (int)jpeg->image_height, 3, error);
    if (image && !read_rows(jpeg, errors, image)) {
        set_error(errors, name, error);
        return NULL;
    }
    return g_steal_pointer(&image);
}

Image *imagefile_decode_jpeg(const void *data, size_t bytes, const char *name, GError **error)
{
    struct jpeg_decompress_struct jpeg;
    JpegErrors errors;
    /* Zeros, so that destroying is safe even when creating failed. */
    memset(&jpeg, 0, sizeof jpeg);
    jpeg.err = jpegio_errors_init(&errors);
    Image *image = decode(&jpeg, &errors, data, bytes, name, error);
    jpeg_destroy_decompress(&jpeg);
    return image;
}

static gboolean write_rows(struct jpeg_compress_struct *jpeg, JpegErrors *errors, const Image *rgb,
                           int quality, GByteArray *out)
{
    if (setjmp(errors->jump)) {
        return FALSE;
    }
    /* Quality and sampling decide the bytes; everything else is libjpeg's default. */
    jpeg_create_compress(jpeg);
    jpegio_to_bytes(jpeg, out);
    jpeg->image_width = (JDIMENSION)rgb->width;
    jpeg->image_height = (JDIMENSION)rgb->height;
    jpeg->input_components = 3;
    jpeg->in_color_space = JCS_RGB;
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, quality, TRUE);
    /* Full chroma resolution from quality 90 on. */
    jpeg->comp_info[0].h_samp_factor = jpeg->comp_info[0].v_samp_factor = quality >= 90 ? 1 : 2;
    jpeg_start_compress(jpeg, TRUE);
    while (jpeg->next_scanline < jpeg->image_height) {
        JSAMPROW rows[16]; /* the height of a row of blocks with subsampled chroma */
        JDIMENSION count = MIN(G_N_ELEMENTS(rows), jpeg->image_height - jpeg->next_scanline);
        for (JDIMENSION i = 0; i < count; i++) {
            rows[i] = rgb->pixels + (size_t)(jpeg->next_scanline + i) * rgb->width * 3;
        }
        jpeg_write_scanlines(jpeg, rows, count);
    }
    jpeg_finish_compress(jpeg);
    return TRUE;
}

gboolean imagefile_encode_jpeg(const Image *rgb, int quality, GByteArray *out, GError **error)
{
    struct jpeg_compress_struct jpeg;
    JpegErrors errors;
    if (rgb->channels != 3 || quality < 1 || quality > 100) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "cannot encode a JPEG of %d channels at quality %d",
                    rgb->channels, quality);
        return FALSE;
    }
    memset(&jpeg, 0, sizeof jpeg);
    jpeg.err = jpegio_errors_init(&errors);
    gboolean ok = write_rows(&jpeg, &errors, rgb, quality, out) || set_error(&errors, "JPEG encoder", error);
    jpeg_destroy_compress(&jpeg);
    return ok;
}
