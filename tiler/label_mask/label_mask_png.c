/* Label masks in PNG, row by row, since the mask of a whole slide is larger than the limit of imagefile.h.
 *
 * libpng expands nothing here: the samples, or the indices of a palette, are the labels.  An interlaced file is decoded as a whole. */
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
    uint8_t *whole; /* all rows of an interlaced file; NULL otherwise */
    size_t row_bytes;
    uint32_t height, row; /* row: the next one */
    gboolean interlaced;
    char message[160];
};

/* Keeps libpng's message and jumps back to the last setjmp(). */
static void on_error(png_structp png, png_const_charp text)
{
    LabelMaskPng *mask = png_get_error_ptr(png);
    g_strlcpy(mask->message, text, sizeof mask->message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    g_debug("libpng: %s", text);
}

/* Reports libpng's message.  The stream tells whether the system failed. */
static gboolean fail(const LabelMaskPng *mask, GError **error)
{
    WsiErrorCode code = ferror(mask->file)                           ? WSI_ERROR_IO
                        : strcasestr(mask->message, "out of memory") ? WSI_ERROR_MEMORY
                                                                     : WSI_ERROR_INPUT;
    g_set_error(error, WSI_ERROR, code, "%s: the mask cannot be decoded in row %u: %s", mask->path, mask->row,
                mask->message);
    return FALSE;
}

static gboolean read_header(LabelMaskPng *mask)
{
    if (setjmp(png_jmpbuf(mask->png))) {
        return FALSE;
    }
    png_init_io(mask->png, mask->file);
    /* Rows are read one by one, so only PNG's own limit holds. */
    png_set_user_limits(mask->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    /* Only chunks with pixels, palette and EXIF matter. */
    png_set_keep_unknown_chunks(mask->png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
    png_read_info(mask->png, mask->info);
    /* PNG is big-endian; label_unpack() expects the byte order of the machine. */
    if (png_get_bit_depth(mask->png, mask->info) == 16 && G_BYTE_ORDER == G_LITTLE_ENDIAN) {
        png_set_swap(mask->png);
    }
    /* More than one pass: rows are complete only after the last one. */
    mask->interlaced = png_set_interlace_handling(mask->png) > 1;
    png_read_update_info(mask->png, mask->info);
    return TRUE;
}

/* Indices beyond the palette are white, so that they count as a colour, not as nothing. */
static void read_palette(const LabelMaskPng *mask, LabelPalette *palette)
{
    png_colorp colours = NULL;
    png_bytep alphas = NULL;
    int count = 0, transparent = 0;
    palette->there = png_get_color_type(mask->png, mask->info) == PNG_COLOR_TYPE_PALETTE &&
                     png_get_PLTE(mask->png, mask->info, &colours, &count);
    /* White and opaque until the palette says otherwise. */
    memset(palette->rgba, 255, sizeof palette->rgba);
    /* tRNS gives the alpha of the first indices; all others are opaque. */
    if (!palette->there || !png_get_tRNS(mask->png, mask->info, &alphas, &transparent, NULL)) {
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
    LabelMaskPng *mask = g_new0(LabelMaskPng, 1);
    mask->path = g_strdup(path);
    mask->file = g_fopen(path, "rbe");
    if (!mask->file) {
        wsi_error_errno(error, "cannot open", path);
        label_mask_png_free(mask);
        return NULL;
    }
    mask->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, mask, on_error, on_warning);
    mask->info = mask->png ? png_create_info_struct(mask->png) : NULL;
    if (!mask->info || !read_header(mask)) {
        /* Either the file is at fault, or libpng had no memory for its structs. */
        if (mask->info) {
            fail(mask, error);
        } else {
            g_set_error(error, WSI_ERROR, WSI_ERROR_MEMORY, "no memory for %s", path);
        }
        label_mask_png_free(mask);
        return NULL;
    }
    *width = png_get_image_width(mask->png, mask->info);
    *height = mask->height = png_get_image_height(mask->png, mask->info);
    *format = (LabelFormat){.bits = png_get_bit_depth(mask->png, mask->info),
                            .samples = png_get_channels(mask->png, mask->info)};
    read_palette(mask, palette);
    mask->row_bytes = png_get_rowbytes(mask->png, mask->info);
    return mask;
}

/* A number of the EXIF data in its byte order. */
static uint32_t exif_number(const uint8_t *at, int bytes, gboolean big)
{
    uint32_t number = 0;
    for (int i = 0; i < bytes; i++) {
        number = number << 8 | at[big ? i : bytes - 1 - i];
    }
    return number;
}

/* EXIF: a TIFF header, then the first directory with entries of 12 bytes. */
uint16_t label_mask_png_orientation(const LabelMaskPng *mask)
{
    enum { HEAD = 8, ENTRY = 12, ORIENTATION = 274 };
    png_bytep exif = NULL;
    png_uint_32 length = 0;
    if (!png_get_eXIf_1(mask->png, mask->info, &length, &exif) || length < HEAD + 2) {
        return 0;
    }
    /* Byte order, as in TIFF. */
    gboolean big = exif[0] == 'M';
    /* Where the first directory begins. */
    uint32_t from = exif_number(exif + 4, 4, big);
    /* Every offset is checked, since the file may be damaged. */
    if (from > length - 2) {
        return 0;
    }
    /* The number of entries; each has tag, type, count and value. */
    uint32_t entries = exif_number(exif + from, 2, big);
    for (uint32_t i = 0; i < entries && length - from - 2 >= (i + 1) * ENTRY; i++) {
        const uint8_t *entry = exif + from + 2 + i * ENTRY;
        if (exif_number(entry, 2, big) == ORIENTATION) {
            /* A short is in the first bytes of the value field. */
            return (uint16_t)exif_number(entry + 8, 2, big);
        }
    }
    return 0;
}

void label_mask_png_free(LabelMaskPng *mask)
{
    if (!mask) {
        return;
    }
    png_destroy_read_struct(&mask->png, &mask->info, NULL);
    if (mask->file) {
        fclose(mask->file);
    }
    g_free(mask->whole);
    g_free(mask->path);
    g_free(mask);
}

/* All rows of an interlaced file. */
static gboolean decode_rows(LabelMaskPng *mask, png_bytepp rows)
{
    /* In a function of its own, so that no local variable changes between setjmp() and the jump. */
    if (setjmp(png_jmpbuf(mask->png))) {
        return FALSE;
    }
    png_read_image(mask->png, rows);
    return TRUE;
}

/* One row of a file that is not interlaced. */
static gboolean decode_row(LabelMaskPng *mask, uint8_t *buffer)
{
    if (setjmp(png_jmpbuf(mask->png))) {
        return FALSE;
    }
    png_read_row(mask->png, buffer, NULL);
    return TRUE;
}

/* Decodes an interlaced file, whose rows are complete only after the last pass. */
static gboolean decode_whole(LabelMaskPng *mask, GError **error)
{
    g_autofree png_bytepp rows = wsi_try_alloc(mask->height, sizeof *rows, mask->path, error);
    /* (H, row_bytes), and a pointer to each row for libpng. */
    mask->whole = rows ? wsi_try_alloc(mask->height, mask->row_bytes, "an interlaced mask", error) : NULL;
    if (!mask->whole) {
        return FALSE;
    }
    for (uint32_t y = 0; y < mask->height; y++) {
        rows[y] = mask->whole + y * mask->row_bytes;
    }
    return decode_rows(mask, rows) || fail(mask, error);
}

gboolean label_mask_png_row(LabelMaskPng *mask, uint8_t *buffer, GError **error)
{
    /* The first row asks for all of an interlaced file. */
    if (mask->interlaced && !mask->whole && !decode_whole(mask, error)) {
        return FALSE;
    }
    if (mask->whole) {
        memcpy(buffer, mask->whole + mask->row * mask->row_bytes, mask->row_bytes);
    } else if (!decode_row(mask, buffer)) {
        return fail(mask, error);
    }
    mask->row++;
    return TRUE;
}
