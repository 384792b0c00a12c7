/* What the colour of a pixel says: stain, pen, or neither.  Not for other rooms. */
#pragma once
#include "base/image.h"

enum {
    PIXEL_READABLE = 1,    /* has data and is not black */
    PIXEL_TISSUE = 2,      /* coloured like something stained, however pale */
    PIXEL_SURE_TISSUE = 4, /* so much that no background is */
    PIXEL_PEN = 8,         /* the colour of a marker */
    PIXEL_PEN_RIM = 16     /* may be the thin rim of one */
};

/* The glass without anything on it. */
typedef struct {
    gboolean found;          /* FALSE: the image has none, as a tile inside of tissue; colours are 255 */
    gboolean greyscale;      /* the image has no colours: tissue is detected by density alone, and no ink */
    double red, green, blue; /* 0..255 */
    double
        yellow_stain; /* fraction of the image that is yellow as old glass can be, but was taken for stain since something is brighter */
} GlassColour;

/* One byte of these flags for each pixel of the image (1 channel); PIXEL_SURE_TISSUE and PIXEL_PEN_RIM only for a mask.  valid may be NULL; mpp in
 * um/px.  known: the glass of the slide that the image is a part of; NULL: the image shows its own, which goes to *found (may be
 * NULL).  Caller frees. */
Image *pixel_class_image(const Image *rgb, const Image *readable, double mpp, gboolean mask,
                         const GlassColour *known, GlassColour *found, GError **error);
