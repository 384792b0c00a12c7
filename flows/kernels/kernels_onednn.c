/* The entries of the kernel table on oneDNN and OpenBLAS.
 *
 * A Conv holds one prepared operation for each direction that it may run.  The entries differ only in how the algorithm is
 * chosen (onednn_algorithm.h).  What a call needs in addition to its arguments is shared scratch memory. */
#if defined(HAVE_DNNL) && !defined(REAL_IS_DOUBLE)
#include "flows/kernels/kernels_private.h"
#include "flows/kernels/onednn_algorithm.h"
#include "flows/kernels/scratch.h"
#include <cblas.h>

typedef struct {
    Conv conv;
    OnednnOp *op[CONV_DIRECTIONS]; /* the forward one; the others with training */
    gboolean joined;               /* the users of the shared scratch memory */
    size_t scratch;                /* bytes: the most that one of them needs */
} OnednnConv;

/* ---- making ---- */

static void conv_free(Conv *conv)
{
    OnednnConv *self = (OnednnConv *)conv;
    if (!self) {
        return;
    }
    for (int d = 0; d < CONV_DIRECTIONS; d++) {
        onednn_op_free(self->op[d]);
    }
    if (self->joined) {
        scratch_leave();
    }
    g_free(self);
}

static gboolean prepare(OnednnConv *self, OnednnAlgorithm algorithm, const float *weight, const float *bias,
                        GError **error)
{
    const ConvSpec *spec = &self->conv.spec;
    /* Without training only the forward direction runs. */
    for (int d = 0; d < (spec->training ? CONV_DIRECTIONS : 1); d++) {
        self->op[d] = algorithm(spec, d, weight, bias, error);
        if (!self->op[d]) {
            return FALSE;
        }
        self->scratch = MAX(self->scratch, self->op[d]->scratch);
    }
    /* One block of the shared memory is as large as the largest direction needs. */
    self->joined = scratch_join(self->scratch, error);
    return self->joined;
}

static Conv *make(const ConvSpec *spec, OnednnAlgorithm algorithm, const float *weight, const float *bias,
                  GError **error)
{
    if (!conv_spec_check(spec, error)) {
        return NULL;
    }
    OnednnConv *self = g_new0(OnednnConv, 1);
    self->conv = (Conv){.spec = *spec, .out_h = conv_out_h(spec), .out_w = conv_out_w(spec)};
    if (!prepare(self, algorithm, weight, bias, error)) {
        conv_free(&self->conv);
        return NULL;
    }
    return &self->conv;
}

static Conv *conv_new(const ConvSpec *spec, const real *weight, const real *bias, GError **error)
{
    return make(spec, onednn_by_rule, weight, bias, error);
}

static Conv *conv_new_timed(const ConvSpec *spec, const real *weight, const real *bias, GError **error)
{
    return make(spec, onednn_by_trial, weight, bias, error);
}

static Conv *conv_new_bf16(const ConvSpec *spec, const real *weight, const real *bias, GError **error)
{
    return make(spec, onednn_in_bfloat16, weight, bias, error);
}

/* ---- running ---- */

static void run(OnednnConv *self, ConvDirection direction, float *const tensors[TENSORS],
                const float *residual)
{
    char *scratch = scratch_take(self->scratch);
    /* oneDNN accepted these shapes when it made the operation, so a failure is a bug. */
    if (!onednn_op_run(self->op[direction], tensors, residual, scratch)) {
        g_error("oneDNN failed to execute a convolution that it had prepared");
    }
    scratch_give(scratch);
}

static void conv_forward(Conv *conv, const real *x, const real *weight, const real *bias,
                         const real *residual, real *y)
{
    /* X (N,H,W,I), W (O,I,K,K), B (O), Y (N,H',W',O). */
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
    /* Leading dimensions are those of the stored matrices: (k, m) for A transposed, (n, k) for B. */
    cblas_sgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, m, n, k, alpha,
                a, ta ? m : k, b, tb ? k : n, beta, c, n);
}

#define TABLE(entry_name, entry_conv_new)                                       \
    {                                                                           \
        .name = entry_name, .conv_new = entry_conv_new, .conv_free = conv_free, \
        .conv_forward = conv_forward, .conv_backward_data = conv_backward_data, \
        .conv_backward_weights = conv_backward_weights, .gemm = gemm            \
    }

const Kernels kernels_onednn = TABLE("onednn", conv_new);
const Kernels kernels_onednn_timed = TABLE("onednn-timed", conv_new_timed);
const Kernels kernels_onednn_bf16 = TABLE("onednn-bf16", conv_new_bf16);
#endif
