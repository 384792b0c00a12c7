/* The facts of a slide as JSON: vendor, reader, size, um/px and its source, bounds, levels, fingerprint, notes. */
#pragma once
#include "pipeline/job/records.h"
#include "tiler/slide/slide.h"
#include "tiler/tissue/tissue.h"
#include <jansson.h>

/* New reference. */
json_t *slide_json(const Slide *slide);
/* The areas that could not be read so far: an array of {level, x, y, width, height, reason}, in px of the level, ascending.  At most 10,000;
 * slide_bad_areas() has all.  New reference. */
json_t *slide_json_bad_areas(const Slide *slide);
/* The colour of the glass, [red, green, blue], or null when none was found; and the warnings as sentences.  New references. */
json_t *slide_json_glass(const Tissue *tissue);
json_t *slide_json_warnings(const Tissue *tissue);
/* What the stage `ingest` wrote of a slide: slide_json.  Borrowed; NULL when the slide failed. */
const json_t *slide_json_record(const Records *records, const char *id);
