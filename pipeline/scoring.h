/* Scoring: tiles of a slide, or pictures of a folder, through a model. */
#pragma once
#include "flows/model.h"
#include "pipeline/tiles.h"

/* One scored tile or picture. */
typedef struct {
    char *file;           /* pictures: path as listed; NULL for tiles of slides */
    Tile tile;            /* of slides */
    double width, height; /* footprint, level-0 px */
    double valid_share, lesion_share;
    int label;       /* 0 normal, 1 anomaly, -1 unknown (left out of figures) */
    TileScore score; /* NaN when nothing could be read */
} Scored;

typedef gboolean (*ScoringTick)(void *data, int64_t done, int64_t total, GError **error);
typedef struct {
    Model *model;
    int threads;
    const char *partial; /* folder for finished blocks, so that a killed job goes on from them; NULL = none */
    ScoringTick tick;    /* may be NULL */
    void *tick_data;
    gboolean last; /* nothing is scored with this model after it: its memory may shrink (model_release) */
} ScoringOptions;

/* The tiles of a slide to score: of the model's size and resolution, overlapping as score.overlap says; *cut says how to cut them. */
Grid *scoring_grid(const Config *config, const Model *model, const Slide *slide, const Image *tissue,
                   CutSpec *cut, GError **error);
/* Scores the tiles of a grid; `scored` gets one Scored a tile (label and lesion share are the caller's to fill), and *map (may be NULL) the
 * blended anomaly map of the slide at cell_um (0 = the natural resolution of the tiles' maps), masked by the tissue. */
gboolean scoring_slide(const ScoringOptions *options, Slide *slide, const Grid *grid, const CutSpec *cut,
                       const Image *tissue, double cell_um, GArray *scored, Map **map, GError **error);
/* Scores pictures: files[i] (char*) resampled to the model's tile size when needed. */
gboolean scoring_pictures(const ScoringOptions *options, const GPtrArray *files, GArray *scored,
                          GError **error);

/* Scores as CSV. Slides: slide,column,row,x,y,width,height,tissue_share,valid_share,lesion_share,label and all scores; pictures: file,label
 * and all scores. */
gboolean scoring_write_slide(const char *path, const char *slide, const GArray *scored, char sha256[65],
                             GError **error);
gboolean scoring_write_pictures(const char *path, const GArray *scored, char sha256[65], GError **error);
void scored_clear(Scored *scored);
