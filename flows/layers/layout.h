/* The table of parameters: who owns which part of the flat array, what it is called, how it starts.
 *
 * Layers call layout_add() for each tensor and keep the offset.  Trainable tensors lie before all fixed ones; since that
 * needs the trainable total, everything is laid out twice: layout_begin(), all layers, layout_begin(), all layers again. */
#pragma once
#include "flows/models/msflow.h"

typedef struct {
    MsflowParameter public;
    double low, high; /* initial values: uniform in [low, high) */
} LayoutEntry;

typedef struct {
    GArray *entries; /* LayoutEntry, in the order of layout_add */
    int64_t trainable, fixed, base;
} Layout;

#define LAYOUT_TRAINED TRUE
#define LAYOUT_FIXED FALSE

void layout_clear(Layout *layout);
/* Forgets the entries but remembers how many trainable numbers there were. */
void layout_begin(Layout *layout);
/* Tensor "prefix.name" of up to 4 dimensions, ended by 0.  Returns its offset. */
int64_t layout_add(Layout *layout, gboolean trainable, const char *prefix, const char *name,
                   const int64_t *shape, double low, double high);
/* Weight (out, in, kernel, kernel) and bias (out) of a convolution as torch starts them: U(+-1/sqrt(fan in)). */
void layout_add_conv(Layout *layout, const char *prefix, const char *name, int out, int in, int kernel,
                     int64_t *weight, int64_t *bias);
/* Initial values; each tensor draws from a stream named by itself. */
void layout_initialise(const Layout *layout, uint64_t seed, real *parameters);
/* The table sorted by offset. */
GArray *layout_table(const Layout *layout);
