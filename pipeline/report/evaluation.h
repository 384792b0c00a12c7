/* Figures from tables of scores.
 *
 * A figure that cannot be computed is absent, and "absent" says why: without anomalies, or without normals, there is no AUROC, average
 * precision, F1 or precision; the specificity needs normals, the recall anomalies, the precision a row at or above the threshold. */
#pragma once
#include "flows/scoring/metrics.h"
#include "flows/models/calibration.h"
#include "pipeline/scoring/score_table.h"

/* A threshold that was chosen elsewhere. */
typedef struct {
    const char *key;                /* of the figures: "calibrated", "given" */
    double value;                   /* NAN = none */
    const Calibration *calibration; /* where it is from; NULL = given by hand */
    const char *absent;             /* why there is none, for its figures; NULL: it was not asked for */
} Threshold;

/* The threshold of the calibration in a bundle; *calibration must outlive *out. */
gboolean evaluation_model_threshold(const char *bundle, Calibration *calibration, Threshold *out,
                                    GError **error);

/* The figures (new reference; never NULL):
 *   split, best_f1, THRESHOLD-KEY..., without_near_blank, columns, unlabelled, unscored, absent: the headline.  Where the rows say their
 *     split, these are of the split test only: what was trained on is in no headline.  Else of all rows, and there is no `split`.
 *   splits: where the rows say it, the same of each split, test first.
 *   slides: of each slide, whatever the order of rows: tiles (with a score), labelled, lesion_tiles, auroc, the median (of an even
 *     count the mean of the middle two), maximum, and the mean of the top 1 % of tiles, rounded up (top_1_percent_tiles: at least one).
 *   calibration: of a threshold that has one, as bundles hold it; model: the same in sentences (model_card.h); labels: how the table of labels joined; told: what a reader has to
 *     know. */
json_t *evaluation_json(const ScoreTable *table, const Threshold *thresholds, int count);
/* The rows of the headline that have a score and a label: arrays of double and int, of one length, for its curves. */
void evaluation_headline(const ScoreTable *table, GArray **score, GArray **label);
/* The same for people. Caller frees. */
char *evaluation_text(const json_t *figures);
