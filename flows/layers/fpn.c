/* The map (L1, L2, L3) -> (P1, P2, P3) is block triangular and has a constant determinant.  The top-down path mixes scales without
 * losing information, so the likelihood is still the density of a fixed linear feature map.  There is no smoothing afterwards.
 * Standardisation, lateral and the factor 1/sqrt 2 are one matrix and one vector per level: y = M x + s. */
#include "flows/layers/fpn.h"
#include "flows/layers/orthonormal.h"
#include "flows/kernels/vecmath.h"
#include <string.h>

#define DEVIATION_FLOOR 1e-3 /* a feature at this deviation is constant */
#define RMS_FLOOR 1e-3       /* of a tile: blank tiles are not blown up */

void fpn_init(Fpn *fpn, const int channels[SCALES], const int size[SCALES], int width, gboolean divide_rms,
              gboolean trained, Arena *arena)
{
    int64_t work = 0;
    *fpn = (Fpn){.width = width, .divide_rms = divide_rms, .trained = trained};
    for (int l = 0; l < SCALES; l++) {
        fpn->channels[l] = channels[l];
        fpn->size[l] = size[l];
        fpn->map[l] = arena_real(arena, (int64_t)width * channels[l], "feature pyramid");
        fpn->shift[l] = arena_real(arena, width, "feature pyramid");
        fpn->spread[l] = arena_real(arena, channels[l], "feature pyramid");
        fpn->constant[l] = arena_int(arena, channels[l], "feature pyramid");
        work = MAX(work, orthonormal_work(width, channels[l]));
    }
    fpn->work = trained ? arena_double(arena, work, "feature pyramid") : NULL;
}

void fpn_layout(Fpn *fpn, ParameterLayout *layout)
{
    for (int l = 0; l < SCALES; l++) {
        /* Shapes: mean and deviation (channels), lateral (width, channels), the output's (width). */
        int64_t in[4] = {fpn->channels[l]}, out[4] = {fpn->width}, matrix[4] = {fpn->width, fpn->channels[l]};
        g_autofree char *prefix = g_strdup_printf("fpn.level%d", l);
        fpn->mean[l] = parameter_layout_add(layout, FALSE, prefix, "mean", in, 0, 0);
        fpn->deviation[l] = parameter_layout_add(layout, FALSE, prefix, "deviation", in, 1, 1);
        fpn->lateral[l] = parameter_layout_add(layout, fpn->trained, prefix, "lateral", matrix, 0, 0);
        fpn->out_mean[l] = parameter_layout_add(layout, FALSE, prefix, "out_mean", out, 0, 0);
        fpn->out_deviation[l] = parameter_layout_add(layout, FALSE, prefix, "out_deviation", out, 1, 1);
    }
}

void fpn_initialise(const Fpn *fpn, real *parameters)
{
    /* Lateral (width, channels) = the identity, cut off. */
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
        double factor = l == SCALES - 1 ? 1 : sqrt(0.5); /* the top level has none above it */
        int c = fpn->channels[l];
        /* M = factor lateral / deviation, s = -M mean. */
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
        /* Features that were constant count neither in the root mean square nor among `varying`. */
        fpn->constants[l] = 0;
        for (int j = 0; j < c; j++) {
            gboolean constant = deviation[j] <= (real)DEVIATION_FLOOR;
            fpn->spread[l][j] = constant ? (real)INFINITY : deviation[j];
            if (constant) {
                fpn->constant[l][fpn->constants[l]++] = j;
            }
        }
    }
}

int fpn_flat(const Fpn *fpn, const real *parameters, int level)
{
    int flat = 0;
    for (int i = 0; i < fpn->width; i++) {
        /* Fitting stores the floor for an output that does not vary. */
        flat += parameters[fpn->out_deviation[level] + i] <= (real)DEVIATION_FLOOR;
    }
    return flat;
}

void fpn_constrain(Fpn *fpn, real *parameters)
{
    /* A step of the optimiser leaves the orthonormal laterals by a little; this brings them back. */
    for (int l = 0; fpn->trained && l < SCALES; l++) {
        orthonormal_rows(fpn->width, fpn->channels[l], parameters + fpn->lateral[l], fpn->work);
    }
}

void fpn_run_init(FpnRun *run, const Fpn *fpn, const Kernels *kernels, int n, gboolean training, Arena *arena)
{
    int most = MAX(fpn->channels[0], MAX(fpn->channels[1], fpn->channels[2]));
    *run = (FpnRun){.fpn = fpn, .kernels = kernels, .n = n};
    for (int l = 0; l < SCALES; l++) {
        int64_t count = (int64_t)n * fpn->size[l] * fpn->size[l] * fpn->width;
        /* (n, size, size, width). */
        run->level[l] = arena_real(arena, count, "level of the feature pyramid");
        run->out[l] = arena_real(arena, count, "level of the feature pyramid");
        /* One factor per image. */
        run->gain[l] = arena_real(arena, n, "feature pyramid");
        run->dlevel[l] = training ? arena_real(arena, count, "gradient of the feature pyramid") : NULL;
    }
    run->dmap =
        training ? arena_real(arena, (int64_t)fpn->width * most, "gradient of the feature pyramid") : NULL;
}

/* The nearest pixel in the level above to pixel p of level l; both are indices over all images. */
static int64_t above_pixel(const Fpn *fpn, int l, int64_t p)
{
    int size = fpn->size[l], above = fpn->size[l + 1];
    /* floor(i above / size): the sides need not be multiples of each other. */
    int64_t row = p / size % size, column = p % size, image = p / size / size;
    return (image * above + row * above / size) * above + column * above / size;
}

/* The sum of ((x - mean) / spread)^2 over the c channels of a pixel; a spread of INFINITY gives 0. */
VECTOR_CLONES
static double standardised_squares(int c, const real *x, const real *mean, const real *spread)
{
    /* LANES partial sums, then the rest, joined in a fixed order. */
    double lane[LANES] = {0}, sum = 0;
    int j = 0;
    for (; j + LANES <= c; j += LANES) {
        for (int k = 0; k < LANES; k++) {
            double v = ((double)x[j + k] - (double)mean[j + k]) / (double)spread[j + k];
            lane[k] += v * v;
        }
    }
    for (; j < c; j++) {
        double v = ((double)x[j] - (double)mean[j]) / (double)spread[j];
        sum += v * v;
    }
    for (int k = 0; k < LANES; k++) {
        sum += lane[k];
    }
    return sum;
}

/* run->gain[l] (n): 1 / root mean square of each image's standardised features that vary; 1 without divide_rms. */
static void find_gains(FpnRun *run, const real *parameters, int l)
{
    const Fpn *fpn = run->fpn;
    const real *x = run->pooled[l], *mean = parameters + fpn->mean[l];
    int rows = fpn->size[l] * fpn->size[l], c = fpn->channels[l], varying = MAX(c - fpn->constants[l], 1);
    for (int b = 0; b < run->n; b++) {
        double sum = 0;
        for (int64_t row = 0; row < rows && fpn->divide_rms; row++, x += c) {
            sum += standardised_squares(c, x, mean, fpn->spread[l]);
        }
        /* Root mean square over the pixels and the channels that vary. */
        double rms = sqrt(sum / ((double)rows * varying));
        run->gain[l][b] = fpn->divide_rms ? (real)(1 / fmax(rms, RMS_FLOOR)) : 1;
    }
}

/* One pixel: level = gain * (level + shift) + factor * above; out = level standardised.  All vectors are (width). */
VECTOR_CLONES
static void finish_pixel(int width, const real *shift, real gain, const real *above, real factor,
                         const real *mean, const real *deviation, real *restrict level, real *restrict out)
{
    for (int i = 0; i < width; i++) {
        level[i] = gain * (level[i] + shift[i]) + (above ? factor * above[i] : 0);
        out[i] = (level[i] - mean[i]) / deviation[i];
    }
}

/* From M x in run->level[l] to the level and its output. */
static void finish_level(FpnRun *run, const real *parameters, int l)
{
    const Fpn *fpn = run->fpn;
    int width = fpn->width, size = fpn->size[l];
    for (int64_t p = 0; p < (int64_t)run->n * size * size; p++) {
        const real *above = l < SCALES - 1 ? run->level[l + 1] + above_pixel(fpn, l, p) * width : NULL;
        finish_pixel(width, fpn->shift[l], run->gain[l][p / (size * size)], above, (real)sqrt(0.5),
                     parameters + fpn->out_mean[l], parameters + fpn->out_deviation[l],
                     run->level[l] + p * width, run->out[l] + p * width);
    }
}

/* run->level[l] = M x.  One product per image: how BLAS sums a row may depend on the position of the row in the matrix. */
static void project(FpnRun *run, int l, const real *pooled)
{
    const Fpn *fpn = run->fpn;
    int rows = fpn->size[l] * fpn->size[l], c = fpn->channels[l];
    for (int b = 0; b < run->n; b++) {
        run->kernels->gemm(FALSE, TRUE, rows, fpn->width, c, 1, pooled + (int64_t)b * rows * c, fpn->map[l],
                           0, run->level[l] + (int64_t)b * rows * fpn->width);
    }
}

void fpn_forward(FpnRun *run, const real *parameters, const real *const pooled[SCALES])
{
    memcpy(run->pooled, pooled, sizeof run->pooled);
    /* The coarsest level first: each takes in the one above it. */
    for (int l = SCALES - 1; l >= 0; l--) {
        project(run, l, pooled[l]);
        find_gains(run, parameters, l);
        finish_level(run, parameters, l);
    }
}

/* run->dlevel[l] = dL/dP_l: from the output, and from the finer level that took it in.  The finest level comes first. */
static void level_gradient(FpnRun *run, const real *deviation, int l, const real *dout)
{
    const Fpn *fpn = run->fpn;
    int width = fpn->width;
    int64_t pixels = (int64_t)run->n * fpn->size[l] * fpn->size[l];
    for (int64_t p = 0; p < pixels; p++) {
        /* out = (level - mean) / deviation. */
        for (int i = 0; i < width; i++) {
            run->dlevel[l][p * width + i] = dout[p * width + i] / deviation[i];
        }
    }
    if (l == 0) {
        return;
    }
    /* Each pixel of the finer level took sqrt(1/2) of the pixel above it. */
    pixels = (int64_t)run->n * fpn->size[l - 1] * fpn->size[l - 1];
    for (int64_t p = 0; p < pixels; p++) {
        const real *below = run->dlevel[l - 1] + p * width;
        /* Several pixels below share the same one above. */
        real *to = run->dlevel[l] + above_pixel(fpn, l - 1, p) * width;
        for (int i = 0; i < width; i++) {
            to[i] += (real)sqrt(0.5) * below[i];
        }
    }
}

/* level = gain (M pooled + s) with M = factor lateral / deviation, s = -M mean. */
void fpn_backward(FpnRun *run, const real *parameters, const real *const dout[SCALES],
                  real *const dlateral[SCALES])
{
    const Fpn *fpn = run->fpn;
    for (int l = 0; l < SCALES; l++) {
        level_gradient(run, parameters + fpn->out_deviation[l], l, dout[l]);
    }
    for (int l = 0; l < SCALES; l++) {
        const real *mean = parameters + fpn->mean[l], *deviation = parameters + fpn->deviation[l];
        int64_t pixels = (int64_t)run->n * fpn->size[l] * fpn->size[l];
        int c = fpn->channels[l], width = fpn->width;
        double factor = l == SCALES - 1 ? 1 : sqrt(0.5);
        /* From here on dlevel is dL/d(M x + s); dM = dlevel' x, ds = sum dlevel. */
        for (int64_t i = 0; i < pixels * width; i++) {
            run->dlevel[l][i] *= run->gain[l][i / width / (fpn->size[l] * fpn->size[l])];
        }
        /* dmap (width, c) = dlevel' (width, pixels) pooled (pixels, c). */
        run->kernels->gemm(TRUE, FALSE, width, c, (int)pixels, 1, run->dlevel[l], run->pooled[l], 0,
                           run->dmap);
        for (int i = 0; i < width; i++) {
            double dshift = 0;
            for (int64_t p = 0; p < pixels; p++) {
                dshift += (double)run->dlevel[l][p * width + i];
            }
            for (int j = 0; j < c; j++) {
                int64_t at = (int64_t)i * c + j;
                /* s = -M mean: its gradient goes to M as well. */
                double dm = (double)run->dmap[at] - dshift * (double)mean[j];
                dlateral[l][at] += (real)(factor * dm / (double)deviation[j]);
            }
        }
    }
}
