/* The stem under which the loaders of CLAM and TRIDENT look for a slide: the name of its file, not its id. */
#pragma once
#include "pipeline/cohort/cohort.h"

/* The file's name without its last suffix, as Python's os.path.splitext and CLAM compute it; with `compound`, also without .ome.tif, .ome.tiff
 * and .ome.zarr as a whole, as TRIDENT does.  The slide's id instead when another slide has the same stem, or when the stem is too
 * long.  Caller frees. */
char *loader_stem_of(const GPtrArray *slides, const SlideEntry *entry, gboolean compound);
