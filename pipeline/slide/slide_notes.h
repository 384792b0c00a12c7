/* Notes on a slide for people, from the records of its stages. */
#pragma once
#include "pipeline/job/records.h"

/* Array of sentences (char*): notes on the file, missing tiles of level 0, warnings of `tissue`, notes of `clam`.  Caller unrefs. */
GPtrArray *slide_notes_of(const Records *records, const char *slide);
