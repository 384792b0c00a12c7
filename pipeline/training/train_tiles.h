/* The tiles a model is trained on, wherever they come from: images, tar shards, or slides. */
#pragma once
#include "flows/models/tile_set.h"
#include "pipeline/cohort/cohort.h"
#include "pipeline/slide/tile_recipe.h"

typedef struct TrainTiles TrainTiles;
void train_tiles_free(TrainTiles *tiles);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TrainTiles, train_tiles_free)
/* How these tiles are made of slides: by the configuration, or as the patch set of patches.folder says, completed by what the configuration's
 * file gives; the rest is unknown, and a note says so.  Its um/px is that of the tiles as the model sees them.  What contradicts the patch set
 * is WSI_ERROR_INPUT, of train_source_open. */
gboolean train_tiles_recipe(const TrainTiles *tiles, TileRecipe *out, GError **error);
/* Samples of shards that were left out since less than CUT_READABLE of them could be read when they were cut, as their facts say. */
int64_t train_tiles_unreadable(const TrainTiles *tiles);
/* Sizes (ImageSize) of the images of patches.folder, borrowed; NULL: all tiles are of tiles.size. */
GArray *train_tiles_sizes(const TrainTiles *tiles);
/* Borrowed.  Its read() may be called from many threads. */
const TileSet *train_tiles_set(const TrainTiles *tiles);

/* Where a run keeps the notes: {"notes": [...]}. */
#define TRAIN_NOTES_FILE "model/notes.json"
/* What a reader has to know of how they were chosen: array of char*, borrowed. */
const GPtrArray *train_tiles_notes(const TrainTiles *tiles);
