/* FROC: which lesions are found, at how many false positives. */
#include "pipeline/report/report_section.h"
#include "pipeline/report/report_text.h"
#include "pipeline/write/chart.h"
#include <math.h>

#define MOST_RATE 8 /* false positives per slide, at the right end of the chart */

static GArray *numbers_of(const json_t *array)
{
    GArray *out = g_array_new(FALSE, FALSE, sizeof(double));
    json_t *one;
    size_t i;
    json_array_foreach(array, i, one)
    {
        double value = json_number_value(one);
        g_array_append_val(out, value);
    }
    return out;
}

/* The curve up to MOST_RATE; beyond its last point it is level, because no detection is left. */
static void cut_curve(GArray *x, GArray *y)
{
    double *at = (double *)(void *)x->data, *value = (double *)(void *)y->data;
    guint n = x->len;
    for (guint i = 1; i < n; i++) {
        if (at[i] > MOST_RATE) {
            double share = (MOST_RATE - at[i - 1]) / (at[i] - at[i - 1]);
            value[i] = value[i - 1] + share * (value[i] - value[i - 1]);
            at[i] = MOST_RATE;
            g_array_set_size(x, i + 1);
            g_array_set_size(y, i + 1);
            return;
        }
    }
}

static void put_curve(Page *page, const json_t *froc)
{
    const json_t *curve = json_object_get(froc, "curve"), *band = json_object_get(froc, "band");
    g_autoptr(GArray) x = numbers_of(json_object_get(curve, "false_positives_per_slide")),
                      y = numbers_of(json_object_get(curve, "sensitivity")),
                      rate = numbers_of(json_object_get(band, "false_positives_per_slide")),
                      low = numbers_of(json_object_get(band, "low")),
                      high = numbers_of(json_object_get(band, "high")),
                      marks = numbers_of(json_object_get(froc, "false_positives_per_slide")),
                      at_marks = numbers_of(json_object_get(froc, "sensitivity"));
    cut_curve(x, y);
    g_autofree double *nothing = g_new(double, rate->len + 1);
    for (guint i = 0; i < rate->len; i++) {
        nothing[i] = NAN;
    }
    const ChartSeries series[] = {
        {.count = (int)x->len, .x = (double *)(void *)x->data, .y = (double *)(void *)y->data},
        {.name = "at 1/4, 1/2, 1, 2, 4 and 8",
         .count = (int)marks->len,
         .x = (double *)(void *)marks->data,
         .y = (double *)(void *)at_marks->data,
         .dots = TRUE},
        {.count = (int)rate->len,
         .x = (double *)(void *)rate->data,
         .y = nothing,
         .low = (double *)(void *)low->data,
         .high = (double *)(void *)high->data,
         .colour = 1}};
    g_autofree char *score = report_number(froc, "score", "%.4f"),
                    *title = g_strdup_printf("FROC curve, mean sensitivity %s", score),
                    *text = g_strdup_printf(
                        "Sensitivity to %d lesions against false positives per slide, rule "
                        "of %s; it ends where no detection is left.",
                        report_count(froc, "lesions"), json_string_value(json_object_get(froc, "rule")));
    ChartAxes axes = chart_axes(title, "false positives per slide", "sensitivity (fraction of lesions)");
    axes.x_min = axes.y_min = 0;
    axes.x_max = MOST_RATE;
    axes.y_max = 1;
    axes.width = 480;
    axes.height = 360;
    axes.legend_below = TRUE;
    axes.description = text;
    g_autofree char *svg = chart_svg(&axes, series, rate->len > 0 ? 3 : 2);
    page_open(page, PAGE_FIGURE);
    page_drawing(page, svg);
    page_put(page, PAGE_CAPTION, "%s%s", text,
             rate->len > 0 ? " Band: 95 % of the bootstrap draws, at each rate." : "");
    page_close(page);
}

static void put_table(Page *page, const json_t *all)
{
    static const char *const titles[] = {"rule", "ITC", "lesions", "1/4",  "1/2", "1",
                                         "2",    "4",   "8",       "mean", NULL};
    json_t *one, *value;
    size_t i, r;
    report_table(page, PAGE_TABLE, titles);
    json_array_foreach(all, i, one)
    {
        g_autofree char *score =
            report_with_interval(json_object_get(one, "score"), json_object_get(one, "interval"));
        page_open(page, PAGE_TR);
        page_put(page, PAGE_TH_ROW, "%s", json_string_value(json_object_get(one, "rule")));
        page_put(page, PAGE_TD_TEXT, "%s", json_string_value(json_object_get(one, "itc")));
        page_put(page, PAGE_TD, "%d", report_count(one, "lesions"));
        json_array_foreach(json_object_get(one, "sensitivity"), r, value)
        {
            page_number(page, "%.4f", json_number_value(value));
        }
        for (r = json_array_size(json_object_get(one, "sensitivity")); r < 6; r++) {
            page_number(page, "%.4f", NAN);
        }
        page_put(page, PAGE_TD, "%s", score);
        page_close(page);
    }
    page_close(page);
    page_close(page);
}

/* The slides with lesions, and those with false positives. */
static void put_by_slide(Page *page, const json_t *lesions)
{
    static const char *const titles[] = {"slide",
                                         "class",
                                         "regions",
                                         "ITC",
                                         "hits",
                                         "detections",
                                         "false positives",
                                         "in ITC",
                                         "largest lesion (mm)",
                                         NULL};
    static const char *const keys[] = {"regions", "itc", "hits", "detections", "false_positives", "in_itc"};
    json_t *one;
    size_t i;
    page_open(page, PAGE_DETAILS);
    page_put(page, PAGE_SUMMARY, "Lesions and detections by slide");
    report_table(page, PAGE_SORTABLE, titles);
    json_array_foreach(json_object_get(lesions, "by_slide"), i, one)
    {
        page_open(page, PAGE_TR);
        page_put(page, PAGE_TH_ROW, "%s", json_string_value(json_object_get(one, "slide")));
        page_put(page, PAGE_TD_TEXT, "%s", json_string_value(json_object_get(one, "class")));
        for (size_t k = 0; k < G_N_ELEMENTS(keys); k++) {
            page_number(page, "%.0f", report_count(one, keys[k]));
        }
        page_number(page, "%.3f", json_number_value(json_object_get(one, "diameter_um")) / 1000);
        page_close(page);
    }
    page_close(page);
    page_close(page);
    page_close(page);
}

static void put_left_out(Page *page, const json_t *lesions)
{
    json_t *one;
    size_t i;
    json_array_foreach(json_object_get(lesions, "left_out"), i, one)
    {
        page_put(page, PAGE_P, "Left out: %s: %s.", json_string_value(json_object_get(one, "slide")),
                 json_string_value(json_object_get(one, "why")));
    }
}

gboolean section_lesions(const ReportInput *input, Page *page, GError **error)
{
    const json_t *lesions = json_object_get(input->metrics, "lesions");
    const json_t *all = json_object_get(lesions, "froc"), *first = json_array_get(all, 0);
    const char *why = json_string_value(json_object_get(first, "intervals_absent"));
    if (!lesions) {
        return TRUE;
    }
    page_put(page, PAGE_H2, "Lesions: test split");
    report_absent(page, "No lesion-level metrics", lesions);
    if (!all) {
        put_left_out(page, lesions);
        return TRUE;
    }
    g_autofree char *threshold = report_number(lesions, "threshold", "%.4g");
    page_put(
        page, PAGE_P,
        "%d slides (%d normal) with %d regions, %d of them isolated tumour cells (ITC); %d detections. "
        "Lesions within 75 µm of each other are one region; ITC: a major axis below 275 µm. Maxima of the "
        "map below %s are no detections, so the curve ends there.",
        report_count(lesions, "slides"), report_count(lesions, "normal"), report_count(lesions, "regions"),
        report_count(lesions, "itc"), report_count(lesions, "detections"), threshold);
    if (json_object_get(first, "curve")) {
        page_open(page, PAGE_ROW_OF_DRAWINGS);
        put_curve(page, first);
        page_close(page);
    }
    page_put(page, PAGE_P,
             "Sensitivity at 1/4 to 8 false positives per slide, by both scripts that the organisers of "
             "Camelyon16 published (2016: interpolated; step: the next point of the curve), with ITC ignored "
             "and as lesions.");
    put_table(page, all);
    report_absent(page, "No FROC", first);
    if (why) {
        page_put(page, PAGE_SMALL, "No intervals: %s.", why);
    } else if (json_object_get(first, "interval")) {
        g_autofree char *drawn = report_drawn(lesions);
        page_put(page, PAGE_SMALL, "%s", drawn);
    }
    put_left_out(page, lesions);
    if (!json_object_get(input->metrics, "stages")) {
        page_put(page, PAGE_SMALL,
                 "No pN stages: no table of them is given (evaluate.stages in the configuration).");
    }
    put_by_slide(page, lesions);
    return TRUE;
}
