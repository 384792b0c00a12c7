/* The kernel table on oneDNN and OpenBLAS.
 *
 * A Conv holds one prepared operation for each direction it may run.  For each the algorithm is chosen among the
 * candidates of the entry by a timed trial (kernels_choice.h): direct on NHWC, direct in the layout that oneDNN likes
 * best, or Winograd F(4x4,3x3) (Lavin & Gray 2016), which does 3x3 convolutions with a quarter of the
 * multiplications and pays for it with two transforms and reorders.
 *
 * oneDNN pads with zeros only.  A reflecting convolution is run on a copy with a border and no padding; its
 * backward folds the border back onto the pixels that it came from.
 *
 * Everything that a call needs beside its arguments is scratch shared scratch memory. */
#if defined(HAVE_DNNL) && !defined(REAL_IS_DOUBLE)
#include "flows/scratch.h"
#include "flows/kernels_private.h"
#include "flows/onednn_op.h"
#include "base/error.h"
#include <cblas.h>
#include <string.h>

static const char *const candidate_names[] = {"direct", "blocked", "winograd"};
static const OnednnCandidate candidates[] = {
    {dnnl_convolution_direct, FALSE, FALSE},
    {dnnl_convolution_direct, TRUE, FALSE},
    {dnnl_convolution_winograd, TRUE, FALSE},
};
#define DIRECTIONS 3
#define TRIAL_RUNS 3

typedef struct {
    Conv conv;
    ConvSpec inner; /* what oneDNN is asked for: the border is part of the map when it reflects */
    OnednnOp *op[DIRECTIONS];
    gboolean joined;     /* to the shared scratch memory */
    size_t padded_bytes; /* of the copy with a border, first in the scratch memory; 0 = none */
    size_t scratch;
} OnednnConv;

/* ---- the reflecting border ---- */

static void pad_copy(const ConvSpec *s, const float *x, float *padded)
{
    size_t pixel = sizeof(float) * s->c_in;
    for (int n = 0; n < s->n; n++) {
        for (int y = 0; y < s->h + 2 * s->pad; y++) {
            int from = conv_pad_source(y, s->h, s->pad, s->pad_mode);
            const float *row = x + ((size_t)n * s->h + from) * s->w * s->c_in;
            for (int i = 0; i < s->pad; i++) {
                memcpy(padded + (size_t)i * s->c_in, row + (size_t)(s->pad - i) * s->c_in, pixel);
                memcpy(padded + (size_t)(s->pad + s->w + i) * s->c_in, row + (size_t)(s->w - 2 - i) * s->c_in,
                       pixel);
            }
            memcpy(padded + (size_t)s->pad * s->c_in, row, pixel * s->w);
            padded += (size_t)(s->w + 2 * s->pad) * s->c_in;
        }
    }
}

/* The adjoint of pad_copy. */
static void pad_fold(const ConvSpec *s, const float *padded, float *x)
{
    memset(x, 0, sizeof(float) * conv_input_count(s));
    for (int n = 0; n < s->n; n++) {
        for (int y = 0; y < s->h + 2 * s->pad; y++) {
            float *row =
                x + ((size_t)n * s->h + conv_pad_source(y, s->h, s->pad, s->pad_mode)) * s->w * s->c_in;
            for (int i = 0; i < s->w + 2 * s->pad; i++, padded += s->c_in) {
                float *pixel = row + (size_t)conv_pad_source(i, s->w, s->pad, s->pad_mode) * s->c_in;
                for (int c = 0; c < s->c_in; c++) {
                    pixel[c] += padded[c];
                }
            }
        }
    }
}

/* ---- making ---- */

typedef struct {
    const ConvSpec *spec;
    ConvDirection direction;
    const float *weight, *bias;
    OnednnOp *made[G_N_ELEMENTS(candidates)];
    GError *error; /* of the last candidate that failed for another reason than not being offered */
} Trial;

static OnednnOp *trial_make(Trial *trial, int index)
{
    gboolean unsupported;
    if (!trial->made[index]) {
        g_clear_error(&trial->error);
        trial->made[index] = onednn_op_new(trial->spec, trial->direction, &candidates[index], trial->weight,
                                           trial->bias, &unsupported, &trial->error);
    }
    return trial->made[index];
}

/* The fastest of a few runs on zeros; the time does not depend on the values. */
static double trial_seconds(void *data, int index)
{
    Trial *trial = data;
    OnednnOp *op = trial_make(trial, index);
    if (!op) {
        return -1;
    }
    const ConvSpec *s = trial->spec;
    const size_t counts[TENSORS] = {conv_input_count(s), conv_weight_count(s), s->c_out,
                                    conv_output_count(s)};
    float *tensors[TENSORS];
    gboolean ok = TRUE;
    for (int i = 0; i < TENSORS; i++) {
        tensors[i] = wsi_try_alloc(counts[i], sizeof(float), "a convolution trial", NULL);
        ok = ok && tensors[i];
    }
    char *scratch = wsi_try_alloc(onednn_op_scratch(op) + 64, 1, "a convolution trial", NULL);
    double best = -1;
    for (int run = 0; ok && scratch && run <= TRIAL_RUNS; run++) {
        gint64 start = g_get_monotonic_time();
        char *aligned = (char *)scratch_round((size_t)scratch);
        ok = onednn_op_run(op, tensors, s->residual ? tensors[TENSOR_Y] : NULL, aligned);
        double seconds = (double)(g_get_monotonic_time() - start) * 1e-6;
        if (run > 0 && (best < 0 || seconds < best)) { /* the first one warms up */
            best = seconds;
        }
    }
    for (int i = 0; i < TENSORS; i++) {
        g_free(tensors[i]);
    }
    g_free(scratch);
    return ok ? best : -1;
}

static double trial_exists(void *data, int index)
{
    return trial_make(data, index) ? 0 : -1;
}

static OnednnOp *choose_op(const ConvSpec *outer, const ConvSpec *inner, ConvDirection direction,
                           const float *weight, const float *bias, GError **error)
{
    Trial trial = {.spec = inner, .direction = direction, .weight = weight, .bias = bias};
    g_autofree char *key = choice_key("onednn", outer, direction);
    int choice = choice_make(key, candidate_names, G_N_ELEMENTS(candidates), outer->fixed_choice,
                             outer->fixed_choice ? trial_exists : trial_seconds, &trial, error);
    OnednnOp *op = choice >= 0 ? trial_make(&trial, choice) : NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(candidates); i++) {
        if ((int)i != choice) {
            onednn_op_free(trial.made[i]);
        }
    }
    if (choice >= 0 && !op && !trial.error) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "convolution %s: \"%s\" was chosen before but this machine does not offer it", key,
                    candidate_names[choice]);
    } else if (choice >= 0 && !op) {
        g_propagate_error(error, g_steal_pointer(&trial.error));
    }
    g_clear_error(&trial.error);
    return op;
}

static void conv_free(Conv *conv)
{
    OnednnConv *self = (OnednnConv *)conv;
    if (!self) {
        return;
    }
    for (int d = 0; d < DIRECTIONS; d++) {
        onednn_op_free(self->op[d]);
    }
    if (self->joined) {
        scratch_leave();
    }
    g_free(self);
}

static gboolean prepare(OnednnConv *self, const float *weight, const float *bias, GError **error)
{
    const ConvSpec *spec = &self->conv.spec;
    for (int d = 0; d < (spec->training ? DIRECTIONS : 1); d++) {
        self->op[d] = choose_op(spec, &self->inner, d, weight, bias, error);
        if (!self->op[d]) {
            return FALSE;
        }
        self->scratch = MAX(self->scratch, onednn_op_scratch(self->op[d]));
    }
    self->scratch += self->padded_bytes;
    self->joined = scratch_join(self->scratch, error);
    return self->joined;
}

static Conv *conv_new(const ConvSpec *spec, const real *weight, const real *bias, GError **error)
{
    if (!conv_spec_check(spec, error)) {
        return NULL;
    }
    OnednnConv *self = g_new0(OnednnConv, 1);
    self->conv = (Conv){.spec = *spec, .out_h = conv_out_h(spec), .out_w = conv_out_w(spec)};
    self->inner = *spec;
    if (spec->pad && spec->pad_mode == PAD_REFLECT) {
        self->inner.h += 2 * spec->pad;
        self->inner.w += 2 * spec->pad;
        self->inner.pad = 0;
        self->padded_bytes = scratch_round(sizeof(float) * conv_input_count(&self->inner));
    }
    if (!prepare(self, weight, bias, error)) {
        conv_free(&self->conv);
        return NULL;
    }
    return &self->conv;
}

/* ---- running ---- */

/* Runs one direction with the caller's tensors; with a border x is replaced by its padded copy. */
static void run(OnednnConv *self, ConvDirection direction, float *tensors[TENSORS], const float *residual)
{
    const ConvSpec *s = &self->conv.spec;
    char *scratch = scratch_take(self->scratch);
    float *x = tensors[TENSOR_X];
    if (self->padded_bytes) {
        tensors[TENSOR_X] = (float *)scratch;
        if (direction != CONV_BACKWARD_DATA) {
            pad_copy(s, x, tensors[TENSOR_X]);
        }
    }
    if (!onednn_op_run(self->op[direction], tensors, residual, scratch + self->padded_bytes)) {
        g_error("oneDNN failed to execute a convolution that it had prepared");
    }
    if (self->padded_bytes && direction == CONV_BACKWARD_DATA) {
        pad_fold(s, tensors[TENSOR_X], x);
    }
    scratch_give(scratch);
}

static void conv_forward(Conv *conv, const real *x, const real *weight, const real *bias,
                         const real *residual, real *y)
{
    float *tensors[TENSORS] = {(float *)x, (float *)weight, (float *)bias, y};
    run((OnednnConv *)conv, CONV_FORWARD, tensors, residual);
}

static void conv_backward_data(Conv *conv, const real *dy, const real *weight, real *dx)
{
    float *tensors[TENSORS] = {dx, (float *)weight, NULL, (float *)dy};
    run((OnednnConv *)conv, CONV_BACKWARD_DATA, tensors, NULL);
}

static void conv_backward_weights(Conv *conv, const real *x, const real *dy, real *dweight, real *dbias)
{
    float *tensors[TENSORS] = {(float *)x, dweight, dbias, (float *)dy};
    run((OnednnConv *)conv, CONV_BACKWARD_WEIGHTS, tensors, NULL);
}

static void gemm(gboolean ta, gboolean tb, int m, int n, int k, real alpha, const real *a, const real *b,
                 real beta, real *c)
{
    cblas_sgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, m, n, k, alpha,
                a, ta ? m : k, b, tb ? k : n, beta, c, n);
}

const Kernels kernels_onednn = {
    .name = "onednn",
    .conv_new = conv_new,
    .conv_free = conv_free,
    .conv_forward = conv_forward,
    .conv_backward_data = conv_backward_data,
    .conv_backward_weights = conv_backward_weights,
    .gemm = gemm,
};
#endif
