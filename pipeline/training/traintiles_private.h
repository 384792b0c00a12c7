/* The inside of the training tiles: traintiles.c (images, and what all sources share), trainshards.c and trainslides.c. */
#pragma once
#include "pipeline/patchset/origins.h"
#include "pipeline/patchset/sizes.h"
#include "pipeline/training/traintiles.h"
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
} Position;

/* Tiles of one class: places[i] is where tile i is to be had, origins whose it is. */
typedef struct {
    GArray *positions; /* Place */
    Origins origins;
} Class;

struct TrainTiles {
    const Config *config;
    TileSet set;
    Class normal, strange; /* at the end all are in `normal`, labelled anomalies behind the normals */
    GByteArray *anomaly;
    GStringChunk *files;
    char *slides;       /* folder of the slides of the run whose patch set this is, or NULL */
    GPtrArray *shards;  /* Shard* */
    GArray *sources;    /* Source (trainslides.c) */
    GArray *sizes;      /* PictureSize, of patches.folder; else NULL */
    TileRecipe recipe;  /* of patches.folder */
    int64_t unreadable; /* samples that were left out for it */
    double mpp;         /* that all samples of its shards say; 0 = none, or they differ */
    GPtrArray *notes;   /* char*, owned */
    GMutex lock;        /* guards the sources */
    int64_t takes;
    int open;
};

/* As printf: what a reader has to know of how the tiles were chosen. */
void traintiles_note(TrainTiles *tiles, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Adds a tile whose patient, slide and place are in `origin`. */
void traintiles_add(TrainTiles *tiles, Position position, gboolean normal, const Origin *origin);
/* Whose a patch is. */
Origin traintiles_origin(const Patch *patch);
/* The set over what was added: at most train.max_tiles normals, evenly drawn, and all anomalies when they are wanted. */
gboolean traintiles_end(TrainTiles *tiles, TileSource read, const char *where, GError **error);

/* The samples of train-*.tar in a folder, or of a manifest. */
gboolean traintiles_use_shard_folder(TrainTiles *tiles, const char *folder, GError **error);
gboolean traintiles_use_shards(TrainTiles *tiles, const char *manifest, const GPtrArray *patches,
                               GError **error);
/* Tiles that are cut while training. */
gboolean traintiles_use_slides(TrainTiles *tiles, const char *table, const GPtrArray *slides,
                               const GPtrArray *fits, GError **error);
GArray *traintiles_sources_new(void);
