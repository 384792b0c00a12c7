/* The grid of tiles of a slide, in row-major order. */
#pragma once
#include "base/image.h"

typedef enum {
    EDGE_DROP, /* only tiles entirely inside the area */
    EDGE_PAD,  /* tiles may extend beyond the right and lower border; pixels there are "no data" */
    EDGE_SHIFT /* the last column and row are moved back inside */
} EdgePolicy;
gboolean edge_policy_parse(const char *name, EdgePolicy *out);

typedef struct {
    int size;       /* px */
    double mpp;     /* um/px */
    double overlap; /* px, 0 <= overlap < size */
    EdgePolicy edge;
    double min_tissue; /* keep tiles whose tissue fraction is at least this */
} GridSpec;

typedef struct {
    int column, row;
    double x, y;            /* top-left, level-0 px */
    double tissue_fraction; /* 0..1 of the footprint */
} Tile;

typedef struct {
    GridSpec spec;
    double tile_width, tile_height; /* footprint, level-0 px (size * mpp / slide mpp) */
    int columns, rows;              /* of the full grid */
    GArray *tiles;                  /* Tile, row-major, those kept */
} Grid;

/* area: the scanned bounds, level-0 px.  mpp_x, mpp_y: of the slide's level 0.  mask: 255 = tissue over the whole
 * slide (slide_width x slide_height level-0 px); NULL keeps all tiles. */
Grid *grid_new(const GridSpec *spec, const Rect *area, double mpp_x, double mpp_y, const Image *mask,
               double slide_width, double slide_height, GError **error);
void grid_free(Grid *grid);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Grid, grid_free)
