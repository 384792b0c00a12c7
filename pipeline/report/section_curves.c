/* ROC, precision-recall and reliability curves of the headline. */
#include "base/error.h"
#include "flows/metrics/curve_bands.h"
#include "flows/metrics/metrics.h"
#include "flows/metrics/reliability.h"
#include "pipeline/evaluation/evaluation.h"
#include "pipeline/evaluation/evaluation_intervals.h"
#include "pipeline/evaluation/score_rows.h"
#include "pipeline/report/report_section.h"
#include "pipeline/report/report_text.h"
#include "pipeline/write/chart.h"
#include <math.h>

/* A figure with axes from 0 to 1.  The last series may be a band. */
static void put_unit_chart(Page *page, const char *title, const char *x, const char *y, const char *text,
                           const char *caption, const ChartSeries *series, int count)
{
    ChartAxes axes = chart_axes(title, x, y);
    axes.x_min = axes.y_min = 0;
    axes.x_max = axes.y_max = 1;
    axes.width = 480;
    axes.height = 360;
    axes.legend_below = TRUE;
    axes.description = text;
    g_autofree char *svg = chart_svg(&axes, series, count);
    page_open(page, PAGE_FIGURE);
    page_drawing(page, svg);
    page_put(page, PAGE_CAPTION, "%s%s", text, caption);
    page_close(page);
}

/* A line of points with the area below it in the title; frees the points.  band NULL: none. */
static void put_curve(Page *page, GArray *points, guint thresholds, const char *name, const json_t *area,
                      const char *x, const char *y, const CurveBand *band, const double chance[2])
{
    int n = (int)points->len;
    g_autofree double *px = g_new(double, n + 1), *py = g_new(double, n + 1);
    double none[CURVE_BAND_POINTS];
    const double ends[] = {0, 1};
    for (int i = 0; i < n; i++) {
        px[i] = g_array_index(points, MetricPoint, i).x;
        py[i] = g_array_index(points, MetricPoint, i).y;
    }
    for (int i = 0; i < CURVE_BAND_POINTS; i++) {
        none[i] = NAN;
    }
    char digits[G_ASCII_DTOSTR_BUF_SIZE];
    g_autofree char *title = g_strdup_printf(
        "%s %s", name, g_ascii_formatd(digits, sizeof digits, "%.4f", json_number_value(area)));
    g_autofree char *text = g_strdup_printf("%s against %s at all %u thresholds.", y, x, thresholds);
    ChartSeries series[] = {{.count = n, .x = px, .y = py},
                            {.name = "chance", .count = 2, .x = ends, .y = chance, .dashed = TRUE},
                            {.count = CURVE_BAND_POINTS, .y = none, .colour = 1}};
    if (band) {
        series[2].x = band->at;
        series[2].low = band->low;
        series[2].high = band->high;
    }
    text[0] = g_ascii_toupper(text[0]);
    put_unit_chart(page, title, x, y, text,
                   band ? " Band: 95 % of the bootstrap draws, at each point of the axis below." : "", series,
                   band ? 3 : 2);
    g_array_unref(points);
}

/* The bands of both curves; FALSE when there are none. */
static gboolean bands_of(const ScoreTable *table, const GArray *score, const GArray *label, CurveBand *roc,
                         CurveBand *pr)
{
    ScorePart part = score_part(table, score_headline_split(table));
    ScoreUnits units = score_units(table, part.rows);
    g_autofree int *unit = units.unit;
    g_autofree char *refusal = bootstrap_refusal(units.units, units.names);
    g_array_unref(part.rows);
    return !refusal && curve_bands((const double *)(void *)score->data, (const int *)(void *)label->data,
                                   unit, (int)score->len, units.units, EVALUATION_SEED, roc, pr, NULL);
}

static void put_metric_curves(Page *page, const ScoreTable *table, const json_t *best)
{
    g_autoptr(GArray) score = NULL, label = NULL;
    evaluation_headline(table, &score, &label);
    const double *s = (const double *)(void *)score->data;
    const int *l = (const int *)(void *)label->data;
    int n = (int)score->len;
    if (!json_object_get(best, "auroc")) {
        page_put(page, PAGE_P, "There are no curves without both normal tiles and anomalies.");
        return;
    }
    CurveBand roc, pr;
    gboolean bands = bands_of(table, score, label, &roc, &pr);
    g_autoptr(GArray) points = metrics_pr(s, l, n);
    double prevalence = json_number_value(json_object_get(best, "prevalence"));
    const double chance[] = {0, 1}, level[] = {prevalence, prevalence};
    put_curve(page, metrics_roc(s, l, n), points->len, "ROC curve, AUROC", json_object_get(best, "auroc"),
              "false positive rate", "true positive rate", bands ? &roc : NULL, chance);
    put_curve(page, metrics_pr_line(points), points->len, "Precision-recall curve, AP",
              json_object_get(best, "average_precision"), "recall", "precision", bands ? &pr : NULL, level);
}

/* The curve of scores that are probabilities, or why there is none. */
static void put_reliability(Page *page, const json_t *reliability)
{
    const json_t *bins = json_object_get(reliability, "bins");
    double x[RELIABILITY_BINS], y[RELIABILITY_BINS];
    const double ends[] = {0, 1};
    json_t *bin;
    size_t i;
    if (!bins) {
        return;
    }
    json_array_foreach(bins, i, bin)
    {
        const json_t *mean = json_object_get(bin, "mean_score"), *share = json_object_get(bin, "anomalies");
        x[i] = json_is_number(mean) ? json_number_value(mean) : NAN;
        y[i] = json_is_number(share) ? json_number_value(share) : NAN;
    }
    const json_t *interval =
        json_object_get(json_object_get(reliability, "intervals"), "expected_calibration_error");
    g_autofree char *ece = interval
                               ? report_with_interval(
                                     json_object_get(reliability, "expected_calibration_error"), interval)
                               : report_number(reliability, "expected_calibration_error", "%.4f"),
                    *title = g_strdup_printf("Reliability curve, ECE %s", ece);
    const ChartSeries series[] = {
        {.count = RELIABILITY_BINS, .x = x, .y = y},
        {.name = "perfectly calibrated", .count = 2, .x = ends, .y = ends, .dashed = TRUE},
        {.count = RELIABILITY_BINS, .x = x, .y = y, .dots = TRUE, .colour = 1}};
    const char *from = json_string_value(json_object_get(reliability, "from"));
    g_autofree char *caption = g_strdup_printf(" ECE: expected calibration error.%s%s%s", from ? " " : "",
                                               from ? from : "", from ? "." : "");
    put_unit_chart(page, title, from ? "mean calibrated probability of a bin" : "mean score of a bin",
                   "fraction of anomalies",
                   "Fraction of anomalies against the mean, in ten bins of equal width.", caption, series, 3);
}

gboolean section_curves(const ReportInput *input, Page *page, GError **error)
{
    const json_t *best = json_object_get(input->metrics, "best_f1");
    const json_t *reliability = json_object_get(input->metrics, "reliability");
    report_heading(page, "Curves", input->metrics);
    page_open(page, PAGE_ROW_OF_DRAWINGS);
    if (input->table) {
        put_metric_curves(page, input->table, best);
    }
    put_reliability(page, reliability);
    page_close(page);
    report_absent(page, "No reliability curve", reliability);
    page_put(page, PAGE_SMALL,
             "Points of a curve that are nearer than %.2f px to the last one that is drawn are left out, "
             "which moves no "
             "line by more.",
             CHART_NEAR_PX);
    return TRUE;
}
