/* The inside of TrainTiles, for its sources: train_images.c, train_shards.c and train_slides.c. */
#pragma once
#include "pipeline/training/tile_origins.h"
#include "pipeline/patchset/image_sizes.h"
#include "pipeline/training/train_tiles.h"
#include "tiler/patches/patchset.h"
#include "tiler/patches/shards.h"
#include "pipeline/slide/tile_recipe.h"

/* A tile: an image, a sample of a shard, or a place in a slide. */
typedef struct {
    const char *file;           /* in `files` */
    const char *slide, *sha256; /* in `files`: of an image of the run's own patch set, else NULL */
    int source;                 /* shard or slide */
    int entry;
    double x, y;
} TileRef;

/* Tiles of one class: places[i] is where tile i is to be had, origins whose it is. */
typedef struct {
    GArray *refs; /* TileRef */
    Origins origins;
} Class;

struct TrainTiles {
    const Config *config;
    TileSet set;
    Class normal, anomalous; /* at the end all are in `normal`, labelled anomalies behind the normals */
    GByteArray *anomaly;
    GStringChunk *files;
    char *slides;       /* folder of the slides of the run whose patch set this is, or NULL */
    GPtrArray *shards;  /* Shard* */
    GArray *sources;    /* Source (trainslides.c) */
    GArray *sizes;      /* ImageSize, of patches.folder; else NULL */
    TileRecipe recipe;  /* of patches.folder */
    int64_t unreadable; /* samples that were left out for it */
    double mpp;         /* that all samples of its shards say; 0 = none, or they differ */
    GPtrArray *notes;   /* char*, owned */
    GMutex lock;        /* guards the sources */
    int64_t takes;
    int open;
};

/* Without tiles yet.  Free with train_tiles_free. */
TrainTiles *train_tiles_new(const Config *config);
/* As printf: what a reader has to know of how the tiles were chosen. */
void train_tiles_note(TrainTiles *tiles, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Adds a tile whose patient, slide and place are in `origin`. */
void train_tiles_add(TrainTiles *tiles, TileRef ref, gboolean normal, const Origin *origin);
/* Whose a patch is. */
Origin train_tiles_origin(const Patch *patch);
/* The set over what was added: at most train.max_tiles normals, evenly drawn, and all anomalies when they are wanted. */
gboolean train_tiles_end(TrainTiles *tiles, TileSource read, const char *where, GError **error);
