/* The report page.
 *
 * Images are put into the page as data, so that it can be sent as one file; beyond MOST_IMAGES slides only the first are shown and
 * the page says so.  pipeline/write/page.h keeps markup and text apart. */
#include "pipeline/report/report.h"
#include "base/csv.h"
#include "base/durable.h"
#include "base/error.h"
#include "flows/models/channels.h"
#include "pipeline/write/chart.h"
#include "pipeline/slide/annotation_notes.h"
#include "pipeline/job/unreadable_tiles.h"
#include "pipeline/slide/unused_in_run.h"
#include "pipeline/write/page.h"
#include "pipeline/patchset/image_sizes.h"
#include "pipeline/write/versions.h"
#include <math.h>
#include <string.h>

#define MOST_IMAGES 40

/* ---- figures ---- */

typedef struct {
    const char *key, *title, *format;
} Column;

static const Column figure_columns[] = {
    {"n", "tiles", "%.0f"},
    {"prevalence", "prevalence", "%.4f"},
    {"auroc", "AUROC", "%.4f"},
    {"average_precision", "AP", "%.4f"},
    {"threshold", "threshold", "%.4g"},
    {"f1", "F1", "%.4f"},
    {"precision", "precision", "%.4f"},
    {"recall", "recall", "%.4f"},
    {"specificity", "specificity", "%.4f"},
    {NULL, NULL, NULL},
};
static const Column confusion_columns[] = {{"tn", "TN", "%.0f"},
                                           {"fp", "FP", "%.0f"},
                                           {"fn", "FN", "%.0f"},
                                           {"tp", "TP", "%.0f"},
                                           {NULL, NULL, NULL}};
static const Column score_columns[] = {
    {"auroc", "AUROC", "%.4f"}, {"average_precision", "AP", "%.4f"}, {NULL, NULL, NULL}};
static const Column slide_columns[] = {{"tiles", "tiles", "%.0f"},
                                       {"lesion_tiles", "lesion tiles", "%.0f"},
                                       {"without_score", "tiles without data", "%.0f"},
                                       {"lesion_tiles_without_score", "of them lesion", "%.0f"},
                                       {"auroc", "AUROC", "%.3f"},
                                       {"median", "median", "%.3f"},
                                       {"top_1_percent_mean", "top 1 % mean", "%.3f"},
                                       {"top_1_percent_tiles", "of tiles", "%.0f"},
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

/* A heading with the split that what is below it is of. */
static void put_heading(Page *page, const char *title, const json_t *figures)
{
    const char *split = json_string_value(json_object_get(figures, "split"));
    int all = (int)json_integer_value(json_object_get(figures, "slides_wanted"));
    int had = all - (int)json_array_size(json_object_get(figures, "slides_failed"));
    if (split && had < all) {
        page_put(page, PAGE_H2, "%s: split %s, %d of %d slides", title, split, had, all);
    } else {
        page_put(page, PAGE_H2, "%s%s%s", title, split ? ": split " : "", split ? split : "");
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

/* Reasons for figures that are not there. */
static void put_absent(Page *page, const char *which, const json_t *m)
{
    const char *why = json_string_value(json_object_get(m, "absent"));
    if (why) {
        page_put(page, PAGE_P, "%s: %s.", which, why);
    }
}

static void put_figure_rows(Page *page, const json_t *part)
{
    static const struct {
        const char *key, *title;
    } rows[] = {{"best_f1", "best F1"},
                {"calibrated", "threshold of the model's calibration"},
                {"without_near_blank", "without near-blank tiles, best F1"}};
    page_open(page, PAGE_TABLE);
    page_open(page, PAGE_TR);
    page_put(page, PAGE_TH, "%s", "");
    put_titles(page, figure_columns);
    put_titles(page, confusion_columns);
    page_close(page);
    for (size_t r = 0; r < G_N_ELEMENTS(rows); r++) {
        const json_t *m = json_object_get(part, rows[r].key);
        if (m) {
            page_open(page, PAGE_TR);
            put_row_title(page, rows[r].title, m);
            put_numbers(page, m, figure_columns);
            put_numbers(page, json_object_get(m, "confusion"), confusion_columns);
            page_close(page);
        }
    }
    page_close(page);
    for (size_t r = 0; r < G_N_ELEMENTS(rows); r++) {
        put_absent(page, rows[r].title, json_object_get(part, rows[r].key));
    }
}

/* One split: its figures, what they leave out, why there are none. */
static void put_part(Page *page, const json_t *part)
{
    if (json_object_get(part, "best_f1")) {
        put_figure_rows(page, part);
    }
    put_absent(page, "No figures", part);
    int without = (int)json_integer_value(json_object_get(part, "without_score"));
    int unscored = (int)json_integer_value(json_object_get(part, "labelled_without_score"));
    page_put(
        page, PAGE_P,
        "Left out: %d tiles without label, %d with a label but without data. In all, %d of %d tiles have no "
        "data.",
        (int)json_integer_value(json_object_get(part, "unlabelled")), unscored, without,
        (int)json_integer_value(json_object_get(part, "rows")));
}

static void put_figures(Page *page, const json_t *figures)
{
    const char *split = json_string_value(json_object_get(figures, "split"));
    const char *score = json_string_value(json_object_get(figures, "score"));
    json_t *one;
    size_t i;
    put_heading(page, "Figures", figures);
    page_put(
        page, PAGE_P,
        "Score: %s. The threshold of the best F1 was chosen on these very tiles: read it as an upper bound.",
        score ? score : "none");
    put_part(page, figures);
    json_array_foreach(json_object_get(figures, "splits"), i, one)
    {
        const char *other = json_string_value(json_object_get(one, "split"));
        if (!split || g_str_equal(other, split)) {
            continue;
        }
        page_put(page, PAGE_H3, "Split %s", *other ? other : "unknown");
        if (g_str_equal(other, "train")) {
            page_put(page, PAGE_P,
                     "These slides may have been trained on: their figures say little about unseen slides.");
        }
        put_part(page, one);
    }
}

/* What a reader of the figures has to know. */
static void put_reported(Page *page, const json_t *figures)
{
    const json_t *labels = json_object_get(figures, "labels");
    json_t *one;
    size_t i;
    if (labels) {
        int joined = (int)json_integer_value(json_object_get(labels, "matched_rows"));
        page_put(page, PAGE_P,
                 "Labels of near-blank tiles: %d of %d rows have one, %d of %d lines match no row.", joined,
                 joined + (int)json_integer_value(json_object_get(labels, "unmatched_rows")),
                 (int)json_integer_value(json_object_get(labels, "unmatched_lines")),
                 (int)json_integer_value(json_object_get(labels, "lines")));
    }
    json_array_foreach(json_object_get(figures, "model"), i, one)
    {
        page_put(page, i == 0 ? PAGE_P : PAGE_NOTICE, "The model: %s.", json_string_value(one));
    }
    json_array_foreach(json_object_get(figures, "notes"), i, one)
    {
        page_put(page, PAGE_NOTICE, "%s", json_string_value(one));
    }
}

static void put_scores(Page *page, const json_t *figures)
{
    const char *name;
    json_t *m;
    if (json_object_size(json_object_get(figures, "columns")) == 0) {
        return;
    }
    put_heading(page, "All scores", figures);
    page_open(page, PAGE_TABLE);
    page_open(page, PAGE_TR);
    page_put(page, PAGE_TH, "score");
    put_titles(page, score_columns);
    page_close(page);
    json_object_foreach(json_object_get(figures, "columns"), name, m)
    {
        page_open(page, PAGE_TR);
        page_put(page, PAGE_TD, "%s", name);
        put_numbers(page, m, score_columns);
        page_close(page);
    }
    page_close(page);
}

/* ---- curves ---- */

/* Draws and frees the points: a line from (0, 0) to (1, 1) at most, the figure that is its area in the title. */
static void put_points(Page *page, GArray *points, const char *title, double area, const char *x,
                       const char *y)
{
    int n = (int)points->len;
    g_autofree double *px = g_new(double, n + 1), *py = g_new(double, n + 1);
    for (int i = 0; i < n; i++) {
        px[i] = g_array_index(points, MetricPoint, i).x;
        py[i] = g_array_index(points, MetricPoint, i).y;
    }
    char figure[G_ASCII_DTOSTR_BUF_SIZE];
    g_autofree char *text =
        g_strdup_printf("%s %s", title, g_ascii_formatd(figure, sizeof figure, "%.4f", area));
    ChartSeries series = {NULL, n, px, py, FALSE};
    ChartAxes axes = chart_axes(text, x, y);
    axes.x_min = axes.y_min = 0;
    axes.x_max = axes.y_max = 1;
    axes.width = 480;
    axes.height = 360;
    if (n > 0) {
        g_autofree char *svg = chart_svg(&axes, &series, 1);
        page_drawing(page, svg);
    }
    g_array_unref(points);
}

static void put_figure_curves(Page *page, const ScoreTable *table)
{
    g_autoptr(GArray) score = NULL, label = NULL;
    evaluation_headline(table, &score, &label);
    const double *s = (const double *)(void *)score->data;
    const int *l = (const int *)(void *)label->data;
    int n = (int)score->len;
    Metrics m;
    if (!metrics_compute(s, l, n, &m, NULL) || isnan(m.auroc)) {
        page_put(page, PAGE_P, "There are no curves without both normal tiles and anomalies.");
        return;
    }
    g_autoptr(GArray) pr = metrics_pr(s, l, n);
    put_points(page, metrics_roc(s, l, n), "ROC: AUROC", m.auroc, "false positive rate",
               "true positive rate");
    put_points(page, metrics_pr_line(pr), "Precision and recall: AP", m.average_precision, "recall",
               "precision");
}

static gboolean put_curves(Page *page, const Work *work, const ScoreTable *table, const json_t *figures,
                           GError **error)
{
    g_autofree char *training = work_find(work, "train", COHORT, "chart_svg");
    g_autofree char *svg = NULL;
    g_autoptr(GError) why = NULL;
    if (training && !g_file_get_contents(training, &svg, NULL, &why)) {
        return wsi_error_glib(error, why);
    }
    put_heading(page, "Curves", figures);
    page_open(page, PAGE_ROW_OF_DRAWINGS);
    if (table) {
        put_figure_curves(page, table);
    }
    if (svg) {
        page_drawing(page, svg);
    }
    page_close(page);
    return TRUE;
}

/* What the training wrote, back as an array; NULL with error. */
static GArray *read_channels(const char *path, GError **error)
{
    static const char *const names[] = {"scale", "channel", "dead"};
    g_autoptr(Csv) csv = csv_read(path, error);
    g_autoptr(GArray) channels = g_array_new(FALSE, FALSE, sizeof(ChannelReport));
    int rows = csv ? csv_rows(csv) : 0;
    for (int row = 0; row < rows; row++) {
        double value[G_N_ELEMENTS(names)];
        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
            int column = csv_column(csv, names[i]);
            if (column < 0) {
                g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s has no column %s", path, names[i]);
                return NULL;
            }
            if (!csv_number(csv, row, column, &value[i], error)) {
                return NULL;
            }
        }
        ChannelReport channel = {.scale = (int)value[0] - 1, .channel = (int)value[1], .dead = value[2] > 0};
        g_array_append_val(channels, channel);
    }
    return csv ? g_steal_pointer(&channels) : NULL;
}

/* Tiles that nothing was learnt from, or that have no scores, since they could not be read. */
static void put_unreadable(Page *page, const Work *work, const json_t *figures)
{
    static const char *const from[][2] = {{"dataset", "Patch set"}, {"normals", "Training"}};
    for (size_t i = 0; i < G_N_ELEMENTS(from); i++) {
        g_autofree char *text =
            unreadable_tiles_text(records_get(work->records, from[i][0], COHORT, "unreadable"));
        if (text) {
            page_put(page, PAGE_P, "%s: %s.", from[i][1], text);
        }
    }
    g_autofree char *text = unreadable_tiles_text(json_object_get(figures, "unreadable"));
    if (text) {
        page_put(page, PAGE_P, "Scoring: %s.", text);
    }
}

/* Images that were not of the model's size. */
static void put_sizes(Page *page, const Work *work)
{
    static const char *const from[][2] = {{"train", "Training"}, {"scorepatches", "Scoring"}};
    for (size_t i = 0; i < G_N_ELEMENTS(from); i++) {
        g_autofree char *text =
            image_sizes_text_of_json(records_get(work->records, from[i][0], COHORT, "images"));
        if (text) {
            page_put(page, PAGE_P, "%s: %s.", from[i][1], text);
        }
    }
}

static gboolean put_channels(Page *page, const Work *work, GError **error)
{
    g_autofree char *path = work_find(work, "train", COHORT, "channels");
    g_autoptr(GArray) channels = path ? read_channels(path, error) : NULL;
    if (channels && channels->len > 0) {
        g_autofree char *text = channels_text(channels);
        page_put(page, PAGE_P, "Latents of held-out normal tiles: %s (model/channels.csv).", text);
    }
    return !path || channels;
}

/* ---- slides ---- */

static const json_t *figures_of(const json_t *figures, const char *slide)
{
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(figures, "slides"), i, one)
    {
        if (g_str_equal(json_string_value(json_object_get(one, "slide")), slide)) {
            return one;
        }
    }
    return NULL;
}

static gboolean put_image(Page *page, const char *path, GError **error)
{
    g_autofree char *bytes = NULL;
    gsize length;
    g_autoptr(GError) why = NULL;
    if (!g_file_get_contents(path, &bytes, &length, &why)) {
        return wsi_error_glib(error, why);
    }
    page_png(page, bytes, length);
    return TRUE;
}

static void put_slide_figures(Page *page, const json_t *m)
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

static gboolean put_slides(Page *page, const Work *work, const json_t *figures, GError **error)
{
    int shown = 0;
    for (guint i = 0; i < work->run->slides->len; i++) {
        const SlideEntry *entry = work->run->slides->pdata[i];
        g_autofree char *overview = work_find(work, "heatmap", entry->id, "overview");
        const json_t *m = figures_of(figures, entry->id);
        if (!overview || shown == MOST_IMAGES) {
            continue;
        }
        if (shown++ == 0) {
            page_put(page, PAGE_H2, "Slides");
            page_put(page, PAGE_P, "A slide whose labelled tiles are all of one kind has no AUROC.");
        }
        g_autofree char *file = g_path_get_basename(entry->path);
        page_put(page, PAGE_H3, "%s (%s), split %s", entry->id, file, entry->split);
        if (m) {
            put_slide_figures(page, m);
        }
        if (!put_image(page, overview, error)) {
            return FALSE;
        }
    }
    if (shown == MOST_IMAGES) {
        page_put(page, PAGE_P, "The first %d slides are shown; slides/ID/heatmap.png has each.", MOST_IMAGES);
    }
    return TRUE;
}

/* What the annotations hold that marks nothing or was taken for something. */
static void put_annotations(Page *page, const Work *work)
{
    g_autoptr(GPtrArray) notes = annotation_notes(work->run->slides, work->records);
    if (notes->len == 0) {
        return;
    }
    page_put(page, PAGE_H2, "Warnings of the annotations");
    page_open(page, PAGE_UL);
    for (guint i = 0; i < notes->len; i++) {
        page_put(page, PAGE_LI, "%s", (const char *)notes->pdata[i]);
    }
    page_close(page);
}

/* Files that were found and are not used; by name, without folders. */
static void put_unused(Page *page, const Work *work)
{
    g_autoptr(GPtrArray) findings = unused_in_run(work->run->cohort, work->inputs);
    if (findings->len == 0) {
        return;
    }
    page_put(page, PAGE_H2, "Not used");
    page_open(page, PAGE_UL);
    for (guint i = 0; i < findings->len; i++) {
        const Unused *unused = findings->pdata[i];
        g_autofree char *name = g_path_get_basename(unused->name);
        page_put(page, PAGE_LI, "%s: %s", name, unused->reason);
    }
    page_close(page);
}

/* ---- provenance ---- */

static void put_provenance(Page *page, const Work *work)
{
    g_autofree char *versions = versions_text();
    g_autofree char *config = config_text(work->run->config, FALSE);
    page_put(page, PAGE_H2, "Provenance");
    page_put(page, PAGE_PRE, "%s", versions);
    page_put(page, PAGE_H3, "Inputs");
    page_open(page, PAGE_PRE);
    for (guint i = 0; i < work->inputs->len; i++) {
        const JobInput *input = work->inputs->pdata[i];
        page_text(page, "%s  %s\n", input->artefact->sha256, input->artefact->path);
    }
    page_close(page);
    page_put(page, PAGE_H3, "Configuration");
    page_put(page, PAGE_PRE, "%s", config);
}

gboolean report_write(Work *work, const ScoreTable *table, const json_t *figures, GError **error)
{
    g_autoptr(Page) page = page_new(work->run->config->run_name);
    page_put(page, PAGE_H1, "%s", work->run->config->run_name);
    page_put(page, PAGE_NOTICE,
             "For research use only. Not for use in diagnostic procedures. Scores are anomaly scores, not "
             "diagnoses.");
    if (figures) {
        put_figures(page, figures);
        put_reported(page, figures);
        put_scores(page, figures);
    }
    if (!put_curves(page, work, table, figures, error) || !put_channels(page, work, error)) {
        return FALSE;
    }
    put_sizes(page, work);
    put_unreadable(page, work, figures);
    if (!put_slides(page, work, figures, error)) {
        return FALSE;
    }
    put_annotations(page, work);
    put_unused(page, work);
    put_provenance(page, work);
    char sha256[65];
    g_autofree char *html = page_finish(page), *path = work_output(work, "report.html");
    return durable_write_file(path, html, strlen(html), sha256, error) &&
           work_publish(work, "report", path, sha256, error);
}
