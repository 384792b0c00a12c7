/* Tiles of a score map in the frame of the slide's tiles (slide_tiles.h), as numbers that a browser can read.
 *
 * A canvas reduces 16-bit PNG to 8 bits, so a value travels as 8-bit RGB: value = low + (256 red + green) / 65535 (high - low), with blue 255; blue 0
 * is no data.  low and high are the least and the greatest value of the map, so nothing is cut off. */
#pragma once
#include "base/image.h"

typedef struct {
    Map *map;
    double low, high; /* NAN when no cell has a value */
} MapHold;

/* Reads a map from a .npy file, as bytes that count for it in a cache and give a MapHold.  Caller unrefs; NULL with error. */
GBytes *map_tiles_read(const char *path, GError **error);
const MapHold *map_tiles_hold(GBytes *bytes);

/* The tile as PNG.  slide_*: level-0 px; the map covers all of the slide.  Along each axis, where a px of the tile is as large as a cell or larger, it
 * has the greatest value of the cells whose centres are in it, so that nothing is averaged away; where it is smaller, that of the cell in which its
 * centre is.  NULL with error. */
GBytes *map_tiles_draw(const MapHold *hold, int64_t slide_width, int64_t slide_height, int zoom, int64_t x,
                       int64_t y, GError **error);
/* The map reduced to the size, by the same rule.  Caller frees; NULL with error. */
Map *map_tiles_reduce(const MapHold *hold, int width, int height, GError **error);
