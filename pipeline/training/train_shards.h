/* Tiles to train on from tar shards. */
#pragma once
#include "pipeline/training/train_tiles.h"

/* The samples of train-*.tar in a folder. */
gboolean train_shards_use_folder(TrainTiles *tiles, const char *folder, GError **error);
/* The training samples (Patch*) of a manifest. */
gboolean train_shards_use_manifest(TrainTiles *tiles, const char *manifest, const GPtrArray *patches,
                                   GError **error);
