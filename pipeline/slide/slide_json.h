/* What wsiflow knows of a slide, as JSON: vendor, reader, size, mpp and its source, bounds, levels, fingerprint. */
#pragma once
#include "tiler/slide/slide.h"
#include "tiler/tissue/tissue.h"
#include "pipeline/job/records.h"
#include <jansson.h>

json_t *slide_json(const Slide *slide); /* new reference */
/* What could not be read so far, ascending: an array of level, x, y, width, height (px of the level) and the reason; new reference.
 * At most 10,000; slide_bad_areas() has them all. */
json_t *slide_json_bad_areas(const Slide *slide);
/* The colour of the glass, [red, green, blue], null where none was found; and texts for people. */
json_t *slide_json_glass(const Tissue *tissue);
json_t *slide_json_warnings(const Tissue *tissue);
/* What the stage `ingest` wrote of a slide: slide_json.  Borrowed; NULL when the slide failed. */
const json_t *slide_json_record(const Records *records, const char *id);
