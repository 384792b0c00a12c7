/* Slides that are in the run under two names. */
#pragma once
#include "pipeline/job/work.h"

/* FALSE with WSI_ERROR_INPUT that names both slides when two slides of the run have the same content but contradict each other: only one is
 * normal, or their annotations outline different lesions.  Slides that failed or have no fingerprint are not compared. */
gboolean duplicate_slides_check(const Work *work, GError **error);
