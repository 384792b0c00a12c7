/* Training: from tiles to a model.  The result does not depend on threads, nor on being stopped and resumed. */
#pragma once
#include "flows/models/model.h"
#include "flows/training/features.h"
#include "flows/models/history.h"

/* Called after each epoch; FALSE stops the training cleanly (the error is WSI_ERROR_CANCELLED). */
typedef gboolean (*EpochCallback)(void *data, const EpochReport *report);

typedef struct {
    int threads;
    /* Path: written after each epoch; the training resumes from it when it fits specification and data.  NULL = none. */
    const char *checkpoint;
    EpochCallback reported;
    void *reported_data;
    /* Features that do not fit are computed again each time, with the same result.  0 = 2 GiB of memory; no limit for a file. */
    int64_t cache_bytes;
    FeatureCache cache;
    /* Path of FEATURES_FILE.  The file stays, for a later process to go on with.  Not with augmentation: its tiles differ in
     * each epoch. */
    const char *feature_file;
} FitOptions;

/* Trains on normals, and with spec->loss.labels also on the labelled anomalies among the tiles.
 *
 * The model keeps the parameters of the epoch that spec->loss.selection finds best.  (With labels, selection by NLL considers
 * only epochs in which all terms counted.)  Anomalies are held out for that choice and for the threshold; without loss.labels
 * all of them are, and none is trained on.  The caller owns the model.  NULL with WSI_ERROR_INPUT for a specification or tiles
 * that cannot be trained, WSI_ERROR_CANCELLED, or an error of the system. */
Model *model_fit(const ModelSpec *spec, const TileSet *tiles, const FitOptions *options, GError **error);
