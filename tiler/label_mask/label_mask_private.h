/* Inside tiler/: what pixels of label masks are made of, and masks in PNG. */
#pragma once
#include "tiler/label_mask/label_mask.h"

typedef struct {
    int bits;    /* of a sample: 1, 2, 4, 8; 16 and 32 of one sample alone */
    int samples; /* 1 a label; 2 with alpha; 3 a colour; 4 with alpha */
    gboolean is_signed;
} LabelFormat;

/* The colours of a palette. */
typedef struct {
    gboolean there, counts; /* counts: the colours are the labels, not their places */
    uint8_t rgba[256][4];
} LabelPalette;

/* Colours met so far: that of label i is colour[i], 0xrrggbb; label 0 is black. */
typedef struct {
    guint32 colour[256];
    int count;         /* labels beside 0 */
    gboolean coloured; /* one is no grey */
} LabelColours;

/* Bytes of a row of `width` pixels. */
size_t label_row_bytes(const LabelFormat *format, int64_t width);
/* Labels of the pixels of a row, of which the first is (x, y).  Errors: WSI_ERROR_INPUT for values that are no label. */
gboolean label_unpack(const char *path, const LabelFormat *format, LabelColours *colours, const uint8_t *row,
                      int64_t x, int64_t y, int64_t width, uint8_t *out, GError **error);

/* Whether places or colours of the palette are the labels.  Places are where the first colour, which is then "nothing", is black or
 * transparent; elsewhere a program sorted the colours of an image, and their places mean nothing. */
void label_palette_finish(LabelPalette *palette);
/* Places in a palette to its colours, 4 bytes a pixel. */
void label_palette_expand(const LabelPalette *palette, const uint8_t *positions, int64_t width,
                          uint8_t *rgba);

typedef struct LabelMaskPng LabelMaskPng;
/* Errors: WSI_ERROR_INPUT, WSI_ERROR_IO, WSI_ERROR_MEMORY. */
LabelMaskPng *label_mask_png_open(const char *path, uint32_t *width, uint32_t *height, LabelFormat *format,
                                  LabelPalette *palette, GError **error);
/* The orientation that its EXIF data give; 0 = none. */
uint16_t label_mask_png_orientation(const LabelMaskPng *png);
void label_mask_png_free(LabelMaskPng *png);
/* The next row; buffer has label_row_bytes() bytes. */
gboolean label_mask_png_row(LabelMaskPng *png, uint8_t *buffer, GError **error);
