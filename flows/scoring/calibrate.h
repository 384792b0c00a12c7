/* Calibration: measures what held-out normal tiles look like to a model. */
#pragma once
#include "flows/models/model.h"
#include "flows/models/tile_set.h"

/* Fills the model's calibration from held-out tiles: normals index[0..count) and, for the threshold only, labelled anomalies
 * (may be none).  The result does not depend on threads. */
gboolean model_calibrate(Model *model, const TileSet *tiles, const int64_t *index, int64_t count,
                         const int64_t *anomaly, int64_t anomalies, int threads, GError **error);
