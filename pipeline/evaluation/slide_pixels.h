/* Metrics of the pixels of a run's score maps. */
#pragma once
#include "pipeline/job/work.h"

/* As pixel_set_metrics (pixel_set.h) for the slides of the test split that have a score map and labels; a pixel of the map is anomalous when its centre
 * is lesion.  Slides that are annotated only in part, or a part of which is unknown, do not count.  Of more than 2^24 pixels in total only every k-th one in x and y counts, and its regions
 * are those of the mask at that spacing; "every": k, an odd number, 1 = all.  NULL with error. */
json_t *slide_pixels(const Work *work, GError **error);
