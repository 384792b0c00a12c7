/* What the colour of a pixel says: stain, pen, or neither.  Not for other rooms. */
#pragma once
#include "base/image.h"

enum {
    STAIN_READABLE = 1, /* has data and is not black */
    STAIN_TISSUE = 2,   /* coloured like something stained, however pale */
    STAIN_SURE = 4,     /* so much that no background is */
    STAIN_PEN = 8,      /* the colour of a marker */
    STAIN_PEN_RIM = 16  /* may be the thin rim of one */
};

/* The glass without anything on it, as the picture itself shows it. */
typedef struct {
    gboolean found;          /* FALSE: the picture has none, as a tile inside of tissue; colours are 255 */
    gboolean greyscale;      /* the picture has no colours: tissue is told by density alone, and no ink */
    double red, green, blue; /* 0..255 */
} StainGlass;

/* One byte of these flags for each pixel of the picture (1 channel); STAIN_SURE and STAIN_PEN_RIM only for a mask.  valid may be NULL; mpp in
 * um/px.  glass may be NULL.  Caller frees. */
Image *stain_flags(const Image *rgb, const Image *valid, double mpp, gboolean mask, StainGlass *glass,
                   GError **error);
