/* Regions of a score map at or above a threshold, with what is measured in each. */
#pragma once
#include "annotations/raster/isoline.h"

/* The simplified outlines differ from the exact ones by at most this many cells of the map. */
#define MAP_REGION_TOLERANCE 0.25

typedef struct {
    int first_ring, rings; /* of the outlines: the outer ring, then its holes */
    int64_t cells;
    double area_um2; /* of the outline without its holes */
    double maximum, mean;
    int tiles; /* scored tiles that cover the centre of a cell of it */
    int checked, pen,
        blur; /* the same for tiles of the patch set, whose flags are known, and for those with a flag */
} MapRegion;

typedef struct {
    Isoline *outlines;
    GArray *regions;                /* MapRegion, by descending maximum, then area, then position */
    gboolean *kept;                 /* by the number of a region in the outlines */
    int dropped;                    /* regions that are smaller than the least area */
    double cell_width, cell_height; /* level-0 px */
    double area_um2;                /* of `regions` */
    double dropped_um2;             /* of those that were dropped */
    double no_data_fraction;        /* of the map's cells */
} MapRegions;

/* A rectangle whose regions are counted.  flags: QualityFlag. */
typedef struct {
    Rect area; /* level-0 px */
    unsigned flags;
} FlaggedTile;

typedef struct {
    double threshold, min_area_um2;
    double slide_width, slide_height; /* level-0 px: the map covers all of it */
    double mpp_x, mpp_y;
    const GArray *tiles;   /* Rect; NULL: not known */
    const GArray *flagged; /* FlaggedTile; NULL: not known */
} MapRegionSpec;
/* Caller frees; NULL with WSI_ERROR_MEMORY or WSI_ERROR_INPUT. */
MapRegions *map_regions_find(const Map *map, const MapRegionSpec *spec, GError **error);
/* Whether a cell of the map (row by row) is in a region that was not dropped. */
gboolean map_regions_has(const MapRegions *regions, size_t cell);
/* What was dropped, in ASCII: "3 regions below 500 um2 (regions.min_area_um2) are left out"; "" when none was.  Caller frees. */
char *map_regions_dropped_text(const MapRegions *regions, double min_area_um2);
void map_regions_free(MapRegions *regions);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MapRegions, map_regions_free)
