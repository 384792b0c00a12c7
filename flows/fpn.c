/* The map (L1, L2, L3) -> (P1, P2, P3) is block triangular with a constant determinant: the top-down way mixes scales and
 * loses nothing, so the likelihood stays the density of a fixed linear feature map.  No smoothing afterwards.
 * Standardisation, lateral and the factor 1/sqrt 2 are one matrix and one vector per level, y = M x + s. */
#include "flows/fpn.h"
#include "flows/vecmath.h"
#include <string.h>

#define DEVIATION_FLOOR 1e-3

void fpn_init(Fpn *fpn, const int channels[SCALES], const int size[SCALES], int width, Arena *arena)
{
    *fpn = (Fpn){.width = width};
    for (int l = 0; l < SCALES; l++) {
        fpn->channels[l] = channels[l];
        fpn->size[l] = size[l];
        fpn->map[l] = arena_real(arena, (int64_t)width * channels[l], "feature pyramid");
        fpn->shift[l] = arena_real(arena, width, "feature pyramid");
        fpn->constant[l] = arena_int(arena, channels[l], "feature pyramid");
    }
}

void fpn_layout(Fpn *fpn, Layout *layout)
{
    for (int l = 0; l < SCALES; l++) {
        int64_t in[4] = {fpn->channels[l]}, out[4] = {fpn->width}, matrix[4] = {fpn->width, fpn->channels[l]};
        g_autofree char *prefix = g_strdup_printf("fpn.level%d", l);
        fpn->mean[l] = layout_add(layout, FALSE, prefix, "mean", in, 0, 0);
        fpn->deviation[l] = layout_add(layout, FALSE, prefix, "deviation", in, 1, 1);
        fpn->lateral[l] = layout_add(layout, FALSE, prefix, "lateral", matrix, 0, 0);
        fpn->out_mean[l] = layout_add(layout, FALSE, prefix, "out_mean", out, 0, 0);
        fpn->out_deviation[l] = layout_add(layout, FALSE, prefix, "out_deviation", out, 1, 1);
    }
}

void fpn_initialise(const Fpn *fpn, real *parameters)
{
    for (int l = 0; l < SCALES; l++) {
        for (int i = 0; i < fpn->width; i++) {
            parameters[fpn->lateral[l] + (int64_t)i * fpn->channels[l] + i] = 1;
        }
    }
}

void fpn_refresh(Fpn *fpn, const real *parameters)
{
    for (int l = 0; l < SCALES; l++) {
        const real *mean = parameters + fpn->mean[l], *deviation = parameters + fpn->deviation[l];
        double factor = l == SCALES - 1 ? 1 : sqrt(0.5);
        int c = fpn->channels[l];
        for (int i = 0; i < fpn->width; i++) {
            double shift = 0;
            for (int j = 0; j < c; j++) {
                int64_t at = (int64_t)i * c + j;
                double m = factor * (double)parameters[fpn->lateral[l] + at] / (double)deviation[j];
                fpn->map[l][at] = (real)m;
                shift -= m * (double)mean[j];
            }
            fpn->shift[l][i] = (real)shift;
        }
        fpn->constants[l] = 0;
        for (int j = 0; j < c; j++) {
            if (deviation[j] <= (real)DEVIATION_FLOOR) {
                fpn->constant[l][fpn->constants[l]++] = j;
            }
        }
    }
}

void fpn_run_init(FpnRun *run, const Fpn *fpn, const Kernels *kernels, int n, Arena *arena)
{
    *run = (FpnRun){.fpn = fpn, .kernels = kernels, .n = n};
    for (int l = 0; l < SCALES; l++) {
        int64_t count = (int64_t)n * fpn->size[l] * fpn->size[l] * fpn->width;
        run->level[l] = arena_real(arena, count, "level of the feature pyramid");
        run->out[l] = arena_real(arena, count, "level of the feature pyramid");
    }
}

VECTOR_CLONES
static void add_scaled(int count, real scale, const real *restrict x, real *restrict y)
{
    for (int i = 0; i < count; i++) {
        y[i] += scale * x[i];
    }
}

static void add_upsampled(int n, int small, int size, int width, const real *above, real *level)
{
    for (int b = 0; b < n; b++, above += (size_t)small * small * width) {
        for (int i = 0; i < size * size; i++, level += width) {
            int row = (int)((int64_t)(i / size) * small / size),
                column = (int)((int64_t)(i % size) * small / size);
            add_scaled(width, (real)sqrt(0.5), above + ((size_t)row * small + column) * width, level);
        }
    }
}

VECTOR_CLONES
static void standardise(int64_t rows, int width, const real *mean, const real *deviation,
                        const real *restrict x, real *restrict y)
{
    for (int64_t row = 0; row < rows; row++, x += width, y += width) {
        for (int i = 0; i < width; i++) {
            y[i] = (x[i] - mean[i]) / deviation[i];
        }
    }
}

void fpn_forward(FpnRun *run, const real *parameters, const real *const pooled[SCALES])
{
    const Fpn *fpn = run->fpn;
    int width = fpn->width;
    for (int l = SCALES - 1; l >= 0; l--) {
        int rows = run->n * fpn->size[l] * fpn->size[l];
        for (int row = 0; row < rows; row++) {
            memcpy(run->level[l] + (size_t)row * width, fpn->shift[l], width * sizeof(real));
        }
        /* One product an image: some BLAS kernels sum a row in another order when it is among the last of a matrix, and
         * a tile must not feel where in a batch it stands. */
        int pixels = fpn->size[l] * fpn->size[l];
        for (int b = 0; b < run->n; b++) {
            run->kernels->gemm(FALSE, TRUE, pixels, width, fpn->channels[l], 1,
                               pooled[l] + (size_t)b * pixels * fpn->channels[l], fpn->map[l], 1,
                               run->level[l] + (size_t)b * pixels * width);
        }
        if (l < SCALES - 1) {
            add_upsampled(run->n, fpn->size[l + 1], fpn->size[l], width, run->level[l + 1], run->level[l]);
        }
        standardise(rows, width, parameters + fpn->out_mean[l], parameters + fpn->out_deviation[l],
                    run->level[l], run->out[l]);
    }
}
