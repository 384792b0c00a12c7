/* One direction of a convolution, prepared: what the candidates of kernels_onednn.c have in common.  Only the onednn files use
 * this. */
#pragma once
#include "flows/kernels/kernels_choice.h"
#include <dnnl.h>

/* The tensors of a convolution, whatever the direction. */
typedef enum { TENSOR_X, TENSOR_W, TENSOR_B, TENSOR_Y, TENSORS } TensorRole;

/* Each kind has its own struct that begins with this one. */
typedef struct OnednnOp OnednnOp;
struct OnednnOp {
    size_t scratch; /* bytes of scratch memory that a run needs */
    /* tensors: the caller's x, weights (not when they never change), bias, y.  Those that the direction writes are results: x and y
     * are overwritten, weights and bias are added to (the bias may be NULL).  residual: see Kernels.  FALSE = oneDNN failed. */
    gboolean (*run)(OnednnOp *op, float *const tensors[TENSORS], const float *residual, char *scratch);
    void (*free)(OnednnOp *op);
};

typedef struct OnednnCandidate OnednnCandidate;
struct OnednnCandidate {
    const char *name;
    /* weight, bias (may be NULL): for the forward direction of a spec without `training`: kept in packed form; ignored otherwise.
     * NULL with *unsupported set and no error when this machine or oneDNN does not offer it. */
    OnednnOp *(*make)(const ConvSpec *spec, ConvDirection direction, const OnednnCandidate *candidate,
                      const float *weight, const float *bias, gboolean *unsupported, GError **error);
    /* of onednn_primitive_new */
    dnnl_alg_kind_t algorithm;
    gboolean any_layout; /* let the primitive choose its own and reorder; else NHWC as it is */
    int parts; /* 0: float; 1: bfloat16; 3: float as sums of bfloat16 (onednn_copy.h). Only without training */
};

/* oneDNN's own convolutions. */
OnednnOp *onednn_primitive_new(const ConvSpec *spec, ConvDirection direction,
                               const OnednnCandidate *candidate, const float *weight, const float *bias,
                               gboolean *unsupported, GError **error);
/* Winograd's algorithm on NHWC around oneDNN's matrix product: forward 3x3, stride 1, without training. */
OnednnOp *onednn_winograd_new(const ConvSpec *spec, ConvDirection direction, const OnednnCandidate *candidate,
                              const float *weight, const float *bias, gboolean *unsupported, GError **error);

static inline gboolean onednn_op_run(OnednnOp *op, float *const tensors[TENSORS], const float *residual,
                                     char *scratch)
{
    return op->run(op, tensors, residual, scratch);
}

/* NULL is fine. */
static inline void onednn_op_free(OnednnOp *op)
{
    if (op) {
        op->free(op);
    }
}
