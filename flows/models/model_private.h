/* What the files behind model.h share: model.c (specification, accessors), fit.c (training), score.c (scorer), calibrate.c,
 * bundle.c (file). */
#pragma once
#include "flows/models/fields.h"
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
/* Anomalies in each part of a batch once labels count. */
int model_part_anomalies(const ModelSpec *spec);
/* Fills model->calibration from held-out tiles: normals index[0..count) and, for the threshold only, labelled anomalies (may be
 * none). */
gboolean model_calibrate(Model *model, const TileSet *tiles, const int64_t *index, int64_t count,
                         const int64_t *anomaly, int64_t anomalies, int threads, GError **error);

/* Reads what calibration_write wrote, but for map_mean, which is a tensor. */
gboolean calibration_read(const json_t *object, Calibration *calibration, GError **error);

/* Specification without what follows from it (channels, sizes, the flow's seed), as JSON. */
json_t *model_spec_write(const ModelSpec *spec);
/* Reads what model_spec_write wrote; the caller clears the specification. */
gboolean model_spec_read(const json_t *object, ModelSpec *spec, GError **error);
/* History as an array of arrays, without seconds. */
json_t *model_history_write(const GArray *history);
GArray *model_history_read(const json_t *array, GError **error);
