/* What a flow takes from the training tiles before the first gradient step: statistics of the features, the fixed pyramid, and
 * ActNorm. */
#pragma once
#include "flows/models/msflow.h"
#include "flows/training/features.h"

typedef struct {
    Msflow *flow;
    const Kernels *kernels;
    Features *features;
    const int64_t *tiles; /* (count) training tiles, in an order that follows from the seed */
    int64_t count;
    int batch; /* of the features */
    int threads;
    gboolean pin;
    /* Trains the laterals, between the fit of the pyramid and its last standardisation; NULL = they stay fixed. */
    gboolean (*train_laterals)(void *data, GError **error);
    void *data;
} InitialiseSpec;

/* The result does not depend on threads. */
gboolean initialise_flow(const InitialiseSpec *spec, GError **error);
