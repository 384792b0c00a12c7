/* The mean optical density around each pixel of an image.  For this folder only. */
#pragma once
#include "base/image.h"

/* Sums of densities over the readable pixels of a square around each pixel.  Row arrays hold three samples per pixel (W, 3), as the image
 * does.  Memory is the thread's (thread_scratch.h): one LocalDensity per thread at a time. */
typedef struct {
    const Image *rgb;
    const uint8_t *readable; /* (H, W), 0 or 1 */
    int radius, rows;        /* of the square; rows = 2 radius + 1 */
    int unit;                /* the whole number that stands for a density of 1 */
    uint32_t density[256];   /* of each byte value, in units */
    uint32_t *kept;         /* (rows, W, 3) densities of the image rows in the square; row y is at y % rows */
    uint8_t *kept_readable; /* (rows, W) */
    uint32_t *columns;      /* (W, 3) sums over the rows of the square */
    uint32_t *counts;       /* (W) readable pixels in the rows of the square */
    uint32_t *running;      /* (W + rows, 3) element i: sum of the columns before i - radius */
    double *factors;        /* (W, 3) factor that makes a mean density from a sum over the square */
    float *od;              /* result: (W, 3) of one row, or (H, W, 3) of a small image */
    int made;               /* rows of od that are made; further passes over a small image use them again */
    gboolean small, changed; /* changed: counts differ from those that `factors` were made from */
} LocalDensity;

/* Squares reach 8 um from the pixel in each direction.  readable (H, W): 0 or 1, borrowed.  mpp: um/px.  FALSE with WSI_ERROR_MEMORY. */
gboolean local_density_init(LocalDensity *local, const Image *rgb, const uint8_t *readable, double mpp,
                            GError **error);
/* Mean densities of row y (W, 3), borrowed until the next call; 0 where the square has no readable pixel.  Rows are requested in ascending
 * order; row 0 starts a new pass. */
const float *local_density_row(LocalDensity *local, int y);
