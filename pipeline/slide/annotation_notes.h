/* What the annotations of the slides warn of: outlines that mark nothing, were left out, or were taken for something. */
#pragma once
#include "pipeline/job/work.h"

/* "SLIDE: FILE:LINE: ..." of all slides (SlideEntry*) that the stage `mask` has done, in their order; char*, owned. */
GPtrArray *annotation_notes(const GPtrArray *slides, const Records *records);
