/* What a person should know of a slide, from the records of its stages. */
#pragma once
#include "pipeline/job/records.h"

/* Sentences (char*, owned): notes on the file, tiles of level 0 that are missing, warnings of `tissue`.  Caller unrefs. */
GPtrArray *slide_notes_of(const Records *records, const char *slide);
