/* All that a run found and did not use, for the terminal, the card and the report. */
#pragma once
#include "pipeline/cohort/cohort.h"

/* cohort->unused and the slides without a tile; artefacts: JobInput* that hold the stage grid's tables of tiles.  Array of Unused*,
 * owned, sorted by reason. */
GPtrArray *unused_in_run(const Cohort *cohort, const GPtrArray *artefacts);
