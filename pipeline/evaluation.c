/* Figures from scores.
 *
 * Prevalence is always beside AUROC and average precision, since the second means nothing without it.  The threshold of the best F1 is
 * chosen on the rows it is quoted for: an upper bound.  The one of the model's calibration was chosen on hold-out normals. */
#include "pipeline/evaluation.h"
#include "base/csv.h"
#include "base/error.h"
#include "flows/model.h"
#include "pipeline/json.h"
#include <math.h>
#include <string.h>

/* ---- reading ---- */

typedef struct {
    GArray *label, *flagged;  /* int, gboolean */
    GPtrArray *group, *names; /* char*: groups of rows; columns */
    GPtrArray *values;        /* GArray* of double, one a column */
    GHashTable *near_blank;   /* file -> 1 / 2; NULL = not known */
    int chosen, unlabelled, unscored;
} Reading;

static GHashTable *read_flags(const char *path, GError **error)
{
    g_autoptr(Csv) csv = csv_read(path, error);
    int file = csv ? csv_need(csv, "file", error) : -1;
    int flag = file >= 0 ? csv_need(csv, "near_blank", error) : -1;
    if (flag < 0) {
        return NULL;
    }
    GHashTable *out = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (int row = 0; row < csv_rows(csv); row++) {
        int value = g_str_equal(csv_get(csv, row, flag), "1") ? 2 : 1;
        g_hash_table_insert(out, g_strdup(csv_get(csv, row, file)), GINT_TO_POINTER(value));
    }
    return out;
}

static void find_columns(Reading *reading, const Csv *csv, const char *column)
{
    for (int i = 0; tile_score_column(i); i++) {
        if (csv_column(csv, tile_score_column(i)) >= 0) {
            g_ptr_array_add(reading->names, g_strdup(tile_score_column(i)));
        }
    }
    for (guint i = 0; i < reading->names->len; i++) {
        if (g_str_equal(reading->names->pdata[i], column)) {
            reading->chosen = (int)i;
            return;
        }
    }
    reading->chosen = (int)reading->names->len;
    g_ptr_array_add(reading->names, g_strdup(column));
}

static gboolean read_row(Reading *reading, const Csv *csv, int row, int label_column, const int *columns,
                         GError **error)
{
    double label, chosen;
    if (!csv_number(csv, row, label_column, &label, error) ||
        !csv_number(csv, row, columns[reading->chosen], &chosen, error)) {
        return FALSE;
    }
    reading->unlabelled += isnan(label);
    reading->unscored += !isnan(label) && isnan(chosen);
    if (isnan(label) || isnan(chosen)) {
        return TRUE;
    }
    if (label != 0 && label != 1) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "line %d: label %g: 0 or 1 was expected",
                    csv_line(csv, row), label);
        return FALSE;
    }
    int is = (int)label, file = csv_column(csv, "file"), slide = csv_column(csv, "slide");
    g_array_append_val(reading->label, is);
    for (guint c = 0; c < reading->names->len; c++) {
        double value;
        if (!csv_number(csv, row, columns[c], &value, error)) {
            return FALSE;
        }
        g_array_append_val((GArray *)reading->values->pdata[c], value);
    }
    gboolean flagged =
        reading->near_blank && file >= 0 &&
        g_hash_table_lookup(reading->near_blank, csv_get(csv, row, file)) == GINT_TO_POINTER(2);
    g_array_append_val(reading->flagged, flagged);
    g_ptr_array_add(reading->group, g_strdup(slide >= 0 ? csv_get(csv, row, slide) : ""));
    return TRUE;
}

static gboolean read_file(Reading *reading, const char *path, const char *column, GError **error)
{
    g_autoptr(Csv) csv = csv_read(path, error);
    int label = csv ? csv_need(csv, "label", error) : -1;
    if (label < 0) {
        return FALSE;
    }
    if (reading->names->len == 0) {
        find_columns(reading, csv, column);
        for (guint c = 0; c < reading->names->len; c++) {
            g_ptr_array_add(reading->values, g_array_new(FALSE, FALSE, sizeof(double)));
        }
    }
    int *columns = g_newa(int, reading->names->len);
    for (guint c = 0; c < reading->names->len; c++) {
        if ((columns[c] = csv_need(csv, reading->names->pdata[c], error)) < 0) {
            return FALSE;
        }
    }
    for (int row = 0; row < csv_rows(csv); row++) {
        if (!read_row(reading, csv, row, label, columns, error)) {
            g_prefix_error(error, "%s: ", path);
            return FALSE;
        }
    }
    return TRUE;
}

static ScoreTable *table_from(Reading *reading)
{
    ScoreTable *table = g_new0(ScoreTable, 1);
    table->n = (int)reading->label->len;
    table->name = g_strdup(reading->names->len ? reading->names->pdata[reading->chosen] : "");
    table->values = g_new0(double *, reading->names->len + 1);
    for (guint c = 0; c < reading->names->len; c++) {
        table->values[c] = (double *)(void *)g_array_free(reading->values->pdata[c], FALSE);
    }
    table->score = g_new(double, table->n + 1);
    if (table->n > 0) {
        memcpy(table->score, table->values[reading->chosen], (size_t)table->n * sizeof(double));
    }
    g_ptr_array_add(reading->names, NULL);
    g_ptr_array_add(reading->group, NULL);
    table->columns = (char **)g_ptr_array_free(reading->names, FALSE);
    table->group = (char **)g_ptr_array_free(reading->group, FALSE);
    table->label = (int *)(void *)g_array_free(reading->label, FALSE);
    gboolean *flags = (gboolean *)(void *)g_array_free(reading->flagged, FALSE);
    table->flagged = reading->near_blank ? flags : NULL;
    if (!reading->near_blank) {
        g_free(flags);
    }
    table->unlabelled = reading->unlabelled;
    table->unscored = reading->unscored;
    g_ptr_array_free(reading->values, TRUE);
    return table;
}

ScoreTable *score_table_read(const char *const *paths, const char *column, const char *labels, GError **error)
{
    Reading reading = {.label = g_array_new(FALSE, FALSE, sizeof(int)),
                       .flagged = g_array_new(FALSE, FALSE, sizeof(gboolean)),
                       .group = g_ptr_array_new(),
                       .names = g_ptr_array_new(),
                       .values = g_ptr_array_new()};
    gboolean ok = !labels || (reading.near_blank = read_flags(labels, error));
    for (; ok && *paths; paths++) {
        ok = read_file(&reading, *paths, column, error);
    }
    g_autoptr(ScoreTable) table = table_from(&reading);
    g_clear_pointer(&reading.near_blank, g_hash_table_unref);
    return ok ? g_steal_pointer(&table) : NULL;
}

void score_table_free(ScoreTable *table)
{
    if (!table) {
        return;
    }
    for (int c = 0; table->columns && table->columns[c]; c++) {
        g_free(table->values[c]);
    }
    g_free(table->values);
    g_strfreev(table->columns);
    g_strfreev(table->group);
    g_free(table->score);
    g_free(table->label);
    g_free(table->flagged);
    g_free(table->name);
    g_free(table);
}

/* The rows for which keep[i] holds; columns and groups stay behind where they are not needed. */
static ScoreTable *table_select(const ScoreTable *table, const gboolean *keep)
{
    ScoreTable *out = g_new0(ScoreTable, 1);
    int columns = (int)g_strv_length(table->columns);
    out->name = g_strdup(table->name);
    out->columns = g_strdupv(table->columns);
    out->values = g_new0(double *, columns + 1);
    out->score = g_new(double, table->n + 1);
    out->label = g_new(int, table->n + 1);
    out->group = g_new0(char *, table->n + 1);
    for (int c = 0; c < columns; c++) {
        out->values[c] = g_new(double, table->n + 1);
    }
    for (int i = 0; i < table->n; i++) {
        if (!keep[i]) {
            continue;
        }
        for (int c = 0; c < columns; c++) {
            out->values[c][out->n] = table->values[c][i];
        }
        out->score[out->n] = table->score[i];
        out->label[out->n] = table->label[i];
        out->group[out->n++] = g_strdup(table->group[i]);
    }
    return out;
}

ScoreTable *score_table_without_flagged(const ScoreTable *table)
{
    g_autofree gboolean *keep = g_new(gboolean, table->n + 1);
    for (int i = 0; i < table->n; i++) {
        keep[i] = !table->flagged[i];
    }
    return table_select(table, keep);
}

/* ---- figures ---- */

static json_t *metrics_json(const Metrics *m, double threshold)
{
    return json_pack("{s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:{s:i, s:i, s:i, s:i}}",
                     "n", m->n, "positives", m->positives, "prevalence", json_number_or_null(m->prevalence),
                     "auroc", json_number_or_null(m->auroc), "average_precision",
                     json_number_or_null(m->average_precision), "threshold", json_number_or_null(threshold),
                     "f1", json_number_or_null(m->best_f1), "precision", json_number_or_null(m->precision),
                     "recall", json_number_or_null(m->recall), "specificity",
                     json_number_or_null(m->specificity), "accuracy", json_number_or_null(m->accuracy),
                     "balanced_accuracy", json_number_or_null(m->balanced_accuracy), "confusion", "tn", m->tn,
                     "fp", m->fp, "fn", m->fn, "tp", m->tp);
}

static json_t *best_json(const ScoreTable *table, GError **error)
{
    Metrics m;
    return metrics_compute(table->score, table->label, table->n, &m, error)
               ? metrics_json(&m, m.best_f1_threshold)
               : NULL;
}

static json_t *columns_json(const ScoreTable *table)
{
    json_t *out = json_object();
    for (int c = 0; table->columns[c]; c++) {
        Metrics m;
        if (metrics_compute(table->values[c], table->label, table->n, &m,
                            NULL)) { /* a column may hold gaps */
            json_object_set_new(out, table->columns[c],
                                json_pack("{s:o, s:o}", "auroc", json_number_or_null(m.auroc),
                                          "average_precision", json_number_or_null(m.average_precision)));
        }
    }
    return out;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* One line a slide: how much, how high. */
static json_t *slide_json_of(const ScoreTable *table, int first, int end)
{
    g_autofree double *sorted = g_new(double, end - first);
    int positives = 0, top = MAX(1, (end - first) / 100);
    double sum = 0;
    for (int i = first; i < end; i++) {
        sorted[i - first] = table->score[i];
        positives += table->label[i];
    }
    qsort(sorted, (size_t)(end - first), sizeof(double), by_value);
    for (int i = 0; i < top; i++) {
        sum += sorted[end - first - 1 - i];
    }
    Metrics m;
    gboolean known = metrics_compute(table->score + first, table->label + first, end - first, &m, NULL);
    return json_pack("{s:s, s:i, s:i, s:o, s:o, s:o, s:o}", "slide", table->group[first], "tiles",
                     end - first, "lesion_tiles", positives, "auroc",
                     json_number_or_null(known ? m.auroc : NAN), "median",
                     json_number_or_null(sorted[(end - first) / 2]), "top_1_percent_mean",
                     json_number_or_null(sum / top), "maximum", json_number_or_null(sorted[end - first - 1]));
}

static json_t *slides_json(const ScoreTable *table)
{
    json_t *out = json_array();
    for (int first = 0, end; first < table->n; first = end) {
        for (end = first; end < table->n && g_str_equal(table->group[end], table->group[first]); end++) {
        }
        if (*table->group[first]) {
            json_array_append_new(out, slide_json_of(table, first, end));
        }
    }
    return out;
}

json_t *evaluation_json(const ScoreTable *table, double threshold, GError **error)
{
    if (table->n == 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "no row has both a label and a score (%d without label, %d without score)",
                    table->unlabelled, table->unscored);
        return NULL;
    }
    json_t *best = best_json(table, error);
    if (!best) {
        return NULL;
    }
    json_t *out = json_pack("{s:s, s:i, s:i, s:o, s:o, s:o}", "score", table->name, "unlabelled",
                            table->unlabelled, "unscored", table->unscored, "best_f1", best, "columns",
                            columns_json(table), "slides", slides_json(table));
    Metrics m;
    if (isfinite(threshold) && metrics_at(table->score, table->label, table->n, threshold, &m, NULL)) {
        json_object_set_new(out, "calibrated", metrics_json(&m, threshold));
    }
    if (table->flagged) {
        g_autoptr(ScoreTable) rest = score_table_without_flagged(table);
        json_t *without = best_json(rest, NULL);
        if (without) {
            json_object_set_new(out, "without_near_blank", without);
        }
    }
    return out;
}

/* ---- for people ---- */

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static void text_of(GString *out, const char *title, const json_t *m)
{
    if (!m) {
        return;
    }
    const json_t *c = json_object_get(m, "confusion");
    g_string_append_printf(out,
                           "%s: %d rows, prevalence %.4f\n"
                           "  AUROC %.4f   average precision %.4f\n"
                           "  threshold %.6g: F1 %.4f  precision %.4f  recall %.4f  specificity %.4f\n"
                           "  confusion (rows truth, columns prediction): [[%d %d] [%d %d]]\n",
                           title, (int)number(m, "n"), number(m, "prevalence"), number(m, "auroc"),
                           number(m, "average_precision"), number(m, "threshold"), number(m, "f1"),
                           number(m, "precision"), number(m, "recall"), number(m, "specificity"),
                           (int)number(c, "tn"), (int)number(c, "fp"), (int)number(c, "fn"),
                           (int)number(c, "tp"));
}

char *evaluation_text(const json_t *figures)
{
    GString *out = g_string_new(NULL);
    const char *key;
    json_t *value;
    size_t i;
    text_of(out, "all, best F1", json_object_get(figures, "best_f1"));
    text_of(out, "all, threshold of the model's calibration", json_object_get(figures, "calibrated"));
    text_of(out, "without near-blank tiles, best F1", json_object_get(figures, "without_near_blank"));
    g_string_append(out, "by score:\n");
    json_object_foreach(json_object_get(figures, "columns"), key, value)
    {
        g_string_append_printf(out, "  %-10s AUROC %.4f  average precision %.4f\n", key,
                               number(value, "auroc"), number(value, "average_precision"));
    }
    const json_t *slides = json_object_get(figures, "slides");
    if (json_array_size(slides) > 0) {
        g_string_append(out, "by slide:\n");
    }
    json_array_foreach(slides, i, value)
    {
        g_string_append_printf(
            out, "  %-24s %5d tiles, %4d lesion, AUROC %.4f, median %.3f, top 1 %% %.3f, maximum %.3f\n",
            json_string_value(json_object_get(value, "slide")), (int)number(value, "tiles"),
            (int)number(value, "lesion_tiles"), number(value, "auroc"), number(value, "median"),
            number(value, "top_1_percent_mean"), number(value, "maximum"));
    }
    return g_string_free(out, FALSE);
}
