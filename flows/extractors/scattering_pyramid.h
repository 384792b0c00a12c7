/* Dyadic pyramids of planes, one plane for each stain of a tile.  Only scattering.c uses this. */
#pragma once
#include "flows/layers/scales.h"
#include "flows/kernels/real.h"
#include <glib.h>

#define GRIDS (SCALES + 2) /* grid g has size / 2^g samples per side */

/* Planes on the grid where they are made (first) and on the coarser ones up to last: on[g] is (stains, side, side, channels). */
typedef struct {
    int channels, first, last;
    real *on[GRIDS];
} Pyramid;

/* size: side of a tile, px.  Call scattering_pyramid_clear also on failure. */
gboolean scattering_pyramid_init(Pyramid *pyramid, int size, int channels, int first, int last,
                                 GError **error);
void scattering_pyramid_clear(Pyramid *pyramid);
/* Computes all coarser grids from the first one.  row: scratch of (2 side + 4) * channels numbers, side that of the first grid. */
void scattering_pyramid_fill(const Pyramid *pyramid, int size, real *row);
/* Binomial low-pass [1 4 6 4 1] / 16 in both directions, of every step-th sample (1 or 2); borders reflect.
 * x (side, side, channels) -> y (side / step, side / step, channels).  row: as above. */
void scattering_pyramid_low_pass(const real *x, int side, int channels, int step, real *row, real *y);
