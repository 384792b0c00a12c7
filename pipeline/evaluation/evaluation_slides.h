/* Metrics by slide, for evaluation.c. */
#pragma once
#include "pipeline/scoring/score_table.h"

/* The member `slides` of the metrics (evaluation.h). */
json_t *evaluation_slides(const ScoreTable *table);
