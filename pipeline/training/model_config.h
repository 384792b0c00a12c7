/* The specification of a model, by the configuration. */
#pragma once
#include "flows/training/fit.h"
#include "pipeline/config/config.h"

/* FALSE with WSI_ERROR_INPUT when keys for training contradict each other.  Call it before a run begins. */
gboolean model_config_check(const Config *config, GError **error);
/* FALSE when training cannot work with these values; TRUE when no training is asked for.  Call it before a run cuts tiles for hours. */
gboolean model_config_check_training(const Config *config, GError **error);
/* The specification that the configuration asks for, after model_config_check.  Clear with model_spec_clear. */
gboolean model_config_spec(const Config *config, ModelSpec *spec, GError **error);
/* Whether training needs labelled anomalies: for the loss, the choice of the epoch, or the threshold. */
gboolean model_config_needs_anomalies(const Config *config);
/* Where features are kept (train.feature_cache). */
FeatureCache model_config_feature_cache(const Config *config);
