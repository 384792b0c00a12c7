/* The tiles a model is trained on, wherever they come from: images, tar shards, or slides. */
#pragma once
#include "flows/models/tile_set.h"
#include "pipeline/cohort/cohort.h"
#include "pipeline/slide/tile_recipe.h"

typedef struct TrainTiles TrainTiles;
/* By patches.folder (its manifest.csv, else train/good, or shards train-*.tar), else by train.source: the table of normal tiles (`normals`, see
 * traintiles_write) whose tiles are cut from `slides` (SlideEntry*, borrowed) while training, in the stain of `fits` (of each slide the
 * path of its fit, or NULL; borrowed); or the patch set's manifest, whose
 * patches are images or in shards.  At most train.max_tiles, drawn evenly over patients, slides and places (origins.h).  What is not needed may be NULL. */
TrainTiles *traintiles_new(const Config *config, const char *manifest, const char *normals,
                           const GPtrArray *slides, const GPtrArray *fits, GError **error);
void traintiles_free(TrainTiles *tiles);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TrainTiles, traintiles_free)
/* How these tiles are made of slides: by the configuration, or as the patch set of patches.folder says, completed by what the configuration's
 * file gives; the rest is unknown, and a note says so.  Its um/px is that of the tiles as the model sees them.  What contradicts the patch set
 * is WSI_ERROR_INPUT, of traintiles_new. */
gboolean traintiles_recipe(const TrainTiles *tiles, TileRecipe *out, GError **error);
/* Samples of shards that were left out since less than CUT_READABLE of them could be read when they were cut, as their facts say. */
int64_t traintiles_unreadable(const TrainTiles *tiles);
/* Sizes (PictureSize) of the images of patches.folder, borrowed; NULL: all tiles are of tiles.size. */
GArray *traintiles_sizes(const TrainTiles *tiles);
/* Borrowed.  Its read() may be called from many threads. */
const TileSet *traintiles_set(const TrainTiles *tiles);

/* Where a run keeps the notes: {"told": [...]}. */
#define TRAIN_NOTES_FILE "model/notes.json"
/* What a reader has to know of how they were chosen: array of char*, borrowed. */
const GPtrArray *traintiles_notes(const TrainTiles *tiles);

/* A normal tile of a slide, for the table. */
typedef struct {
    int slide;   /* index in an array of SlideEntry* */
    double x, y; /* exact, level-0 px */
    double side; /* Patch.side */
} NormalTile;
/* Writes the table: columns slide,patient,x,y,side,fingerprint; fingerprints[i]: SlideInfo.fingerprint of slide i. */
gboolean traintiles_write(const char *path, const GArray *tiles, const GPtrArray *slides,
                          const char *const *fingerprints, char sha256[65], GError **error);
