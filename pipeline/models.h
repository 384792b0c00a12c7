/* Models and the configuration; tiles for training from pictures. */
#pragma once
#include "flows/model.h"
#include "pipeline/config.h"
#include "pipeline/evaluation.h"
#include "pipeline/recipe.h"

/* Keys of a training that do not go together are WSI_ERROR_INPUT; told before a run begins. */
gboolean models_check(const Config *config, GError **error);
/* Whether a training can have these values; TRUE when none is asked for.  To be told before a run cuts tiles for hours. */
gboolean models_check_training(const Config *config, GError **error);
/* What the configuration asks for. Clear with model_spec_clear. */
gboolean models_spec(const Config *config, ModelSpec *spec, GError **error);
/* How the tiles are made that it is trained on goes into the model. */
void models_set_recipe(ModelSpec *spec, const Recipe *recipe);
/* Whether labelled anomalies are among the tiles: for the loss, the choice of the epoch, or the threshold. */
gboolean models_need_anomalies(const Config *config);
/* Where features are kept (train.feature_cache). */
FeatureCache models_feature_cache(const Config *config);

/* Pictures as training tiles: files[i] belongs to group[i] (may be NULL) and is an anomaly when anomaly[i] is 1 (NULL: none is).
 * Pictures of another size are resampled (Lanczos). */
typedef struct {
    GPtrArray *files;  /* char*, owned */
    GPtrArray *groups; /* char*, owned, or NULL */
    int size;
    GByteArray *anomaly; /* owned, or NULL */
} PictureSet;
void picture_set_clear(PictureSet *set);
/* The normals of FOLDER/train/good, sorted by name. */
gboolean picture_set_folder(PictureSet *set, const char *folder, int size, GError **error);
/* The normals of the manifest of a patch set (split train, label good), grouped by slide. */
gboolean picture_set_manifest(PictureSet *set, const char *manifest, int size, GError **error);
/* Keeps at most `most` (0 = all), evenly chosen. */
void picture_set_limit(PictureSet *set, int most);
/* Adds the labelled anomalies of FOLDER/train/Ungood, or of the manifest (split train, label Ungood). */
gboolean picture_set_add_folder(PictureSet *set, const char *folder, GError **error);
gboolean picture_set_add_manifest(PictureSet *set, const char *manifest, GError **error);
/* A picture in memory as size x size x 3 bytes. */
gboolean picture_fit(const Image *picture, int size, uint8_t *rgb, GError **error);
/* One picture as size x size x 3 bytes. */
gboolean picture_tile(const char *file, int size, uint8_t *rgb, GError **error);
/* TileSet over the pictures; it borrows them. */
TileSet picture_tile_set(PictureSet *set);
/* The threshold of a bundle's calibration, for figures; *calibration must outlive *out. */
gboolean models_threshold(const char *bundle, Calibration *calibration, Threshold *out, GError **error);
