/* The algorithms of a convolution:
 *   direct         on NHWC as it is;
 *   blocked        direct in the layout that oneDNN prefers, with reorders;
 *   winograd       F(4x4,3x3) (Lavin & Gray 2016), oneDNN's, with reorders: 3x3 convolutions with a quarter of the
 *                  multiplications, at the price of two transforms; not in oneDNN 3;
 *   winograd-nhwc  the same on NHWC as it is, for inference (onednn_winograd.c);
 *   bf16x3         inference on processors with matrix units for bfloat16: floats as sums of two (onednn_bfloat16.h).
 * Their results agree within 5e-5 of the root mean square, but not in the last bits.  The rule on the shape chooses among
 * those that compute in float, so that two runs of the same work give the same bytes on any day and under any load.  The
 * timed trial chooses among all of them, and its runs are only repeatable as long as the choices are kept.
 * Plain bfloat16 has an error of 1 % and is never chosen by rule or trial. */
#if defined(HAVE_DNNL) && !defined(REAL_IS_DOUBLE)
#include "flows/kernels/onednn_algorithm.h"
#include "flows/kernels/kernels_choice.h"
#include "flows/kernels/scratch.h"
#include "base/error.h"
#include <time.h>

static const OnednnCandidate candidates[] = {
    {"direct", onednn_primitive_new, dnnl_convolution_direct, FALSE, 0},
    {"blocked", onednn_primitive_new, dnnl_convolution_direct, TRUE, 0},
    {"winograd", onednn_primitive_new, dnnl_convolution_winograd, TRUE, 0},
    {"winograd-nhwc", onednn_winograd_new, dnnl_alg_kind_undef, FALSE, 0},
    {"bf16x3", onednn_primitive_new, dnnl_convolution_direct, FALSE, 3},
};
/* Indices of those that the rule names. */
enum { CANDIDATE_DIRECT, CANDIDATE_BLOCKED, CANDIDATE_WINOGRAD, CANDIDATE_WINOGRAD_NHWC };
#define CANDIDATES ((int)G_N_ELEMENTS(candidates))
G_STATIC_ASSERT(G_N_ELEMENTS(candidates) <= CHOICE_LIMIT);
static const OnednnCandidate bf16 = {"bf16", onednn_primitive_new, dnnl_convolution_direct, FALSE, 1};

typedef struct {
    const ConvSpec *spec;
    ConvDirection direction;
    const float *weight, *bias;
    OnednnOp *made[G_N_ELEMENTS(candidates)];
    gboolean unsupported[G_N_ELEMENTS(candidates)];
    GError *error; /* why the last one failed, unless it is not offered */
    float *tensors[TENSORS];
    char *scratch, *aligned;
} Trial;

/* Whether candidate `index` exists; makes it at the first call. */
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

/* Makes all candidates, and tensors of zeros for them: the time does not depend on the values.  FALSE: there is too little memory
 * for timing. */
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

/* ChoiceTrial: processor time of this thread, which does not count what other processes do. */
static double trial_seconds(void *data, int index)
{
    Trial *trial = data;
    /* Without memory for timing, the first candidate that can be made wins. */
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

/* ChoiceTrial without a run: 0 for each candidate that can be made. */
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
/* Least channels x output tiles of 4 x 4: below it the transforms cost more than they save. */
#define WINOGRAD_WORK 4096
#define WINOGRAD_BYTES ((int64_t)16 << 20) /* most transformed weights, unless there are many tiles: */
#define WINOGRAD_TILES 256

/* Whether a convolution has enough channels and tiles for Winograd's algorithm to pay.  The limits come from measurements with
 * "onednn-timed" on processors with AVX-512; outside of them direct convolution on NHWC wins or is within noise.
 * Transformed weights are four times as large.  Where few tiles share many weights, reading them takes the time that fewer
 * multiplications save, and models with Wide ResNet-50-2 would need 3 GB. */
static gboolean suits_winograd(const ConvSpec *s)
{
    /* Output tiles of 4 x 4, and the smaller dimension of the products (tiles x I) (I x O). */
    int64_t tiles = (int64_t)s->n * ((conv_out_h(s) + 3) / 4) * ((conv_out_w(s) + 3) / 4);
    int channels = MIN(s->c_in, s->c_out);
    return s->kernel == 3 && s->stride == 1 && channels >= WINOGRAD_CHANNELS &&
           tiles * channels >= WINOGRAD_WORK &&
           (tiles >= WINOGRAD_TILES || 36 * (int64_t)sizeof(float) * s->c_in * s->c_out <= WINOGRAD_BYTES);
}

OnednnOp *onednn_by_rule(const ConvSpec *spec, ConvDirection direction, const float *weight,
                         const float *bias, GError **error)
{
    /* The first that is offered; Winograd's, the first two, only where they suit. */
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

OnednnOp *onednn_by_trial(const ConvSpec *spec, ConvDirection direction, const float *weight,
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
                    "convolution %s: the stored choice \"%s\" is not available on this machine "
                    "(model.kernels: onednn chooses by shape instead)",
                    key, candidates[choice].name);
    } else if (choice >= 0 && !op) {
        g_propagate_error(error, g_steal_pointer(&trial.error));
    }
    trial_end(&trial, choice);
    return op;
}

OnednnOp *onednn_in_bfloat16(const ConvSpec *spec, ConvDirection direction, const float *weight,
                             const float *bias, GError **error)
{
    gboolean unsupported = TRUE;
    OnednnOp *op =
        spec->training ? NULL : bf16.make(spec, direction, &bf16, weight, bias, &unsupported, error);
    return op || !unsupported ? op : onednn_by_rule(spec, direction, weight, bias, error);
}
#endif
