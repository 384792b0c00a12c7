/* What a person should know of a slide, from the records of its stages. */
#pragma once
#include <glib.h>

/* Sentences (char*, owned): notes of slide.json, tiles of level 0 that are missing, warnings of tissue.json.  Paths may be NULL, and
 * files absent. Caller unrefs. */
GPtrArray *slidenotes_read(const char *slide_json, const char *tissue_json);
