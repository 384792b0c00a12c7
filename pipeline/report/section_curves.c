/* ROC, precision-recall and training curves. */
#include "pipeline/report/report_section.h"
#include "base/error.h"
#include "pipeline/evaluation/evaluation.h"
#include "pipeline/report/report_metrics.h"
#include "pipeline/write/chart.h"
#include <math.h>

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

gboolean section_curves(const ReportInput *input, Page *page, GError **error)
{
    g_autofree char *training = work_find(input->work, "train", COHORT, "curve_svg");
    g_autofree char *svg = NULL;
    g_autoptr(GError) why = NULL;
    if (training && !g_file_get_contents(training, &svg, NULL, &why)) {
        return wsi_error_glib(error, why);
    }
    report_metrics_heading(page, "Curves", input->metrics);
    page_open(page, PAGE_ROW_OF_DRAWINGS);
    if (input->table) {
        put_metric_curves(page, input->table);
    }
    if (svg) {
        page_drawing(page, svg);
    }
    page_close(page);
    return TRUE;
}
