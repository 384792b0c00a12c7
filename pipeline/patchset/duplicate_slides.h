/* One slide under two names. */
#pragma once
#include "pipeline/job/work.h"

/* FALSE with WSI_ERROR_INPUT that names both when two slides of the run have the same content, and one is normal where the other is not, or
 * their annotations outline other lesions.  Slides that failed, and contents that are unknown, are passed over. */
gboolean duplicate_slides_check(const Work *work, GError **error);
