/* The pixel formats of label masks, and masks in PNG.  For this folder only. */
#pragma once
#include "tiler/label_mask/label_mask.h"

typedef struct {
    int bits;    /* of a sample: 1, 2, 4, 8; also 16 and 32 when there is one sample */
    int samples; /* 1: label, 2: label and alpha, 3: colour, 4: colour and alpha */
    gboolean is_signed;
} LabelFormat;

/* The colours of a palette. */
typedef struct {
    gboolean there, counts; /* counts: the colours are the labels, not their indices */
    uint8_t rgba[256][4];
} LabelPalette;

/* The colours so far: that of label i is colour[i], 0xrrggbb; label 0 is black. */
typedef struct {
    guint32 colour[256];
    int count;         /* labels other than 0 */
    gboolean coloured; /* one of them is not grey */
} LabelColours;

/* Bytes of a row of `width` pixels. */
size_t label_row_bytes(const LabelFormat *format, int64_t width);
/* The labels of a row of pixels that starts at (x, y).  FALSE with WSI_ERROR_INPUT for values that are not labels. */
gboolean label_unpack(const char *path, const LabelFormat *format, LabelColours *colours, const uint8_t *row,
                      int64_t x, int64_t y, int64_t width, uint8_t *out, GError **error);

/* Decides whether indices or colours of the palette are the labels.  Indices are when the first colour is black or
 * transparent, since it then means "nothing".  Otherwise a program sorted the colours of an image, and their indices mean nothing. */
void label_palette_finish(LabelPalette *palette);
/* The colours of indices: rgba (W, 4). */
void label_palette_expand(const LabelPalette *palette, const uint8_t *indices, int64_t width, uint8_t *rgba);

typedef struct LabelMaskPng LabelMaskPng;
/* Errors: WSI_ERROR_INPUT, WSI_ERROR_IO, WSI_ERROR_MEMORY. */
LabelMaskPng *label_mask_png_open(const char *path, uint32_t *width, uint32_t *height, LabelFormat *format,
                                  LabelPalette *palette, GError **error);
/* The orientation in its EXIF data; 0 = none. */
uint16_t label_mask_png_orientation(const LabelMaskPng *png);
void label_mask_png_free(LabelMaskPng *png);
/* The next row; buffer has label_row_bytes() bytes. */
gboolean label_mask_png_row(LabelMaskPng *png, uint8_t *buffer, GError **error);
