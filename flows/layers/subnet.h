/* The network inside a coupling, as in MSFlow: conv 3x3 -> LayerNorm over channels -> ReLU -> [SE] -> conv 3x3.
 * Its input is the passive channels and the positional code. */
#pragma once
#include "flows/layers/arena.h"
#include "flows/layers/poscode.h"
#include "flows/layers/se.h"

typedef struct {
    const Poscode *code;
    int in, mid, out; /* passive channels; passive channels + channels of the code; outputs */
    gboolean has_se;
    Se se;
    int64_t conv1_weight, conv1_bias, norm_weight, norm_bias, conv2_weight, conv2_bias;
    /* derived by subnet_refresh */
    real *passive_weight; /* (mid, in, 3, 3): conv1 without the channels of the code */
    real *code_map;       /* (h, w, mid): what the code and the bias contribute to conv1 */
    real *scratch;
} Subnet;

void subnet_init(Subnet *subnet, const Poscode *code, int in, int out, gboolean se, Arena *arena);
void subnet_layout(Subnet *subnet, ParameterLayout *layout, const char *prefix);
void subnet_refresh(Subnet *subnet, const real *parameters);

/* Buffers of one thread.  Without training, runs of one shape may share all of them. */
typedef struct {
    const Subnet *subnet;
    const Kernels *kernels;
    gboolean training;
    int n;
    Conv *conv1, *conv2;
    real *x;      /* (n, h, w, in): the caller writes the passive channels here */
    real *hidden; /* (n, h, w, mid): output of conv1; with training its normalised values */
    real *rstd;   /* (n h w): 1 / deviation of each pixel */
    real *act;    /* (n, h, w, mid): input of conv2; hidden itself without training */
    real *se_saved;
    real *out; /* (n, h, w, out): the result */
    /* training: gradients and scratch, shared by all subnets of a scale */
    real *dout; /* (n, h, w, out): the caller writes dL/d(out) here */
    real *dx;   /* (n, h, w, in): the result of backward */
    real *dact, *dmap, *dpassive, *scratch;
    double *dnorm; /* (2, mid) */
} SubnetRun;

/* share: a run of an equal shape, or NULL. */
void subnet_run_init(SubnetRun *run, const Subnet *subnet, const real *parameters, const Kernels *kernels,
                     int n, gboolean training, const SubnetRun *share, Arena *arena);
/* run->x -> run->out. */
void subnet_forward(SubnetRun *run, const real *parameters);
/* run->dout -> run->dx; adds to the gradient. */
void subnet_backward(SubnetRun *run, const real *parameters, real *gradient);
