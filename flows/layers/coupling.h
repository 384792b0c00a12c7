/* The affine coupling of AIO and Glow steps.  The first C - C/2 channels (passive) pass unchanged; the others (active) become
 * x2 exp(e) + t, where e and t come from the subnet.  Source: Dinh, Sohl-Dickstein, Bengio, "Density estimation using Real NVP",
 * ICLR 2017; channel order as in FrEIA's AllInOneBlock. */
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

/* x (n, h, w, channels).  Writes the active half of the result to y2, with y2_stride numbers from one pixel to the next.
 * logdet[b] +=; local (n, h, w; may be NULL) += each pixel's part. */
void coupling_forward(const Coupling *coupling, SubnetRun *run, const real *parameters, const real *x,
                      real *y2, int y2_stride, double *logdet, real *local);
/* activity[c] += the mean of |e| of active channel c over the pixels of the last forward.  run: with training, which keeps the
 * output of the subnet. */
void coupling_activity(const Coupling *coupling, const SubnetRun *run, double *activity);
/* x: the input of forward.  dy (n, h, w, channels) becomes dL/dx in place.  Adds to the gradient. */
void coupling_backward(const Coupling *coupling, SubnetRun *run, const real *parameters, const real *x,
                       const double *dlogdet, real *dy, real *gradient);
/* y (n, h, w, channels) becomes x in place. */
void coupling_inverse(const Coupling *coupling, SubnetRun *run, const real *parameters, real *y);
