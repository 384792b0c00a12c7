/* A trained anomaly model: extractor, MSFlow, head and calibration.  The bundle is one safetensors file; specification,
 * calibration and history are in its metadata.
 *
 * flows/training/fit.h makes a model, flows/scoring/scorer.h scores tiles with it. */
#pragma once
#include "flows/models/calibration.h"
#include "flows/models/model_spec.h"

typedef struct Model Model;
/* Releases weights that scorers hold in packed form: about half of the memory of scoring with a large extractor.  To be called when
 * all scorers exist: the model can then neither make scorers nor be saved. */
void model_release(Model *model);
void model_free(Model *model);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Model, model_free)
const ModelSpec *model_spec(const Model *model);
/* Array of EpochReport, in order; seconds are 0 for epochs of an earlier process.  Like all below, borrowed from the model. */
const GArray *model_history(const Model *model);
/* Array of ChannelReport, scale by scale, for the parameters of the best epoch; NULL for a model from a file. */
const GArray *model_channels(const Model *model);
const Calibration *model_calibration(const Model *model);
/* SHA-256 over pixels, groups, slides, positions and labels of all tiles of its training and calibration. */
const char *model_tiles_hash(const Model *model);
/* Writes the bundle; sha256 (may be NULL) receives its hash.  The same training gives the same bytes. */
gboolean model_save(const Model *model, const char *path, char sha256[65], GError **error);
/* Reads what a bundle says about itself, without its tensors and the extractor's weights: its specification, which the caller
 * clears, and its calibration without map_mean.  FALSE with WSI_ERROR_INPUT when the file is not a bundle. */
gboolean model_describe(const char *path, ModelSpec *spec, Calibration *calibration, GError **error);
/* Loads a bundle.  weights: path of the extractor's weights instead of the bundle's own; may be NULL.  Their hash must be the one
 * of the training.  kernels: NULL = the fastest. */
Model *model_load(const char *path, const char *weights, const char *kernels, GError **error);
