/* Training: from tiles to a model. */
#pragma once
#include "flows/models/model.h"
#include "flows/training/features.h"
#include "flows/models/history.h"

/* Told after each epoch; FALSE stops the training cleanly (the error is WSI_ERROR_CANCELLED). */
typedef gboolean (*EpochCallback)(void *data, const EpochReport *report);

typedef struct {
    int threads;
    /* Path: written after each epoch, resumed from when it fits the specification and the data; NULL = none. */
    const char *checkpoint;
    EpochCallback reported;
    void *reported_data;
    /* What does not fit is computed anew each time, with the same result.  0 = 2 GiB of memory, a file without limit. */
    int64_t cache_bytes;
    FeatureCache cache;
    /* Path of FEATURES_FILE, which stays for a later process to go on with; not possible with augmentation, which makes other
     * tiles in each epoch. */
    const char *feature_file;
} FitOptions;

/* Trains on normals, and with spec->loss.labels on the labelled anomalies among the tiles.  The result does not depend on
 * threads, nor on being stopped and resumed from the checkpoint.
 * What is kept are the parameters of the epoch that spec->loss.selection finds best; by NLL, with labels, one in which all
 * terms counted.  Anomalies are held out for that choice and for the threshold; without loss.labels all of them, and none is
 * trained on. */
Model *model_fit(const ModelSpec *spec, const TileSet *tiles, const FitOptions *options, GError **error);
