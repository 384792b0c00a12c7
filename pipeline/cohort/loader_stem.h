/* Names that other programs know a slide by: not our id, but what its file is called. */
#pragma once
#include "pipeline/cohort/cohort.h"

/* The file's name without its last ending, as Python's os.path.splitext and CLAM have it; with `compound`, without .ome.tif, .ome.tiff and
 * .ome.zarr as a whole, as TRIDENT has it.  Where another of the slides would have the same name, or files named so would have too long
 * a name, the slide's id instead.  Caller frees. */
char *loader_stem_of(const GPtrArray *slides, const SlideEntry *entry, gboolean compound);
