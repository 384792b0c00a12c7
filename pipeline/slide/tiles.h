/* Tables of tiles between stages, and what the configuration says of tiles. */
#pragma once
#include "pipeline/config/config.h"
#include "tiler/cut/cut.h"
#include "tiler/cut/grid.h"
#include "tiler/tissue/tissue.h"

/* columns column,row,x,y,tissue_fraction,split (of the slide); numbers with all their digits, so that reading gives the same tiles. */
gboolean tiles_write(const char *path, const Grid *grid, const char *split, char sha256[65], GError **error);
/* Size of a table without tiles. */
int64_t tiles_empty_bytes(void);
/* The tiles (Tile) of such a table. Caller unrefs. */
GArray *tiles_read(const char *path, GError **error);

/* A mask that was written as a grey PNG: one channel. */
Image *tiles_read_mask(const char *path, GError **error);

/* How tissue is found. */
TissueOptions tiles_tissue_options(const Config *config);
/* Grid and cut of the patch set. */
void tiles_grid_spec(const Config *config, GridSpec *spec);
CutSpec tiles_cut_spec(const Config *config);
/* Tiles of that resolution are not finer than the slide's level 0 by more than tiles.max_upsampling; WSI_ERROR_INPUT names both. */
gboolean tiles_check_upsampling(const Config *config, const Slide *slide, double mpp, GError **error);
/* The grid of a slide for a specification and a tissue mask. */
Grid *tiles_grid(const Slide *slide, const GridSpec *spec, const Image *tissue, GError **error);
/* A slide without resolution cannot be cut: the error names the slide and the ways to give it one. */
gboolean tiles_need_mpp(const Slide *slide, GError **error);
