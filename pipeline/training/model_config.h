/* Models and the configuration; tiles for training from images. */
#pragma once
#include "flows/training/fit.h"
#include "pipeline/config/config.h"
#include "pipeline/report/evaluation.h"

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

/* An image in memory as size x size x 3 bytes. */
gboolean imagefile_fit(const Image *image, int size, uint8_t *rgb, GError **error);
/* One image as size x size x 3 bytes. */
gboolean image_tile(const char *file, int size, uint8_t *rgb, GError **error);
/* The threshold of a bundle's calibration, for figures; *calibration must outlive *out. */
gboolean model_config_threshold(const char *bundle, Calibration *calibration, Threshold *out, GError **error);
