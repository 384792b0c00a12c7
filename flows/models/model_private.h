/* The inside of a model, for the code that makes, stores, trains and scores with one. */
#pragma once
#include "flows/models/head.h"
#include "flows/models/model.h"

struct Model {
    ModelSpec spec; /* owns its texts */
    const Kernels *kernels;
    Extractor *extractor;
    Msflow *flow;
    Head *head; /* with spec.loss.labels it is part of the bundle */
    Calibration calibration;
    GArray *history;  /* EpochReport */
    GArray *channels; /* ChannelReport, or NULL */
    int best_epoch;   /* whose parameters these are */
    char tiles_hash[65];
    char *libraries, *trained_with; /* flows_versions() and kernels of the training */
};

/* A model with its extractor loaded and a flow with initial parameters, as training and loading start from.  Checks and copies
 * the specification.  NULL with error. */
Model *model_prepare(const ModelSpec *spec, GError **error);
