/* The glass of a slide without anything on it: the commonest colour among those that glass can have.  Not for other rooms. */
#pragma once
#include "tiler/tissue/pixel_class.h"

/* Densities of its tint relative to green, and of its grey. */
typedef struct {
    float red, blue, grey;
    gboolean found, greyscale;
    gboolean yellow; /* so much so that it is none of the neutral tints */
    float
        yellow_stain; /* fraction of the image that is yellow as glass can be, and was taken for stain; 0 where there is no doubt */
} Background;

/* Counts of colours; one thread at a time. */
typedef struct Glass Glass;
/* For an image of that size. */
Glass *glass_new(int width, int height, GError **error);
void glass_free(Glass *glass);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Glass, glass_free)
/* Adds a row: mean densities around each pixel (three a pixel), its samples, and whether it is readable (0 or 1). */
void glass_add_row(Glass *glass, const float *od, const uint8_t *rgb, const uint8_t *readable);
Background glass_find(const Glass *glass);
/* From densities to samples, and back. */
GlassColour glass_colour(const Background *background);
Background glass_of_colour(const GlassColour *colour);
