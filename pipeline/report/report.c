/* The report page.
 *
 * Images are embedded in the page, so it can be sent as one file.  Of more than MOST_IMAGES slides only the first are shown, and the page
 * says so.  pipeline/write/page.h keeps markup and text apart. */
#include "pipeline/report/report.h"
#include "base/csv.h"
#include "base/durable.h"
#include "base/error.h"
#include "flows/models/channels.h"
#include "pipeline/job/unreadable_tiles.h"
#include "pipeline/patchset/image_sizes.h"
#include "pipeline/report/evaluation.h"
#include "pipeline/report/report_metrics.h"
#include "pipeline/slide/annotation_notes.h"
#include "pipeline/slide/unused_in_run.h"
#include "pipeline/write/chart.h"
#include "pipeline/write/page.h"
#include "pipeline/write/versions.h"
#include <math.h>
#include <string.h>

#define MOST_IMAGES 40

/* ---- curves ---- */

/* Draws a line of points in the unit square, with the area below it in the title; frees the points. */
static void put_points(Page *page, GArray *points, const char *title, double area, const char *x,
                       const char *y)
{
    int n = (int)points->len;
    g_autofree double *px = g_new(double, n + 1), *py = g_new(double, n + 1);
    for (int i = 0; i < n; i++) {
        px[i] = g_array_index(points, MetricPoint, i).x;
        py[i] = g_array_index(points, MetricPoint, i).y;
    }
    char digits[G_ASCII_DTOSTR_BUF_SIZE];
    g_autofree char *text =
        g_strdup_printf("%s %s", title, g_ascii_formatd(digits, sizeof digits, "%.4f", area));
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

static void put_metric_curves(Page *page, const ScoreTable *table)
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
    put_points(page, metrics_roc(s, l, n), "ROC curve, AUROC", m.auroc, "false positive rate",
               "true positive rate");
    put_points(page, metrics_pr_line(pr), "Precision-recall curve, AP", m.average_precision, "recall",
               "precision");
}

static gboolean put_curves(Page *page, const Work *work, const ScoreTable *table, const json_t *metrics,
                           GError **error)
{
    g_autofree char *training = work_find(work, "train", COHORT, "curve_svg");
    g_autofree char *svg = NULL;
    g_autoptr(GError) why = NULL;
    if (training && !g_file_get_contents(training, &svg, NULL, &why)) {
        return wsi_error_glib(error, why);
    }
    report_metrics_heading(page, "Curves", metrics);
    page_open(page, PAGE_ROW_OF_DRAWINGS);
    if (table) {
        put_metric_curves(page, table);
    }
    if (svg) {
        page_drawing(page, svg);
    }
    page_close(page);
    return TRUE;
}

/* Reads the table that training wrote; array of ChannelReport, NULL with error. */
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

/* Tiles that were left out or have no score because they could not be read. */
static void put_unreadable(Page *page, const Work *work, const json_t *metrics)
{
    static const char *const from[][2] = {{"dataset", "Patch set"}, {"normals", "Training"}};
    for (size_t i = 0; i < G_N_ELEMENTS(from); i++) {
        g_autofree char *text =
            unreadable_tiles_text(records_get(work->records, from[i][0], COHORT, "unreadable"));
        if (text) {
            page_put(page, PAGE_P, "%s: %s.", from[i][1], text);
        }
    }
    g_autofree char *text = unreadable_tiles_text(json_object_get(metrics, "unreadable"));
    if (text) {
        page_put(page, PAGE_P, "Scoring: %s.", text);
    }
}

/* Images that did not have the size of the model's tiles. */
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

static const json_t *metrics_of(const json_t *metrics, const char *slide)
{
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(metrics, "slides"), i, one)
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

static gboolean put_slides(Page *page, const Work *work, const json_t *metrics, GError **error)
{
    int shown = 0;
    for (guint i = 0; i < work->run->slides->len; i++) {
        const SlideEntry *entry = work->run->slides->pdata[i];
        g_autofree char *overview = work_find(work, "heatmap", entry->id, "overview");
        const json_t *m = metrics_of(metrics, entry->id);
        if (!overview || shown == MOST_IMAGES) {
            continue;
        }
        if (shown++ == 0) {
            page_put(page, PAGE_H2, "Slides");
            page_put(page, PAGE_P, "A slide whose labelled tiles all have the same label has no AUROC.");
        }
        g_autofree char *file = g_path_get_basename(entry->path);
        page_put(page, PAGE_H3, "%s (%s), %s split", entry->id, file, entry->split);
        if (m) {
            report_metrics_put_slide(page, m);
        }
        if (!put_image(page, overview, error)) {
            return FALSE;
        }
    }
    if (shown == MOST_IMAGES) {
        page_put(page, PAGE_P,
                 "Only the first %d slides are shown; slides/ID/heatmap.png is the image of each slide.",
                 MOST_IMAGES);
    }
    return TRUE;
}

/* Warnings from reading the annotations. */
static void put_annotations(Page *page, const Work *work)
{
    g_autoptr(GPtrArray) notes = annotation_notes(work->run->slides, work->records);
    if (notes->len == 0) {
        return;
    }
    page_put(page, PAGE_H2, "Warnings about annotations");
    page_open(page, PAGE_UL);
    for (guint i = 0; i < notes->len; i++) {
        page_put(page, PAGE_LI, "%s", (const char *)notes->pdata[i]);
    }
    page_close(page);
}

/* Files that were found but not used, by name without folders. */
static void put_unused(Page *page, const Work *work)
{
    g_autoptr(GPtrArray) findings = unused_in_run(work->run->cohort, work->inputs);
    if (findings->len == 0) {
        return;
    }
    page_put(page, PAGE_H2, "Unused files");
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

gboolean report_write(Work *work, const ScoreTable *table, const json_t *metrics, GError **error)
{
    g_autoptr(Page) page = page_new(work->run->config->run_name);
    page_put(page, PAGE_H1, "%s", work->run->config->run_name);
    page_put(page, PAGE_NOTICE,
             "For research use only. Not for use in diagnostic procedures. Scores are anomaly scores, not "
             "diagnoses.");
    if (metrics) {
        report_metrics_put(page, metrics);
    }
    if (!put_curves(page, work, table, metrics, error) || !put_channels(page, work, error)) {
        return FALSE;
    }
    put_sizes(page, work);
    put_unreadable(page, work, metrics);
    if (!put_slides(page, work, metrics, error)) {
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
