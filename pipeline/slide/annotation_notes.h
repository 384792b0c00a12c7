/* Warnings of the slides' annotations: outlines that mark nothing, were left out, or needed an interpretation. */
#pragma once
#include "pipeline/job/work.h"

/* Array of char*, "SLIDE: FILE:LINE: ...", in the order of the slides (SlideEntry*); only of slides whose stage `mask` is done.
 * Caller unrefs. */
GPtrArray *annotation_notes(const GPtrArray *slides, const Records *records);
/* Whether a part of the slide is unknown by its annotation: then what has no lesion is not known to be normal. */
gboolean annotation_notes_has_unknown(const Records *records, const char *id);
