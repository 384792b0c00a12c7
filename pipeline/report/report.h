/* The report: one HTML page with figures, curves, images and provenance, complete in itself (no script, nothing to load). */
#pragma once
#include "pipeline/report/evaluation.h"
#include "pipeline/job/work.h"

/* Writes report.html for the evaluated rows; table and figures may be NULL when nothing could be evaluated. The bytes depend only on
 * what is shown: no date, no duration. */
gboolean report_write(Work *work, const ScoreTable *table, const json_t *figures, GError **error);
