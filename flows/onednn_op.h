/* One oneDNN convolution primitive with everything around it: layouts, reorders, scratch memory.  Only kernels_onednn.c uses this. */
#pragma once
#include "flows/kernels_choice.h"
#include <dnnl.h>

/* Sets WSI_ERROR_INTERNAL (WSI_ERROR_MEMORY when that is the reason) naming `what`, unless the status is success. */
gboolean onednn_ok(dnnl_status_t status, const char *what, GError **error);

/* The tensors of a convolution, whatever the direction. */
typedef enum { TENSOR_X, TENSOR_W, TENSOR_B, TENSOR_Y, TENSORS } TensorRole;

typedef struct {
    dnnl_alg_kind_t algorithm;
    gboolean any_layout; /* let the primitive choose its own and reorder; else NHWC as it is */
    int parts; /* 0: float; 1: bfloat16; 3: float as sums of bfloat16 (onednn_copy.h). Only without training */
} OnednnCandidate;

typedef struct OnednnOp OnednnOp;

/* weight, bias (may be NULL): for the forward direction of a spec without
 * `training`: packed now; ignored otherwise.  NULL with *unsupported set and no error when oneDNN has no such primitive. */
OnednnOp *onednn_op_new(const ConvSpec *spec, ConvDirection direction, const OnednnCandidate *candidate,
                        const float *weight, const float *bias, gboolean *unsupported, GError **error);
void onednn_op_free(OnednnOp *op);
/* Bytes of scratch memory that a run needs. */
size_t onednn_op_scratch(const OnednnOp *op);
/* tensors: the caller's x, weights (not when packed), bias, y; those that the direction writes are results: x and y are
 * overwritten, weights and bias are added to (the bias may be NULL).  residual: see Kernels.  FALSE = oneDNN failed. */
gboolean onednn_op_run(OnednnOp *op, float *const tensors[TENSORS], const float *residual, char *scratch);
