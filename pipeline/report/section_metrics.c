/* The metrics of tiles, slides and pixels, as metrics.json holds them.
 *
 * A metric is a row and a threshold a column, so that a table is narrow enough for a phone. */
#include "pipeline/report/report_section.h"
#include "pipeline/report/report_text.h"

/* ---- tiles ---- */

/* The thresholds at which a part has metrics. */
static const struct {
    const char *key, *title;
} cuts[] = {{"calibrated", "at the calibrated threshold of the model"},
            {"best_f1", "at the threshold of the best F1"},
            {"without_near_blank", "at the threshold of the best F1, without near-blank tiles"}};
enum { CUTS = G_N_ELEMENTS(cuts) };

static const struct {
    const char *key, *title, *format, *interval; /* interval: where its key in the intervals is another one */
} rows[] = {{"n", "tiles", "%.0f", NULL},
            {"positives", "anomalies", "%.0f", NULL},
            {"prevalence", "prevalence", "%.4f", NULL},
            {"auroc", "AUROC", "%.4f", NULL},
            {"average_precision", "AP", "%.4f", NULL},
            {"threshold", "threshold", "%.4g", NULL},
            {"f1", "F1", "%.4f", "best_f1"},
            {"precision", "precision", "%.4f", NULL},
            {"recall", "recall", "%.4f", NULL},
            {"specificity", "specificity", "%.4f", NULL},
            {"accuracy", "accuracy", "%.4f", NULL},
            {"balanced_accuracy", "balanced accuracy", "%.4f", NULL}};

/* Which thresholds a part has; returns their number. */
static int cuts_of(const json_t *part, int which[CUTS])
{
    int n = 0;
    for (int c = 0; c < CUTS; c++) {
        if (json_object_get(json_object_get(part, cuts[c].key), "n")) {
            which[n++] = c;
        }
    }
    return n;
}

static void put_value(Page *page, const json_t *m, size_t r)
{
    const json_t *intervals = json_object_get(m, "intervals"),
                 *interval = json_object_get(intervals, rows[r].key);
    if (!interval && rows[r].interval) {
        interval = json_object_get(intervals, rows[r].interval);
    }
    g_autofree char *text = interval ? report_with_interval(json_object_get(m, rows[r].key), interval)
                                     : report_number(m, rows[r].key, rows[r].format);
    page_put(page, PAGE_TD, "%s", text);
}

static void put_metric_rows(Page *page, const json_t *part)
{
    int which[CUTS], n = cuts_of(part, which);
    const char *titles[CUTS + 2] = {""};
    for (int c = 0; c < n; c++) {
        titles[c + 1] = cuts[which[c]].title;
    }
    report_table(page, PAGE_TABLE, titles);
    for (size_t r = 0; r < G_N_ELEMENTS(rows); r++) {
        page_open(page, PAGE_TR);
        page_put(page, PAGE_TH_ROW, "%s", rows[r].title);
        for (int c = 0; c < n; c++) {
            put_value(page, json_object_get(part, cuts[which[c]].key), r);
        }
        page_close(page);
    }
    page_close(page);
    page_close(page);
}

/* What is predicted (rows) of what is there (columns). */
static void put_confusion(Page *page, const json_t *m, const char *title)
{
    static const char *const titles[] = {"", "normal", "anomalous", NULL};
    static const char *const parts[2][3] = {{"below the threshold", "tn", "fn"},
                                            {"at or above it", "fp", "tp"}};
    const json_t *confusion = json_object_get(m, "confusion");
    g_autofree char *threshold = report_number(m, "threshold", "%.4g");
    const char *from = json_string_value(json_object_get(m, "threshold_from"));
    if (!confusion) {
        return;
    }
    page_put(page, PAGE_P, "Confusion matrix %s, %s%s%s%s: tiles by label.", title, threshold,
             from ? " (" : "", from ? from : "", from ? ")" : "");
    report_table(page, PAGE_TABLE, titles);
    for (int r = 0; r < 2; r++) {
        page_open(page, PAGE_TR);
        page_put(page, PAGE_TH_ROW, "%s", parts[r][0]);
        for (int c = 1; c < 3; c++) {
            page_put(page, PAGE_TD, "%d", report_count(confusion, parts[r][c]));
        }
        page_close(page);
    }
    page_close(page);
    page_close(page);
}

/* One split: its metrics, what they leave out, or why there are none. */
static void put_part(Page *page, const json_t *part)
{
    const json_t *best = json_object_get(part, "best_f1");
    if (best) {
        put_metric_rows(page, part);
        if (json_object_get(best, "intervals")) {
            g_autofree char *drawn = report_drawn(json_object_get(best, "intervals"));
            page_put(page, PAGE_SMALL, "%s", drawn);
        }
        for (int c = 0; c < CUTS; c++) {
            report_absent(page, cuts[c].title, json_object_get(part, cuts[c].key));
            put_confusion(page, json_object_get(part, cuts[c].key), cuts[c].title);
        }
    }
    report_absent(page, "No metrics", part);
    page_put(page, PAGE_P,
             "Left out: %d tiles without a label and %d labelled tiles without data. In total, %d of %d "
             "tiles have no data.",
             report_count(part, "unlabelled"), report_count(part, "labelled_without_score"),
             report_count(part, "without_score"), report_count(part, "rows"));
}

static void put_other_splits(Page *page, const json_t *metrics)
{
    const char *split = json_string_value(json_object_get(metrics, "split"));
    json_t *one;
    size_t i;
    json_array_foreach(json_object_get(metrics, "splits"), i, one)
    {
        const char *other = json_string_value(json_object_get(one, "split"));
        if (!split || g_str_equal(other, split)) {
            continue;
        }
        page_open(page, PAGE_DETAILS);
        page_put(page, PAGE_SUMMARY, "%s split", *other ? other : "Unknown");
        if (g_str_equal(other, "train")) {
            page_put(page, PAGE_P,
                     "The model may have been trained on these slides: their metrics say little about other "
                     "slides.");
        }
        put_part(page, one);
        page_close(page);
    }
}

static void put_columns(Page *page, const json_t *metrics)
{
    static const char *const titles[] = {"score", "AUROC", "AP", "prevalence", NULL};
    static const char *const keys[] = {"auroc", "average_precision", "prevalence"};
    const char *name;
    json_t *m;
    if (json_object_size(json_object_get(metrics, "columns")) == 0) {
        return;
    }
    page_open(page, PAGE_DETAILS);
    page_put(page, PAGE_SUMMARY, "All scores of a tile");
    report_table(page, PAGE_TABLE, titles);
    json_object_foreach(json_object_get(metrics, "columns"), name, m)
    {
        page_open(page, PAGE_TR);
        page_put(page, PAGE_TH_ROW, "%s", name);
        for (size_t k = 0; k < G_N_ELEMENTS(keys); k++) {
            g_autofree char *text = report_number(m, keys[k], "%.4f");
            page_put(page, PAGE_TD, "%s", text);
        }
        page_close(page);
    }
    page_close(page);
    page_close(page);
    page_close(page);
}

gboolean section_tiles(const ReportInput *input, Page *page, GError **error)
{
    const char *score = json_string_value(json_object_get(input->metrics, "score"));
    report_heading(page, "Metrics of tiles", input->metrics);
    page_put(
        page, PAGE_P,
        "Evaluated score: %s. The threshold of the best F1 was chosen on these tiles, so its metrics are "
        "an upper bound.",
        score ? score : "none");
    put_part(page, input->metrics);
    put_columns(page, input->metrics);
    put_other_splits(page, input->metrics);
    return TRUE;
}

/* ---- slides as a whole ---- */

static void put_slide_scores(Page *page, const json_t *set)
{
    static const char *const titles[] = {"score of a slide", "AUROC", "AP", "Spearman with lesion area",
                                         NULL};
    static const char *const keys[][2] = {{"auroc", "auroc_interval"},
                                          {"average_precision", "average_precision_interval"},
                                          {"spearman", "spearman_interval"}};
    const char *name;
    json_t *one;
    report_table(page, PAGE_TABLE, titles);
    json_object_foreach(json_object_get(set, "scores"), name, one)
    {
        page_open(page, PAGE_TR);
        page_put(page, PAGE_TH_ROW, "%s", name);
        for (size_t c = 0; c < G_N_ELEMENTS(keys); c++) {
            g_autofree char *text =
                report_with_interval(json_object_get(one, keys[c][0]), json_object_get(one, keys[c][1]));
            page_put(page, PAGE_TD, "%s", text);
        }
        page_close(page);
    }
    page_close(page);
    page_close(page);
    json_object_foreach(json_object_get(set, "scores"), name, one)
    {
        report_absent(page, name, one);
    }
}

gboolean section_whole_slides(const ReportInput *input, Page *page, GError **error)
{
    const json_t *set = json_object_get(input->metrics, "slide_scores");
    const char *why = json_string_value(json_object_get(set, "intervals_absent"));
    if (report_count(set, "slides") + report_count(set, "left_out") == 0) { /* images of a patch set */
        return TRUE;
    }
    report_heading(page, "Slides as a whole", input->metrics);
    g_autofree char *prevalence = report_number(set, "prevalence", "%.4f");
    page_put(page, PAGE_P,
             "%d slides, %d of them with lesions (prevalence %s); %d left out without labels or scores.",
             report_count(set, "slides"), report_count(set, "with_lesions"), prevalence,
             report_count(set, "left_out"));
    report_absent(page, "No metrics of slides", set);
    if (json_object_get(set, "scores")) {
        put_slide_scores(page, set);
    }
    if (why) {
        page_put(page, PAGE_SMALL, "No intervals: %s.", why);
    } else if (json_object_get(set, "unit")) {
        g_autofree char *drawn = report_drawn(set);
        page_put(page, PAGE_SMALL, "%s", drawn);
    }
    return TRUE;
}

/* ---- pixels ---- */

gboolean section_pixels(const ReportInput *input, Page *page, GError **error)
{
    static const struct {
        const char *key, *title, *format;
    } values[] = {{"slides", "slides", "%.0f"},        {"pixels", "pixels", "%.0f"},
                  {"regions", "regions", "%.0f"},      {"prevalence", "prevalence", "%.4f"},
                  {"auroc", "AUROC", "%.4f"},          {"average_precision", "AP", "%.4f"},
                  {"best_f1", "best F1", "%.4f"},      {"threshold", "threshold of the best F1", "%.4g"},
                  {"aupro", "AUPRO up to 0.3", "%.4f"}};
    static const char *const titles[] = {"", "value", NULL};
    const json_t *pixels = json_object_get(input->metrics, "pixels");
    const json_t *intervals = json_object_get(pixels, "intervals");
    if (!pixels) {
        return TRUE;
    }
    page_put(page, PAGE_H2, "Pixels of the score maps: test split");
    report_absent(page, "Metrics of pixels", pixels);
    if (!json_object_get(pixels, "slides")) {
        return TRUE;
    }
    report_table(page, PAGE_TABLE, titles);
    for (size_t r = 0; r < G_N_ELEMENTS(values); r++) {
        const json_t *interval = json_object_get(intervals, values[r].key);
        g_autofree char *text = interval
                                    ? report_with_interval(json_object_get(pixels, values[r].key), interval)
                                    : report_number(pixels, values[r].key, values[r].format);
        page_open(page, PAGE_TR);
        page_put(page, PAGE_TH_ROW, "%s", values[r].title);
        page_put(page, PAGE_TD, "%s", text);
        page_close(page);
    }
    page_close(page);
    page_close(page);
    int every = report_count(pixels, "every");
    if (every > 1) {
        page_put(page, PAGE_SMALL,
                 "Of the maps, one pixel of each %d in x and in y counts, because there are more than can be "
                 "evaluated at once.",
                 every);
    }
    if (intervals) {
        g_autofree char *drawn = report_drawn(intervals);
        page_put(page, PAGE_SMALL, "%s", drawn);
    }
    return TRUE;
}

/* ---- what a reader of the metrics must know ---- */

gboolean section_notes(const ReportInput *input, Page *page, GError **error)
{
    const json_t *labels = json_object_get(input->metrics, "labels");
    const json_t *model = json_object_get(input->metrics, "model"),
                 *notes = json_object_get(input->metrics, "notes");
    json_t *one;
    size_t i;
    if (!labels && json_array_size(model) + json_array_size(notes) == 0) {
        return TRUE;
    }
    page_put(page, PAGE_H2, "What a reader must know");
    if (labels) {
        int joined = report_count(labels, "matched_rows");
        page_put(page, PAGE_P,
                 "Labels of near-blank tiles: %d of %d rows have one; %d of %d lines match no row.", joined,
                 joined + report_count(labels, "unmatched_rows"), report_count(labels, "unmatched_lines"),
                 report_count(labels, "lines"));
    }
    json_array_foreach(model, i, one)
    {
        page_put(page, i == 0 ? PAGE_P : PAGE_NOTICE, "Model: %s.", json_string_value(one));
    }
    json_array_foreach(notes, i, one)
    {
        page_put(page, PAGE_NOTICE, "%s", json_string_value(one));
    }
    return TRUE;
}
