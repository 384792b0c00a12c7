/* Metrics from tables of scores.
 *
 * A metric that cannot be computed is absent, and the member `absent` says why.  AUROC, average precision, F1 and precision need both normal
 * tiles and anomalies, specificity needs normal tiles, recall needs anomalies, and precision needs a row at or above the threshold. */
#pragma once
#include "flows/metrics/metrics.h"
#include "pipeline/evaluation/given_threshold.h"
#include "pipeline/scoring/score_table.h"

/* The threshold of the calibration in a bundle; *calibration must outlive *out. */
gboolean evaluation_model_threshold(const char *bundle, Calibration *calibration, Threshold *out,
                                    GError **error);

/* The metrics as JSON (new reference; never NULL), as in metrics.json:
 *   split, best_f1, KEY of each threshold, without_near_blank, columns, rows, unlabelled, labelled_without_score, without_score, absent:
 *     the headline.  When the rows have a split, it counts the test split only, so nothing that was trained on; otherwise it counts all
 *     rows and has no `split`.
 *   splits: when the rows have a split, the same for each split, test first.
 *     best_f1.intervals, reliability: evaluation_intervals.h.
 *   slide_scores: how well scores of whole slides tell slides with lesions from others (slide_scores.h).
 *   slides: for each slide its tiles (with a score), labelled, lesion_tiles, auroc, median (of an even count the mean of the middle two),
 *     maximum, and the mean of the top 1 % of tiles, rounded up (top_1_percent_tiles: at least one).
 *   pixels, lesions and stages, in a run: slide_pixels.h, slide_lesions.h, slide_stages.h.
 *   calibration: of the threshold that has one, as in bundles; model: the same as sentences (model_card.h);
 *   labels: how the table of near-blank labels matched; notes: what a reader must know. */
json_t *evaluation_json(const ScoreTable *table, const Threshold *thresholds, int count);
/* The rows of the headline that have a score and a label, for its curves: arrays of double and of int, of equal length.  Caller unrefs. */
void evaluation_headline(const ScoreTable *table, GArray **score, GArray **label);
/* The metrics as lines of text.  Caller frees. */
char *evaluation_text(const json_t *metrics);
