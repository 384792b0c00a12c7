/* One direction of a convolution, prepared to run, and the algorithms that prepare it.  Only the onednn files use this. */
#pragma once
#include "flows/kernels/conv_spec.h"
#include <dnnl.h>

/* The tensors of a convolution, whatever the direction. */
typedef enum { TENSOR_X, TENSOR_W, TENSOR_B, TENSOR_Y, TENSORS } TensorRole;

/* Each kind has its own struct that begins with this one. */
typedef struct OnednnOp OnednnOp;
struct OnednnOp {
    size_t scratch; /* bytes of scratch memory that a run needs */
    /* tensors: the caller's x (N,H,W,I), weights (O,I,K,K) (unused when they never change), bias (O), y (N,H',W',O).  Those that
     * the direction writes are results: x and y are overwritten; weights and bias are added to, and the bias may be NULL.
     * residual: as in Kernels.  FALSE: oneDNN failed. */
    gboolean (*run)(OnednnOp *op, float *const tensors[TENSORS], const float *residual, char *scratch);
    void (*free)(OnednnOp *op);
};

/* An algorithm that may run a convolution. */
typedef struct OnednnCandidate OnednnCandidate;
struct OnednnCandidate {
    const char *name;
    /* weight, bias (may be NULL): kept in packed form for the forward direction of a spec without `training`, else ignored.
     * NULL with *unsupported set and no error when this machine or oneDNN does not offer it. */
    OnednnOp *(*make)(const ConvSpec *spec, ConvDirection direction, const OnednnCandidate *candidate,
                      const float *weight, const float *bias, gboolean *unsupported, GError **error);
    /* The rest is for onednn_primitive_new. */
    dnnl_alg_kind_t algorithm;
    gboolean any_layout; /* the primitive chooses its layouts and tensors are reordered; else NHWC as it is */
    int parts; /* 0: float; 1: bfloat16; 3: float as sums of bfloat16 (onednn_bfloat16.h); only without training */
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
