/* MSFlow's fusion flow (Zhou et al., "MSFlow", TNNLS 2024): one two-sided coupling over the three scales together, whose subnets
 * see all scales.  After a fixed permutation the channels of each scale are a (first half) and b (second half):
 *   (S2, T2) = Net2(b);  a' = a exp(e(S2)) + T2;   (S1, T1) = Net1(a');  b' = b exp(e(S1)) + T1;   z = clamp [a' | b'] to +-1e6
 *   ld = sum of all e,  e(s) = 0.636 alpha atan(s / alpha)
 * Net(x1, x2, x3): average all maps to the smallest size, concatenate them (T channels), conv 3x3 to T/4, LayerNorm, ReLU, conv
 * 3x3 to T, ReLU.  The slice of each scale is upsampled bilinearly and added to x_l; two convs 3x3 give S_l and T_l. */
#pragma once
#include "flows/layers/fusion_state.h"

void fusion_init(Fusion *fusion, const int channels[SCALES], const int size[SCALES], double alpha,
                 Arena *arena);
void fusion_layout(Fusion *fusion, ParameterLayout *layout, const char *prefix);
void fusion_initialise(const Fusion *fusion, uint64_t seed, const char *prefix, real *parameters);
void fusion_refresh(Fusion *fusion, const real *parameters);

void fusion_run_init(FusionRun *run, const Fusion *fusion, const real *parameters, const Kernels *kernels,
                     int n, gboolean training, Arena *arena);
/* x[l] (n, h, w, channels) -> run->z[l]; logdet[b] +=. */
void fusion_forward(FusionRun *run, const real *parameters, const real *const x[SCALES], double *logdet);
/* dz[l] (n, h, w, channels) = dL/dz, dlogdet[b] = dL/d(logdet of image b).  Sets dx[l]; adds to the gradient. */
void fusion_backward(FusionRun *run, const real *parameters, const real *const dz[SCALES],
                     const double *dlogdet, real *const dx[SCALES], real *gradient);
/* z[l] (n, h, w, channels) -> x[l], which is set.  Exact unless z was clamped. */
void fusion_inverse(FusionRun *run, const real *parameters, const real *const z[SCALES],
                    real *const x[SCALES]);
