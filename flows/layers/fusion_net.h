/* The subnets of the fusion flow.  Only flows/layers/fusion.c uses them.  which: 0 = Net1, 1 = Net2. */
#pragma once
#include "flows/layers/fusion_state.h"

void fusion_net_init(FusionNet *net, const int in[SCALES], const int out[SCALES]);
void fusion_net_layout(FusionNet *net, ParameterLayout *layout, const char *prefix);
void fusion_net_run_init(FusionRun *run, int which, const real *parameters, Arena *arena);
/* n * h * w of scale l. */
int64_t fusion_net_pixels(const FusionRun *run, int l);
/* x[l] (n, h, w, in) -> run->net[which].st[l] (n, h, w, 2 out). */
void fusion_net_forward(FusionRun *run, int which, const real *parameters, real *const x[SCALES]);
/* run->dst[l]: dL/d(st).  Adds dL/d(x[l]) to dx[l] (n, h, w, in), and adds to the gradient. */
void fusion_net_backward(FusionRun *run, int which, const real *parameters, real *const dx[SCALES],
                         real *gradient);
