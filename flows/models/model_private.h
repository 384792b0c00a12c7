/* What the files behind model.h share: model.c (specification, accessors), fit.c (training), score.c (scorer), calibrate.c,
 * bundle.c (file). */
#pragma once
#include "flows/models/head.h"
#include "flows/models/model.h"

struct Model {
    ModelSpec spec; /* owns its texts */
    const Kernels *kernels;
    Extractor *extractor;
    Msflow *flow;
    Head *head; /* in the bundle with spec.loss.labels */
    Calibration calibration;
    GArray *history;  /* EpochReport */
    GArray *channels; /* ChannelReport, or NULL */
    int best_epoch;   /* whose parameters these are */
    char tiles_hash[65];
    char *libraries, *trained_with; /* flows_versions() and kernels of the training */
};

/* A model with the extractor loaded and a flow with initial parameters: the ground of training and loading.  Checks spec;
 * copies it. */
Model *model_prepare(const ModelSpec *spec, GError **error);
