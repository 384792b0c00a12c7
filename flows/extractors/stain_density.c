/* Stain densities: unmixed by a fixed matrix, then measured in a unit that the tile itself gives.
 *
 * Slides of one archive differ in how long and with what they were stained.  A model of normal tissue that sees absolute densities
 * mistakes a slide of another strength for an anomaly, so the unit comes from the tile.  The mean density is a poor unit: it
 * grows with the number of nuclei, which the model should see, and falls with the fraction of glass.  The mean weighted by the
 * density itself is the density where there is stain. */
#include "flows/extractors/stain_density.h"
#include "flows/kernels/vecmath.h"
#include <glib.h>
#include <math.h>

#define GLASS 0.05 /* density of tinted or dirty glass, at most (228 of 255); it is subtracted */

double stain_density_of(int channel, int byte)
{
    return MAX(-log10((byte + 1) / 256.0) - GLASS, 0);
}

#define TYPICAL REAL(0.4) /* the typical density of each stain after normalisation */
#define FAINTEST \
    REAL(0.08) /* lower typical densities are not stain and are scaled as if they were this high */

/* out (stains, 3): how much of each stain a density of 1 in R, G, B means.  It is the inverse of the matrix whose rows are the unit
 * density vectors of haematoxylin and eosin (Ruifrok & Johnston) and their cross product. */
static void unmixing(real out[STAINS][3])
{
    double m[3][3] = {{0.650, 0.704, 0.286}, {0.072, 0.990, 0.105}};
    for (int i = 0; i < 3; i++) {
        if (i == 2) {
            for (int k = 0; k < 3; k++) {
                m[2][k] = m[0][(k + 1) % 3] * m[1][(k + 2) % 3] - m[0][(k + 2) % 3] * m[1][(k + 1) % 3];
            }
        }
        double norm = sqrt(m[i][0] * m[i][0] + m[i][1] * m[i][1] + m[i][2] * m[i][2]);
        for (int k = 0; k < 3; k++) {
            m[i][k] /= norm;
        }
    }
    /* densities = stains * m, so stains = densities * inverse(m); inverse by cofactors. */
    double determinant = 0;
    for (int s = 0; s < 3; s++) {
        for (int c = 0; c < 3; c++) {
            double cofactor = m[(s + 1) % 3][(c + 1) % 3] * m[(s + 2) % 3][(c + 2) % 3] -
                              m[(s + 1) % 3][(c + 2) % 3] * m[(s + 2) % 3][(c + 1) % 3];
            determinant += s == 0 ? m[0][c] * cofactor : 0;
            out[s][c] = (real)cofactor;
        }
    }
    for (int i = 0; i < 9; i++) {
        out[i / 3][i % 3] /= (real)determinant;
    }
}

/* Densities (pixels, 3) -> planes (stains, pixels). */
VECTOR_CLONES
void stain_density_unmix(const real *density, size_t pixels, real *planes)
{
    real matrix[STAINS][3];
    unmixing(matrix);
    for (int s = 0; s < STAINS; s++, planes += pixels) {
        for (size_t i = 0; i < pixels; i++) {
            planes[i] = matrix[s][0] * density[3 * i] + matrix[s][1] * density[3 * i + 1] +
                        matrix[s][2] * density[3 * i + 2];
        }
    }
}

/* The density where there is stain: the mean weighted by the density itself, sum x^2 / sum x.  Neither glass nor the stained fraction of
 * the tile changes it. */
static real typical_density(const real *plane, size_t pixels)
{
    double sum = 0, square = 0;
    for (size_t i = 0; i < pixels; i++) {
        double v = MAX(plane[i], 0);
        sum += v;
        square += v * v;
    }
    return sum > 0 ? (real)(square / sum) : 0;
}

/* A stronger stain multiplies a plane; another hue adds a fraction of the stains to the rest.  Both are undone. */
void stain_density_normalise(real *planes, size_t pixels)
{
    real *rest = planes + 2 * pixels;
    for (int s = 0; s < 2; s++) {
        real scale = TYPICAL / MAX(typical_density(planes + s * pixels, pixels), FAINTEST);
        for (size_t i = 0; i < pixels; i++) {
            planes[s * pixels + i] *= scale;
        }
    }
    /* Least squares: the rest is coefficient * (haematoxylin + eosin) plus what is left. */
    double with = 0, square = 1e-9;
    for (size_t i = 0; i < pixels; i++) {
        double stain = planes[i] + planes[pixels + i];
        with += stain * rest[i];
        square += stain * stain;
    }
    real coefficient = (real)(with / square);
    for (size_t i = 0; i < pixels; i++) {
        rest[i] -= coefficient * (planes[i] + planes[pixels + i]);
    }
}
