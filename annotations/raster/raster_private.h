/* Inside annotations/: the pieces of the border, indexed by rows. */
#pragma once
#include "annotations/raster/boundary.h"
#include "annotations/raster/raster.h"

struct Raster {
    Piece *pieces;
    int64_t count;
    double origin, band_height; /* band k holds rows [origin + k * band_height, ...) */
    int bands;
    int64_t *start; /* bands + 1 entries: items[start[k] .. start[k + 1] - 1] are the pieces of band k */
    int32_t *items; /* indices of pieces */
    Rect bounds;    /* of the region, level-0 px; width 0 when it is empty */
};

/* The index of these pieces; takes ownership, also on failure.  NULL with WSI_ERROR_MEMORY. */
Raster *raster_of_pieces(Piece *pieces, int64_t count, GError **error);

/* The band of the line y, clamped to 0 .. bands-1. */
static inline int raster_band(const Raster *raster, double y)
{
    double band = (y - raster->origin) / raster->band_height;
    return band <= 0 ? 0 : band >= raster->bands ? raster->bands - 1 : (int)band;
}
