/* What a run found and did not use, for terminal, card and report. */
#pragma once
#include "pipeline/cohort/cohort.h"

/* cohort->unused, and the slides without a tile; artefacts: JobInput* that hold the tables of tiles of the stage grid.  Array of Unused*,
 * owned, sorted by reason. */
GPtrArray *findings_of(const Cohort *cohort, const GPtrArray *artefacts);
/* The text on one line of valid UTF-8, without control characters.  Caller frees. */
char *findings_line(const char *text);
/* Appends a line a reason, with how many files it holds for and the names of the first. */
void findings_put(GString *out, const GPtrArray *findings);
