/* The inside of an Msflow and of a run; only flows/msflow*.c include this. */
#pragma once
#include "flows/models/msflow.h"
#include "flows/layers/chain.h"
#include "flows/layers/fpn.h"
#include "flows/layers/fusion.h"

struct Msflow {
    Arena *arena;                       /* owns everything below except parameters, layout and fit */
    MsflowSpec spec;                    /* fpn_width filled in */
    int size[SCALES], channels[SCALES]; /* of the flows: pooled side, channels after the FPN */
    Fpn fpn;
    Chain chain[SCALES];
    Fusion fusion;
    ParameterLayout layout;
    GArray *table;
    real *parameters;  /* (trainable + fixed) */
    gboolean released; /* by msflow_release */
    FpnFit *fit;       /* between msflow_fit_begin and the end of the last pass */
};

struct MsflowRun {
    const Msflow *flow;
    const Kernels *kernels;
    int batch;
    gboolean training;
    Arena *arena;
    real *pooled[SCALES];      /* (batch, size, size, features), for callers that give the extractor's maps */
    const real *input[SCALES]; /* of the flows in the last forward pass, (batch, size, size, channels) */
    FpnRun fpn;
    ChainRun chain[SCALES];
    FusionRun fusion;
};
