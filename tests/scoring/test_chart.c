/* Charts: well-formed and complete. */
#include "pipeline/write/chart.h"
#include <math.h>
#include <string.h>

static int occurrences(const char *text, const char *what)
{
    int n = 0;
    while ((text = strstr(text, what))) {
        n++;
        text += strlen(what);
    }
    return n;
}

/* GLib's own parser refuses what is not well-formed. */
static void assert_well_formed(const char *text)
{
    const GMarkupParser parser = {0};
    g_autoptr(GError) error = NULL;
    GMarkupParseContext *context = g_markup_parse_context_new(&parser, 0, NULL, NULL);
    g_assert_true(g_markup_parse_context_parse(context, text, -1, &error));
    g_assert_true(g_markup_parse_context_end_parse(context, &error));
    g_assert_no_error(error);
    g_markup_parse_context_free(context);
}

/* From 0 to 1, in a plot of 100 x 100 px that begins at (64, 132). */
static ChartAxes unit_axes(const char *title, const char *x, const char *y)
{
    ChartAxes axes = chart_axes(title, x, y);
    axes.x_min = axes.y_min = 0;
    axes.x_max = axes.y_max = 1;
    axes.width = 180;
    axes.height = 178;
    return axes;
}

static void test_points_are_where_they_belong(void)
{
    const double x[] = {0, 1}, y[] = {0, 1};
    ChartSeries s = {.name = "ROC", .count = 2, .x = x, .y = y, .dashed = FALSE};
    ChartAxes axes = unit_axes("t", "x", "y");
    g_autofree char *svg = chart_svg(&axes, &s, 1);
    assert_well_formed(svg);
    g_assert_nonnull(strstr(svg, "d=\" M64.00 132.00 L164.00 32.00\""));
    g_assert_nonnull(strstr(svg, ">ROC</text>"));
    g_assert_nonnull(strstr(svg, ">0.2</text>"));
    g_assert_nonnull(strstr(svg, ">1</text>"));
}

static void test_names_are_escaped(void)
{
    const double v[] = {1, 2};
    ChartSeries s = {.name = "a<b & \"c\"", .count = 2, .x = v, .y = v, .dashed = TRUE};
    ChartAxes axes = chart_axes("<script>", "µm", NULL);
    g_autofree char *svg = chart_svg(&axes, &s, 1);
    assert_well_formed(svg);
    g_assert_null(strstr(svg, "<script>"));
    g_assert_nonnull(strstr(svg, "a&lt;b &amp; &quot;c&quot;"));
    g_assert_nonnull(strstr(svg, "stroke-dasharray"));
}

static void test_gaps_break_the_line(void)
{
    const double x[] = {0, 1, 2, 3, 4}, y[] = {1, 2, NAN, 3, INFINITY};
    ChartSeries s = {.name = NULL, .count = 5, .x = x, .y = y, .dashed = FALSE};
    ChartAxes axes = chart_axes(NULL, NULL, NULL);
    g_autofree char *svg = chart_svg(&axes, &s, 1);
    assert_well_formed(svg);
    g_assert_null(strstr(svg, "nan"));
    g_assert_null(strstr(svg, "inf"));
    const char *path = strstr(svg, "<path");
    g_assert_cmpint(occurrences(path, " M"), ==, 2);
    g_assert_cmpint(occurrences(path, " L"), ==, 1);
}

static void test_degenerate_data(void)
{
    const double x[] = {3, 3}, y[] = {-5e-7, -5e-7};
    ChartSeries same = {.name = "same", .count = 2, .x = x, .y = y, .dashed = FALSE}, none = {.name = "none"};
    ChartAxes axes = chart_axes("t", "x", "y"), wrong = axes;
    wrong.x_min = 2;
    wrong.x_max = 1;
    wrong.y_min = wrong.y_max = 5;
    g_autofree char *one = chart_svg(&axes, &same, 1);
    g_autofree char *empty = chart_svg(&axes, &none, 1);
    g_autofree char *nothing = chart_svg(&axes, NULL, 0);
    g_autofree char *odd = chart_svg(&wrong, &same, 1);
    const char *all[] = {one, empty, nothing, odd};
    for (guint i = 0; i < G_N_ELEMENTS(all); i++) {
        assert_well_formed(all[i]);
        g_assert_null(strstr(all[i], "nan"));
    }
}

/* Of a million points only the few thousand that differ on the chart are drawn; the last one always is. */
static void test_long_lines_stay_small(void)
{
    int n = 1000000;
    g_autofree double *x = g_new(double, n), *y = g_new(double, n);
    for (int i = 0; i < n; i++) {
        x[i] = (double)i / (n - 1);
        y[i] = x[i];
    }
    ChartSeries s = {.name = NULL, .count = n, .x = x, .y = y, .dashed = FALSE};
    ChartAxes axes = unit_axes(NULL, NULL, NULL);
    g_autofree char *svg = chart_svg(&axes, &s, 1);
    g_assert_cmpuint(strlen(svg), <, 100000);
    g_assert_nonnull(strstr(svg, "L164.00 32.00\""));
    ChartSeries one = {.name = NULL, .count = 1, .x = x, .y = y, .dashed = FALSE};
    g_autofree char *dot = chart_svg(&axes, &one, 1);
    g_assert_nonnull(strstr(dot, "M64.00 132.00 h0\""));
}

/* Values of very different size: a chart has about as many ticks in each case. */
static void test_ticks_are_round_and_few(void)
{
    for (int power = -9; power <= 9; power += 3) {
        const double x[] = {0, 1}, y[] = {0.37 * pow(10, power), 9.1 * pow(10, power)};
        ChartSeries s = {.name = NULL, .count = 2, .x = x, .y = y, .dashed = FALSE};
        ChartAxes axes = chart_axes(NULL, NULL, NULL);
        g_autofree char *svg = chart_svg(&axes, &s, 1);
        int ticks = occurrences(svg, "text-anchor=\"end\"");
        g_assert_cmpint(ticks, >=, 3);
        g_assert_cmpint(ticks, <=, 8);
    }
}

/* A band goes along its upper side and back along its lower one, in the colour of its curve. */
static void test_bands_and_dots(void)
{
    const double x[] = {0, 0.5, 1}, y[] = {0.2, 0.5, 0.8}, low[] = {0.1, 0.4, 0.7}, high[] = {0.3, 0.6, NAN};
    const ChartSeries series[] = {
        {.name = "a", .count = 3, .x = x, .y = y},
        {.count = 3, .x = x, .y = y, .low = low, .high = high, .dots = TRUE, .colour = 1}};
    ChartAxes axes = unit_axes("t", "x", "y");
    g_autofree char *svg = chart_svg(&axes, series, 2);
    assert_well_formed(svg);
    g_assert_nonnull(
        strstr(svg, "d=\" M64.00 102.00 L114.00 72.00 L114.00 92.00 L64.00 122.00 Z\" fill=\"#0072b2\""));
    g_assert_nonnull(strstr(svg, "d=\" M64.00 112.00 h0 M114.00 82.00 h0 M164.00 52.00 h0\""));
    g_assert_null(strstr(svg, "#d55e00"));
}

/* What it shows is in it as words too. */
static void test_described(void)
{
    const ChartMark mark = {0.25, "a < b"}, ticks[] = {{0, "0"}, {0.5, "ten"}, {7, "outside"}};
    ChartAxes axes = unit_axes("the \"title\"", "x", "y");
    axes.description = "what <it> shows";
    axes.marks = &mark;
    axes.mark_count = 1;
    axes.ticks = ticks;
    axes.tick_count = 3;
    g_autofree char *svg = chart_svg(&axes, NULL, 0);
    assert_well_formed(svg);
    g_assert_nonnull(strstr(
        svg, " role=\"img\">\n<title>the &quot;title&quot;</title><desc>what &lt;it&gt; shows</desc>"));
    g_assert_nonnull(
        strstr(svg, "<line x1=\"89.00\" y1=\"32.00\" x2=\"89.00\" y2=\"132.00\" stroke=\"#000000\"/>"));
    g_assert_nonnull(strstr(svg, ">a &lt; b</text>"));
    g_assert_nonnull(strstr(svg, "<text x=\"114.00\" y=\"148.00\" text-anchor=\"middle\">ten</text>"));
    g_assert_null(strstr(svg, "outside"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/chart/points", test_points_are_where_they_belong);
    g_test_add_func("/chart/escaped", test_names_are_escaped);
    g_test_add_func("/chart/gaps", test_gaps_break_the_line);
    g_test_add_func("/chart/degenerate", test_degenerate_data);
    g_test_add_func("/chart/long", test_long_lines_stay_small);
    g_test_add_func("/chart/ticks", test_ticks_are_round_and_few);
    g_test_add_func("/chart/bands", test_bands_and_dots);
    g_test_add_func("/chart/described", test_described);
    return g_test_run();
}
