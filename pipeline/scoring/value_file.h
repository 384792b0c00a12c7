/* heatmap.ome.tif: the values of a slide's map, one channel per value.
 *
 *   score      the map itself; its coarser levels are means over the cells with a value, each cell of level 0 counts once
 *   maximum    the same map; its coarser levels are maxima, so that a small lesion is not averaged away
 *   fraction   how much of each cell is tissue, 0 where the cell has no score; its coarser levels are means over all cells
 *   probability  where the model's calibration gives one: the probability that a tile is an anomaly, blended over the tiles that cover the cell
 *              (probability_map.h); coarser levels as of the score
 *
 * Shape (C, Y, X), float32.  NaN is the only value for "no data", as in scoremap.npy: a score can be any number, so no number is free.  The
 * channel `fraction` has no NaN, and serves programs that cannot handle NaN as the mask.  The file covers level 0 of the slide; its annotation
 * of keys and values says so, gives the bounds that QuPath crops to, and the rules of all levels. */
#pragma once
#include "base/image.h"
#include "tiler/slide/slide.h"

/* The channels, in this order. */
enum { VALUE_SCORE, VALUE_MAXIMUM, VALUE_FRACTION, VALUE_PROBABILITY, VALUES };

/* What the file says besides the scores. */
typedef struct {
    const Image *
        tissue; /* mask over the whole slide; NULL: not known, then a cell with a score counts as all tissue */
    const Map *probability;       /* NULL: none */
    const char *probability_text; /* what it is from, or why there is none */
} ValueSources;

typedef struct {
    const char *title;      /* the slide's id */
    const char *provenance; /* version */
    const SlideInfo *info;
    const Map *scores;
    ValueSources with;
} ValueFile;
/* sha256 may be NULL.  Errors as those of pyramid_write. */
gboolean value_file_write(const char *path, const ValueFile *file, char sha256[65], GError **error);
