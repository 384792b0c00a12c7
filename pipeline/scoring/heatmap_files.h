/* The files that show the score map of a slide. */
#pragma once
#include "base/image.h"
#include "pipeline/scoring/heatmap_look.h"
#include "pipeline/scoring/value_file.h"

enum { HEATMAP_FILES = 2 };
/* heatmap.tif: 8-bit RGB pyramid, the map over the slide (OpenSlide, QuPath, ASAP).  heatmap.ome.tif: the values (value_file.h; QuPath
 * through Bio-Formats, napari, tifffile).  Both cover the slide's whole level 0: size x resolution equals the slide's. */
extern const char *const heatmap_files[HEATMAP_FILES];
/* Writes both.  with: for heatmap.ome.tif.  known: from heatmap_files_known, or NULL.  Cells that are
 * not known, and parts of the slide that cannot be read, are hatched in the images. */
gboolean heatmap_files_write(const char *folder, const HeatmapLook *look, Slide *slide, const Map *map,
                             const ValueSources *with, const Image *known, char sha256[HEATMAP_FILES][65],
                             GError **error);
/* A mask of the map's size: 0 where a tile (tiles: Rect, level-0 px) on tissue has no value because it could not be read, otherwise 255.
 * tissue: mask over the whole slide.  Caller frees. */
Image *heatmap_files_known(const Map *map, const SlideInfo *info, const Image *tissue, const GArray *tiles,
                           GError **error);
