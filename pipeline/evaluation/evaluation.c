/* Metrics from scores.
 *
 * The prevalence is always given with AUROC and average precision, because average precision means nothing without it.  The threshold of the
 * best F1 is chosen on the rows that it is reported for, so its metrics are an upper bound; the calibrated threshold was chosen on held-out
 * normal tiles.  All functions take lists of row numbers, so the order of the rows does not matter. */
#include "pipeline/evaluation/evaluation.h"
#include "pipeline/evaluation/evaluation_intervals.h"
#include "pipeline/evaluation/evaluation_slides.h"
#include "pipeline/evaluation/slide_scores.h"
#include "pipeline/evaluation/score_rows.h"
#include "pipeline/training/model_card.h"
#include "pipeline/write/json.h"
#include <math.h>
#include <stddef.h>
#include <string.h>

void evaluation_headline(const ScoreTable *table, GArray **score, GArray **label)
{
    ScorePart part = score_part(table, score_headline_split(table));
    *score = score_gather(part.rows, table->score, sizeof(double));
    *label = score_gather(part.rows, table->label, sizeof(int));
    g_array_unref(part.rows);
}

/* ---- metrics of some rows ---- */

enum { NEEDS_NORMALS = 1, NEEDS_ANOMALIES = 2, NEEDS_BOTH = 3 };

static const struct {
    const char *key;
    size_t at; /* in Metrics */
    int needs;
    gboolean of_threshold;
} metric_keys[] = {
    {"auroc", offsetof(Metrics, auroc), NEEDS_BOTH, FALSE},
    {"average_precision", offsetof(Metrics, average_precision), NEEDS_BOTH, FALSE},
    {"f1", offsetof(Metrics, best_f1), NEEDS_BOTH, TRUE},
    {"precision", offsetof(Metrics, precision), NEEDS_BOTH, TRUE},
    {"recall", offsetof(Metrics, recall), NEEDS_ANOMALIES, TRUE},
    {"specificity", offsetof(Metrics, specificity), NEEDS_NORMALS, TRUE},
    {"accuracy", offsetof(Metrics, accuracy), 0, TRUE},
    {"balanced_accuracy", offsetof(Metrics, balanced_accuracy), NEEDS_BOTH, TRUE},
};

static int classes_of(const Metrics *m)
{
    return (m->positives < m->n ? NEEDS_NORMALS : 0) | (m->positives > 0 ? NEEDS_ANOMALIES : 0);
}

/* What cannot be computed from rows of one class, and why.  Caller frees. */
static char *one_class_text(const Metrics *m, gboolean with_threshold)
{
    const char *missing = m->positives > 0 ? "normal rows" : "anomalies among the rows";
    if (!with_threshold) {
        return g_strdup_printf("there are no %s, so AUROC, average precision and the threshold of the best "
                               "F1 cannot be computed",
                               missing);
    }
    return g_strdup_printf(
        "there are no %s, so AUROC, average precision, F1, precision and %s cannot be computed", missing,
        m->positives > 0 ? "specificity" : "recall");
}

/* threshold NAN: only what needs no threshold.  from: see threshold_from. */
static json_t *metrics_json(const Metrics *m, double threshold, const char *from)
{
    int has = classes_of(m);
    gboolean cut = !isnan(threshold);
    json_t *out =
        json_pack("{s:i, s:i, s:f}", "n", m->n, "positives", m->positives, "prevalence", m->prevalence);
    if (cut) {
        json_object_set_new(out, "threshold", json_number_or_null(threshold));
    }
    if (cut && from) {
        json_object_set_new(out, "threshold_from", json_string(from));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(metric_keys); i++) {
        if ((metric_keys[i].needs & ~has) == 0 && (cut || !metric_keys[i].of_threshold)) {
            double value;
            memcpy(&value, (const char *)m + metric_keys[i].at, sizeof value);
            if (!isnan(value)) {
                json_object_set_new(out, metric_keys[i].key, json_number_or_null(value));
            }
        }
    }
    if (cut) {
        json_object_set_new(
            out, "confusion",
            json_pack("{s:i, s:i, s:i, s:i}", "tn", m->tn, "fp", m->fp, "fn", m->fn, "tp", m->tp));
    }
    if (has != NEEDS_BOTH) {
        g_autofree char *why = one_class_text(m, cut);
        json_object_set_new(out, "absent", json_string(why));
    } else if (cut && m->tp + m->fp == 0) {
        json_object_set_new(
            out, "absent",
            json_string("no row has a score at or above the threshold, so the precision cannot be computed"));
    }
    return out;
}

/* NULL when there are no rows. */
static json_t *best_json(const ScoreTable *table, const GArray *rows)
{
    Metrics m;
    if (!score_metrics(table, rows, table->score, NAN, &m)) {
        return NULL;
    }
    g_autofree char *from = g_strdup_printf("chosen on these %d rows", m.n);
    gboolean both = classes_of(&m) == NEEDS_BOTH;
    json_t *out = metrics_json(&m, both ? m.best_f1_threshold : NAN, from);
    if (both) {
        json_object_set_new(out, "intervals", evaluation_intervals(table, rows, m.best_f1_threshold));
    }
    return out;
}

static json_t *columns_json(const ScoreTable *table, const GArray *rows)
{
    json_t *out = json_object();
    for (int c = 0; table->columns[c]; c++) {
        Metrics m;
        int gaps = 0;
        for (guint i = 0; i < rows->len; i++) {
            gaps += isnan(table->values[c][g_array_index(rows, int, i)]);
        }
        if (gaps > 0) {
            g_autofree char *why = g_strdup_printf("%d of %u rows have no value", gaps, rows->len);
            json_object_set_new(out, table->columns[c], json_pack("{s:s}", "absent", why));
        } else if (score_metrics(table, rows, table->values[c], NAN, &m) && classes_of(&m) == NEEDS_BOTH) {
            json_object_set_new(out, table->columns[c],
                                json_pack("{s:f, s:f, s:f}", "auroc", m.auroc, "average_precision",
                                          m.average_precision, "prevalence", m.prevalence));
        }
    }
    return out;
}

static json_t *without_blank_json(const ScoreTable *table, const GArray *rows)
{
    g_autoptr(GArray) rest = g_array_new(FALSE, FALSE, sizeof(int));
    for (guint i = 0; i < rows->len; i++) {
        int row = g_array_index(rows, int, i);
        if (table->blank[row] != NEAR_BLANK_YES) {
            g_array_append_val(rest, row);
        }
    }
    return best_json(table, rest);
}

/* Why a part has no metrics at all, or NULL.  Caller frees. */
static char *nothing_text(const ScorePart *part)
{
    if (part->rows->len > 0) {
        return NULL;
    }
    if (part->tiles == 0 && part->split) {
        return g_strdup_printf("no row is in the %s split, and the headline counts no other split",
                               part->split);
    }
    return g_strdup_printf(
        "none of %d rows has both a label and a score (%d without a label, %d labelled without a score)",
        part->tiles, part->unlabelled, part->unscored);
}

/* On what a threshold was chosen; NULL = unknown.  Caller frees. */
static char *threshold_from(const Threshold *threshold)
{
    const Calibration *calibration = threshold->calibration;
    if (!calibration) {
        return NULL;
    }
    GString *out = g_string_new(NULL);
    g_string_append_printf(out, "chosen on n = %" G_GINT64_FORMAT " held-out normal tiles",
                           calibration->tiles);
    if (calibration->chosen.draws > 0) {
        g_string_append_printf(out, ", %d augmented copies of each", calibration->chosen.draws);
    }
    return g_string_free(out, FALSE);
}

/* The metrics of a part at a threshold that was chosen elsewhere, or why there is no threshold. */
static void add_threshold(json_t *out, const ScoreTable *table, const ScorePart *part,
                          const Threshold *threshold)
{
    const json_t *best = json_object_get(json_object_get(out, "best_f1"), "intervals");
    Metrics m;
    if (isnan(threshold->value)) {
        if (threshold->absent) {
            json_object_set_new(out, threshold->key, json_pack("{s:s}", "absent", threshold->absent));
        }
    } else if (score_metrics(table, part->rows, table->score, threshold->value, &m)) {
        g_autofree char *from = threshold_from(threshold);
        json_t *at = metrics_json(&m, threshold->value, from);
        json_object_set_new(at, "intervals",
                            evaluation_intervals_at(table, part->rows, threshold->value, best));
        json_object_set_new(out, threshold->key, at);
    }
}

/* The calibration of the model that scored; NULL when it is not known. */
static const Calibration *calibration_of(const Threshold *thresholds, int count)
{
    for (int t = 0; t < count; t++) {
        if (thresholds[t].calibration && !isnan(thresholds[t].value)) {
            return thresholds[t].calibration;
        }
    }
    return NULL;
}

static json_t *part_json(const ScoreTable *table, const ScorePart *part, const Threshold *thresholds,
                         int count)
{
    json_t *out = json_object();
    g_autofree char *nothing = nothing_text(part);
    if (part->split) {
        json_object_set_new(out, "split", json_string(part->split));
    }
    json_object_update_new(out,
                           json_pack("{s:i, s:i, s:i, s:i, s:i}", "slides_with_rows", part->slides, "rows",
                                     part->tiles, "unlabelled", part->unlabelled, "labelled_without_score",
                                     part->unscored, "without_score", part->without));
    if (nothing) {
        json_object_set_new(out, "absent", json_string(nothing));
        return out;
    }
    json_object_set_new(out, "best_f1", best_json(table, part->rows));
    for (int t = 0; t < count; t++) {
        add_threshold(out, table, part, &thresholds[t]);
    }
    if (table->blank) {
        json_t *without = without_blank_json(table, part->rows);
        json_object_set_new(out, "without_near_blank",
                            without ? without : json_pack("{s:s}", "absent", "all rows are near-blank"));
    }
    json_object_set_new(out, "reliability",
                        evaluation_reliability(table, part->rows, calibration_of(thresholds, count)));
    json_object_set_new(out, "columns", columns_json(table, part->rows));
    return out;
}

/* ---- thresholds ---- */

gboolean evaluation_model_threshold(const char *bundle, Calibration *calibration, Threshold *out,
                                    GError **error)
{
    ModelSpec spec;
    if (!model_describe(bundle, &spec, calibration, error)) {
        return FALSE;
    }
    model_spec_clear(&spec);
    *out = (Threshold){"calibrated", calibration->threshold, calibration, NULL};
    return TRUE;
}

/* ---- the whole table ---- */

/* The headline is the test split, so its metrics are copied. */
static json_t *splits_json(const ScoreTable *table, const GPtrArray *splits, const json_t *headline,
                           const Threshold *thresholds, int count)
{
    const char *first = json_string_value(json_object_get(headline, "split"));
    json_t *out = json_array();
    for (guint i = 0; i < splits->len; i++) {
        if (first && g_str_equal(splits->pdata[i], first)) {
            json_array_append_new(out, json_deep_copy(headline));
            continue;
        }
        ScorePart part = score_part(table, splits->pdata[i]);
        json_array_append_new(out, part_json(table, &part, thresholds, count));
        g_array_unref(part.rows);
    }
    return out;
}

/* The calibrations of the thresholds, and why one may not be trusted. */
static void add_calibrations(json_t *out, const Threshold *thresholds, int count)
{
    for (int t = 0; t < count; t++) {
        const Calibration *calibration = isnan(thresholds[t].value) ? NULL : thresholds[t].calibration;
        if (!calibration) {
            continue;
        }
        g_auto(GStrv) lines = model_card_lines(calibration);
        json_t *model = json_array();
        for (char **line = lines; *line; line++) {
            json_array_append_new(model, json_string(*line));
        }
        json_object_set_new(out, "calibration", calibration_write(calibration));
        json_object_set_new(out, "model", model);
    }
}

json_t *evaluation_json(const ScoreTable *table, const Threshold *thresholds, int count)
{
    json_t *out = json_pack("{s:s}", "score", table->name);
    g_autoptr(GPtrArray) splits = score_splits(table);
    ScorePart part = score_part(table, score_headline_split(table));
    json_auto_t *headline = part_json(table, &part, thresholds, count);
    g_array_unref(part.rows);
    json_object_update(out, headline);
    if (splits->len > 0) {
        json_object_set_new(out, "splits", splits_json(table, splits, headline, thresholds, count));
    }
    json_object_set_new(out, "slide_scores",
                        evaluation_slide_scores(table, score_headline_split(table), thresholds, count));
    json_object_set_new(out, "slides", evaluation_slides(table));
    if (table->labels) {
        json_object_set(out, "labels", table->labels);
    }
    add_calibrations(out, thresholds, count);
    json_object_set_new(out, "notes", json_texts(table->notes));
    return out;
}
