/* Metrics as lines of text. */
#include "pipeline/evaluation/evaluation.h"
#include <math.h>

/* Appends "  NAME VALUE" when there is a value. */
static void put_number(GString *out, const json_t *object, const char *key, const char *name,
                       const char *format)
{
    const json_t *value = json_object_get(object, key);
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    if (json_is_number(value)) {
        g_string_append_printf(out, "  %s %s", name,
                               g_ascii_formatd(text, sizeof text, format, json_number_value(value)));
    }
}

static int whole(const json_t *object, const char *key)
{
    return (int)json_integer_value(json_object_get(object, key));
}

static void put_absent(GString *out, const json_t *object)
{
    const char *why = json_string_value(json_object_get(object, "absent"));
    if (why) {
        g_string_append_printf(out, "  %s\n", why);
    }
}

static void put_threshold(GString *out, const json_t *m)
{
    const char *from = json_string_value(json_object_get(m, "threshold_from"));
    const json_t *c = json_object_get(m, "confusion");
    put_number(out, m, "threshold", "threshold", "%.6g");
    g_string_append_printf(out, "%s%s%s:", from ? " (" : "", from ? from : "", from ? ")" : "");
    put_number(out, m, "f1", "F1", "%.4f");
    put_number(out, m, "precision", "precision", "%.4f");
    put_number(out, m, "recall", "recall", "%.4f");
    put_number(out, m, "specificity", "specificity", "%.4f");
    put_number(out, m, "accuracy", "accuracy", "%.4f");
    put_number(out, m, "balanced_accuracy", "balanced accuracy", "%.4f");
    g_string_append_printf(out, "\n  confusion (rows truth, columns prediction): [[%d %d] [%d %d]]\n",
                           whole(c, "tn"), whole(c, "fp"), whole(c, "fn"), whole(c, "tp"));
}

/* Appends "  NAME LOW to HIGH" when there is an interval. */
static void put_interval(GString *out, const json_t *object, const char *key, const char *name)
{
    const json_t *interval = json_object_get(object, key);
    char low[G_ASCII_DTOSTR_BUF_SIZE], high[G_ASCII_DTOSTR_BUF_SIZE];
    if (interval) {
        g_string_append_printf(
            out, "  %s %s to %s", name,
            g_ascii_formatd(low, sizeof low, "%.4f", json_number_value(json_object_get(interval, "low"))),
            g_ascii_formatd(high, sizeof high, "%.4f", json_number_value(json_object_get(interval, "high"))));
    }
}

static void put_intervals(GString *out, const json_t *intervals)
{
    const char *why = json_string_value(json_object_get(intervals, "absent"));
    if (why) {
        g_string_append_printf(out, "  no intervals: %s\n", why);
    } else if (intervals) {
        int units = whole(intervals, "units");
        g_string_append_printf(out, "  95 %% intervals, %d %ss:", units,
                               json_string_value(json_object_get(intervals, "unit")));
        put_interval(out, intervals, "auroc", "AUROC");
        put_interval(out, intervals, "average_precision", "average precision");
        put_interval(out, intervals, "best_f1", "best F1");
        g_string_append(out, "\n  at this threshold:");
        put_interval(out, intervals, "f1", "F1");
        put_interval(out, intervals, "precision", "precision");
        put_interval(out, intervals, "recall", "recall");
        put_interval(out, intervals, "specificity", "specificity");
        put_interval(out, intervals, "accuracy", "accuracy");
        put_interval(out, intervals, "balanced_accuracy", "balanced accuracy");
        g_string_append_c(out, '\n');
    }
}

static void put_metrics(GString *out, const char *which, const char *title, const json_t *m)
{
    if (!m) {
        return;
    }
    if (json_object_get(m, "n")) {
        g_string_append_printf(out, "%s, %s: %d rows, %d of them anomalies, prevalence %.4f\n", which, title,
                               whole(m, "n"), whole(m, "positives"),
                               json_number_value(json_object_get(m, "prevalence")));
    } else {
        g_string_append_printf(out, "%s, %s:\n", which, title);
    }
    if (json_object_get(m, "auroc")) {
        put_number(out, m, "auroc", "AUROC", "%.4f");
        put_number(out, m, "average_precision", "average precision", "%.4f");
        g_string_append_c(out, '\n');
    }
    put_intervals(out, json_object_get(m, "intervals"));
    if (json_object_get(m, "threshold")) {
        put_threshold(out, m);
    }
    put_absent(out, m);
}

static void put_reliability(GString *out, const json_t *reliability)
{
    json_t *bin;
    size_t i;
    if (!json_object_get(reliability, "bins")) {
        return;
    }
    g_string_append(out, "reliability:");
    put_number(out, reliability, "expected_calibration_error", "expected calibration error", "%.4f");
    put_interval(out, json_object_get(reliability, "intervals"), "expected_calibration_error",
                 "95 % interval");
    g_string_append_c(out, '\n');
    json_array_foreach(json_object_get(reliability, "bins"), i, bin)
    {
        if (whole(bin, "rows") > 0) {
            g_string_append_printf(out, "  %d rows:", whole(bin, "rows"));
            put_number(out, bin, "mean_score", "mean score", "%.4f");
            put_number(out, bin, "anomalies", "fraction of anomalies", "%.4f");
            g_string_append_c(out, '\n');
        }
    }
}

static void put_part(GString *out, const json_t *part)
{
    static const struct {
        const char *key, *title;
    } rows[] = {{"calibrated", "calibrated threshold of the model"},
                {"given", "given threshold"},
                {"best_f1", "threshold of the best F1"},
                {"without_near_blank", "threshold of the best F1, without near-blank tiles"}};
    const char *split = json_string_value(json_object_get(part, "split"));
    const char *which = !split ? "all" : *split ? split : "unknown split";
    for (size_t r = 0; r < G_N_ELEMENTS(rows); r++) {
        put_metrics(out, which, rows[r].title, json_object_get(part, rows[r].key));
    }
    put_reliability(out, json_object_get(part, "reliability"));
    if (json_object_get(part, "absent")) {
        g_string_append_printf(out, "%s: no metrics\n", which);
        put_absent(out, part);
    }
    g_string_append_printf(out, "  left out: %d rows without a label, %d labelled rows without a score\n",
                           whole(part, "unlabelled"), whole(part, "labelled_without_score"));
}

static void put_columns(GString *out, const json_t *metrics)
{
    const char *key;
    json_t *value;
    if (json_object_size(json_object_get(metrics, "columns")) > 0) {
        g_string_append(out, "by score:\n");
    }
    json_object_foreach(json_object_get(metrics, "columns"), key, value)
    {
        g_string_append_printf(out, "  %-10s", key);
        put_number(out, value, "auroc", "AUROC", "%.4f");
        put_number(out, value, "average_precision", "average precision", "%.4f");
        put_number(out, value, "prevalence", "prevalence", "%.4f");
        const char *why = json_string_value(json_object_get(value, "absent"));
        g_string_append_printf(out, "%s%s\n", why ? " " : "", why ? why : "");
    }
}

static void put_slides(GString *out, const json_t *slides)
{
    json_t *slide;
    size_t i;
    if (json_array_size(slides) > 0) {
        g_string_append(out, "by slide:\n");
    }
    json_array_foreach(slides, i, slide)
    {
        const char *split = json_string_value(json_object_get(slide, "split"));
        g_string_append_printf(out, "  %-24s %s%s%d tiles, %d lesion,",
                               json_string_value(json_object_get(slide, "slide")), split ? split : "",
                               split ? "  " : "", whole(slide, "tiles"), whole(slide, "lesion_tiles"));
        put_number(out, slide, "auroc", "AUROC", "%.4f");
        put_number(out, slide, "median", "median", "%.3f");
        put_number(out, slide, "top_1_percent_mean", "top 1 %", "%.3f");
        int top = whole(slide, "top_1_percent_tiles");
        if (top > 0) {
            g_string_append_printf(out, " (%d tile%s)", top, top == 1 ? "" : "s");
        }
        put_number(out, slide, "maximum", "maximum", "%.3f");
        if (whole(slide, "without_score") > 0) {
            g_string_append_printf(out, "; %d more (%d lesion) have no score", whole(slide, "without_score"),
                                   whole(slide, "lesion_tiles_without_score"));
        }
        g_string_append_c(out, '\n');
    }
}

static void put_slide_scores(GString *out, const json_t *set)
{
    const char *key, *why = json_string_value(json_object_get(set, "intervals_absent"));
    json_t *one;
    if (whole(set, "slides") == 0) {
        return;
    }
    g_string_append_printf(out, "slides as a whole: %d, %d of them with lesions, %d left out",
                           whole(set, "slides"), whole(set, "with_lesions"), whole(set, "left_out"));
    put_number(out, set, "prevalence", "prevalence", "%.4f");
    g_string_append_c(out, '\n');
    put_absent(out, set);
    json_object_foreach(json_object_get(set, "scores"), key, one)
    {
        g_string_append_printf(out, "  %-22s", key);
        put_number(out, one, "auroc", "AUROC", "%.4f");
        put_interval(out, one, "auroc_interval", "from");
        put_number(out, one, "average_precision", "average precision", "%.4f");
        put_number(out, one, "spearman", "Spearman with lesion area", "%.4f");
        put_interval(out, one, "spearman_interval", "from");
        const char *absent = json_string_value(json_object_get(one, "absent"));
        g_string_append_printf(out, "%s%s\n", absent ? "  " : "", absent ? absent : "");
    }
    if (why) {
        g_string_append_printf(out, "  no intervals: %s\n", why);
    }
}

char *evaluation_text(const json_t *metrics)
{
    GString *out = g_string_new(NULL);
    const json_t *splits = json_object_get(metrics, "splits"), *labels = json_object_get(metrics, "labels");
    json_t *one;
    size_t i;
    put_part(out, metrics);
    json_array_foreach(splits, i, one)
    {
        const char *split = json_string_value(json_object_get(one, "split"));
        if (!g_str_equal(split, "test")) { /* the test split is the headline */
            g_string_append_printf(
                out, "%s",
                g_str_equal(split, "train") ? "the model may have been trained on these slides:\n" : "");
            put_part(out, one);
        }
    }
    put_columns(out, metrics);
    put_slide_scores(out, json_object_get(metrics, "slide_scores"));
    put_slides(out, json_object_get(metrics, "slides"));
    if (labels) {
        g_string_append_printf(out, "labels: %d of %d rows have one; %d of %d lines match no row\n",
                               whole(labels, "matched_rows"),
                               whole(labels, "matched_rows") + whole(labels, "unmatched_rows"),
                               whole(labels, "unmatched_lines"), whole(labels, "lines"));
    }
    json_array_foreach(json_object_get(metrics, "model"), i, one)
    {
        g_string_append_printf(out, "model: %s\n", json_string_value(one));
    }
    json_array_foreach(json_object_get(metrics, "notes"), i, one)
    {
        g_string_append_printf(out, "note: %s\n", json_string_value(one));
    }
    return g_string_free(out, FALSE);
}
