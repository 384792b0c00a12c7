/* The tables of metrics in the report. */
#include "pipeline/report/report_metrics.h"
#include "pipeline/report/report_section.h"

typedef struct {
    const char *key, *title, *format;
} Column;

static const Column metric_columns[] = {
    {"n", "tiles", "%.0f"},
    {"prevalence", "prevalence", "%.4f"},
    {"auroc", "AUROC", "%.4f"},
    {"average_precision", "AP", "%.4f"},
    {"threshold", "threshold", "%.4g"},
    {"f1", "F1", "%.4f"},
    {"precision", "precision", "%.4f"},
    {"recall", "recall", "%.4f"},
    {"specificity", "specificity", "%.4f"},
    {"accuracy", "accuracy", "%.4f"},
    {"balanced_accuracy", "balanced accuracy", "%.4f"},
    {NULL, NULL, NULL},
};
static const Column confusion_columns[] = {{"tn", "TN", "%.0f"},
                                           {"fp", "FP", "%.0f"},
                                           {"fn", "FN", "%.0f"},
                                           {"tp", "TP", "%.0f"},
                                           {NULL, NULL, NULL}};
static const Column score_columns[] = {{"auroc", "AUROC", "%.4f"},
                                       {"average_precision", "AP", "%.4f"},
                                       {"prevalence", "prevalence", "%.4f"},
                                       {NULL, NULL, NULL}};
static const Column slide_columns[] = {{"tiles", "tiles", "%.0f"},
                                       {"lesion_tiles", "lesion tiles", "%.0f"},
                                       {"without_score", "tiles without data", "%.0f"},
                                       {"lesion_tiles_without_score", "lesion tiles without data", "%.0f"},
                                       {"auroc", "AUROC", "%.3f"},
                                       {"median", "median", "%.3f"},
                                       {"top_1_percent_mean", "mean of top 1 %", "%.3f"},
                                       {"top_1_percent_tiles", "tiles in top 1 %", "%.0f"},
                                       {"maximum", "maximum", "%.3f"},
                                       {NULL, NULL, NULL}};

static void put_titles(Page *page, const Column *columns)
{
    for (; columns->key; columns++) {
        page_put(page, PAGE_TH, "%s", columns->title);
    }
}

static void put_numbers(Page *page, const json_t *object, const Column *columns)
{
    for (; columns->key; columns++) {
        const json_t *value = json_object_get(object, columns->key);
        char text[G_ASCII_DTOSTR_BUF_SIZE];
        page_put(page, PAGE_TD, "%s",
                 json_is_number(value)
                     ? g_ascii_formatd(text, sizeof text, columns->format, json_number_value(value))
                     : "\xe2\x80\x93");
    }
}

void report_metrics_heading(Page *page, const char *title, const json_t *metrics)
{
    const char *split = json_string_value(json_object_get(metrics, "split"));
    int all = (int)json_integer_value(json_object_get(metrics, "slides_wanted"));
    int had = all - (int)json_array_size(json_object_get(metrics, "slides_failed"));
    if (split && had < all) {
        page_put(page, PAGE_H2, "%s: %s split, %d of %d slides", title, split, had, all);
    } else {
        page_put(page, PAGE_H2, "%s%s%s%s", title, split ? ": " : "", split ? split : "",
                 split ? " split" : "");
    }
}

static void put_row_title(Page *page, const char *title, const json_t *m)
{
    const char *from = json_string_value(json_object_get(m, "threshold_from"));
    page_open(page, PAGE_TD);
    page_text(page, "%s", title);
    if (from) {
        page_text(page, " (%s)", from);
    }
    page_close(page);
}

/* Why metrics are absent. */
static void put_absent(Page *page, const char *which, const json_t *m)
{
    const char *why = json_string_value(json_object_get(m, "absent"));
    if (why) {
        page_put(page, PAGE_P, "%s: %s.", which, why);
    }
}

static void put_metric_rows(Page *page, const json_t *part)
{
    static const struct {
        const char *key, *title;
    } rows[] = {{"best_f1", "threshold of the best F1"},
                {"calibrated", "calibrated threshold of the model"},
                {"without_near_blank", "threshold of the best F1, without near-blank tiles"}};
    page_open(page, PAGE_TABLE);
    page_open(page, PAGE_TR);
    page_put(page, PAGE_TH, "%s", "");
    put_titles(page, metric_columns);
    put_titles(page, confusion_columns);
    page_close(page);
    for (size_t r = 0; r < G_N_ELEMENTS(rows); r++) {
        const json_t *m = json_object_get(part, rows[r].key);
        if (m) {
            page_open(page, PAGE_TR);
            put_row_title(page, rows[r].title, m);
            put_numbers(page, m, metric_columns);
            put_numbers(page, json_object_get(m, "confusion"), confusion_columns);
            page_close(page);
        }
    }
    page_close(page);
    for (size_t r = 0; r < G_N_ELEMENTS(rows); r++) {
        put_absent(page, rows[r].title, json_object_get(part, rows[r].key));
    }
}

/* The text "VALUE (LOW to HIGH)"; a dash without value.  Caller frees. */
static char *with_interval(const json_t *object, const char *key, const char *interval_key)
{
    const json_t *value = json_object_get(object, key), *interval = json_object_get(object, interval_key);
    char text[3][G_ASCII_DTOSTR_BUF_SIZE];
    if (!json_is_number(value)) {
        return g_strdup("\xe2\x80\x93");
    }
    const json_t *numbers[] = {value, json_object_get(interval, "low"), json_object_get(interval, "high")};
    for (int i = 0; i < 3; i++) {
        g_ascii_formatd(text[i], sizeof text[i], "%.3f", json_number_value(numbers[i]));
    }
    return interval ? g_strdup_printf("%s (%s to %s)", text[0], text[1], text[2]) : g_strdup(text[0]);
}

/* How far the metrics of the best F1 can be trusted. */
static void put_intervals(Page *page, const json_t *best)
{
    const json_t *intervals = json_object_get(best, "intervals");
    const char *why = json_string_value(json_object_get(intervals, "absent"));
    static const char *const keys[][2] = {
        {"auroc", "AUROC"}, {"average_precision", "AP"}, {"best_f1", "best F1"}};
    if (why) {
        page_put(page, PAGE_P, "No intervals: %s.", why);
        return;
    }
    for (size_t k = 0; intervals && k < G_N_ELEMENTS(keys); k++) {
        json_auto_t *one =
            json_pack("{s:O?, s:O?}", "value",
                      json_object_get(best, k == 2 && json_object_get(best, "f1") ? "f1" : keys[k][0]),
                      "interval", json_object_get(intervals, keys[k][0]));
        g_autofree char *text = with_interval(one, "value", "interval");
        page_put(page, PAGE_P, "%s %s: 95 %% interval, %d %ss drawn.", keys[k][1], text,
                 (int)json_integer_value(json_object_get(intervals, "units")),
                 json_string_value(json_object_get(intervals, "unit")));
    }
}

/* One split: its metrics, what they leave out, or why there are none. */
static void put_part(Page *page, const json_t *part)
{
    if (json_object_get(part, "best_f1")) {
        put_metric_rows(page, part);
        put_intervals(page, json_object_get(part, "best_f1"));
        put_absent(page, "Reliability curve", json_object_get(part, "reliability"));
    }
    put_absent(page, "No metrics", part);
    int without = (int)json_integer_value(json_object_get(part, "without_score"));
    int unscored = (int)json_integer_value(json_object_get(part, "labelled_without_score"));
    page_put(page, PAGE_P,
             "Left out: %d tiles without a label and %d labelled tiles without data. In total, %d of %d "
             "tiles have "
             "no data.",
             (int)json_integer_value(json_object_get(part, "unlabelled")), unscored, without,
             (int)json_integer_value(json_object_get(part, "rows")));
}

static void put_metrics(Page *page, const json_t *metrics)
{
    const char *split = json_string_value(json_object_get(metrics, "split"));
    const char *score = json_string_value(json_object_get(metrics, "score"));
    json_t *one;
    size_t i;
    report_metrics_heading(page, "Metrics", metrics);
    page_put(
        page, PAGE_P,
        "Evaluated score: %s. The threshold of the best F1 was chosen on these tiles, so its metrics are an "
        "upper bound.",
        score ? score : "none");
    put_part(page, metrics);
    json_array_foreach(json_object_get(metrics, "splits"), i, one)
    {
        const char *other = json_string_value(json_object_get(one, "split"));
        if (!split || g_str_equal(other, split)) {
            continue;
        }
        page_put(page, PAGE_H3, "%s split", *other ? other : "Unknown");
        if (g_str_equal(other, "train")) {
            page_put(page, PAGE_P,
                     "The model may have been trained on these slides: their metrics say little about other "
                     "slides.");
        }
        put_part(page, one);
    }
}

/* What a reader of the metrics must know. */
static void put_notes(Page *page, const json_t *metrics)
{
    const json_t *labels = json_object_get(metrics, "labels");
    json_t *one;
    size_t i;
    if (labels) {
        int joined = (int)json_integer_value(json_object_get(labels, "matched_rows"));
        page_put(page, PAGE_P,
                 "Labels of near-blank tiles: %d of %d rows have one; %d of %d lines match no row.", joined,
                 joined + (int)json_integer_value(json_object_get(labels, "unmatched_rows")),
                 (int)json_integer_value(json_object_get(labels, "unmatched_lines")),
                 (int)json_integer_value(json_object_get(labels, "lines")));
    }
    json_array_foreach(json_object_get(metrics, "model"), i, one)
    {
        page_put(page, i == 0 ? PAGE_P : PAGE_NOTICE, "Model: %s.", json_string_value(one));
    }
    json_array_foreach(json_object_get(metrics, "notes"), i, one)
    {
        page_put(page, PAGE_NOTICE, "%s", json_string_value(one));
    }
}

static void put_scores(Page *page, const json_t *metrics)
{
    const char *name;
    json_t *m;
    if (json_object_size(json_object_get(metrics, "columns")) == 0) {
        return;
    }
    report_metrics_heading(page, "All scores", metrics);
    page_open(page, PAGE_TABLE);
    page_open(page, PAGE_TR);
    page_put(page, PAGE_TH, "score");
    put_titles(page, score_columns);
    page_close(page);
    json_object_foreach(json_object_get(metrics, "columns"), name, m)
    {
        page_open(page, PAGE_TR);
        page_put(page, PAGE_TD, "%s", name);
        put_numbers(page, m, score_columns);
        page_close(page);
    }
    page_close(page);
}

/* Scores of whole slides. */
static void put_slide_scores(Page *page, const json_t *metrics)
{
    static const struct {
        const char *key, *interval, *title;
    } columns[] = {{"auroc", "auroc_interval", "AUROC"},
                   {"average_precision", "average_precision_interval", "AP"},
                   {"spearman", "spearman_interval", "Spearman with lesion area"}};
    const json_t *set = json_object_get(metrics, "slide_scores");
    const char *key, *why = json_string_value(json_object_get(set, "intervals_absent"));
    json_t *one;
    if (json_integer_value(json_object_get(set, "slides")) +
            json_integer_value(json_object_get(set, "left_out")) ==
        0) { /* images of a patch set */
        return;
    }
    report_metrics_heading(page, "Slides as a whole", metrics);
    page_put(page, PAGE_P, "%d slides, %d of them with lesions; %d left out without labels or scores.",
             (int)json_integer_value(json_object_get(set, "slides")),
             (int)json_integer_value(json_object_get(set, "with_lesions")),
             (int)json_integer_value(json_object_get(set, "left_out")));
    put_absent(page, "No metrics of slides", set);
    if (why) {
        page_put(page, PAGE_P, "No intervals: %s.", why);
    }
    if (json_object_get(set, "scores")) {
        page_open(page, PAGE_TABLE);
        page_open(page, PAGE_TR);
        page_put(page, PAGE_TH, "score of a slide");
        for (size_t c = 0; c < G_N_ELEMENTS(columns); c++) {
            page_put(page, PAGE_TH, "%s", columns[c].title);
        }
        page_close(page);
        json_object_foreach(json_object_get(set, "scores"), key, one)
        {
            page_open(page, PAGE_TR);
            page_put(page, PAGE_TD, "%s", key);
            for (size_t c = 0; c < G_N_ELEMENTS(columns); c++) {
                g_autofree char *text = with_interval(one, columns[c].key, columns[c].interval);
                page_put(page, PAGE_TD, "%s", text);
            }
            page_close(page);
        }
        page_close(page);
    }
}

/* Pixels of the score maps. */
static void put_pixels(Page *page, const json_t *pixels)
{
    static const Column columns[] = {
        {"slides", "slides", "%.0f"},         {"pixels", "pixels of maps", "%.0f"},
        {"regions", "regions", "%.0f"},       {"prevalence", "prevalence", "%.4f"},
        {"auroc", "AUROC", "%.4f"},           {"average_precision", "AP", "%.4f"},
        {"best_f1", "best F1", "%.4f"},       {"threshold", "threshold", "%.4g"},
        {"aupro", "AUPRO up to 0.3", "%.4f"}, {NULL, NULL, NULL}};
    if (!pixels) {
        return;
    }
    page_put(page, PAGE_H2, "Pixels of the score maps: test split");
    put_absent(page, "Metrics of pixels", pixels);
    if (json_object_get(pixels, "slides")) {
        page_open(page, PAGE_TABLE);
        page_open(page, PAGE_TR);
        put_titles(page, columns);
        page_close(page);
        page_open(page, PAGE_TR);
        put_numbers(page, pixels, columns);
        page_close(page);
        page_close(page);
        put_intervals(page, pixels);
    }
}

gboolean section_metrics(const ReportInput *input, Page *page, GError **error)
{
    const json_t *metrics = input->metrics;
    if (!metrics) {
        return TRUE;
    }
    put_metrics(page, metrics);
    put_notes(page, metrics);
    put_scores(page, metrics);
    put_slide_scores(page, metrics);
    put_pixels(page, json_object_get(metrics, "pixels"));
    return TRUE;
}

void report_metrics_put_slide(Page *page, const json_t *m)
{
    page_open(page, PAGE_TABLE);
    page_open(page, PAGE_TR);
    put_titles(page, slide_columns);
    page_close(page);
    page_open(page, PAGE_TR);
    put_numbers(page, m, slide_columns);
    page_close(page);
    page_close(page);
}
