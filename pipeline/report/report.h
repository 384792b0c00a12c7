/* The report: one HTML page with metrics, curves, images and provenance, complete in itself: it has no script and loads nothing. */
#pragma once
#include "pipeline/job/work.h"
#include "pipeline/scoring/score_table.h"

/* Writes and publishes report.html.  table: the evaluated rows; metrics: as in metrics.json.  Both may be NULL when nothing was scored.  The
 * page contains no date or duration, so its bytes depend only on what it shows. */
gboolean report_write(Work *work, const ScoreTable *table, const json_t *metrics, GError **error);
