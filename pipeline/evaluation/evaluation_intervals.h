/* How far metrics can be trusted: bootstrap intervals and reliability, for evaluation.c. */
#pragma once
#include "flows/metrics/bootstrap.h"
#include "flows/models/calibration.h"
#include "pipeline/scoring/score_table.h"

#define EVALUATION_SEED 1 /* of all bootstrap draws */

/* The units of some rows (array of int) that are drawn: their patients when each row has one, else their slides, else the rows.  unit (rows):
 * 0..units-1 in the order of the first row; the caller frees it. */
typedef struct {
    const char *name, *names; /* "patient", "patients" */
    int *unit, units;
} ScoreUnits;
ScoreUnits score_units(const ScoreTable *table, const GArray *rows);

/* The units of slides: the patients (char*; NULL = not known) when each is known, else the slides.  unit (slides): as above.  Returns "patient" or
 * `slide`, the name of one. */
const char *patient_units(const GPtrArray *patients, const char *slide, int *unit, int *units);

/* {"unit", "units", "level"} and {"low", "high", "draws"} for auroc, average_precision and best_f1, and for precision, recall, specificity, accuracy and
 * balanced_accuracy at this threshold, which is not chosen again; or `absent` with the reason. */
json_t *evaluation_intervals(const ScoreTable *table, const GArray *rows, double threshold);
/* The same at another threshold, with "f1" there and without best_f1; best: what evaluation_intervals gave for these rows. */
json_t *evaluation_intervals_at(const ScoreTable *table, const GArray *rows, double threshold,
                                const json_t *best);
/* {"low", "high", "draws"}; NULL when there was no draw. */
json_t *evaluation_interval(const Interval *interval);
/* {"expected_calibration_error", "intervals": as above for it, "bins": [{"rows", "mean_score", "anomalies"}]} with the fraction of anomalies, or `absent`: the scores are no
 * probabilities.  Scores of wsiflow become probabilities where the calibration gives them (calibration_probability; NULL = none); "from" then says
 * how. */
json_t *evaluation_reliability(const ScoreTable *table, const GArray *rows, const Calibration *calibration);
