/* Squeeze-and-excitation of the hidden map of a coupling subnet (Hu, Shen, Sun, CVPR 2018):
 *   q_c = mean over pixels of x_c;  h = ReLU(W1 q + c1);  e = sigmoid(W2 h + c2);  y_c = e_c x_c
 * A coupling subnet may be any function, so invertibility and log-determinant do not change. */
#pragma once
#include "flows/layers/parameter_layout.h"

typedef struct {
    int c, reduced; /* reduced = max(1, c / 16) */
    int64_t weight1, bias1, weight2, bias2;
} Se;

void se_init(Se *se, int channels);
void se_layout(Se *se, ParameterLayout *layout, const char *prefix);
/* How many numbers one image keeps from forward to backward. */
int64_t se_saved(const Se *se);
/* x (n, hw, c), in place.  saved: n * se_saved numbers. */
void se_forward(const Se *se, const real *parameters, int n, int64_t hw, real *x, real *saved);
/* y (n, hw, c): what forward left in x.  dy (n, hw, c) becomes dL/d(input) in place; saved is overwritten.  Adds to the gradient. */
void se_backward(const Se *se, const real *parameters, int n, int64_t hw, const real *y, const real *saved,
                 real *dy, real *gradient);
