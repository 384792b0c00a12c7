/* The report page.
 *
 * Pictures are put into the page as data, so that it can be sent as one file; beyond MOST_PICTURES slides only the first are shown and
 * the page says so.  Everything that comes from a file or a name is escaped. */
#include "pipeline/report.h"
#include "base/csv.h"
#include "base/durable.h"
#include "base/error.h"
#include "flows/channels.h"
#include "flows/curve.h"
#include "pipeline/versions.h"
#include <math.h>
#include <string.h>

#define MOST_PICTURES 40

static const char style[] =
    "body{font:15px/1.5 sans-serif;max-width:1100px;margin:2em auto;padding:0 1em;color:#222}"
    "h1{margin-bottom:0}.ruo{background:#fff3cd;border:1px solid #e0c36a;padding:.5em 1em}"
    "table{border-collapse:collapse;margin:1em 0}td,th{border:1px solid #ccc;padding:.25em .7em;"
    "text-align:right}td:first-child,th:first-child{text-align:left}img{max-width:100%}"
    "pre{background:#f6f6f6;padding:1em;overflow:auto}.curves{display:flex;flex-wrap:wrap;gap:1em}";

static void put(GString *out, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* As printf, every %s escaped for HTML. */
static void put(GString *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_markup_vprintf_escaped(format, args);
    va_end(args);
    g_string_append(out, text);
}

static void put_number(GString *out, const json_t *object, const char *key, const char *format)
{
    const json_t *value = json_object_get(object, key);
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    put(out, "<td>%s</td>",
        json_is_number(value) ? g_ascii_formatd(text, sizeof text, format, json_number_value(value))
                              : "\xe2\x80\x93");
}

/* ---- figures ---- */

static const struct {
    const char *key, *title, *format;
} figure_columns[] = {
    {"n", "tiles", "%.0f"},
    {"prevalence", "prevalence", "%.4f"},
    {"auroc", "AUROC", "%.4f"},
    {"average_precision", "AP", "%.4f"},
    {"threshold", "threshold", "%.4g"},
    {"f1", "F1", "%.4f"},
    {"precision", "precision", "%.4f"},
    {"recall", "recall", "%.4f"},
    {"specificity", "specificity", "%.4f"},
};

static void put_figures(GString *out, const json_t *figures)
{
    static const struct {
        const char *key, *title;
    } rows[] = {{"best_f1", "all, threshold of the best F1"},
                {"calibrated", "all, threshold of the model's calibration"},
                {"without_near_blank", "without near-blank tiles, best F1"}};
    g_string_append(out, "<h2>Figures</h2>\n<table><tr><th></th>");
    for (size_t c = 0; c < G_N_ELEMENTS(figure_columns); c++) {
        put(out, "<th>%s</th>", figure_columns[c].title);
    }
    g_string_append(out, "<th>TN</th><th>FP</th><th>FN</th><th>TP</th></tr>\n");
    for (size_t r = 0; r < G_N_ELEMENTS(rows); r++) {
        const json_t *m = json_object_get(figures, rows[r].key);
        if (!m) {
            continue;
        }
        put(out, "<tr><td>%s</td>", rows[r].title);
        for (size_t c = 0; c < G_N_ELEMENTS(figure_columns); c++) {
            put_number(out, m, figure_columns[c].key, figure_columns[c].format);
        }
        static const char *const cells[] = {"tn", "fp", "fn", "tp"};
        for (size_t c = 0; c < 4; c++) {
            put_number(out, json_object_get(m, "confusion"), cells[c], "%.0f");
        }
        g_string_append(out, "</tr>\n");
    }
    put(out,
        "</table>\n<p>Score: %s. The threshold of the best F1 was chosen on these very tiles: read it as an "
        "upper bound. Left out: %d "
        "tiles without label, %d without data.</p>\n",
        json_string_value(json_object_get(figures, "score")),
        (int)json_integer_value(json_object_get(figures, "unlabelled")),
        (int)json_integer_value(json_object_get(figures, "unscored")));
}

static void put_scores(GString *out, const json_t *figures)
{
    const char *name;
    json_t *m;
    g_string_append(out, "<h2>All scores</h2>\n<table><tr><th>score</th><th>AUROC</th><th>AP</th></tr>\n");
    json_object_foreach(json_object_get(figures, "columns"), name, m)
    {
        put(out, "<tr><td>%s</td>", name);
        put_number(out, m, "auroc", "%.4f");
        put_number(out, m, "average_precision", "%.4f");
        g_string_append(out, "</tr>\n");
    }
    g_string_append(out, "</table>\n");
}

/* ---- curves ---- */

/* Draws and frees the points: a line from (0, 0) to (1, 1) at most, the figure that is its area in the title. */
static void put_points(GString *out, GArray *points, const char *title, double area, const char *x,
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
    CurveSeries series = {NULL, n, px, py, FALSE};
    CurveAxes axes = curve_axes(text, x, y);
    axes.x_min = axes.y_min = 0;
    axes.x_max = axes.y_max = 1;
    axes.width = 480;
    axes.height = 360;
    if (n > 0) {
        g_autofree char *svg = curve_svg(&axes, &series, 1);
        g_string_append(out, svg);
    }
    g_array_unref(points);
}

static void put_figure_curves(GString *out, const ScoreTable *table)
{
    Metrics m;
    if (!metrics_compute(table->score, table->label, table->n, &m, NULL)) {
        return;
    }
    g_autoptr(GArray) pr = metrics_pr(table->score, table->label, table->n);
    put_points(out, metrics_roc(table->score, table->label, table->n), "ROC: AUROC", m.auroc,
               "false positive rate", "true positive rate");
    put_points(out, metrics_pr_line(pr), "Precision and recall: AP", m.average_precision, "recall",
               "precision");
}

static void put_curves(GString *out, const Work *work, const ScoreTable *table)
{
    g_autofree char *training = work_find(work, "train", COHORT, "curve_svg");
    g_autofree char *svg = NULL;
    g_string_append(out, "<h2>Curves</h2>\n<div class=\"curves\">\n");
    if (table) {
        put_figure_curves(out, table);
    }
    if (training && g_file_get_contents(training, &svg, NULL, NULL)) {
        g_string_append(out, svg);
    }
    g_string_append(out, "\n</div>\n");
}

/* What the training wrote, back as an array; NULL where there was none. */
static GArray *read_channels(const char *path)
{
    static const char *const names[] = {"scale", "channel", "dead"};
    g_autoptr(Csv) csv = path ? csv_read(path, NULL) : NULL;
    g_autoptr(GArray) channels = g_array_new(FALSE, FALSE, sizeof(ChannelReport));
    int rows = csv ? csv_rows(csv) : 0;
    for (int row = 0; row < rows; row++) {
        double value[G_N_ELEMENTS(names)];
        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
            int column = csv_column(csv, names[i]);
            if (column < 0 || !csv_number(csv, row, column, &value[i], NULL)) {
                return NULL;
            }
        }
        ChannelReport channel = {.scale = (int)value[0] - 1, .channel = (int)value[1], .dead = value[2] > 0};
        g_array_append_val(channels, channel);
    }
    return rows > 0 ? g_steal_pointer(&channels) : NULL;
}

static void put_channels(GString *out, const Work *work)
{
    g_autofree char *path = work_find(work, "train", COHORT, "channels");
    g_autoptr(GArray) channels = read_channels(path);
    if (channels) {
        g_autofree char *text = channels_text(channels);
        put(out, "<p>Latents of held-out normal tiles: %s (model/channels.csv).</p>\n", text);
    }
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

static gboolean put_picture(GString *out, const char *path, GError **error)
{
    g_autofree char *bytes = NULL;
    gsize length;
    if (!g_file_get_contents(path, &bytes, &length, error)) {
        return FALSE;
    }
    g_autofree char *text = g_base64_encode((const guchar *)bytes, length);
    g_string_append_printf(out, "<img alt=\"\" src=\"data:image/png;base64,%s\">\n", text);
    return TRUE;
}

static gboolean put_slides(GString *out, const Work *work, const json_t *figures, GError **error)
{
    int shown = 0;
    for (guint i = 0; i < work->run->slides->len; i++) {
        const SlideEntry *entry = work->run->slides->pdata[i];
        g_autofree char *overview = work_find(work, "heatmap", entry->id, "overview");
        const json_t *m = figures_of(figures, entry->id);
        if (!overview || shown == MOST_PICTURES) {
            continue;
        }
        put(out, "%s<h3>%s</h3>\n", shown++ ? "" : "<h2>Slides</h2>\n", entry->id);
        if (m) {
            g_string_append(
                out, "<table><tr><th>tiles</th><th>lesion tiles</th><th>AUROC</th><th>median</th><th>top 1 % "
                     "mean</th><th>maximum</th></tr><tr>");
            static const char *const keys[] = {"tiles",  "lesion_tiles",       "auroc",
                                               "median", "top_1_percent_mean", "maximum"};
            for (size_t k = 0; k < G_N_ELEMENTS(keys); k++) {
                put_number(out, m, keys[k], k < 2 ? "%.0f" : "%.3f");
            }
            g_string_append(out, "</tr></table>\n");
        }
        if (!put_picture(out, overview, error)) {
            return FALSE;
        }
    }
    if (shown == MOST_PICTURES) {
        put(out, "<p>The first %d slides are shown; slides/ID/heatmap.png has each.</p>\n", MOST_PICTURES);
    }
    return TRUE;
}

/* ---- provenance ---- */

static void put_provenance(GString *out, const Work *work)
{
    g_autofree char *versions = versions_text();
    g_autofree char *config = config_text(work->run->config, FALSE);
    put(out, "<h2>Provenance</h2>\n<pre>%s</pre>\n<h3>Inputs</h3>\n<pre>", versions);
    for (guint i = 0; i < work->inputs->len; i++) {
        const JobInput *input = work->inputs->pdata[i];
        put(out, "%s  %s\n", input->artefact->sha256, input->artefact->path);
    }
    put(out, "</pre>\n<h3>Configuration</h3>\n<pre>%s</pre>\n", config);
}

gboolean report_write(Work *work, const ScoreTable *table, const json_t *figures, GError **error)
{
    g_autoptr(GString) out =
        g_string_new("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n");
    put(out, "<title>%s</title>\n<style>%s</style></head><body>\n<h1>%s</h1>\n", work->run->config->run_name,
        style, work->run->config->run_name);
    g_string_append(
        out,
        "<p class=\"ruo\">For research use only. Not for use in diagnostic procedures. Scores are anomaly "
        "scores, not diagnoses.</p>\n");
    if (figures) {
        put_figures(out, figures);
        put_scores(out, figures);
    }
    put_curves(out, work, table);
    put_channels(out, work);
    if (!put_slides(out, work, figures, error)) {
        return FALSE;
    }
    put_provenance(out, work);
    g_string_append(out, "</body></html>\n");
    char sha256[65];
    g_autofree char *path = work_output(work, "report.html");
    return durable_write_file(path, out->str, out->len, sha256, error) &&
           work_publish(work, "report", path, sha256, error);
}
