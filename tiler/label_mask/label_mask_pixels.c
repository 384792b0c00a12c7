/* From samples to labels.
 *
 * A label is a number from 0 to 255 of any number of bits, or a colour.  Colours are numbered in the order of their first pixels,
 * and named #rrggbb.  When all colours are greys, their value is the name, since this is a grey
 * image that was saved as RGB.  Transparent pixels are label 0. */
#include "tiler/label_mask/label_mask_private.h"
#include "base/error.h"
#include <string.h>

enum { MOST_COLOURS = 255 };

size_t label_row_bytes(const LabelFormat *format, int64_t width)
{
    return ((size_t)width * (size_t)format->samples * (size_t)format->bits + 7) / 8;
}

/* Reports the pixel at (x, y) that is not a label. */
static gboolean no_label(const char *path, int64_t x, int64_t y, GError **error, const char *what)
{
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                "%s is not a label mask: %s in column %" G_GINT64_FORMAT ", row %" G_GINT64_FORMAT, path,
                what, x, y);
    return FALSE;
}

/* Samples of 1, 2 or 4 bits, high bits first. */
static void unpack_small(const LabelFormat *format, const uint8_t *row, int64_t width, uint8_t *out)
{
    /* Pixels per byte. */
    int per = 8 / format->bits, mask = (1 << format->bits) - 1;
    for (int64_t i = 0; i < width; i++) {
        int shift = 8 - format->bits * (int)(i % per + 1);
        out[i] = (uint8_t)(row[i / per] >> shift & mask);
    }
}

/* Sample i of 8, 16 or 32 bits, in the byte order of the machine. */
static gint64 wide_value(const LabelFormat *format, const uint8_t *row, int64_t i)
{
    guint16 two;
    guint32 four;
    if (format->bits == 8) {
        return format->is_signed ? (int8_t)row[i] : row[i];
    }
    if (format->bits == 16) {
        memcpy(&two, row + 2 * i, 2);
        return format->is_signed ? (gint16)two : two;
    }
    /* A copy, since rows need not be aligned. */
    memcpy(&four, row + 4 * i, 4);
    return format->is_signed ? (gint32)four : (gint64)four;
}

/* Samples of 8, 16 or 32 bits, checked to be 0 to 255. */
static gboolean unpack_wide(const char *path, const LabelFormat *format, const uint8_t *row, int64_t x,
                            int64_t y, int64_t width, uint8_t *out, GError **error)
{
    for (int64_t i = 0; i < width; i++) {
        gint64 value = wide_value(format, row, i);
        if (value < 0 || value > 255) {
            g_autofree char *what =
                g_strdup_printf("the value %" G_GINT64_FORMAT " (labels are 0 to 255)", value);
            return no_label(path, x + i, y, error, what);
        }
        out[i] = (uint8_t)value;
    }
    return TRUE;
}

/* The label of a colour that is not black, a new one if necessary; -1 when there are too many. */
static int label_of(LabelColours *colours, guint32 colour)
{
    /* A linear search; there are at most 255 colours, and mostly a few. */
    int label = 1;
    while (label <= colours->count && colours->colour[label] != colour) {
        label++;
    }
    if (label > MOST_COLOURS) {
        return -1;
    }
    if (label > colours->count) {
        colours->count = label;
        colours->colour[label] = colour;
        /* Coloured as soon as one of them is not a grey (r = g = b). */
        colours->coloured =
            colours->coloured || (colour >> 16) != (colour & 255) || (colour >> 8 & 255) != (colour & 255);
    }
    return label;
}

/* Grey with alpha, RGB, or RGB with alpha: each colour gets a label. */
static gboolean unpack_colours(const char *path, const LabelFormat *format, LabelColours *colours,
                               const uint8_t *row, int64_t x, int64_t y, int64_t width, uint8_t *out,
                               GError **error)
{
    int samples = format->samples;
    gboolean grey = samples < 3, alpha = samples == 2 || samples == 4;
    /* Neighbours mostly have the same colour, so the last one is remembered. */
    guint32 last = 0;
    int label = 0;
    for (int64_t i = 0; i < width; i++) {
        const uint8_t *p = row + i * samples;
        /* 0xRRGGBB; grey v is 0xVVVVVV. */
        guint32 colour = grey ? p[0] * 0x10101u : (guint32)p[0] << 16 | (guint32)p[1] << 8 | p[2];
        /* Transparent pixels are label 0; half-transparent ones have no clear meaning. */
        if (alpha && p[samples - 1] != 255) {
            if (p[samples - 1] != 0) {
                return no_label(path, x + i, y, error, "a half-transparent colour");
            }
            colour = 0;
        }
        /* Black is label 0, and is not counted. */
        if (colour != last) {
            last = colour;
            label = colour ? label_of(colours, colour) : 0;
        }
        if (label < 0) {
            return no_label(path, x + i, y, error, "the 256th colour (a photograph, or JPEG?)");
        }
        out[i] = (uint8_t)label;
    }
    return TRUE;
}

void label_palette_finish(LabelPalette *palette)
{
    /* Index 0 means no label, so when it shows a colour, the indices cannot be the labels. */
    const uint8_t *first = palette->rgba[0];
    palette->counts = palette->there && first[3] != 0 && (first[0] | first[1] | first[2]) != 0;
}

void label_palette_expand(const LabelPalette *palette, const uint8_t *indices, int64_t width, uint8_t *rgba)
{
    for (int64_t i = 0; i < width; i++) {
        memcpy(rgba + 4 * i, palette->rgba[indices[i]], 4);
    }
}

gboolean label_unpack(const char *path, const LabelFormat *format, LabelColours *colours, const uint8_t *row,
                      int64_t x, int64_t y, int64_t width, uint8_t *out, GError **error)
{
    if (format->samples > 1) {
        return unpack_colours(path, format, colours, row, x, y, width, out, error);
    }
    if (format->bits < 8) {
        unpack_small(format, row, width, out);
        return TRUE;
    }
    /* The usual case: bytes are labels already. */
    if (format->bits == 8 && !format->is_signed) {
        memcpy(out, row, (size_t)width);
        return TRUE;
    }
    return unpack_wide(path, format, row, x, y, width, out, error);
}
