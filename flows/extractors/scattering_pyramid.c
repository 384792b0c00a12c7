/* A pyramid is low-passed with a binomial filter and decimated by 2 from each grid to the next. */
#include "flows/extractors/scattering_pyramid.h"
#include "flows/extractors/stain_density.h"
#include "flows/kernels/vecmath.h"
#include "base/error.h"
#include <string.h>

/* An index of the axis: -1 -> 1, size -> size - 2. */
static int reflect(int i, int size)
{
    return i < 0 ? -i : i >= size ? 2 * (size - 1) - i : i;
}

VECTOR_CLONES
void scattering_pyramid_low_pass(const real *x, int side, int channels, int step, real *row, real *y)
{
    size_t line = (size_t)side * channels;
    for (int oy = 0; oy < side; oy += step) {
        /* The five rows under the filter. */
        const real *in[5];
        for (int k = 0; k < 5; k++) {
            in[k] = x + reflect(oy + k - 2, side) * line;
        }
        /* (1, 4, 6, 4, 1) / 16 vertically, into a row that has a border of two pixels. */
        real *middle = row + 2 * channels;
        for (size_t i = 0; i < line; i++) {
            middle[i] = ((in[0][i] + in[4][i]) + 4 * (in[1][i] + in[3][i]) + 6 * in[2][i]) / 16;
        }
        for (int c = 0; c < channels; c++) {
            for (int k = 1; k <= 2; k++) {
                middle[c - k * channels] = middle[c + k * channels];
                middle[c + (size_t)(side - 1 + k) * channels] = middle[c + (size_t)(side - 1 - k) * channels];
            }
        }
        /* Horizontally; with step 2 every second pixel is kept. */
        real *out = step == 1 ? y : row + line + 4 * channels;
        for (size_t i = 0; i < line; i++) {
            const real *at = row + i;
            out[i] =
                ((at[0] + at[4 * channels]) + 4 * (at[channels] + at[3 * channels]) + 6 * at[2 * channels]) /
                16;
        }
        for (int ox = 0; step == 2 && ox < side; ox += 2) {
            memcpy(y + (size_t)(ox / 2) * channels, out + (size_t)ox * channels, sizeof(real) * channels);
        }
        y += line / step;
    }
}

void scattering_pyramid_clear(Pyramid *pyramid)
{
    for (int g = 0; g < GRIDS; g++) {
        g_free(pyramid->on[g]);
    }
}

gboolean scattering_pyramid_init(Pyramid *pyramid, int size, int channels, int first, int last,
                                 GError **error)
{
    *pyramid = (Pyramid){.channels = channels, .first = first, .last = last};
    for (int g = first; g <= last; g++) {
        size_t side = (size_t)size >> g;
        pyramid->on[g] =
            wsi_try_alloc(STAINS * side * side * channels, sizeof(real), "a scattering pyramid", error);
        if (!pyramid->on[g]) {
            return FALSE;
        }
    }
    return TRUE;
}

void scattering_pyramid_fill(const Pyramid *p, int size, real *row)
{
    for (int g = p->first; g < p->last; g++) {
        /* Plane by plane: (side, side, channels) -> (side / 2, side / 2, channels). */
        size_t side = (size_t)size >> g, plane = side * side * p->channels;
        for (int s = 0; s < STAINS; s++) {
            scattering_pyramid_low_pass(p->on[g] + s * plane, (int)side, p->channels, 2, row,
                                        p->on[g + 1] + s * (plane / 4));
        }
    }
}
