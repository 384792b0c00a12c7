/* The glass of a slide where nothing is on it: the commonest colour among those that glass can have. */
#pragma once
#include <glib.h>
#include <stdint.h>

/* The glass as samples, for all rooms. */
typedef struct {
    gboolean found; /* FALSE: the image shows no glass, as a tile inside tissue; the colours are then 255 */
    gboolean greyscale; /* the image has no colours: tissue is detected by density alone, and no ink is */
    double red, green, blue; /* 0..255 */
    double
        yellow_stain; /* fraction of the image that is yellow as old glass, but counts as stain since something is brighter */
} GlassColour;

/* The glass as densities.  For this folder only, as all that follows. */
typedef struct {
    float red, blue; /* green minus red, green minus blue: the tint */
    float grey;      /* mean of the three */
    gboolean found, greyscale;
    gboolean yellow;    /* too yellow for a neutral tint */
    float yellow_stain; /* as in GlassColour */
} Background;

/* Histograms of colours; one thread at a time. */
typedef struct Glass Glass;
/* For an image of that size. */
Glass *glass_new(int width, int height, GError **error);
void glass_free(Glass *glass);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Glass, glass_free)
/* Adds a row: od (W, 3), mean densities around each pixel; rgb (W, 3); readable (W), 0 or 1. */
void glass_add_row(Glass *glass, const float *od, const uint8_t *rgb, const uint8_t *readable);
Background glass_find(const Glass *glass);
GlassColour glass_colour(const Background *background);
Background glass_of_colour(const GlassColour *colour);
