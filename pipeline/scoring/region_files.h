/* The files of what a score map shows: regions, detections, mask and tiles. */
#pragma once
#include "base/image.h"
#include "pipeline/scoring/map_threshold.h"
#include "tiler/slide/slide.h"
#include <jansson.h>

typedef struct {
    const char *slide;            /* its id */
    double threshold;             /* from which value on a cell is in a region */
    const char *threshold_source; /* MapThreshold.source */
    double min_area_um2, radius_um;
    gboolean level0;     /* coordinates of level 0 instead of QuPath's */
    gboolean tiles;      /* also write tiles.geojson.gz; needs `scores` */
    const char *scores;  /* table of the slide's scores; NULL: the tiles are not known */
    const char *patches; /* table of the slide's patches, whose flags are known; NULL: there is none */
} RegionOptions;
/* Options by section regions, at a threshold that is not NAN. */
RegionOptions region_files_options(const Config *config, MapThreshold threshold);

enum { REGION_FILES = 4 };
/* regions.geojson, detections.csv, predicted_mask.tif, tiles.geojson.gz. */
extern const char *const region_files[REGION_FILES];
/* How many of them the options ask for. */
int region_files_count(const RegionOptions *options);
/* Writes them.  facts: what was found, new reference.  sha256: of each file. */
gboolean region_files_write(const char *folder, const RegionOptions *options, const SlideInfo *info,
                            const Map *map, json_t **facts, char sha256[REGION_FILES][65], GError **error);
