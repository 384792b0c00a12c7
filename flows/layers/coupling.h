/* The affine coupling of AIO and Glow steps: the first C - C/2 channels pass, the others become x2 exp(e) + t with
 * e and t from the subnet (models.md A.5 a-d). */
#pragma once
#include "flows/layers/softclamp.h"
#include "flows/layers/step_spec.h"
#include "flows/layers/subnet.h"

typedef struct {
    Subnet subnet;
    SoftClamp clamp;
    int channels, passive, active;
} Coupling;

void coupling_init(Coupling *coupling, const Poscode *code, int channels, const StepSpec *spec, Arena *arena);

/* Pixels of all images (n h w): x has `channels` numbers a pixel.  The active half of the result goes to y2, y2_stride
 * numbers from pixel to pixel.  logdet[b] +=; local (n h w; may be NULL) +=: each pixel's part. */
void coupling_forward(const Coupling *coupling, SubnetRun *run, const real *parameters, const real *x,
                      real *y2, int y2_stride, double *logdet, real *local);
/* activity[c] += mean over the pixels of the last forward of |log-scale| of channel c: nothing for the passive half.  run: training,
 * which keeps what it needs. */
void coupling_activity(const Coupling *coupling, const SubnetRun *run, double *activity);
/* x: input of forward.  dy (n h w, channels) becomes dL/dx in place.  Adds to the gradient. */
void coupling_backward(const Coupling *coupling, SubnetRun *run, const real *parameters, const real *x,
                       const double *dlogdet, real *dy, real *gradient);
/* y (n h w, channels) becomes x in place. */
void coupling_inverse(const Coupling *coupling, SubnetRun *run, const real *parameters, real *y);
