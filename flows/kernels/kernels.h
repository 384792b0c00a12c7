/* The kernel table: the few operations in which the engine spends its time.
 *
 * The entry "reference" (plain C) defines what each operation means.  "onednn" (convolutions by oneDNN, matrix products by
 * OpenBLAS) is the fast one.  "onednn-bf16" runs inference convolutions in bfloat16: it is faster on processors with
 * bfloat16 instructions, but has errors of about 1 %, so it is used only where the configuration asks for it.
 * In builds where real is double only "reference" exists.
 * Activations are NHWC, convolution weights OIHW, biases (O) (conv_spec.h).  A GPU would be one more entry. */
#pragma once
#include "flows/kernels/conv_spec.h"
#include "flows/kernels/real.h"
#include <glib.h>

typedef struct Conv Conv; /* a prepared convolution; belongs to one thread */

typedef struct Kernels {
    const char *name;
    /* Without training, weight (O,I,K,K) and bias (O) (may be NULL) are copied or packed; they are never borrowed. */
    Conv *(*conv_new)(const ConvSpec *spec, const real *weight, const real *bias, GError **error);
    void (*conv_free)(Conv *conv); /* NULL is fine */
    /* x (N,H,W,I) -> y (N,H',W',O).  With training, weight and bias (may be NULL) are given at each call; otherwise they are
     * NULL.  residual is NULL unless spec.residual; it may be y itself, which saves a copy. */
    void (*conv_forward)(Conv *conv, const real *x, const real *weight, const real *bias,
                         const real *residual, real *y);
    /* dx = dL/dx (N,H,W,I) from dy (N,H',W',O), of the convolution without ReLU and residual. */
    void (*conv_backward_data)(Conv *conv, const real *dy, const real *weight, real *dx);
    /* Adds dL/dweight (O,I,K,K) to dweight and dL/dbias (O) to dbias (may be NULL). */
    void (*conv_backward_weights)(Conv *conv, const real *x, const real *dy, real *dweight, real *dbias);
    /* C (m,n) = alpha op(A) op(B) + beta C, op(A) (m,k), op(B) (k,n); as cblas_?gemm with row-major matrices without gaps. */
    void (*gemm)(gboolean ta, gboolean tb, int m, int n, int k, real alpha, const real *a, const real *b,
                 real beta, real *c);
} Kernels;

/* Names of this build's entries for messages: "onednn, onednn-timed, onednn-bf16, reference". */
const char *kernels_names(void);
/* The entry of this name, or NULL when there is none; a name of NULL asks for the best entry of this build.
 * Holds BLAS to one thread, because the program runs in parallel over tiles. */
const Kernels *kernels_get(const char *name);

/* "onednn" chooses the algorithm of each convolution (direct or Winograd) by a rule on its shape, so equal work gives equal
 * bytes.  "onednn-timed" chooses by timing, once per shape and process.  Its choices can be read and imposed on another
 * process before that process prepares a convolution; an imposed choice is never timed again.  A ConvSpec with fixed_choice
 * is always direct.
 * All three functions are thread-safe. */

/* The choices as text, one per line: "onednn forward n8 h64 w64 i64 o64 k3 s1 p1 relu = winograd".  Caller frees. */
char *kernels_choices_get(void);
/* Adds the choices in such a text (NULL: none); they replace earlier choices for the same shape.  A line that is not
 * "KEY = NAME" is WSI_ERROR_INPUT, and then no choice changes. */
gboolean kernels_choices_add(const char *text, GError **error);
/* Replaces all choices by those in the text; "" removes all.  Errors as above.  For tests, which begin without choices. */
gboolean kernels_choices_set(const char *text, GError **error);

/* "oneDNN 2.6.3 (AVX-512), OpenBLAS 0.3.21 (SkylakeX)".  Caller frees. */
char *flows_versions(void);
