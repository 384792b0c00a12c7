/* Label masks in PNG, row by row: a mask of a whole slide is larger than an image may be (imagefile.h).
 *
 * libpng expands nothing here: the samples are the labels, of a palette the index.  An interlaced file is decoded as a whole. */
#include "tiler/label_mask/label_mask_private.h"
#include "base/error.h"
#include <errno.h>
#include <glib/gstdio.h>
#include <png.h>
#include <stdio.h>
#include <string.h>

struct LabelMaskPng {
    char *path;
    FILE *file;
    png_structp png;
    png_infop info;
    uint8_t *whole; /* of an interlaced file */
    size_t row_bytes;
    uint32_t height, row; /* row: the next one */
    gboolean interlaced;
    char message[160];
};

static void on_error(png_structp png, png_const_charp text)
{
    LabelMaskPng *labels = png_get_error_ptr(png);
    g_strlcpy(labels->message, text, sizeof labels->message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    g_debug("libpng: %s", text);
}

static gboolean fail(const LabelMaskPng *labels, GError **error)
{
    WsiErrorCode code = ferror(labels->file)                           ? WSI_ERROR_IO
                        : strcasestr(labels->message, "out of memory") ? WSI_ERROR_MEMORY
                                                                       : WSI_ERROR_INPUT;
    g_set_error(error, WSI_ERROR, code, "%s: the mask cannot be decoded in row %u: %s", labels->path,
                labels->row, labels->message);
    return FALSE;
}

static gboolean read_header(LabelMaskPng *labels)
{
    if (setjmp(png_jmpbuf(labels->png))) {
        return FALSE;
    }
    png_init_io(labels->png, labels->file);
    png_set_user_limits(labels->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_keep_unknown_chunks(labels->png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
    png_read_info(labels->png, labels->info);
    if (png_get_bit_depth(labels->png, labels->info) == 16 && G_BYTE_ORDER == G_LITTLE_ENDIAN) {
        png_set_swap(labels->png);
    }
    labels->interlaced = png_set_interlace_handling(labels->png) > 1;
    png_read_update_info(labels->png, labels->info);
    return TRUE;
}

/* Places beyond the palette are white, so that they are a colour and not nothing. */
static void read_palette(const LabelMaskPng *labels, LabelPalette *palette)
{
    png_colorp colours = NULL;
    png_bytep alphas = NULL;
    int count = 0, transparent = 0;
    palette->there = png_get_color_type(labels->png, labels->info) == PNG_COLOR_TYPE_PALETTE &&
                     png_get_PLTE(labels->png, labels->info, &colours, &count);
    memset(palette->rgba, 255, sizeof palette->rgba);
    if (!palette->there || !png_get_tRNS(labels->png, labels->info, &alphas, &transparent, NULL)) {
        transparent = 0;
    }
    for (int i = 0; palette->there && i < MIN(count, 256); i++) {
        uint8_t rgba[4] = {colours[i].red, colours[i].green, colours[i].blue,
                           i < transparent ? alphas[i] : 255};
        memcpy(palette->rgba[i], rgba, sizeof rgba);
    }
}

LabelMaskPng *label_mask_png_open(const char *path, uint32_t *width, uint32_t *height, LabelFormat *format,
                                  LabelPalette *palette, GError **error)
{
    LabelMaskPng *labels = g_new0(LabelMaskPng, 1);
    labels->path = g_strdup(path);
    labels->file = g_fopen(path, "rbe");
    if (!labels->file) {
        wsi_error_errno(error, "cannot open", path);
        label_mask_png_free(labels);
        return NULL;
    }
    labels->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, labels, on_error, on_warning);
    labels->info = labels->png ? png_create_info_struct(labels->png) : NULL;
    if (!labels->info || !read_header(labels)) {
        if (labels->info) {
            fail(labels, error);
        } else {
            g_set_error(error, WSI_ERROR, WSI_ERROR_MEMORY, "no memory for %s", path);
        }
        label_mask_png_free(labels);
        return NULL;
    }
    *width = png_get_image_width(labels->png, labels->info);
    *height = labels->height = png_get_image_height(labels->png, labels->info);
    *format = (LabelFormat){.bits = png_get_bit_depth(labels->png, labels->info),
                            .samples = png_get_channels(labels->png, labels->info)};
    read_palette(labels, palette);
    labels->row_bytes = png_get_rowbytes(labels->png, labels->info);
    return labels;
}

static uint32_t exif_number(const uint8_t *at, int bytes, gboolean big)
{
    uint32_t number = 0;
    for (int i = 0; i < bytes; i++) {
        number = number << 8 | at[big ? i : bytes - 1 - i];
    }
    return number;
}

uint16_t label_mask_png_orientation(const LabelMaskPng *labels)
{
    enum { HEAD = 8, ENTRY = 12, ORIENTATION = 274 };
    png_bytep exif = NULL;
    png_uint_32 length = 0;
    if (!png_get_eXIf_1(labels->png, labels->info, &length, &exif) || length < HEAD + 2) {
        return 0;
    }
    gboolean big = exif[0] == 'M';
    uint32_t from = exif_number(exif + 4, 4, big);
    if (from > length - 2) {
        return 0;
    }
    uint32_t entries = exif_number(exif + from, 2, big);
    for (uint32_t i = 0; i < entries && length - from - 2 >= (i + 1) * ENTRY; i++) {
        const uint8_t *entry = exif + from + 2 + i * ENTRY;
        if (exif_number(entry, 2, big) == ORIENTATION) {
            return (uint16_t)exif_number(entry + 8, 2, big);
        }
    }
    return 0;
}

void label_mask_png_free(LabelMaskPng *labels)
{
    if (!labels) {
        return;
    }
    png_destroy_read_struct(&labels->png, &labels->info, NULL);
    if (labels->file) {
        fclose(labels->file);
    }
    g_free(labels->whole);
    g_free(labels->path);
    g_free(labels);
}

static gboolean decode_rows(LabelMaskPng *labels, png_bytepp rows)
{
    if (setjmp(png_jmpbuf(labels->png))) {
        return FALSE;
    }
    png_read_image(labels->png, rows);
    return TRUE;
}

static gboolean decode_row(LabelMaskPng *labels, uint8_t *buffer)
{
    if (setjmp(png_jmpbuf(labels->png))) {
        return FALSE;
    }
    png_read_row(labels->png, buffer, NULL);
    return TRUE;
}

static gboolean decode_whole(LabelMaskPng *labels, GError **error)
{
    g_autofree png_bytepp rows = wsi_try_alloc(labels->height, sizeof *rows, labels->path, error);
    labels->whole =
        rows ? wsi_try_alloc(labels->height, labels->row_bytes, "an interlaced mask", error) : NULL;
    if (!labels->whole) {
        return FALSE;
    }
    for (uint32_t y = 0; y < labels->height; y++) {
        rows[y] = labels->whole + y * labels->row_bytes;
    }
    return decode_rows(labels, rows) || fail(labels, error);
}

gboolean label_mask_png_row(LabelMaskPng *labels, uint8_t *buffer, GError **error)
{
    if (labels->interlaced && !labels->whole && !decode_whole(labels, error)) {
        return FALSE;
    }
    if (labels->whole) {
        memcpy(buffer, labels->whole + labels->row * labels->row_bytes, labels->row_bytes);
    } else if (!decode_row(labels, buffer)) {
        return fail(labels, error);
    }
    labels->row++;
    return TRUE;
}
