/* The table of a slide's tiles (tiles.csv), which the stage `grid` writes for later stages. */
#pragma once
#include "tiler/cut/grid.h"

/* Columns column,row,x,y,tissue_fraction,split; split: of the slide.  Numbers have all their digits, so reading gives the same tiles. */
gboolean tile_table_write(const char *path, const Grid *grid, const char *split, char sha256[65],
                          GError **error);
/* The tiles (Tile) of such a table; NULL with error.  Caller unrefs. */
GArray *tile_table_read(const char *path, GError **error);
/* Bytes of a table without tiles. */
int64_t tile_table_empty_bytes(void);
