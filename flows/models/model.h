/* A trained anomaly model: extractor, MSFlow, head and calibration.  The bundle is one safetensors file; specification,
 * calibration and history are in its metadata.
 *
 * flows/training/fit.h makes a model, flows/scoring/scorer.h scores tiles with it. */
#pragma once
#include "flows/models/calibration.h"
#include "flows/models/model_spec.h"

typedef struct Model Model;
/* Gives back the memory of weights that scorers hold in packed form, once all scorers that will ever be needed exist: about half of
 * what scoring with a large extractor takes.  The model can then neither make scorers nor be saved. */
void model_release(Model *model);
void model_free(Model *model);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Model, model_free)
const ModelSpec *model_spec(const Model *model);
/* Array of EpochReport, in order; seconds are 0 for epochs of an earlier process. */
const GArray *model_history(const Model *model);
/* Array of ChannelReport, scale by scale, of the parameters that were kept; NULL for a model from a file. */
const GArray *model_channels(const Model *model);
const Calibration *model_calibration(const Model *model);
/* SHA-256 over pixels, groups, slides, places and labels of all tiles it was trained on and calibrated with. */
const char *model_tiles_hash(const Model *model);
gboolean model_save(const Model *model, const char *path, char sha256[65], GError **error);
/* What a bundle says of itself, without its tensors and without the extractor's weights: its specification (the caller clears it),
 * and its calibration without map_mean.  WSI_ERROR_INPUT when it is no bundle. */
gboolean model_describe(const char *path, ModelSpec *spec, Calibration *calibration, GError **error);
/* weights: path of the extractor's weights, overrides the one in the bundle; may be NULL.  Their hash must agree. */
Model *model_load(const char *path, const char *weights, const char *kernels, GError **error);
