/* Models and the configuration; tiles for training from images. */
#pragma once
#include "flows/training/fit.h"
#include "pipeline/config/config.h"

/* Keys of a training that do not go together are WSI_ERROR_INPUT; told before a run begins. */
gboolean model_config_check(const Config *config, GError **error);
/* Whether a training can have these values; TRUE when none is asked for.  To be reported before a run cuts tiles for hours. */
gboolean model_config_check_training(const Config *config, GError **error);
/* What the configuration asks for, which model_config_check has passed. Clear with model_spec_clear. */
gboolean model_config_spec(const Config *config, ModelSpec *spec, GError **error);
/* Whether labelled anomalies are among the tiles: for the loss, the choice of the epoch, or the threshold. */
gboolean model_config_needs_anomalies(const Config *config);
/* Where features are kept (train.feature_cache). */
FeatureCache model_config_feature_cache(const Config *config);
