/* The layout of the flat array of parameters: which part belongs to which tensor, its name, and its initial values.
 *
 * Layers call parameter_layout_add() for each tensor and keep the offset.  All trainable tensors come before all fixed ones.  The
 * offsets of fixed tensors need the number of trainable parameters, so the layout is made twice: parameter_layout_begin() and
 * all layers, then both again. */
#pragma once
#include "flows/kernels/real.h"
#include <glib.h>
#include <stdint.h>

/* A tensor in the flat array of parameters. */
typedef struct {
    char name[64]; /* "flow0.step1.coupling.conv1.weight" */
    int rank;
    int64_t shape[4], offset, count;
    gboolean trainable; /* FALSE: standardisation, FPN laterals, permutations, signs */
} Parameter;

typedef struct {
    Parameter public;
    double low, high; /* initial values: uniform in [low, high) */
} ParameterEntry;

typedef struct {
    GArray *entries;          /* ParameterEntry, in the order of parameter_layout_add */
    int64_t trainable, fixed; /* numbers so far */
    int64_t base;             /* where fixed tensors begin: the trainable numbers of the first round */
} ParameterLayout;

#define PARAMETER_TRAINED TRUE
#define PARAMETER_FIXED FALSE

void parameter_layout_clear(ParameterLayout *layout);
/* Starts a round: removes the entries but remembers how many trainable numbers there were. */
void parameter_layout_begin(ParameterLayout *layout);
/* Adds tensor "prefix.name".  shape: up to 4 dimensions, a 0 after the last if there are fewer.  Its initial values are uniform in
 * [low, high).  Returns its offset. */
int64_t parameter_layout_add(ParameterLayout *layout, gboolean trainable, const char *prefix,
                             const char *name, const int64_t *shape, double low, double high);
/* Adds weight (out, in, kernel, kernel) and bias (out) of a convolution, initialised as in torch: uniform in +-1/sqrt(fan in). */
void parameter_layout_add_conv(ParameterLayout *layout, const char *prefix, const char *name, int out, int in,
                               int kernel, int64_t *weight, int64_t *bias);
/* Sets the initial values.  Each tensor draws from a random stream that is named after it. */
void parameter_layout_initialise(const ParameterLayout *layout, uint64_t seed, real *parameters);
/* Array of Parameter, sorted by offset.  Caller frees. */
GArray *parameter_layout_by_offset(const ParameterLayout *layout);
