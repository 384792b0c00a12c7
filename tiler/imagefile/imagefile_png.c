/* PNG images by libpng.
 *
 * Reading: every kind of PNG becomes 8-bit RGB, or RGBA that is composed on white.  Only chunks
 * with pixels are used; gamma and colour profiles are not applied, as in Pillow and OpenCV.
 * Writing: there are no time and text chunks, so the same pixels give the same bytes.  RGB is written with the
 * Paeth filter and zlib's run-length strategy: for 256-px H&E tiles the files are within 1 % of the size that
 * libpng's defaults give (level 6, the best of all filters), at five times the speed, since stain and noise leave
 * hardly any repeats longer than runs.  Grey images here are masks with long repeats, for which Deflate
 * without a filter is best. */
#include "tiler/imagefile/imagefile.h"
#include "tiler/imagefile/imagefile_codec.h"
#include "base/error.h"
#include <png.h>
#include <string.h>
#include <zlib.h>

/* State of one decoding or encoding; libpng's callbacks get it back. */
typedef struct {
    png_structp png;
    png_infop info;
    const uint8_t *in; /* the rest of the encoded data */
    size_t in_bytes;
    GByteArray *out; /* encoded data goes here, or to `file` */
    Durable *file;
    int dpi; /* written into the file; 0 = not */
    GError *write_error;
    char message[160];
} Coder;

/* Keeps libpng's message and jumps back to the last setjmp(). */
static void on_error(png_structp png, png_const_charp text)
{
    Coder *coder = png_get_error_ptr(png);
    g_strlcpy(coder->message, text, sizeof coder->message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    g_debug("libpng: %s", text);
}

/* libpng reads from memory. */
static void read_bytes(png_structp png, png_bytep data, size_t bytes)
{
    Coder *coder = png_get_io_ptr(png);
    /* png_error() does not return. */
    if (bytes > coder->in_bytes) {
        png_error(png, "the file ends too early");
    }
    memcpy(data, coder->in, bytes);
    coder->in += bytes;
    coder->in_bytes -= bytes;
}

/* libpng writes to memory or to the file; the error of the file is kept. */
static void write_bytes(png_structp png, png_bytep data, size_t bytes)
{
    Coder *coder = png_get_io_ptr(png);
    if (coder->out) {
        g_byte_array_append(coder->out, data, (guint)bytes);
    } else if (!durable_write(coder->file, data, bytes, &coder->write_error)) {
        png_error(png, "cannot write");
    }
}

static void flush_nothing(png_structp png)
{
}

/* Makes our error of libpng's message.  Always returns FALSE. */
static gboolean set_error(Coder *coder, const char *name, GError **error)
{
    if (coder->write_error) {
        g_propagate_error(error, g_steal_pointer(&coder->write_error));
    } else {
        gboolean memory = strcasestr(coder->message, "out of memory") != NULL;
        g_set_error(error, WSI_ERROR, memory ? WSI_ERROR_MEMORY : WSI_ERROR_INPUT, "%s: %s", name,
                    coder->message);
    }
    return FALSE;
}

static gboolean read_header(Coder *coder)
{
    if (setjmp(png_jmpbuf(coder->png))) {
        return FALSE;
    }
    png_set_read_fn(coder->png, coder, read_bytes);
    png_set_user_limits(coder->png, PNG_UINT_31_MAX,
                        PNG_UINT_31_MAX); /* imagefile_codec_check_size is the limit */
    png_set_keep_unknown_chunks(coder->png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
    png_read_info(coder->png, coder->info);
    return TRUE;
}

/* Makes libpng expand to 8-bit RGB or RGBA.  Returns the number of channels; 0 on an error. */
static int expand(Coder *coder)
{
    if (setjmp(png_jmpbuf(coder->png))) {
        return 0;
    }
    /* Palettes and small depths to 8 bits, transparency to alpha, 16 bits to 8, grey to RGB. */
    png_set_expand(coder->png);
    png_set_scale_16(coder->png);
    png_set_gray_to_rgb(coder->png);
    png_set_interlace_handling(coder->png);
    png_read_update_info(coder->png, coder->info);
    return png_get_channels(coder->png, coder->info);
}

static gboolean read_rows(Coder *coder, png_bytepp rows)
{
    if (setjmp(png_jmpbuf(coder->png))) {
        return FALSE;
    }
    png_read_image(coder->png, rows);
    png_read_end(coder->png, NULL);
    return TRUE;
}

/* Decodes all rows at once, as interlaced files need. */
static gboolean read_pixels(Coder *coder, Image *image, const char *name, GError **error)
{
    g_autofree png_bytepp rows = wsi_try_alloc((size_t)image->height, sizeof *rows, name, error);
    if (!rows) {
        return FALSE;
    }
    for (int y = 0; y < image->height; y++) {
        rows[y] = image->pixels + (size_t)y * image->width * image->channels;
    }
    return read_rows(coder, rows) || set_error(coder, name, error);
}

/* RGBA composed on white: (c alpha + 255 (255 - alpha)) / 255, rounded. */
static Image *on_white(const Image *rgba, GError **error)
{
    Image *rgb = image_new(rgba->width, rgba->height, 3, error);
    size_t pixels = (size_t)rgba->width * rgba->height;
    for (size_t i = 0; rgb && i < pixels; i++) {
        int alpha = rgba->pixels[4 * i + 3];
        for (int c = 0; c < 3; c++) {
            rgb->pixels[3 * i + c] =
                (uint8_t)((rgba->pixels[4 * i + c] * alpha + 255 * (255 - alpha) + 127) / 255);
        }
    }
    return rgb;
}

/* Header, then the size check, then pixels: memory is allocated only for images within the limit. */
static Image *decode(Coder *coder, const char *name, GError **error)
{
    if (!coder->info || !read_header(coder)) {
        set_error(coder, name, error);
        return NULL;
    }
    png_uint_32 width = png_get_image_width(coder->png, coder->info),
                height = png_get_image_height(coder->png, coder->info);
    if (!imagefile_codec_check_size(width, height, name, error)) {
        return NULL;
    }
    int channels = expand(coder);
    if (channels != 3 && channels != 4) {
        set_error(coder, name, error);
        return NULL;
    }
    g_autoptr(Image) image = image_new((int)width, (int)height, channels, error);
    if (!image || !read_pixels(coder, image, name, error)) {
        return NULL;
    }
    return channels == 3 ? g_steal_pointer(&image) : on_white(image, error);
}

Image *imagefile_decode_png(const void *data, size_t bytes, const char *name, GError **error)
{
    Coder coder = {.in = data, .in_bytes = bytes, .message = "libpng cannot be used"};
    coder.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &coder, on_error, on_warning);
    coder.info = coder.png ? png_create_info_struct(coder.png) : NULL;
    Image *image = decode(&coder, name, error);
    png_destroy_read_struct(&coder.png, &coder.info, NULL);
    return image;
}

/* The settings are explained at the top of this file. */
static gboolean write_image(Coder *coder, const Image *image)
{
    if (!coder->info || setjmp(png_jmpbuf(coder->png))) {
        return FALSE;
    }
    png_set_write_fn(coder->png, coder, write_bytes, flush_nothing);
    png_set_compression_strategy(coder->png, image->channels == 3 ? Z_RLE : Z_DEFAULT_STRATEGY);
    png_set_compression_level(coder->png, 6);
    png_set_compression_buffer_size(coder->png, 1 << 16);
    png_set_filter(coder->png, PNG_FILTER_TYPE_BASE,
                   image->channels == 3 ? PNG_FILTER_PAETH : PNG_FILTER_NONE);
    png_set_IHDR(coder->png, coder->info, (png_uint_32)image->width, (png_uint_32)image->height, 8,
                 image->channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (coder->dpi > 0) {
        png_uint_32 per_metre = (png_uint_32)(coder->dpi / 0.0254 + 0.5);
        png_set_pHYs(coder->png, coder->info, per_metre, per_metre, PNG_RESOLUTION_METER);
    }
    png_write_info(coder->png, coder->info);
    for (int y = 0; y < image->height; y++) {
        png_write_row(coder->png, image->pixels + (size_t)y * image->width * image->channels);
    }
    png_write_end(coder->png, NULL);
    return TRUE;
}

static gboolean encode(Coder *coder, const Image *image, GError **error)
{
    if (image->channels != 1 && image->channels != 3) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "cannot encode a PNG of %d channels",
                    image->channels);
        return FALSE;
    }
    coder->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, coder, on_error, on_warning);
    coder->info = coder->png ? png_create_info_struct(coder->png) : NULL;
    gboolean ok = write_image(coder, image) || set_error(coder, "PNG encoder", error);
    png_destroy_write_struct(&coder->png, &coder->info);
    return ok;
}

gboolean imagefile_stream_png(Durable *file, const Image *image, int dpi, GError **error)
{
    Coder coder = {.file = file, .dpi = dpi, .message = "libpng cannot be used"};
    return encode(&coder, image, error);
}

gboolean imagefile_encode_png(const Image *image, GByteArray *out, GError **error)
{
    Coder coder = {.out = out, .message = "libpng cannot be used"};
    return encode(&coder, image, error);
}
