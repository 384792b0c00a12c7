/* What the annotations of the slides warn of: outlines that mark nothing, were left out, or were taken for something. */
#pragma once
#include "pipeline/stage.h"

/* "SLIDE: FILE:LINE: ..." of all slides that the stage `mask` has done, in the cohort's order; char*, owned. */
GPtrArray *annotation_notes(const Work *work);
/* The same of the run in a folder, to standard error: the first ones, and how many more there are. */
void annotation_notes_tell(const char *folder);
