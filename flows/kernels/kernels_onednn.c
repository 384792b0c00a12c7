/* The kernel table on oneDNN and OpenBLAS.
 *
 * A Conv holds one prepared operation for each direction it may run, with one of these algorithms:
 *   direct         on NHWC as it is;
 *   blocked        direct in the layout that oneDNN likes best, with reorders;
 *   winograd       F(4x4,3x3) (Lavin & Gray 2016): 3x3 convolutions with a quarter of the multiplications, for two
 *                  transforms; oneDNN's, with reorders;
 *   winograd-nhwc  the same on NHWC as it is, for inference (onednn_winograd.c);
 *   bf16x3         inference on processors with matrix units for bfloat16: floats as sums of two (onednn_copy.h).
 * Their results agree within 5e-5 of the root mean square, but not in the last bits.  The entry "onednn" therefore
 * chooses by a rule on the shape, among those that compute in float (see `rule_op`), so that two runs of the same work,
 * on whatever day and load, give the same bytes.  "onednn-timed" chooses among all by a timed trial (kernels_choice.h)
 * and is only as repeatable as the choices are kept.  "onednn-bf16" does the inference convolutions in plain bfloat16,
 * with an error of 1 %.
 *
 * Everything that a call needs beside its arguments is shared scratch memory. */
#if defined(HAVE_DNNL) && !defined(REAL_IS_DOUBLE)
#include "flows/kernels/scratch.h"
#include "flows/kernels/kernels_private.h"
#include "flows/kernels/onednn_op.h"
#include "base/error.h"
#include <cblas.h>
#include <string.h>
#include <time.h>

#define DIRECTIONS 3

static const OnednnCandidate candidates[] = {
    {"direct", onednn_primitive_new, dnnl_convolution_direct, FALSE, 0},
    {"blocked", onednn_primitive_new, dnnl_convolution_direct, TRUE, 0},
    {"winograd", onednn_primitive_new, dnnl_convolution_winograd, TRUE, 0},
    {"winograd-nhwc", onednn_winograd_new, dnnl_alg_kind_undef, FALSE, 0},
    {"bf16x3", onednn_primitive_new, dnnl_convolution_direct, FALSE, 3},
};
/* Places of those that the rule names. */
enum { CANDIDATE_DIRECT, CANDIDATE_BLOCKED, CANDIDATE_WINOGRAD, CANDIDATE_WINOGRAD_NHWC };
#define CANDIDATES ((int)G_N_ELEMENTS(candidates))
G_STATIC_ASSERT(G_N_ELEMENTS(candidates) <= CHOICE_LIMIT);
static const OnednnCandidate bf16 = {"bf16", onednn_primitive_new, dnnl_convolution_direct, FALSE, 1};

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
    OnednnOp *made[G_N_ELEMENTS(candidates)];
    gboolean unsupported[G_N_ELEMENTS(candidates)];
    GError *error; /* why the last one could not be made, other than not being offered */
    float *tensors[TENSORS];
    char *scratch, *aligned;
} Trial;

static gboolean trial_make(void *data, int index)
{
    Trial *trial = data;
    if (!trial->made[index] && !trial->unsupported[index]) {
        g_clear_error(&trial->error);
        trial->made[index] =
            candidates[index].make(trial->spec, trial->direction, &candidates[index], trial->weight,
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
        bytes = trial_make(trial, i) ? MAX(bytes, trial->made[i]->scratch) : bytes;
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

#define WINOGRAD_CHANNELS 48
#define WINOGRAD_WORK \
    4096 /* channels x output tiles of 4 x 4: with less the transforms cost more than they save */

#define WINOGRAD_BYTES ((int64_t)16 << 20) /* of transformed weights */
#define WINOGRAD_TILES 256

/* Whether a convolution has enough channels and tiles to fill the products of Winograd's algorithm; from measurements with
 * "onednn-timed" on processors with AVX-512.  Elsewhere NHWC as it is wins or is within noise.
 * Transformed weights are four times as large: where few tiles share many of them, reading them takes what the
 * multiplications save, and models with Wide ResNet-50-2 would need 3 GB. */
static gboolean suits_winograd(const ConvSpec *s)
{
    int64_t tiles = (int64_t)s->n * ((conv_out_h(s) + 3) / 4) * ((conv_out_w(s) + 3) / 4);
    int channels = MIN(s->c_in, s->c_out);
    return s->kernel == 3 && s->stride == 1 && channels >= WINOGRAD_CHANNELS &&
           tiles * channels >= WINOGRAD_WORK &&
           (tiles >= WINOGRAD_TILES || 36 * (int64_t)sizeof(float) * s->c_in * s->c_out <= WINOGRAD_BYTES);
}

/* The first that is offered. */
static OnednnOp *rule_op(const ConvSpec *spec, ConvDirection direction, const float *weight,
                         const float *bias, GError **error)
{
    static const int order[] = {CANDIDATE_WINOGRAD_NHWC, CANDIDATE_WINOGRAD, CANDIDATE_DIRECT,
                                CANDIDATE_BLOCKED};
    const int first = !spec->fixed_choice && suits_winograd(spec) ? 0 : 2;
    Trial trial = {.spec = spec, .direction = direction, .weight = weight, .bias = bias};
    int choice = -1;
    for (size_t i = first; choice < 0 && !trial.error && i < G_N_ELEMENTS(order); i++) {
        choice = trial_make(&trial, order[i]) ? order[i] : -1;
    }
    OnednnOp *op = choice >= 0 ? trial.made[choice] : NULL;
    if (!op && trial.error) {
        g_propagate_error(error, g_steal_pointer(&trial.error));
    } else if (!op) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "oneDNN offers no convolution of this shape");
    }
    trial_end(&trial, choice);
    return op;
}

static OnednnOp *timed_op(const ConvSpec *spec, ConvDirection direction, const float *weight,
                          const float *bias, GError **error)
{
    Trial trial = {.spec = spec, .direction = direction, .weight = weight, .bias = bias};
    const char *names[G_N_ELEMENTS(candidates)];
    for (int i = 0; i < CANDIDATES; i++) {
        names[i] = candidates[i].name;
    }
    g_autofree char *key = choice_key("onednn", spec, direction);
    int choice = choice_make(key, names, CANDIDATES, spec->fixed_choice,
                             spec->fixed_choice ? trial_exists : trial_seconds, &trial, error);
    OnednnOp *op = choice >= 0 && trial_make(&trial, choice) ? trial.made[choice] : NULL;
    if (choice >= 0 && !op && trial.unsupported[choice]) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "convolution %s: \"%s\" was chosen before but this machine does not offer it "
                    "(model.kernels: onednn "
                    "chooses by shape)",
                    key, candidates[choice].name);
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

typedef OnednnOp *(*Chooser)(const ConvSpec *spec, ConvDirection direction, const float *weight,
                             const float *bias, GError **error);

static gboolean prepare(OnednnConv *self, Chooser choose, const OnednnCandidate *imposed, const float *weight,
                        const float *bias, GError **error)
{
    const ConvSpec *spec = &self->conv.spec;
    for (int d = 0; d < (spec->training ? DIRECTIONS : 1); d++) {
        gboolean unsupported = TRUE;
        self->op[d] = imposed ? imposed->make(spec, d, imposed, weight, bias, &unsupported, error) : NULL;
        if (!self->op[d] && unsupported) {
            self->op[d] = choose(spec, d, weight, bias, error);
        }
        if (!self->op[d]) {
            return FALSE;
        }
        self->scratch = MAX(self->scratch, self->op[d]->scratch);
    }
    self->joined = scratch_join(self->scratch, error);
    return self->joined;
}

/* imposed: the candidate for what it supports; NULL: choose. */
static Conv *make(const ConvSpec *spec, Chooser choose, const OnednnCandidate *imposed, const float *weight,
                  const float *bias, GError **error)
{
    if (!conv_spec_check(spec, error)) {
        return NULL;
    }
    OnednnConv *self = g_new0(OnednnConv, 1);
    self->conv = (Conv){.spec = *spec, .out_h = conv_out_h(spec), .out_w = conv_out_w(spec)};
    if (!prepare(self, choose, imposed, weight, bias, error)) {
        conv_free(&self->conv);
        return NULL;
    }
    return &self->conv;
}

static Conv *conv_new(const ConvSpec *spec, const real *weight, const real *bias, GError **error)
{
    return make(spec, rule_op, NULL, weight, bias, error);
}

static Conv *conv_new_timed(const ConvSpec *spec, const real *weight, const real *bias, GError **error)
{
    return make(spec, timed_op, NULL, weight, bias, error);
}

static Conv *conv_new_bf16(const ConvSpec *spec, const real *weight, const real *bias, GError **error)
{
    return make(spec, rule_op, spec->training ? NULL : &bf16, weight, bias, error);
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
const Kernels kernels_onednn_timed = TABLE("onednn-timed", conv_new_timed);
const Kernels kernels_onednn_bf16 = TABLE("onednn-bf16", conv_new_bf16);
#endif
