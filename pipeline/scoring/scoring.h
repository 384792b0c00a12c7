/* Scoring: tiles of a slide, or images of a folder, through a model. */
#pragma once
#include "flows/models/model.h"
#include "pipeline/config/config.h"
#include "tiler/cut/grid.h"
#include "tiler/slide/slide.h"

/* One scored tile or image. */
typedef struct {
    char *file;           /* images: path as listed; NULL for tiles of slides */
    Tile tile;            /* of slides */
    double width, height; /* footprint, level-0 px; of images their size */
    double readable_fraction, lesion_fraction;
    int label;       /* 0 normal, 1 anomaly, -1 unknown (left out of figures) */
    TileScore score; /* NaN when nothing could be read */
} Scored;

typedef gboolean (*ScoringTick)(void *data, int64_t done, int64_t total, GError **error);
typedef struct {
    Model *model;
    const char *bundle; /* the model's file, for messages */
    int threads;
    const char *partial; /* folder for finished blocks, so that a killed job goes on from them; NULL = none */
    ScoringTick tick;    /* may be NULL */
    void *tick_data;
    gboolean last; /* nothing is scored with this model after it: its memory may shrink (model_release) */
} ScoringOptions;

/* Scores a slide: the one way, of the stage and of `wsiflow score`.  Its tiles are cut and coloured by the model's recipe alone; of the
 * configuration only score.overlap, score.min_tissue, heatmap.cell_um and tiles.max_upsampling are read.  The slide must have no colours set (slide_set_colour);
 * tissue is a mask over all of it.  `scored` gets one Scored a tile (label and lesion fraction are the caller's to fill), and *map
 * the blended anomaly map of the slide, masked by the tissue.  A model that does not say how its tiles are cut is WSI_ERROR_INPUT. */
gboolean scoring_slide(const ScoringOptions *options, const Config *config, Slide *slide, const Image *tissue,
                       GArray *scored, Map **map, GError **error);
/* Scores images: files[i] (char*) resampled to the model's tile size when needed. */
gboolean scoring_images(const ScoringOptions *options, const GPtrArray *files, GArray *scored,
                        GError **error);

/* Scores as CSV. split: of all rows, "" = not known.  Slides: slide,split,column,row,x,y,width,height,tissue_fraction,readable_fraction,lesion_fraction,label and all scores; images: file,split,label
 * and all scores. */
gboolean scoring_write_slide(const char *path, const char *slide, const char *split, const GArray *scored,
                             char sha256[65], GError **error);
gboolean scoring_write_images(const char *path, const char *split, const GArray *scored, char sha256[65],
                              GError **error);
/* The footprints in a table of a slide: array of Rect (level-0 px). Caller frees. */
GArray *scoring_read_positions(const char *path, GError **error);
/* How many tiles have no score since less than CUT_READABLE of them could be read. */
int scored_unreadable(const GArray *scored);
/* The sizes of scored images: array of ImageSize (image_sizes.h), owned by the caller. */
GArray *scored_sizes(const GArray *scored);
void scored_clear(Scored *scored);
