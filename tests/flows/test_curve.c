/* Charts and the history as text: well-formed, complete, and the same in every locale. */
#include "flows/scoring/curve.h"
#include "flows/models/model.h"
#include <locale.h>
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
    CurveSeries s = {"ROC", 2, x, y, FALSE};
    CurveAxes axes = {"t", "x", "y", 0,  1,
                      0,   1,   180, 178}; /* a plot of 100 x 100 px that begins at (64, 132) */
    g_autofree char *svg = curve_svg(&axes, &s, 1);
    assert_well_formed(svg);
    g_assert_nonnull(strstr(svg, "d=\" M64.00 132.00 L164.00 32.00\""));
    g_assert_nonnull(strstr(svg, ">ROC</text>"));
    g_assert_nonnull(strstr(svg, ">0.2</text>"));
    g_assert_nonnull(strstr(svg, ">1</text>"));
}

static void test_names_are_escaped(void)
{
    const double v[] = {1, 2};
    CurveSeries s = {"a<b & \"c\"", 2, v, v, TRUE};
    CurveAxes axes = curve_axes("<script>", "µm", NULL);
    g_autofree char *svg = curve_svg(&axes, &s, 1);
    assert_well_formed(svg);
    g_assert_null(strstr(svg, "<script>"));
    g_assert_nonnull(strstr(svg, "a&lt;b &amp; &quot;c&quot;"));
    g_assert_nonnull(strstr(svg, "stroke-dasharray"));
}

static void test_gaps_break_the_line(void)
{
    const double x[] = {0, 1, 2, 3, 4}, y[] = {1, 2, NAN, 3, INFINITY};
    CurveSeries s = {NULL, 5, x, y, FALSE};
    CurveAxes axes = curve_axes(NULL, NULL, NULL);
    g_autofree char *svg = curve_svg(&axes, &s, 1);
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
    CurveSeries same = {"same", 2, x, y, FALSE}, none = {"none", 0, NULL, NULL, FALSE};
    CurveAxes axes = curve_axes("t", "x", "y"), wrong = {"t", "x", "y", 2, 1, 5, 5, 0, 0};
    g_autofree char *one = curve_svg(&axes, &same, 1);
    g_autofree char *empty = curve_svg(&axes, &none, 1);
    g_autofree char *nothing = curve_svg(&axes, NULL, 0);
    g_autofree char *odd = curve_svg(&wrong, &same, 1);
    const char *all[] = {one, empty, nothing, odd};
    for (guint i = 0; i < G_N_ELEMENTS(all); i++) {
        assert_well_formed(all[i]);
        g_assert_null(strstr(all[i], "nan"));
    }
}

/* A million points are drawn by the few thousand that can be told apart; the last is always there. */
static void test_long_lines_stay_small(void)
{
    int n = 1000000;
    g_autofree double *x = g_new(double, n), *y = g_new(double, n);
    for (int i = 0; i < n; i++) {
        x[i] = (double)i / (n - 1);
        y[i] = x[i];
    }
    CurveSeries s = {NULL, n, x, y, FALSE};
    CurveAxes axes = {NULL, NULL, NULL, 0, 1, 0, 1, 180, 178};
    g_autofree char *svg = curve_svg(&axes, &s, 1);
    g_assert_cmpuint(strlen(svg), <, 100000);
    g_assert_nonnull(strstr(svg, "L164.00 32.00\""));
    CurveSeries one = {NULL, 1, x, y, FALSE};
    g_autofree char *dot = curve_svg(&axes, &one, 1);
    g_assert_nonnull(strstr(dot, "M64.00 132.00 h0\""));
}

/* Values of very different size: a chart has about as many ticks in each case. */
static void test_ticks_are_round_and_few(void)
{
    for (int power = -9; power <= 9; power += 3) {
        const double x[] = {0, 1}, y[] = {0.37 * pow(10, power), 9.1 * pow(10, power)};
        CurveSeries s = {NULL, 2, x, y, FALSE};
        CurveAxes axes = curve_axes(NULL, NULL, NULL);
        g_autofree char *svg = curve_svg(&axes, &s, 1);
        int ticks = occurrences(svg, "text-anchor=\"end\"");
        g_assert_cmpint(ticks, >=, 3);
        g_assert_cmpint(ticks, <=, 8);
    }
}

static void test_history(void)
{
    g_autoptr(GArray) history = g_array_new(FALSE, FALSE, sizeof(EpochReport));
    EpochReport e[] = {{1, 0.5, 0.625, 3.25, 1e-4, 12.5, 0, collapse_none(), NAN, NAN, NAN, NAN, NAN, NAN},
                       {2,
                        -0.125,
                        NAN,
                        1,
                        1e-3,
                        99,
                        3,
                        {{8, 7.5, 4}, {1, 0.5, 0.25}, {1, 1, 0.75}},
                        0.25,
                        2,
                        0.5,
                        0.75,
                        0.625,
                        0.875}};
    g_array_append_vals(history, e, 2);
    setlocale(LC_ALL, "de_DE.UTF-8"); /* where it exists, its decimal comma must not show */
    g_autofree char *csv = curve_csv(history);
    setlocale(LC_ALL, "C");
    g_assert_cmpstr(csv, ==,
                    "epoch,train_nll,holdout_nll,gradient_norm,learning_rate,skipped_steps,"
                    "effective_rank1,smallest_deviation1,smallest_singular1,"
                    "effective_rank2,smallest_deviation2,smallest_singular2,"
                    "effective_rank3,smallest_deviation3,smallest_singular3,"
                    "focal,centre,margin,holdout_auroc,holdout_ap,holdout_f\n"
                    "1,0.5,0.625,3.25,0.0001,0,,,,,,,,,,,,,,,\n"
                    "2,-0.125,,1,0.001,3,8,1,1,7.5,0.5,1,4,0.25,0.75,0.25,2,0.5,0.75,0.625,0.875\n");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/curve/points", test_points_are_where_they_belong);
    g_test_add_func("/curve/escaped", test_names_are_escaped);
    g_test_add_func("/curve/gaps", test_gaps_break_the_line);
    g_test_add_func("/curve/degenerate", test_degenerate_data);
    g_test_add_func("/curve/long", test_long_lines_stay_small);
    g_test_add_func("/curve/ticks", test_ticks_are_round_and_few);
    g_test_add_func("/curve/history", test_history);
    return g_test_run();
}
