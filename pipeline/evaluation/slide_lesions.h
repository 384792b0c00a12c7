/* Lesion-level metrics of a run. */
#pragma once
#include "pipeline/job/work.h"

/* As lesion_set_metrics (lesion_set.h) for the slides of the test split that have detections (stage `regions`) and a label, with "threshold": from
 * which value on a maximum of the map is a detection.  Slides that are annotated only in part, slides a part of which is unknown, and slides
 * without detections are left out.  {"absent": why, "left_out": [{"slide", "why"}]} when no annotated slide is left.  NULL with error. */
json_t *slide_lesions(const Work *work, GError **error);
