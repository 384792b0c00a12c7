/* The range of the colours, and the threshold that regions, overlays and colours share. */
#include "pipeline/scoring/heatmap_look.h"
#include <math.h>
#include <string.h>

static HeatmapLook look_of(const char *keys, double model)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Config) config = config_parse(keys, "/c.yaml", &error);
    g_assert_no_error(error);
    const Calibration calibration = {.threshold = model};
    HeatmapLook look = heatmap_look(config, map_threshold(config, isnan(model) ? NULL : &calibration));
    look.colours = ""; /* of the configuration, which ends here */
    return look;
}

static void test_threshold(void)
{
    HeatmapLook of_model = look_of("{}\n", 2.25), of_key = look_of("regions: {threshold: -1.5}\n", 2.25),
                of_neither = look_of("{}\n", NAN);
    g_assert_cmpfloat(of_model.threshold.value, ==, 2.25);
    g_assert_cmpstr(of_model.threshold.source, ==, "model");
    g_assert_cmpfloat(of_key.threshold.value, ==, -1.5);
    g_assert_cmpstr(of_key.threshold.source, ==, "regions.threshold");
    g_assert_true(isnan(of_neither.threshold.value));
    g_assert_null(of_neither.threshold.source);
}

static void test_range(void)
{
    static const struct {
        const char *keys;
        double model, low, high;
    } cases[] = {
        {"{}\n", 2.182, 0, 6.6},                           /* 3 times, up to a tenth */
        {"{}\n", 13.3, 0, 39.9},                           /* a model with labels */
        {"{}\n", 0.4, 0, 4},                               /* never narrower than 4 */
        {"{}\n", -1.25, -3.3, 0.7},                        /* the threshold stays inside */
        {"{}\n", NAN, 0, 8},                               /* no model */
        {"regions: {threshold: 5}\n", 2.182, 0, 15},       /* the threshold of the regions */
        {"heatmap: {low: -2, high: 10}\n", 2.182, -2, 10}, /* as given */
        {"heatmap: {low: 5}\n", 2.182, 5, 9},              /* the other end makes room */
        {"heatmap: {high: -1}\n", 2.182, -5, -1},
        {"heatmap: {high: 3.5}\n", 2.182, 0, 3.5},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        HeatmapLook look = look_of(cases[i].keys, cases[i].model);
        g_assert_cmpfloat_with_epsilon(look.low, cases[i].low, 1e-12);
        g_assert_cmpfloat_with_epsilon(look.high, cases[i].high, 1e-12);
    }
}

static void test_text(void)
{
    static const struct {
        const char *keys;
        double model;
        const char *text;
    } cases[] = {
        {"{}\n", 2.182,
         "x from 0 to 6.6 standard deviations of normal tiles (auto, from the threshold 2.182: model)"},
        {"heatmap: {low: -2, high: 10}\n", 2,
         "x from -2 to 10 standard deviations of normal tiles (heatmap.low, heatmap.high)"},
        {"heatmap: {low: -2}\nregions: {threshold: 4}\n", 2,
         "x from -2 to 12 standard deviations of normal tiles (high: auto, from the threshold 4: "
         "regions.threshold)"},
        {"heatmap: {high: 9}\n", NAN,
         "x from 0 to 9 standard deviations of normal tiles (low: auto, without a threshold)"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        HeatmapLook look = look_of(cases[i].keys, cases[i].model);
        look.colours = "x";
        g_autofree char *text = heatmap_look_text(&look);
        g_assert_cmpstr(text, ==, cases[i].text);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/look/threshold", test_threshold);
    g_test_add_func("/look/range", test_range);
    g_test_add_func("/look/text", test_text);
    return g_test_run();
}
