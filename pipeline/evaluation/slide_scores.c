/* Metrics of whole slides. */
#include "pipeline/evaluation/slide_scores.h"
#include "flows/metrics/correlation.h"
#include "pipeline/evaluation/evaluation_intervals.h"
#include "pipeline/evaluation/score_rows.h"
#include <math.h>
#include <string.h>

/* The slides that count: value k of each array is of slide k. */
typedef struct {
    GArray *maximum, *top, *above; /* double: scores */
    GArray *burden, *label, *rows; /* double, int; rows: the number of a row of the slide */
    gboolean by_fraction;          /* the burden is a sum of lesion fractions */
    int left_out;
} SlideSet;

static void slide_set_clear(SlideSet *set)
{
    GArray *all[] = {set->maximum, set->top, set->above, set->burden, set->label, set->rows};
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
        g_array_unref(all[i]);
    }
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SlideSet, slide_set_clear)

/* Adds the slide that has these rows (of int). */
static void add_slide(SlideSet *set, const ScoreTable *table, const GArray *rows, double threshold)
{
    double fraction = 0, above = 0;
    int lesions = 0, labelled = 0, unknown = 0, label;
    for (guint i = 0; i < rows->len; i++) {
        int row = g_array_index(rows, int, i);
        labelled += table->label[row] >= 0;
        lesions += table->label[row] > 0;
        unknown += table->label[row] < 0 && !(table->lesion_fraction[row] > 0);
        fraction += table->lesion_fraction[row] > 0 ? table->lesion_fraction[row] : 0;
        above += table->score[row] >= threshold; /* FALSE for NaN */
    }
    SlideTiles tiles = score_slide_tiles(table, rows);
    /* Without lesion, a slide is normal only when all of it is known. */
    gboolean open = unknown > 0 && lesions == 0 && !(fraction > 0);
    if (labelled == 0 || open || tiles.n == 0) {
        set->left_out++;
        return;
    }
    double burden = set->by_fraction ? fraction : lesions;
    label = lesions > 0 || fraction > 0;
    g_array_append_val(set->maximum, tiles.maximum);
    g_array_append_val(set->top, tiles.top_mean);
    g_array_append_val(set->above, above);
    g_array_append_val(set->burden, burden);
    g_array_append_val(set->label, label);
    g_array_append_val(set->rows, g_array_index(rows, int, 0));
}

static SlideSet slide_set(const ScoreTable *table, const char *split, double threshold)
{
    SlideSet set = {.by_fraction = TRUE};
    GArray **values[] = {&set.maximum, &set.top, &set.above, &set.burden};
    for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
        *values[i] = g_array_new(FALSE, FALSE, sizeof(double));
    }
    set.label = g_array_new(FALSE, FALSE, sizeof(int));
    set.rows = g_array_new(FALSE, FALSE, sizeof(int));
    g_autoptr(GPtrArray) slides = score_slides(table);
    for (int i = 0; i < table->n; i++) {
        set.by_fraction = set.by_fraction && (table->label[i] < 0 || !isnan(table->lesion_fraction[i]));
    }
    for (guint i = 0; i < slides->len; i++) {
        const GArray *rows = slides->pdata[i];
        if (!split || g_str_equal(table->split[g_array_index(rows, int, 0)], split)) {
            add_slide(&set, table, rows, threshold);
        }
    }
    return set;
}

/* ---- metrics of one score ---- */

typedef struct {
    const SlideSet *set;
    const double *score;
    const int *unit;
} Correlated;

/* Spearman's correlation of the slides, each as often as its unit was drawn. */
static double spearman_of(const int *weight, void *data)
{
    const Correlated *c = data;
    g_autoptr(GArray) x = g_array_new(FALSE, FALSE, sizeof(double));
    g_autoptr(GArray) y = g_array_new(FALSE, FALSE, sizeof(double));
    for (guint k = 0; k < c->set->label->len; k++) {
        for (int copy = 0; copy < (weight ? weight[c->unit[k]] : 1); copy++) {
            g_array_append_val(x, c->score[k]);
            g_array_append_val(y, g_array_index(c->set->burden, double, k));
        }
    }
    double rho;
    return correlation_spearman((const double *)(void *)x->data, (const double *)(void *)y->data, (int)x->len,
                                &rho, NULL)
               ? rho
               : NAN;
}

static void add_intervals(json_t *out, const SlideSet *set, const double *score, const ScoreUnits *units)
{
    MetricIntervals intervals;
    if (bootstrap_metrics(score, (const int *)(void *)set->label->data, units->unit, (int)set->label->len,
                          units->units, EVALUATION_SEED, &intervals, NULL)) {
        json_object_set_new(out, "auroc_interval", evaluation_interval(&intervals.auroc));
        json_object_set_new(out, "average_precision_interval",
                            evaluation_interval(&intervals.average_precision));
    }
    Correlated correlated = {set, score, units->unit};
    Interval rho = bootstrap_any(spearman_of, &correlated, units->units, EVALUATION_SEED);
    if (json_object_get(out, "spearman")) {
        json_object_set_new(out, "spearman_interval", evaluation_interval(&rho));
    }
}

/* units NULL: too few for intervals. */
static json_t *score_json(const SlideSet *set, const GArray *values, const ScoreUnits *units)
{
    const double *score = (const double *)(void *)values->data;
    Metrics m;
    json_t *out = json_object();
    if (metrics_compute(score, (const int *)(void *)set->label->data, (int)values->len, &m, NULL)) {
        json_object_set_new(out, "auroc", json_real(m.auroc));
        json_object_set_new(out, "average_precision", json_real(m.average_precision));
    }
    Correlated all = {set, score, NULL};
    double rho = spearman_of(NULL, &all);
    if (isnan(rho)) {
        json_object_set_new(out, "absent",
                            json_string("all slides have the same value, so there is no correlation"));
    } else {
        json_object_set_new(out, "spearman", json_real(rho));
    }
    if (units) {
        add_intervals(out, set, score, units);
    }
    return out;
}

/* ---- all ---- */

static double first_threshold(const Threshold *thresholds, int count)
{
    for (int t = 0; t < count; t++) {
        if (!isnan(thresholds[t].value)) {
            return thresholds[t].value;
        }
    }
    return NAN;
}

static json_t *scores_json(const SlideSet *set, double threshold, const ScoreUnits *units)
{
    json_t *out = json_object();
    json_object_set_new(out, "maximum", score_json(set, set->maximum, units));
    json_object_set_new(out, "top_1_percent_mean", score_json(set, set->top, units));
    json_object_set_new(out, "tiles_above_threshold",
                        isnan(threshold)
                            ? json_pack("{s:s}", "absent", "there is no calibrated or given threshold")
                            : score_json(set, set->above, units));
    if (!isnan(threshold)) {
        json_object_set_new(json_object_get(out, "tiles_above_threshold"), "threshold", json_real(threshold));
    }
    return out;
}

json_t *evaluation_slide_scores(const ScoreTable *table, const char *split, const Threshold *thresholds,
                                int count)
{
    double threshold = first_threshold(thresholds, count);
    g_auto(SlideSet) set = slide_set(table, split, threshold);
    int n = (int)set.label->len, lesions = 0;
    for (int k = 0; k < n; k++) {
        lesions += g_array_index(set.label, int, k);
    }
    json_t *out =
        json_pack("{s:i, s:i, s:i}", "slides", n, "with_lesions", lesions, "left_out", set.left_out);
    if (n > 0) {
        json_object_set_new(out, "prevalence", json_real((double)lesions / n));
    }
    if (lesions == 0 || lesions == n) {
        json_object_set_new(out, "absent",
                            json_string(n == 0 ? "no slide has labels and scores"
                                        : lesions
                                            ? "each slide has lesions, so there is nothing to tell apart"
                                            : "no slide has lesions"));
        return out;
    }
    ScoreUnits units = score_units(table, set.rows);
    g_autofree int *unit = units.unit;
    g_autofree char *refusal = bootstrap_refusal(units.units, units.names);
    json_object_update_new(out, json_pack("{s:s, s:i, s:s}", "unit", units.name, "units", units.units,
                                          "burden", set.by_fraction ? "lesion_fraction" : "label"));
    if (refusal) {
        json_object_set_new(out, "intervals_absent", json_string(refusal));
    }
    json_object_set_new(out, "scores", scores_json(&set, threshold, refusal ? NULL : &units));
    return out;
}
