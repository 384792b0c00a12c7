/* Metrics of whole slides. */
#pragma once
#include "pipeline/evaluation/given_threshold.h"
#include "pipeline/scoring/score_table.h"
#include <jansson.h>

/* How well scores of slides tell those with lesions from the others, and follow the area of the lesions, over the slides of a split (NULL =
 * all).  A slide has lesions when a tile of it is labelled 1 or has a lesion_fraction above 0, and has none when its other tiles are labelled; slides
 * without labels or scores do not count.  Its tumour burden is the sum of its lesion fractions, in tiles; where they are unknown, the number of its tiles
 * labelled 1.
 *
 * {"slides", "with_lesions", "left_out", "prevalence", "unit", "units", "burden": what it was computed from, "scores": {NAME: {"auroc",
 * "average_precision", "spearman", and their intervals as KEY_interval}}}; NAME is maximum, top_1_percent_mean and
 * tiles_above_threshold (at the first threshold that has a value).  What cannot be computed is absent with its reason. */
json_t *evaluation_slide_scores(const ScoreTable *table, const char *split, const Threshold *thresholds,
                                int count);
