/* The flags of a pixel in an image of classes (H, W, 1); pixel_class.h finds them. */
#pragma once

enum {
    PIXEL_READABLE = 1,    /* has data and is not black */
    PIXEL_TISSUE = 2,      /* coloured like something stained, however pale */
    PIXEL_SURE_TISSUE = 4, /* coloured more than any background; only in a mask */
    PIXEL_PEN = 8,         /* the colour of a marker */
    PIXEL_PEN_RIM = 16,    /* may be the thin rim of a pen stroke; only in a mask */
    PIXEL_PEN_MAYBE = 128  /* an ink near a stain, which flatink.h decides; never in a result */
};
