/* The inside of TrainTiles, for its sources: train_images.c, train_shards.c and train_slides.c. */
#pragma once
#include "pipeline/patchset/image_sizes.h"
#include "pipeline/slide/tile_recipe.h"
#include "pipeline/training/tile_origins.h"
#include "pipeline/training/train_tiles.h"
#include "tiler/patches/patchset.h"
#include "tiler/patches/shard.h"

/* Where a tile is read from: an image, a sample of a shard, or a position on a slide. */
typedef struct {
    const char *file;           /* in `files` */
    const char *slide, *sha256; /* in `files`; NULL unless the image is of the run's own patch set */
    int source;                 /* index of the shard or slide */
    int entry;                  /* of the shard */
    double x, y;                /* top left corner, level-0 px */
    gboolean hard;              /* normal, although it looks like an anomaly */
} TileRef;

/* Tiles of one class: refs[i] is where tile i is read from, and origins has its patient, slide and position. */
typedef struct {
    GArray *refs; /* TileRef */
    Origins origins;
} Class;

struct TrainTiles {
    const Config *config;
    TileSet set;
    Class normal, anomalous; /* in the end all are in `normal`, labelled anomalies after the normal tiles */
    GByteArray *anomaly;     /* one byte per tile: 1 for an anomaly; NULL: all are normal */
    GByteArray *hard;        /* one byte per tile: 1 for a hard normal; NULL: there is none */
    GStringChunk *files;     /* the strings of the refs */
    char *slides;            /* slides/ of the run whose own patch set this is, or NULL */
    GPtrArray *shards;       /* Shard* */
    GArray *sources;         /* Source (train_slides.c) */
    GArray *sizes;           /* ImageSize, of patches.folder; else NULL */
    TileRecipe recipe;       /* of patches.folder */
    int64_t unreadable;      /* samples that are left out as unreadable */
    int64_t unstated;        /* samples of shards without a readable fraction, which are used */
    double mpp;              /* um/px of all samples of the shards; 0 = unknown, or they differ */
    GPtrArray *notes;        /* char*, owned */
    GMutex lock;             /* guards the sources */
    int64_t takes;           /* how often a slide was used */
    int open;                /* slides that are open */
};

/* Without tiles yet.  Free with train_tiles_free. */
TrainTiles *train_tiles_new(const Config *config);
/* Adds a note on how the tiles were chosen; format as of printf. */
void train_tiles_note(TrainTiles *tiles, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Adds a tile with its patient, slide and position; copies the origin. */
void train_tiles_add(TrainTiles *tiles, TileRef ref, gboolean normal, const Origin *origin);
/* The origin of a patch; its strings are borrowed. */
Origin train_tiles_origin(const Patch *patch);
/* Makes the set of the tiles that were added: at most train.max_tiles normal ones, evenly drawn, and all anomalies when they are needed.
 * where: the source, for messages. */
gboolean train_tiles_end(TrainTiles *tiles, TileSource read, const char *where, GError **error);
