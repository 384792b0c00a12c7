/* Scoring the tiles of a slide, or images, with a model. */
#pragma once
#include "flows/models/model.h"
#include "pipeline/config/config.h"
#include "tiler/cut/grid.h"
#include "tiler/slide/slide.h"

/* One scored tile or image. */
typedef struct {
    char *file;           /* of an image: its path as listed; NULL for a tile */
    Tile tile;            /* of a slide; unset for an image */
    double width, height; /* footprint of a tile, level-0 px; size of an image, px */
    double readable_fraction, lesion_fraction;
    int label;       /* 0 normal, 1 anomaly, -1 unknown (in no metric) */
    gboolean kept;   /* its pooled latents are kept */
    TileScore score; /* NAN when too little could be read */
} Scored;

/* Called when the tiles are known and none is scored: sets label, lesion fraction and `kept`.  Of an image, `file` is borrowed. */
typedef void (*ScoringListed)(void *data, GArray *scored);
typedef gboolean (*ScoringTick)(void *data, int64_t done, int64_t total, GError **error);
typedef struct {
    Model *model;
    const char *bundle; /* the model's file, for messages */
    int threads;
    const char *partial; /* folder for finished blocks, from which a killed job continues; NULL = none */
    ScoringTick tick;    /* may be NULL */
    void *tick_data;
    gboolean last;        /* nothing else is scored with this model, so model_release may free memory */
    ScoringListed listed; /* may be NULL */
    void *listed_data;
    GArray *
        latents; /* float: receives SCORER_LATENTS of each kept tile, in the order of the tiles, NAN for one that could not be read;
                        NULL = no tile is kept */
} ScoringOptions;

/* Scores a slide, for the stage and for `wsiflow score`.  Its tiles are cut and coloured by the model's recipe alone; of the configuration
 * only score.overlap, score.min_tissue, heatmap.cell_um and tiles.max_upsampling are read.  The slide must have no colours set
 * (slide_set_colour).  tissue: mask over the whole slide.  `scored` receives one Scored per tile, whose label and lesion fraction the caller
 * fills in, before (`listed`) or after; *map receives the blended anomaly map of the slide, masked by the tissue.  WSI_ERROR_INPUT when the model's recipe is not
 * complete. */
gboolean scoring_slide(const ScoringOptions *options, const Config *config, Slide *slide, const Image *tissue,
                       GArray *scored, Map **map, GError **error);
/* Scores image files (char*), resampled to the model's tile size when needed. */
gboolean scoring_images(const ScoringOptions *options, const GPtrArray *files, GArray *scored,
                        GError **error);

/* How many tiles have no score because less than CUT_READABLE of each could be read. */
int scored_unreadable(const GArray *scored);
/* The sizes of scored images: array of ImageSize.  Caller unrefs. */
GArray *scored_sizes(const GArray *scored);
