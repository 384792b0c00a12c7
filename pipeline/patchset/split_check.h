/* The leak check of a run: no patient and no slide's content is in two splits (cohort/leak_check.h). */
#pragma once
#include "pipeline/job/work.h"

/* FALSE with WSI_ERROR_INPUT when a patient or a slide's content is in two splits, by what the run says of its slides and by what the
 * patches (Patch*; may be NULL) say themselves.  Slides of unknown label are in no split. */
gboolean split_check(const Work *work, const GPtrArray *patches, GError **error);
