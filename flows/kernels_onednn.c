/* The kernel table on oneDNN and OpenBLAS.
 *
 * A Conv holds one prepared operation for each direction it may run.  For each the algorithm is chosen among the
 * candidates of the entry by a timed trial (kernels_choice.h):
 *   direct    on NHWC as it is;
 *   blocked   direct in the layout that oneDNN likes best, with reorders;
 *   winograd  F(4x4,3x3) (Lavin & Gray 2016): 3x3 convolutions with a quarter of the multiplications, for two transforms;
 *   bf16x3    inference on processors with matrix units for bfloat16: floats as sums of two (onednn_copy.h).
 * Their results agree within 5e-5 of the root mean square.  "onednn-bf16" is another entry, asked for by name: the inference
 * convolutions in plain bfloat16, with an error of 1 %.
 *
 * Everything that a call needs beside its arguments is shared scratch memory. */
#if defined(HAVE_DNNL) && !defined(REAL_IS_DOUBLE)
#include "flows/scratch.h"
#include "flows/kernels_private.h"
#include "flows/onednn_op.h"
#include "base/error.h"
#include <cblas.h>
#include <string.h>
#include <time.h>

#define CANDIDATES 4
#define DIRECTIONS 3

static const char *const candidate_names[CANDIDATES] = {"direct", "blocked", "winograd", "bf16x3"};
static const OnednnCandidate candidates[CANDIDATES] = {
    {dnnl_convolution_direct, FALSE, 0},
    {dnnl_convolution_direct, TRUE, 0},
    {dnnl_convolution_winograd, TRUE, 0},
    {dnnl_convolution_direct, FALSE, 3},
};
static const OnednnCandidate bf16 = {dnnl_convolution_direct, FALSE, 1};

typedef struct {
    Conv conv;
    OnednnOp *op[DIRECTIONS];
    gboolean joined; /* to the shared scratch memory */
    size_t scratch;
} OnednnConv;

/* ---- making ---- */

typedef struct {
    const ConvSpec *spec;
    ConvDirection direction;
    const float *weight, *bias;
    OnednnOp *made[CANDIDATES];
    gboolean unsupported[CANDIDATES];
    GError *error; /* why the last one could not be made, other than not being offered */
    float *tensors[TENSORS];
    char *scratch, *aligned;
} Trial;

static gboolean trial_make(void *data, int index)
{
    Trial *trial = data;
    if (!trial->made[index] && !trial->unsupported[index]) {
        g_clear_error(&trial->error);
        trial->made[index] = onednn_op_new(trial->spec, trial->direction, &candidates[index], trial->weight,
                                           trial->bias, &trial->unsupported[index], &trial->error);
    }
    return trial->made[index] != NULL;
}

/* Zeroed tensors for runs; the time does not depend on the values.  FALSE: no memory, then nothing is timed. */
static gboolean trial_prepare(Trial *trial)
{
    const ConvSpec *s = trial->spec;
    const size_t counts[TENSORS] = {conv_input_count(s), conv_weight_count(s), s->c_out,
                                    conv_output_count(s)};
    gboolean ok = TRUE;
    for (int i = 0; ok && i < TENSORS; i++) {
        trial->tensors[i] = wsi_try_alloc(counts[i], sizeof(float), "a convolution trial", NULL);
        ok = trial->tensors[i] != NULL;
    }
    size_t bytes = 0;
    for (int i = 0; ok && i < CANDIDATES; i++) {
        bytes = trial_make(trial, i) ? MAX(bytes, onednn_op_scratch(trial->made[i])) : bytes;
    }
    trial->scratch = ok ? wsi_try_alloc(bytes + 64, 1, "a convolution trial", NULL) : NULL;
    trial->aligned = (char *)scratch_round((size_t)trial->scratch);
    return trial->scratch != NULL;
}

/* Processor time of this thread, which other processes cannot spoil. */
static double trial_seconds(void *data, int index)
{
    Trial *trial = data;
    if (!trial->scratch && !trial_prepare(trial)) {
        return trial_make(trial, index) ? 0 : -1;
    }
    if (!trial_make(trial, index)) {
        return -1;
    }
    struct timespec start, end;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
    gboolean ok = onednn_op_run(trial->made[index], trial->tensors,
                                trial->spec->residual ? trial->tensors[TENSOR_Y] : NULL, trial->aligned);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    return ok ? (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec) : -1;
}

static double trial_exists(void *data, int index)
{
    return trial_make(data, index) ? 0 : -1;
}

/* Frees all but the chosen operation. */
static void trial_end(Trial *trial, int choice)
{
    for (int i = 0; i < CANDIDATES; i++) {
        if (i != choice) {
            onednn_op_free(trial->made[i]);
        }
    }
    for (int i = 0; i < TENSORS; i++) {
        g_free(trial->tensors[i]);
    }
    g_free(trial->scratch);
    g_clear_error(&trial->error);
}

static OnednnOp *choose_op(const ConvSpec *spec, ConvDirection direction, const float *weight,
                           const float *bias, GError **error)
{
    Trial trial = {.spec = spec, .direction = direction, .weight = weight, .bias = bias};
    g_autofree char *key = choice_key("onednn", spec, direction);
    int choice = choice_make(key, candidate_names, CANDIDATES, spec->fixed_choice,
                             spec->fixed_choice ? trial_exists : trial_seconds, &trial, error);
    OnednnOp *op = choice >= 0 && trial_make(&trial, choice) ? trial.made[choice] : NULL;
    if (choice >= 0 && !op && trial.unsupported[choice]) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "convolution %s: \"%s\" was chosen before but this machine does not offer it", key,
                    candidate_names[choice]);
    } else if (choice >= 0 && !op) {
        g_propagate_error(error, g_steal_pointer(&trial.error));
    }
    trial_end(&trial, choice);
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

static gboolean prepare(OnednnConv *self, const OnednnCandidate *imposed, const float *weight,
                        const float *bias, GError **error)
{
    const ConvSpec *spec = &self->conv.spec;
    for (int d = 0; d < (spec->training ? DIRECTIONS : 1); d++) {
        gboolean unsupported = TRUE;
        self->op[d] = imposed ? onednn_op_new(spec, d, imposed, weight, bias, &unsupported, error) : NULL;
        if (!self->op[d] && unsupported) {
            self->op[d] = choose_op(spec, d, weight, bias, error);
        }
        if (!self->op[d]) {
            return FALSE;
        }
        self->scratch = MAX(self->scratch, onednn_op_scratch(self->op[d]));
    }
    self->joined = scratch_join(self->scratch, error);
    return self->joined;
}

/* imposed: the candidate for what it supports; NULL: choose. */
static Conv *make(const ConvSpec *spec, const OnednnCandidate *imposed, const float *weight,
                  const float *bias, GError **error)
{
    if (!conv_spec_check(spec, error)) {
        return NULL;
    }
    OnednnConv *self = g_new0(OnednnConv, 1);
    self->conv = (Conv){.spec = *spec, .out_h = conv_out_h(spec), .out_w = conv_out_w(spec)};
    if (!prepare(self, imposed, weight, bias, error)) {
        conv_free(&self->conv);
        return NULL;
    }
    return &self->conv;
}

static Conv *conv_new(const ConvSpec *spec, const real *weight, const real *bias, GError **error)
{
    return make(spec, NULL, weight, bias, error);
}

static Conv *conv_new_bf16(const ConvSpec *spec, const real *weight, const real *bias, GError **error)
{
    return make(spec, spec->training ? NULL : &bf16, weight, bias, error);
}

/* ---- running ---- */

static void run(OnednnConv *self, ConvDirection direction, float *const tensors[TENSORS],
                const float *residual)
{
    char *scratch = scratch_take(self->scratch);
    if (!onednn_op_run(self->op[direction], tensors, residual, scratch)) {
        g_error("oneDNN failed to execute a convolution that it had prepared");
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

#define TABLE(entry_name, entry_conv_new)                                       \
    {                                                                           \
        .name = entry_name, .conv_new = entry_conv_new, .conv_free = conv_free, \
        .conv_forward = conv_forward, .conv_backward_data = conv_backward_data, \
        .conv_backward_weights = conv_backward_weights, .gemm = gemm            \
    }

const Kernels kernels_onednn = TABLE("onednn", conv_new);
const Kernels kernels_onednn_bf16 = TABLE("onednn-bf16", conv_new_bf16);
#endif
