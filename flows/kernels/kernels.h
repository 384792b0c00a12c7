/* The kernel table: the few operations where the time goes.
 *
 * The entry "reference" (plain C) defines the meaning; "onednn" (oneDNN convolutions, OpenBLAS dense algebra) is the
 * fast one; "onednn-bf16" is the same with inference convolutions in bfloat16: faster still where the processor has
 * the instructions, with errors of about 1 %, so never chosen by itself.  In builds where real is double only
 * "reference" exists.
 * Activations are NHWC, x[((n * H + h) * W + w) * C + c]; convolution weights are OIHW as in torch, biases (O).
 * A GPU would be one more entry. */
#pragma once
#include "flows/kernels/real.h"
#include <glib.h>

typedef enum { PAD_ZERO, PAD_REFLECT } PadMode;

/* Square kernel; output h' = (h + 2 pad - kernel) / stride + 1. */
typedef struct {
    int n, h, w, c_in, c_out, kernel, stride, pad;
    PadMode pad_mode;
    gboolean relu;         /* forward: max(., 0) at the end */
    gboolean residual;     /* forward: + residual (N,H',W',Co) before the relu */
    gboolean training;     /* weights change: backward is wanted, nothing may be packed beforehand */
    gboolean fixed_choice; /* direct convolution, whatever would be faster */
} ConvSpec;

typedef struct Conv Conv; /* a prepared convolution; belongs to one thread */

typedef struct Kernels {
    const char *name;
    /* weights/bias (may be NULL) are copied or packed when !training; borrowed never. */
    Conv *(*conv_new)(const ConvSpec *spec, const real *weight, const real *bias, GError **error);
    void (*conv_free)(Conv *conv); /* NULL is fine */
    /* training: weight, bias (may be NULL) are given at each call; else NULL.  residual NULL unless spec.residual; it may be
     * y itself, which saves a copy. */
    void (*conv_forward)(Conv *conv, const real *x, const real *weight, const real *bias,
                         const real *residual, real *y);
    /* dx = dL/dx from dy (no relu, no residual). */
    void (*conv_backward_data)(Conv *conv, const real *dy, const real *weight, real *dx);
    /* dweight += , dbias += (may be NULL). */
    void (*conv_backward_weights)(Conv *conv, const real *x, const real *dy, real *dweight, real *dbias);
    /* C (m x n, row-major) = alpha op(A) op(B) + beta C; as cblas_?gemm row-major with packed leading dimensions. */
    void (*gemm)(gboolean ta, gboolean tb, int m, int n, int k, real alpha, const real *a, const real *b,
                 real beta, real *c);
} Kernels;

/* Names of this build's entries: "onednn, onednn-timed, onednn-bf16, reference".  For messages. */
const char *kernels_names(void);
/* By name; NULL = the best in this build. NULL is returned for an unknown name. BLAS runs one thread: parallelism is over images. */
const Kernels *kernels_get(const char *name);
/* Output height/width of a spec. */
int conv_out_h(const ConvSpec *spec);
int conv_out_w(const ConvSpec *spec);

/* "onednn" chooses the algorithm of each convolution (direct or Winograd) by a rule on its shape, so equal work gives equal bytes.
 * "onednn-timed" chooses by timing, once per shape and process: its choices can be read and imposed on another process
 * before that prepares anything; what was imposed is never timed again.  Specs with fixed_choice are always direct.
 * Thread-safe.  Text, a line each: "onednn forward n8 h64 w64 i64 o64 k3 s1 p1 relu = winograd". Caller frees. */
char *kernels_choices_get(void);
/* Adds the choices of such a text (NULL: none): they hold where one for the same shape was made already.  Errors as below. */
gboolean kernels_choices_add(const char *text, GError **error);
/* Replaces all choices by those of the text; "" forgets them. A line that is not "KEY = NAME" is an error. */
gboolean kernels_choices_set(const char *text, GError **error);

/* "oneDNN 2.6.3 (AVX-512), OpenBLAS 0.3.21 (SkylakeX)". Caller frees. */
char *flows_versions(void);
