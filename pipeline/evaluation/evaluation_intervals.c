/* Intervals and reliability of the metrics of some rows. */
#include "pipeline/evaluation/evaluation_intervals.h"
#include "flows/metrics/bootstrap_fixed.h"
#include "flows/metrics/reliability.h"
#include "flows/models/tile_score.h"
#include "pipeline/evaluation/score_rows.h"
#include "pipeline/write/json.h"
#include <math.h>

/* Whether each of the rows has a text. */
static gboolean all_named(const char *const *names, const GArray *rows)
{
    for (guint i = 0; i < rows->len; i++) {
        if (!*names[g_array_index(rows, int, i)]) {
            return FALSE;
        }
    }
    return TRUE;
}

ScoreUnits score_units(const ScoreTable *table, const GArray *rows)
{
    const struct {
        const char *name, *names, *const *texts;
    } levels[] = {{"patient", "patients", table->patient}, {"slide", "slides", table->group}};
    ScoreUnits units = {"row", "rows", g_new(int, rows->len + 1), (int)rows->len};
    for (guint i = 0; i < rows->len; i++) {
        units.unit[i] = (int)i;
    }
    for (size_t l = 0; l < G_N_ELEMENTS(levels); l++) {
        if (!all_named(levels[l].texts, rows)) {
            continue;
        }
        g_autoptr(GHashTable) numbers = g_hash_table_new(NULL, NULL); /* texts are unique */
        for (guint i = 0; i < rows->len; i++) {
            gpointer text = (gpointer)levels[l].texts[g_array_index(rows, int, i)], number;
            if (!g_hash_table_lookup_extended(numbers, text, NULL, &number)) {
                number = GINT_TO_POINTER((int)g_hash_table_size(numbers));
                g_hash_table_insert(numbers, text, number);
            }
            units.unit[i] = GPOINTER_TO_INT(number);
        }
        units.name = levels[l].name;
        units.names = levels[l].names;
        units.units = (int)g_hash_table_size(numbers);
        break;
    }
    return units;
}

const char *patient_units(const GPtrArray *patients, const char *slide, int *unit, int *units)
{
    g_autoptr(GHashTable) numbers = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint s = 0; s < patients->len; s++) {
        char *patient = patients->pdata[s];
        gpointer number;
        if (!patient) {
            for (guint k = 0; k < patients->len; k++) {
                unit[k] = (int)k;
            }
            *units = (int)patients->len;
            return slide;
        }
        if (!g_hash_table_lookup_extended(numbers, patient, NULL, &number)) { /* which clears `number` */
            number = GINT_TO_POINTER((int)g_hash_table_size(numbers));
            g_hash_table_insert(numbers, patient, number);
        }
        unit[s] = GPOINTER_TO_INT(number);
    }
    *units = (int)g_hash_table_size(numbers);
    return "patient";
}

json_t *evaluation_interval(const Interval *interval)
{
    return interval->draws == 0 ? NULL
                                : json_pack("{s:f, s:f, s:i}", "low", interval->low, "high", interval->high,
                                            "draws", interval->draws);
}

/* The columns that the intervals of some rows are computed from. */
typedef struct {
    GArray *score, *label; /* double, int */
    ScoreUnits units;
} Sample;

static Sample sample_of(const ScoreTable *table, const GArray *rows)
{
    return (Sample){score_gather(rows, table->score, sizeof(double)),
                    score_gather(rows, table->label, sizeof(int)), score_units(table, rows)};
}

static void sample_clear(Sample *sample)
{
    g_array_unref(sample->score);
    g_array_unref(sample->label);
    g_free(sample->units.unit);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Sample, sample_clear)

/* {"unit", "units"}, and "level" or "absent". */
static json_t *begin(const Sample *sample)
{
    g_autofree char *refusal = bootstrap_refusal(sample->units.units, sample->units.names);
    json_t *out = json_pack("{s:s, s:i}", "unit", sample->units.name, "units", sample->units.units);
    json_object_set_new(out, refusal ? "absent" : "level",
                        refusal ? json_string(refusal) : json_real(BOOTSTRAP_LEVEL));
    return out;
}

/* `absent` instead of what could not be computed. */
static json_t *refuse(json_t *out, const GError *why)
{
    json_object_set_new(out, "absent", json_string(why->message));
    return out;
}

/* NULL, with `why`, when there is no memory. */
static json_t *at_threshold(const Sample *sample, double threshold, GError **why)
{
    ThresholdIntervals at;
    if (!bootstrap_threshold((const double *)(void *)sample->score->data,
                             (const int *)(void *)sample->label->data, sample->units.unit,
                             (int)sample->score->len, sample->units.units, threshold, EVALUATION_SEED, &at,
                             why)) {
        return NULL;
    }
    const struct {
        const char *key;
        const Interval *interval;
    } all[] = {{"f1", &at.f1},
               {"precision", &at.precision},
               {"recall", &at.recall},
               {"specificity", &at.specificity},
               {"accuracy", &at.accuracy},
               {"balanced_accuracy", &at.balanced_accuracy}};
    json_t *out = json_object();
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
        json_t *one = evaluation_interval(all[i].interval);
        if (one) {
            json_object_set_new(out, all[i].key, one);
        }
    }
    return out;
}

json_t *evaluation_intervals(const ScoreTable *table, const GArray *rows, double threshold)
{
    g_auto(Sample) sample = sample_of(table, rows);
    g_autoptr(GError) why = NULL;
    MetricIntervals all;
    json_t *out = begin(&sample);
    if (json_object_get(out, "absent")) {
        return out;
    }
    json_t *at = at_threshold(&sample, threshold, &why);
    if (!at || !bootstrap_metrics((const double *)(void *)sample.score->data,
                                  (const int *)(void *)sample.label->data, sample.units.unit, (int)rows->len,
                                  sample.units.units, EVALUATION_SEED, &all, &why)) {
        json_decref(at);
        return refuse(out, why);
    }
    json_object_set_new(out, "auroc", evaluation_interval(&all.auroc));
    json_object_set_new(out, "average_precision", evaluation_interval(&all.average_precision));
    json_object_set_new(out, "best_f1", evaluation_interval(&all.best_f1));
    json_object_del(at, "f1"); /* that of the best F1 is of a threshold that each draw chooses */
    json_object_update_new(out, at);
    return out;
}

json_t *evaluation_intervals_at(const ScoreTable *table, const GArray *rows, double threshold,
                                const json_t *best)
{
    static const char *const same[] = {"auroc", "average_precision"};
    g_auto(Sample) sample = sample_of(table, rows);
    g_autoptr(GError) why = NULL;
    json_t *out = begin(&sample);
    if (json_object_get(out, "absent")) {
        return out;
    }
    json_t *at = at_threshold(&sample, threshold, &why);
    if (!at) {
        return refuse(out, why);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(same); i++) {
        if (json_object_get(best, same[i])) {
            json_object_set(out, same[i], json_object_get(best, same[i]));
        }
    }
    json_object_update_new(out, at);
    return out;
}

/* Scores of wsiflow are deviations or likelihoods, even where all of them happen to be within 0..1.  A table with several columns of
 * scores is one of ours. */
static gboolean is_own(const ScoreTable *table)
{
    int own = 0;
    for (int c = 0; tile_score_column(c); c++) {
        own += g_strv_contains((const char *const *)table->columns, tile_score_column(c));
    }
    return own > 1;
}

/* Replaces scores by probabilities; FALSE when the calibration gives none of this column. */
static gboolean to_probabilities(const ScoreTable *table, const Calibration *calibration, GArray *score)
{
    if (!calibration || !g_str_equal(table->name, tile_score_column(COLUMN_SCORE)) ||
        isnan(calibration->probability_slope)) {
        return FALSE;
    }
    for (guint i = 0; i < score->len; i++) {
        double *one = &g_array_index(score, double, i);
        *one = calibration_probability(calibration, *one);
    }
    return TRUE;
}

/* Of the expected calibration error. */
static json_t *error_intervals(const Sample *sample)
{
    g_autoptr(GError) why = NULL;
    Interval interval;
    json_t *out = begin(sample);
    if (json_object_get(out, "absent")) {
        return out;
    }
    if (!bootstrap_calibration_error((const double *)(void *)sample->score->data,
                                     (const int *)(void *)sample->label->data, sample->units.unit,
                                     (int)sample->score->len, sample->units.units, EVALUATION_SEED, &interval,
                                     &why)) {
        return refuse(out, why);
    }
    json_object_set_new(out, "expected_calibration_error", evaluation_interval(&interval));
    return out;
}

json_t *evaluation_reliability(const ScoreTable *table, const GArray *rows, const Calibration *calibration)
{
    g_auto(Sample) sample = sample_of(table, rows);
    Reliability r;
    gboolean own = is_own(table);
    if (own && !to_probabilities(table, calibration, sample.score)) {
        return json_pack(
            "{s:s}", "absent",
            "scores of wsiflow are deviations or likelihoods, not probabilities, and there is no "
            "calibration by labelled anomalies that makes probabilities of them");
    }
    if (!reliability_compute((const double *)(void *)sample.score->data,
                             (const int *)(void *)sample.label->data, (int)rows->len, &r)) {
        return json_pack("{s:s}", "absent", "the scores are not probabilities: some are outside of 0 to 1");
    }
    json_t *bins = json_array();
    for (int b = 0; b < RELIABILITY_BINS; b++) {
        json_array_append_new(bins, json_pack("{s:i, s:o, s:o}", "rows", r.n[b], "mean_score",
                                              json_number_or_null(r.mean_score[b]), "anomalies",
                                              json_number_or_null(r.fraction[b])));
    }
    json_t *out = json_pack("{s:f, s:o, s:o}", "expected_calibration_error", r.ece, "intervals",
                            error_intervals(&sample), "bins", bins);
    if (own) {
        g_autofree char *from = calibration_probability_text(calibration);
        json_object_set_new(out, "from", json_string(from));
    }
    return out;
}
