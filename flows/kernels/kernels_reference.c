/* The meaning of the kernel table, in plain C for any `real`.
 *
 * A convolution is a sum over pairs of an output pixel and a kernel position.  At each pair the channels form a small
 * matrix-vector product whose inner loop runs over contiguous memory.  For this the weights are transposed from (O,I,K,K) to
 * (K,K,I,O) or (K,K,O,I), at each call or, when they never change, once.  The border is an index table from padded to source
 * index, so zero and reflected padding share all code and the backward directions are the exact adjoints.
 *
 * Sums are in `real` and have one fixed order. */
#include "flows/kernels/kernels_private.h"
#include "base/error.h"
#include <string.h>

typedef struct {
    Conv conv;
    int *row, *column; /* padded index -> source index, or -1 for zero */
    real *packed;      /* (K,K,I,O) (forward), (K,K,O,I) (backward data), or the gradient (K,K,I,O) */
    real *bias;        /* (O) without training; may be NULL */
} Reference;

/* What one pair of output pixel and kernel position touches. */
typedef struct {
    size_t input, output; /* offsets of the channel vectors in x and y */
    int tap;              /* ky * K + kx */
} Touch;
typedef void (*TouchWork)(const Reference *self, const Touch *touch, const real *a, const real *b, real *out);

/* weight (O,I,K,K) -> packed (K,K,I,O). */
static void pack_kkio(const ConvSpec *s, const real *weight, real *packed)
{
    int taps = s->kernel * s->kernel;
    for (int o = 0; o < s->c_out; o++) {
        for (int i = 0; i < s->c_in; i++) {
            for (int t = 0; t < taps; t++) {
                packed[((size_t)t * s->c_in + i) * s->c_out + o] =
                    weight[((size_t)o * s->c_in + i) * taps + t];
            }
        }
    }
}

/* weight (O,I,K,K) -> packed (K,K,O,I). */
static void pack_kkoi(const ConvSpec *s, const real *weight, real *packed)
{
    int taps = s->kernel * s->kernel;
    for (int o = 0; o < s->c_out; o++) {
        for (int i = 0; i < s->c_in; i++) {
            for (int t = 0; t < taps; t++) {
                packed[((size_t)t * s->c_out + o) * s->c_in + i] =
                    weight[((size_t)o * s->c_in + i) * taps + t];
            }
        }
    }
}

static void conv_free(Conv *conv)
{
    Reference *self = (Reference *)conv;
    if (!self) {
        return;
    }
    g_free(self->row);
    g_free(self->column);
    g_free(self->packed);
    g_free(self->bias);
    g_free(self);
}

/* The index table of one axis. */
static int *sources(int size, const ConvSpec *s)
{
    int padded = size + 2 * s->pad;
    int *source = g_new(int, padded);
    for (int i = 0; i < padded; i++) {
        source[i] = conv_pad_source(i, size, s->pad, s->pad_mode);
    }
    return source;
}

static Conv *conv_new(const ConvSpec *spec, const real *weight, const real *bias, GError **error)
{
    if (!conv_spec_check(spec, error)) {
        return NULL;
    }
    real *packed = wsi_try_alloc(conv_weight_count(spec), sizeof(real), "convolution weights", error);
    if (!packed) {
        return NULL;
    }
    Reference *self = g_new0(Reference, 1);
    self->conv = (Conv){.spec = *spec, .out_h = conv_out_h(spec), .out_w = conv_out_w(spec)};
    self->row = sources(spec->h, spec);
    self->column = sources(spec->w, spec);
    self->packed = packed;
    if (!spec->training) {
        pack_kkio(spec, weight, packed);
        self->bias = bias ? g_memdup2(bias, sizeof(real) * spec->c_out) : NULL;
    }
    return &self->conv;
}

/* Calls work for each output pixel and each kernel position that falls on the image. */
static void each_touch(const Reference *self, TouchWork work, const real *a, const real *b, real *out)
{
    const ConvSpec *s = &self->conv.spec;
    size_t output = 0;
    for (int n = 0; n < s->n; n++) {
        for (int oy = 0; oy < self->conv.out_h; oy++) {
            for (int ox = 0; ox < self->conv.out_w; ox++, output += s->c_out) {
                for (int tap = 0; tap < s->kernel * s->kernel; tap++) {
                    /* Tap (ky, kx) of output (oy, ox) is on padded pixel (oy stride + ky, ox stride + kx). */
                    int y = self->row[oy * s->stride + tap / s->kernel];
                    int x = self->column[ox * s->stride + tap % s->kernel];
                    if (y >= 0 && x >= 0) {
                        size_t input = (((size_t)n * s->h + y) * s->w + x) * s->c_in;
                        work(self, &(Touch){input, output, tap}, a, b, out);
                    }
                }
            }
        }
    }
}

/* out[j] += sum_k scale[k] rows[k][j]: out (width), rows (count, width). */
static void add_scaled_rows(int count, int width, const real *scale, const real *rows, real *out)
{
    for (int k = 0; k < count; k++) {
        const real *row = rows + (size_t)k * width;
        for (int j = 0; j < width; j++) {
            out[j] += scale[k] * row[j];
        }
    }
}

/* y[o] += sum_i x[i] w[i][o]. */
static void touch_forward(const Reference *self, const Touch *t, const real *x, const real *packed, real *y)
{
    const ConvSpec *s = &self->conv.spec;
    add_scaled_rows(s->c_in, s->c_out, x + t->input, packed + (size_t)t->tap * s->c_in * s->c_out,
                    y + t->output);
}

/* dx[i] += sum_o dy[o] w[o][i]. */
static void touch_backward_data(const Reference *self, const Touch *t, const real *dy, const real *packed,
                                real *dx)
{
    const ConvSpec *s = &self->conv.spec;
    add_scaled_rows(s->c_out, s->c_in, dy + t->output, packed + (size_t)t->tap * s->c_in * s->c_out,
                    dx + t->input);
}

/* dw[i][o] += x[i] dy[o]. */
static void touch_backward_weights(const Reference *self, const Touch *t, const real *x, const real *dy,
                                   real *dpacked)
{
    const ConvSpec *s = &self->conv.spec;
    real *tap = dpacked + (size_t)t->tap * s->c_in * s->c_out;
    for (int i = 0; i < s->c_in; i++) {
        for (int o = 0; o < s->c_out; o++) {
            tap[(size_t)i * s->c_out + o] += x[t->input + i] * dy[t->output + o];
        }
    }
}

static void conv_forward(Conv *conv, const real *x, const real *weight, const real *bias,
                         const real *residual, real *y)
{
    Reference *self = (Reference *)conv;
    const ConvSpec *s = &conv->spec;
    if (s->training) {
        pack_kkio(s, weight, self->packed);
    } else {
        bias = self->bias;
    }
    size_t count = conv_output_count(s);
    /* residual may be y itself, so y is set before anything is added. */
    for (size_t i = 0; i < count; i++) {
        y[i] = (bias ? bias[i % s->c_out] : 0) + (s->residual ? residual[i] : 0);
    }
    each_touch(self, touch_forward, x, self->packed, y);
    for (size_t i = 0; s->relu && i < count; i++) {
        y[i] = MAX(y[i], 0);
    }
}

static void conv_backward_data(Conv *conv, const real *dy, const real *weight, real *dx)
{
    Reference *self = (Reference *)conv;
    pack_kkoi(&conv->spec, weight, self->packed);
    memset(dx, 0, sizeof(real) * conv_input_count(&conv->spec));
    each_touch(self, touch_backward_data, dy, self->packed, dx);
}

static void conv_backward_weights(Conv *conv, const real *x, const real *dy, real *dweight, real *dbias)
{
    Reference *self = (Reference *)conv;
    const ConvSpec *s = &conv->spec;
    memset(self->packed, 0, sizeof(real) * conv_weight_count(s));
    each_touch(self, touch_backward_weights, x, dy, self->packed);
    int taps = s->kernel * s->kernel;
    /* (K,K,I,O) back to (O,I,K,K). */
    for (int o = 0; o < s->c_out; o++) {
        for (int i = 0; i < s->c_in; i++) {
            for (int t = 0; t < taps; t++) {
                dweight[((size_t)o * s->c_in + i) * taps + t] +=
                    self->packed[((size_t)t * s->c_in + i) * s->c_out + o];
            }
        }
    }
    if (dbias) {
        size_t pixels = conv_output_count(s) / s->c_out;
        for (size_t p = 0; p < pixels; p++) {
            for (int o = 0; o < s->c_out; o++) {
                dbias[o] += dy[p * s->c_out + o];
            }
        }
    }
}

static void gemm(gboolean ta, gboolean tb, int m, int n, int k, real alpha, const real *a, const real *b,
                 real beta, real *c)
{
    size_t a_row = ta ? 1 : k, a_column = ta ? m : 1; /* strides of op(A) */
    for (int i = 0; i < m; i++) {
        real *row = c + (size_t)i * n;
        for (int j = 0; j < n; j++) {
            row[j] = beta == 0 ? 0 : beta * row[j]; /* as in BLAS: with beta 0, C may hold NaN */
        }
        for (int l = 0; l < k; l++) {
            real scale = alpha * a[i * a_row + l * a_column];
            for (int j = 0; j < n; j++) {
                row[j] += scale * (tb ? b[(size_t)j * k + l] : b[(size_t)l * n + j]);
            }
        }
    }
}

const Kernels kernels_reference = {
    .name = "reference",
    .conv_new = conv_new,
    .conv_free = conv_free,
    .conv_forward = conv_forward,
    .conv_backward_data = conv_backward_data,
    .conv_backward_weights = conv_backward_weights,
    .gemm = gemm,
};
