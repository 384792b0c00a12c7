/* The tiles that a model is trained on, from images, tar shards or slides. */
#pragma once
#include "flows/models/tile_set.h"
#include "pipeline/cohort/cohort.h"
#include "pipeline/slide/tile_recipe.h"

typedef struct TrainTiles TrainTiles;
void train_tiles_free(TrainTiles *tiles);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TrainTiles, train_tiles_free)
/* How the tiles were made: by the configuration, or for patches.folder by its files, completed by the configuration file.  What remains
 * unknown is in a note.  um/px is that of the tiles at the size the model sees.  (train_source_open refuses a configuration that contradicts
 * the patch set.) */
gboolean train_tiles_recipe(const TrainTiles *tiles, TileRecipe *out, GError **error);
/* The number of samples of shards that are left out, because by their facts less than CUT_READABLE of them could be read. */
int64_t train_tiles_unreadable(const TrainTiles *tiles);
/* Array of ImageSize, of the images of patches.folder; borrowed.  NULL: all tiles have tiles.size. */
GArray *train_tiles_sizes(const TrainTiles *tiles);
/* The set for model_fit.  Borrowed; its read() may be called from many threads. */
const TileSet *train_tiles_set(const TrainTiles *tiles);

/* Where a run keeps the notes: {"notes": [...]}. */
#define TRAIN_NOTES_FILE "model/notes.json"
/* Notes on how the tiles were chosen: array of char*, borrowed. */
const GPtrArray *train_tiles_notes(const TrainTiles *tiles);
