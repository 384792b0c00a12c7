/* Backward does not need the input, because e_c dL/de_c = sum over pixels of dy_c e_c x_c = sum dy_c y_c.  With
 * k = dL/d(W2 h + c2) = dL/de e (1 - e) = (1 - e) sum dy y,
 *   dW2 = k h^T, dc2 = k, dh = W2^T k where h > 0, dW1 = dh q^T, dc1 = dh, dq = W1^T dh, dx = e dy + dq / HW. */
#include "flows/layers/se.h"
#include "flows/kernels/vecmath.h"
#include <string.h>

#define REDUCTION 16 /* channels over hidden channels of the gate */
#define OPEN 2       /* initial bias of the gates: e = 0.88 */

/* Parts of `saved`: q (c), h (reduced), e (c), k (c), dh (reduced). */
typedef struct {
    real *q, *h, *e, *k, *dh;
} Parts;

/* The parts of the block of one image. */
static Parts parts_of(const Se *se, const real *saved)
{
    /* Forward fills q, h, e; backward uses the rest. */
    real *base = (real *)saved;
    Parts p = {base, base + se->c, base + se->c + se->reduced, NULL, NULL};
    p.k = p.e + se->c;
    p.dh = p.k + se->c;
    return p;
}

void se_init(Se *se, int channels)
{
    *se = (Se){.c = channels, .reduced = MAX(1, channels / REDUCTION)};
}

void se_layout(Se *se, ParameterLayout *layout, const char *prefix)
{
    /* torch's default for dense layers, but gates start nearly open, so that SE changes little at first. */
    double bound1 = 1 / sqrt(se->c), bound2 = 1 / sqrt(se->reduced);
    se->weight1 = parameter_layout_add(layout, TRUE, prefix, "fc1.weight", (int64_t[4]){se->reduced, se->c},
                                       -bound1, bound1);
    se->bias1 =
        parameter_layout_add(layout, TRUE, prefix, "fc1.bias", (int64_t[4]){se->reduced}, -bound1, bound1);
    se->weight2 = parameter_layout_add(layout, TRUE, prefix, "fc2.weight", (int64_t[4]){se->c, se->reduced},
                                       -bound2, bound2);
    se->bias2 = parameter_layout_add(layout, TRUE, prefix, "fc2.bias", (int64_t[4]){se->c}, OPEN, OPEN);
}

int64_t se_saved(const Se *se)
{
    return 3 * (int64_t)se->c + 2 * se->reduced;
}

/* sum[i] = the sum of x[i] y[i] over the pixels of an image (y NULL: 1). */
VECTOR_CLONES
static void channel_sums(int64_t hw, int c, const real *restrict x, const real *restrict y,
                         real *restrict sum)
{
    memset(sum, 0, c * sizeof *sum);
    for (int64_t p = 0; p < hw; p++, x += c) {
        for (int i = 0; i < c; i++) {
            sum[i] += y ? x[i] * y[p * c + i] : x[i];
        }
    }
}

/* x = x scale + shift (NULL: 0) in each channel. */
VECTOR_CLONES
static void scale_and_shift(int64_t hw, int c, const real *restrict scale, const real *restrict shift,
                            real *restrict x)
{
    for (int64_t p = 0; p < hw; p++, x += c) {
        for (int i = 0; i < c; i++) {
            x[i] = shift ? x[i] * scale[i] + shift[i] : x[i] * scale[i];
        }
    }
}

void se_forward(const Se *se, const real *parameters, int n, int64_t hw, real *x, real *saved)
{
    const real *w1 = parameters + se->weight1, *w2 = parameters + se->weight2;
    for (int b = 0; b < n; b++, x += hw * se->c, saved += se_saved(se)) {
        Parts s = parts_of(se, saved);
        /* q = mean x, h = ReLU(W1 q + c1), e = sigmoid(W2 h + c2), x = e x. */
        channel_sums(hw, se->c, x, NULL, s.q);
        /* Squeeze: the mean over the pixels. */
        for (int i = 0; i < se->c; i++) {
            s.q[i] /= hw;
        }
        /* Excite: two dense layers, with ReLU between them. */
        for (int r = 0; r < se->reduced; r++) {
            real v = row_dot(w1 + (int64_t)r * se->c, s.q, se->c) + parameters[se->bias1 + r];
            s.h[r] = v > 0 ? v : 0;
        }
        for (int i = 0; i < se->c; i++) {
            real v = row_dot(w2 + (int64_t)i * se->reduced, s.h, se->reduced) + parameters[se->bias2 + i];
            s.e[i] = vec_sigmoid(v);
        }
        scale_and_shift(hw, se->c, s.e, NULL, x);
    }
}

/* Gradients of both dense layers from s->k; sets s->dh. */
static void dense_backward(const Se *se, const real *parameters, const Parts *s, real *gradient)
{
    int c = se->c, reduced = se->reduced;
    const real *w2 = parameters + se->weight2;
    /* dW2 = k h^T, dc2 = k, dh = W2^T k where h > 0. */
    memset(s->dh, 0, reduced * sizeof *s->dh);
    for (int i = 0; i < c; i++) {
        gradient[se->bias2 + i] += s->k[i];
        for (int r = 0; r < reduced; r++) {
            gradient[se->weight2 + (int64_t)i * reduced + r] += s->k[i] * s->h[r];
            s->dh[r] += s->h[r] > 0 ? s->k[i] * w2[(int64_t)i * reduced + r] : 0;
        }
    }
    /* dW1 = dh q^T, dc1 = dh. */
    for (int r = 0; r < reduced; r++) {
        gradient[se->bias1 + r] += s->dh[r];
        for (int i = 0; i < c; i++) {
            gradient[se->weight1 + (int64_t)r * c + i] += s->dh[r] * s->q[i];
        }
    }
}

void se_backward(const Se *se, const real *parameters, int n, int64_t hw, const real *y, const real *saved,
                 real *dy, real *gradient)
{
    const real *w1 = parameters + se->weight1;
    for (int b = 0; b < n; b++, y += hw * se->c, dy += hw * se->c, saved += se_saved(se)) {
        Parts s = parts_of(se, saved);
        /* k = (1 - e) sum dy y. */
        channel_sums(hw, se->c, dy, y, s.k);
        for (int i = 0; i < se->c; i++) {
            s.k[i] *= 1 - s.e[i];
        }
        dense_backward(se, parameters, &s, gradient);
        memset(s.q, 0, se->c * sizeof *s.q); /* q is used; from here on it is dq / HW */
        /* dq = W1^T dh; each pixel has 1 / HW of it. */
        for (int r = 0; r < se->reduced; r++) {
            for (int i = 0; i < se->c; i++) {
                s.q[i] += w1[(int64_t)r * se->c + i] * s.dh[r] / hw;
            }
        }
        /* dx = e dy + dq / HW. */
        scale_and_shift(hw, se->c, s.e, s.q, dy);
    }
}
