/* The tiles that a model is trained and calibrated with: how to read them, and what is known about each. */
#pragma once
#include <glib.h>
#include <stdint.h>

/* Reads one tile on demand.  rgb: tile_size x tile_size x 3.  Called by many threads, once or more for a tile. */
typedef gboolean (*TileSource)(void *data, int64_t index, uint8_t *rgb, GError **error);

/* Where a tile is on its slide, in level-0 pixels rounded to whole ones; side 0 = unknown. */
typedef struct {
    double x, y, side;
} TilePosition;

typedef struct {
    int64_t count;
    TileSource read;
    void *data;
    const char *const *group;     /* patient (or slide) of each tile, for the hold-out; may be NULL */
    const char *const *slide;     /* slide of each tile; may be NULL */
    const TilePosition *position; /* of each tile; may be NULL */
    const uint8_t *anomaly;       /* 1 for a labelled anomaly, 0 for a normal; NULL = all are normal */
    const uint8_t *hard;          /* 1 for a normal that looks like an anomaly; NULL = none is known */
} TileSet;
