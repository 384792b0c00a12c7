/* The table of parameters: who owns which part of the flat array, what it is called, how it starts.
 *
 * Layers call parameter_layout_add() for each tensor and keep the offset.  Trainable tensors lie before all fixed ones; since that
 * needs the trainable total, everything is laid out twice: parameter_layout_begin(), all layers, parameter_layout_begin(), all layers again. */
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
    GArray *entries; /* ParameterEntry, in the order of parameter_layout_add */
    int64_t trainable, fixed, base;
} ParameterLayout;

#define PARAMETER_TRAINED TRUE
#define PARAMETER_FIXED FALSE

void parameter_layout_clear(ParameterLayout *layout);
/* Forgets the entries but remembers how many trainable numbers there were. */
void parameter_layout_begin(ParameterLayout *layout);
/* Tensor "prefix.name" of up to 4 dimensions, ended by 0.  Returns its offset. */
int64_t parameter_layout_add(ParameterLayout *layout, gboolean trainable, const char *prefix,
                             const char *name, const int64_t *shape, double low, double high);
/* Weight (out, in, kernel, kernel) and bias (out) of a convolution as torch starts them: U(+-1/sqrt(fan in)). */
void parameter_layout_add_conv(ParameterLayout *layout, const char *prefix, const char *name, int out, int in,
                               int kernel, int64_t *weight, int64_t *bias);
/* Initial values; each tensor draws from a stream named by itself. */
void parameter_layout_initialise(const ParameterLayout *layout, uint64_t seed, real *parameters);
/* The table sorted by offset. */
GArray *parameter_layout_by_offset(const ParameterLayout *layout);
