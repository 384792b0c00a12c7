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

static void test_points_are_where_they_belong(void)
{
    const double x[] = {0, 1}, y[] = {0, 1};
    ChartSeries s = {"ROC", 2, x, y, FALSE};
    ChartAxes axes = {"t", "x", "y", 0,  1,
                      0,   1,   180, 178}; /* a plot of 100 x 100 px that begins at (64, 132) */
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
    ChartSeries s = {"a<b & \"c\"", 2, v, v, TRUE};
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
    ChartSeries s = {NULL, 5, x, y, FALSE};
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
    ChartSeries same = {"same", 2, x, y, FALSE}, none = {"none", 0, NULL, NULL, FALSE};
    ChartAxes axes = chart_axes("t", "x", "y"), wrong = {"t", "x", "y", 2, 1, 5, 5, 0, 0};
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
    ChartSeries s = {NULL, n, x, y, FALSE};
    ChartAxes axes = {NULL, NULL, NULL, 0, 1, 0, 1, 180, 178};
    g_autofree char *svg = chart_svg(&axes, &s, 1);
    g_assert_cmpuint(strlen(svg), <, 100000);
    g_assert_nonnull(strstr(svg, "L164.00 32.00\""));
    ChartSeries one = {NULL, 1, x, y, FALSE};
    g_autofree char *dot = chart_svg(&axes, &one, 1);
    g_assert_nonnull(strstr(dot, "M64.00 132.00 h0\""));
}

/* Values of very different size: a chart has about as many ticks in each case. */
static void test_ticks_are_round_and_few(void)
{
    for (int power = -9; power <= 9; power += 3) {
        const double x[] = {0, 1}, y[] = {0.37 * pow(10, power), 9.1 * pow(10, power)};
        ChartSeries s = {NULL, 2, x, y, FALSE};
        ChartAxes axes = chart_axes(NULL, NULL, NULL);
        g_autofree char *svg = chart_svg(&axes, &s, 1);
        int ticks = occurrences(svg, "text-anchor=\"end\"");
        g_assert_cmpint(ticks, >=, 3);
        g_assert_cmpint(ticks, <=, 8);
    }
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
    return g_test_run();
}
