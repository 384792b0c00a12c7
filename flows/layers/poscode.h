/* The positional code that conditions the coupling subnets (models.md A.4), and its 3x3 convolution. */
#pragma once
#include "flows/layers/arena.h"

#define POSCODE_MAX 512

typedef struct {
    int channels, h, w; /* channels: a multiple of 4, 0 .. POSCODE_MAX */
    real *column;       /* (w, channels / 2): channels 0 .. channels/2 - 1, a function of x */
    real *row;          /* (h, channels / 2): the other half, a function of y */
} Poscode;

void poscode_init(Poscode *code, int channels, int h, int w, Arena *arena);

/* A convolution's input is [features ; code].  These handle the code's part: weight (out, in, 3, 3), of which the input
 * channels from in - channels on belong to the code. */

/* Numbers of scratch memory that the two need. */
int64_t poscode_scratch(const Poscode *code, int out);
/* map (h, w, out) = convolution (padding 1, zeros) of the code + bias. */
void poscode_conv_forward(const Poscode *code, int out, int in, const real *weight, const real *bias,
                          real *scratch, real *map);
/* dmap (h, w, out), summed over the batch: dweight += (the code's part), dbias +=. */
void poscode_conv_backward(const Poscode *code, int out, int in, const real *dmap, real *scratch,
                           real *dweight, real *dbias);
