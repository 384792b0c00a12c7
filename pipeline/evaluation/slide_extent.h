/* The extent of what a score map shows. */
#pragma once
#include "pipeline/job/work.h"

/* Of a slide whose stage `regions` is done: the number of its regions, and the major axis (um) of the largest as lesion_axes has it (lesion_set.h),
 * which is that of annotated lesions; 0 without regions.  FALSE with error. */
gboolean slide_extent(const Work *work, const SlideEntry *entry, int *regions, double *largest_um,
                      GError **error);
