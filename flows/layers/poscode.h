/* The positional code that conditions the coupling subnets, as in MSFlow: sines and cosines of the position (Vaswani et al. 2017), half
 * of the channels for x and half for y.  And its 3x3 convolution. */
#pragma once
#include "flows/layers/arena.h"

#define POSCODE_MAX 512

typedef struct {
    int channels, h, w; /* channels: a multiple of 4, 0 .. POSCODE_MAX */
    real *column;       /* (w, channels / 2): the first half of the channels, a function of x */
    real *row;          /* (h, channels / 2): the second half, a function of y */
} Poscode;

void poscode_init(Poscode *code, int channels, int h, int w, Arena *arena);

/* The input of a convolution is [features ; code].  The following functions compute the code's part.  weight (out, in, 3, 3): the
 * input channels from in - channels on belong to the code. */

/* How many numbers of scratch memory both need. */
int64_t poscode_scratch(const Poscode *code, int out);
/* map (h, w, out) = the convolution (zero padding 1) of the code, plus bias (out). */
void poscode_conv_forward(const Poscode *code, int out, int in, const real *weight, const real *bias,
                          real *scratch, real *map);
/* dmap (h, w, out): the gradient of the map, summed over the batch.  Adds to the code's part of dweight, and to dbias. */
void poscode_conv_backward(const Poscode *code, int out, int in, const real *dmap, real *scratch,
                           real *dweight, real *dbias);
