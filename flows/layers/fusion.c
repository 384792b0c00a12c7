/* The two halves have buffers of their own, because convolutions need packed inputs.  Permuting and splitting are one pass, and so are
 * joining and clamping. */
#include "flows/layers/fusion.h"
#include "flows/layers/fusion_net.h"
#include "base/rng.h"
#include "flows/kernels/vecmath.h"
#include <string.h>

#define LATENT_LIMIT REAL(1e6) /* of |z|, so that its square stays finite in float */

enum { NET1, NET2 };

void fusion_init(Fusion *fusion, const int channels[SCALES], const int size[SCALES], double alpha,
                 Arena *arena)
{
    /* Channels of a and b at each scale. */
    int first[SCALES], second[SCALES];
    *fusion = (Fusion){.clamp = softclamp_fusion(alpha)};
    for (int l = 0; l < SCALES; l++) {
        fusion->channels[l] = channels[l];
        fusion->h[l] = fusion->w[l] = size[l];
        fusion->source[l] = arena_int(arena, channels[l], "permutation");
        first[l] = channels[l] / 2; /* a; an odd channel goes to b */
        second[l] = channels[l] - first[l];
    }
    /* Net1 reads a' and scales b; Net2 reads b and scales a. */
    fusion_net_init(&fusion->net[NET1], first, second);
    fusion_net_init(&fusion->net[NET2], second, first);
}

void fusion_layout(Fusion *fusion, ParameterLayout *layout, const char *prefix)
{
    for (int i = 0; i < 2; i++) {
        g_autofree char *name = g_strdup_printf("%s.net%d", prefix, i + 1);
        fusion_net_layout(&fusion->net[i], layout, name);
    }
    for (int l = 0; l < SCALES; l++) {
        g_autofree char *name = g_strdup_printf("permutation%d", l);
        /* Not trained, but stored, so that a file describes the model completely. */
        fusion->permutation[l] =
            parameter_layout_add(layout, FALSE, prefix, name, (int64_t[4]){fusion->channels[l]}, 0, 0);
    }
}

void fusion_initialise(const Fusion *fusion, uint64_t seed, const char *prefix, real *parameters)
{
    for (int l = 0; l < SCALES; l++) {
        g_autofree char *name = g_strdup_printf("%s.permutation%d", prefix, l);
        /* The stream is named after the tensor, so a permutation does not depend on what else is drawn. */
        g_autofree uint32_t *order = g_new(uint32_t, fusion->channels[l]);
        Rng rng = rng_at(seed, rng_name(name), 0);
        rng_permutation(&rng, order, (uint32_t)fusion->channels[l]);
        for (int k = 0; k < fusion->channels[l]; k++) {
            parameters[fusion->permutation[l] + k] = (real)order[k];
        }
    }
}

void fusion_refresh(Fusion *fusion, const real *parameters)
{
    for (int l = 0; l < SCALES; l++) {
        for (int k = 0; k < fusion->channels[l]; k++) {
            fusion->source[l][k] = (int)parameters[fusion->permutation[l] + k];
        }
    }
}

/* Both subnets use the same buffers, one after the other; each is as large as the larger half needs. */
static void take_gradients(FusionRun *run, Arena *arena)
{
    const Fusion *f = run->fusion;
    /* half: b, which is the larger half of odd channels. */
    int total = MAX(f->net[0].total, f->net[1].total), mid = MAX(f->net[0].mid, f->net[1].mid);
    /* The subnets meet at the size of the coarsest scale. */
    int64_t small = fusion_net_pixels(run, SCALES - 1);
    for (int l = 0; l < SCALES; l++) {
        /* (n, h, w, half) each; dst (n, h, w, 2 half) holds [dS | dT]. */
        int half = f->channels[l] - f->channels[l] / 2;
        run->da[l] = arena_real(arena, fusion_net_pixels(run, l) * half, "gradient of the fusion flow");
        run->db[l] = arena_real(arena, fusion_net_pixels(run, l) * half, "gradient of the fusion flow");
        run->dst[l] = arena_real(arena, fusion_net_pixels(run, l) * 2 * half, "gradient of the fusion flow");
        run->dsum[l] = arena_real(arena, fusion_net_pixels(run, l) * half, "gradient of the fusion flow");
    }
    /* (n, h, w, total), (n, h, w, mid) at the size of the coarsest scale; dnorm (2, mid). */
    run->dmerged = arena_real(arena, small * total, "gradient of the fusion flow");
    run->dpooled = arena_real(arena, small * total, "gradient of the fusion flow");
    run->dact = arena_real(arena, small * mid, "gradient of the fusion flow");
    run->dnorm = arena_double(arena, 2 * (int64_t)mid, "gradient of the fusion flow");
}

void fusion_run_init(FusionRun *run, const Fusion *fusion, const real *parameters, const Kernels *kernels,
                     int n, gboolean training, Arena *arena)
{
    *run = (FusionRun){.fusion = fusion, .kernels = kernels, .training = training, .n = n};
    for (int i = 0; i < 2; i++) {
        fusion_net_run_init(run, i, parameters, arena);
    }
    for (int l = 0; l < SCALES; l++) {
        int a = fusion->channels[l] / 2, b = fusion->channels[l] - a;
        run->a[l] = arena_real(arena, fusion_net_pixels(run, l) * a, "half of a latent map");
        run->b[l] = arena_real(arena, fusion_net_pixels(run, l) * b, "half of a latent map");
        /* Without training the coupling works in place. */
        run->a2[l] =
            training ? arena_real(arena, fusion_net_pixels(run, l) * a, "half of a latent map") : run->a[l];
        run->b2[l] =
            training ? arena_real(arena, fusion_net_pixels(run, l) * b, "half of a latent map") : run->b[l];
        run->z[l] = arena_real(arena, fusion_net_pixels(run, l) * fusion->channels[l], "latent map");
    }
    if (training) {
        take_gradients(run, arena);
    }
}

/* x (rows, c) -> a (rows, c/2), b (rows, c - c/2): [a | b]_k = x_source[k], or x_k without source. */
VECTOR_CLONES
static void split(int64_t rows, int c, const int *source, const real *restrict x, real *restrict a,
                  real *restrict b)
{
    int half = c / 2;
    for (int64_t p = 0; p < rows; p++, x += c, a += half, b += c - half) {
        for (int k = 0; k < half; k++) {
            a[k] = x[source ? source[k] : k];
        }
        for (int k = half; k < c; k++) {
            b[k - half] = x[source ? source[k] : k];
        }
    }
}

/* The reverse: x_source[k] = [a | b]_k. */
static void join(int64_t rows, int c, const int *source, const real *a, const real *b, real *x)
{
    int half = c / 2;
    for (int64_t p = 0; p < rows; p++, x += c, a += half, b += c - half) {
        for (int k = 0; k < c; k++) {
            x[source[k]] = k < half ? a[k] : b[k - half];
        }
    }
}

/* v limited to +-LATENT_LIMIT, without a branch; NaN stays NaN. */
static inline real limited(real v)
{
    real low = v < -LATENT_LIMIT ? -LATENT_LIMIT : v;
    return low > LATENT_LIMIT ? LATENT_LIMIT : low;
}

/* z (rows, c) = [a | b], each value limited. */
VECTOR_CLONES
static void join_limited(int64_t rows, int c, const real *restrict a, const real *restrict b,
                         real *restrict z)
{
    int half = c / 2;
    for (int64_t p = 0; p < rows; p++, z += c, a += half, b += c - half) {
        for (int k = 0; k < half; k++) {
            z[k] = limited(a[k]);
        }
        for (int k = half; k < c; k++) {
            z[k] = limited(b[k - half]);
        }
    }
}

/* y = x exp(e(S)) + T with the result of Net `which`, image by image for the sake of logdet. */
static void couple(FusionRun *run, int which, real *const x[SCALES], real *const y[SCALES], double *logdet)
{
    for (int l = 0; l < SCALES; l++) {
        int n = run->fusion->net[which].out[l];
        int64_t hw = fusion_net_pixels(run, l) / run->n;
        for (int b = 0; b < run->n; b++) {
            int64_t at = b * hw * n; /* of image b in x and y; [S | T] has twice as many channels */
            logdet[b] +=
                softclamp_forward(&run->fusion->clamp, hw, n, run->net[which].st[l] + 2 * at, x[l] + at, n,
                                  y[l] + at, n, run->local[l] ? run->local[l] + b * hw : NULL);
        }
    }
}

void fusion_forward(FusionRun *run, const real *parameters, const real *const x[SCALES], double *logdet)
{
    /* x (n, h, w, c) -> a (n, h, w, c/2), b (n, h, w, c - c/2) in permuted order. */
    for (int l = 0; l < SCALES; l++) {
        split(fusion_net_pixels(run, l), run->fusion->channels[l], run->fusion->source[l], x[l], run->a[l],
              run->b[l]);
    }
    /* a' from Net2(b), then b' from Net1(a'). */
    fusion_net_forward(run, NET2, parameters, run->b);
    couple(run, NET2, run->a, run->a2, logdet);
    fusion_net_forward(run, NET1, parameters, run->a2);
    couple(run, NET1, run->b, run->b2, logdet);
    for (int l = 0; l < SCALES; l++) {
        join_limited(fusion_net_pixels(run, l), run->fusion->channels[l], run->a2[l], run->b2[l], run->z[l]);
    }
}

/* The derivative of the clamp: 0 where y was limited. */
static void zero_outside(int64_t count, const real *y, real *dy)
{
    for (int64_t i = 0; i < count; i++) {
        dy[i] = y[i] > LATENT_LIMIT || y[i] < -LATENT_LIMIT ? 0 : dy[i];
    }
}

/* dy: from dL/dy to dL/dx of the coupled half, in place.  Sets run->dst = dL/d[S | T]. */
static void couple_backward(FusionRun *run, int which, real *const x[SCALES], const double *dlogdet,
                            real *const dy[SCALES])
{
    for (int l = 0; l < SCALES; l++) {
        int n = run->fusion->net[which].out[l];
        int64_t hw = fusion_net_pixels(run, l) / run->n;
        for (int b = 0; b < run->n; b++) {
            int64_t at = b * hw * n;
            softclamp_backward(&run->fusion->clamp, hw, n, run->net[which].st[l] + 2 * at, x[l] + at, n,
                               dy[l] + at, n, dlogdet[b], dy[l] + at, n, run->dst[l] + 2 * at);
        }
    }
}

void fusion_backward(FusionRun *run, const real *parameters, const real *const dz[SCALES],
                     const double *dlogdet, real *const dx[SCALES], real *gradient)
{
    const Fusion *f = run->fusion;
    /* dz -> [da | db], 0 where forward clamped. */
    for (int l = 0; l < SCALES; l++) {
        int half = f->channels[l] / 2;
        split(fusion_net_pixels(run, l), f->channels[l], NULL, dz[l], run->da[l], run->db[l]);
        zero_outside(fusion_net_pixels(run, l) * half, run->a2[l], run->da[l]);
        zero_outside(fusion_net_pixels(run, l) * (f->channels[l] - half), run->b2[l], run->db[l]);
    }
    /* The order of forward, reversed: the subnet of each coupling adds to the gradient of the half that it read. */
    couple_backward(run, NET1, run->b, dlogdet, run->db);
    fusion_net_backward(run, NET1, parameters, run->da, gradient);
    couple_backward(run, NET2, run->a, dlogdet, run->da);
    fusion_net_backward(run, NET2, parameters, run->db, gradient);
    for (int l = 0; l < SCALES; l++) {
        join(fusion_net_pixels(run, l), f->channels[l], f->source[l], run->da[l], run->db[l], dx[l]);
    }
}

/* y becomes x = (y - T) exp(-e(S)). */
static void uncouple(FusionRun *run, int which, real *const y[SCALES])
{
    for (int l = 0; l < SCALES; l++) {
        int n = run->fusion->net[which].out[l];
        softclamp_inverse(&run->fusion->clamp, fusion_net_pixels(run, l), n, run->net[which].st[l], y[l], n,
                          y[l], n);
    }
}

void fusion_inverse(FusionRun *run, const real *parameters, const real *const z[SCALES],
                    real *const x[SCALES])
{
    for (int l = 0; l < SCALES; l++) {
        /* z is in the permuted order already. */
        split(fusion_net_pixels(run, l), run->fusion->channels[l], NULL, z[l], run->a[l], run->b[l]);
    }
    /* b from Net1(a'), then a from Net2(b), in place. */
    fusion_net_forward(run, NET1, parameters, run->a);
    uncouple(run, NET1, run->b);
    fusion_net_forward(run, NET2, parameters, run->b);
    uncouple(run, NET2, run->a);
    for (int l = 0; l < SCALES; l++) {
        join(fusion_net_pixels(run, l), run->fusion->channels[l], run->fusion->source[l], run->a[l],
             run->b[l], x[l]);
    }
}
