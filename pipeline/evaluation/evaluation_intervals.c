/* Intervals and reliability of the metrics of some rows. */
#include "pipeline/evaluation/evaluation_intervals.h"
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

static void add_intervals(json_t *out, const ScoreTable *table, const GArray *rows, const ScoreUnits *units)
{
    g_autoptr(GArray) score = score_gather(rows, table->score, sizeof(double));
    g_autoptr(GArray) label = score_gather(rows, table->label, sizeof(int));
    g_autoptr(GError) why = NULL;
    MetricIntervals intervals;
    if (!bootstrap_metrics((const double *)(void *)score->data, (const int *)(void *)label->data, units->unit,
                           (int)rows->len, units->units, EVALUATION_SEED, &intervals, &why)) {
        json_object_set_new(out, "absent", json_string(why->message));
        return;
    }
    json_object_set_new(out, "level", json_real(BOOTSTRAP_LEVEL));
    json_object_set_new(out, "auroc", evaluation_interval(&intervals.auroc));
    json_object_set_new(out, "average_precision", evaluation_interval(&intervals.average_precision));
    json_object_set_new(out, "best_f1", evaluation_interval(&intervals.best_f1));
}

json_t *evaluation_intervals(const ScoreTable *table, const GArray *rows)
{
    ScoreUnits units = score_units(table, rows);
    g_autofree int *unit = units.unit;
    g_autofree char *refusal = bootstrap_refusal(units.units, units.names);
    json_t *out = json_pack("{s:s, s:i}", "unit", units.name, "units", units.units);
    if (refusal) {
        json_object_set_new(out, "absent", json_string(refusal));
    } else {
        add_intervals(out, table, rows, &units);
    }
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

json_t *evaluation_reliability(const ScoreTable *table, const GArray *rows, const Calibration *calibration)
{
    g_autoptr(GArray) score = score_gather(rows, table->score, sizeof(double));
    g_autoptr(GArray) label = score_gather(rows, table->label, sizeof(int));
    Reliability r;
    gboolean own = is_own(table);
    if (own && !to_probabilities(table, calibration, score)) {
        return json_pack(
            "{s:s}", "absent",
            "scores of wsiflow are deviations or likelihoods, not probabilities, and there is no "
            "calibration by labelled anomalies that makes probabilities of them");
    }
    if (!reliability_compute((const double *)(void *)score->data, (const int *)(void *)label->data,
                             (int)rows->len, &r)) {
        return json_pack("{s:s}", "absent", "the scores are not probabilities: some are outside of 0 to 1");
    }
    json_t *bins = json_array();
    for (int b = 0; b < RELIABILITY_BINS; b++) {
        json_array_append_new(bins, json_pack("{s:i, s:o, s:o}", "rows", r.n[b], "mean_score",
                                              json_number_or_null(r.mean_score[b]), "anomalies",
                                              json_number_or_null(r.fraction[b])));
    }
    json_t *out = json_pack("{s:f, s:o}", "expected_calibration_error", r.ece, "bins", bins);
    if (own) {
        g_autofree char *from = calibration_probability_text(calibration);
        json_object_set_new(out, "from", json_string(from));
    }
    return out;
}
