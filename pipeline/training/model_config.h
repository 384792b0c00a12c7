/* Models and the configuration; tiles for training from pictures. */
#pragma once
#include "flows/models/model.h"
#include "pipeline/config/config.h"
#include "pipeline/report/evaluation.h"
#include "pipeline/slide/recipe.h"

/* Keys of a training that do not go together are WSI_ERROR_INPUT; told before a run begins. */
gboolean models_check(const Config *config, GError **error);
/* Whether a training can have these values; TRUE when none is asked for.  To be reported before a run cuts tiles for hours. */
gboolean models_check_training(const Config *config, GError **error);
/* What the configuration asks for, which models_check has passed. Clear with model_spec_clear. */
gboolean models_spec(const Config *config, ModelSpec *spec, GError **error);
/* How the tiles are made that it is trained on goes into the model. */
void models_set_recipe(ModelSpec *spec, const Recipe *recipe);
/* Whether labelled anomalies are among the tiles: for the loss, the choice of the epoch, or the threshold. */
gboolean models_need_anomalies(const Config *config);
/* Where features are kept (train.feature_cache). */
FeatureCache models_feature_cache(const Config *config);

/* A picture in memory as size x size x 3 bytes. */
gboolean picture_fit(const Image *picture, int size, uint8_t *rgb, GError **error);
/* One picture as size x size x 3 bytes. */
gboolean picture_tile(const char *file, int size, uint8_t *rgb, GError **error);
/* The threshold of a bundle's calibration, for figures; *calibration must outlive *out. */
gboolean models_threshold(const char *bundle, Calibration *calibration, Threshold *out, GError **error);
