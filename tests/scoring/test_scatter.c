/* Scatter plots as text: every point is a dot of its group, inside of the plot, in one scale. */
#include "pipeline/write/scatter.h"
#include <math.h>
#include <string.h>

typedef struct {
    int paths;
    int dots[2 * SCATTER_GROUPS + 4]; /* of each path */
    double x[64], y[64];              /* of the dots of all paths, in their order */
    int all;
    GString *text;
} Seen;

static const char *value_of(const char **names, const char **values, const char *name)
{
    while (*names && !g_str_equal(*names, name)) {
        names++;
        values++;
    }
    return *names ? *values : "";
}

static void on_element(GMarkupParseContext *context, const char *element, const char **names,
                       const char **values, gpointer data, GError **error)
{
    Seen *seen = data;
    if (g_str_equal(element, "path")) {
        for (const char *d = strchr(value_of(names, values, "d"), 'M'); d; d = strchr(d + 1, 'M')) {
            char *end;
            seen->x[seen->all] = g_ascii_strtod(d + 1, &end);
            seen->y[seen->all++] = g_ascii_strtod(end, &end);
            g_assert_true(g_str_has_prefix(end, "h0"));
            seen->dots[seen->paths]++;
        }
        seen->paths++;
    }
}

static void on_text(GMarkupParseContext *context, const char *text, gsize length, gpointer data,
                    GError **error)
{
    g_string_append_len(((Seen *)data)->text, text, (gssize)length);
}

static Seen parse(const char *svg)
{
    static const GMarkupParser parser = {.start_element = on_element, .text = on_text};
    Seen seen = {.text = g_string_new(NULL)};
    GMarkupParseContext *context = g_markup_parse_context_new(&parser, 0, &seen, NULL);
    g_assert_true(g_markup_parse_context_parse(context, svg, -1, NULL));
    g_assert_true(g_markup_parse_context_end_parse(context, NULL));
    g_markup_parse_context_free(context);
    return seen;
}

static void test_points(void)
{
    const double at[] = {0, 0, 10, 0, 0, 5, 10, 5, 5, 2.5};
    const int group[] = {0, 1, 1, -1, 0};
    const char *const names[] = {"<b>&", "a name that is longer than forty letters and is cut", "nobody"};
    const Scatter scatter = {
        .title = "title", .n = 5, .at = at, .group = group, .groups = 3, .names = names, .others = "others"};
    g_autofree char *svg = scatter_svg(&scatter);
    Seen seen = parse(svg);
    /* The others, three groups, and three entries of the legend: nobody has none. */
    g_assert_cmpint(seen.paths, ==, 7);
    const int dots[] = {1, 2, 2, 0, 1, 1, 1};
    for (int i = 0; i < 7; i++) {
        g_assert_cmpint(seen.dots[i], ==, dots[i]);
    }
    /* In the order that they are drawn in: the point of the others is upper right of the first of group 0. */
    g_assert_cmpfloat(fabs((seen.x[0] - seen.x[1]) - 2 * (seen.y[1] - seen.y[0])), <, 0.21);
    g_assert_cmpfloat(seen.x[0] - seen.x[1], >, 300);
    g_assert_nonnull(strstr(seen.text->str, "<b>& (2)"));
    g_assert_nonnull(strstr(seen.text->str, "others (1)"));
    g_assert_nonnull(strstr(seen.text->str, "a name that is longer than forty letter… (2)"));
    g_assert_null(strstr(seen.text->str, "nobody"));
    g_string_free(seen.text, TRUE);
}

/* Small groups are drawn last, so that large ones do not hide them. */
static void test_order(void)
{
    double at[24];
    int group[12];
    for (int i = 0; i < 12; i++) {
        at[2 * i] = at[2 * i + 1] = i;
        group[i] = i < 2 ? 0 : i < 11 ? 1 : 2;
    }
    const char *const names[] = {"two", "nine", "one"};
    const Scatter scatter = {
        .n = 12, .at = at, .group = group, .groups = 3, .names = names, .others = "others"};
    g_autofree char *svg = scatter_svg(&scatter);
    Seen seen = parse(svg);
    g_assert_cmpint(seen.dots[0], ==, 0);
    g_assert_cmpint(seen.dots[1], ==, 9);
    g_assert_cmpint(seen.dots[2], ==, 2);
    g_assert_cmpint(seen.dots[3], ==, 1);
    g_string_free(seen.text, TRUE);
}

/* One point, and none. */
static void test_few(void)
{
    const double at[] = {3, 4};
    const int group[] = {-1};
    for (int n = 0; n < 2; n++) {
        const Scatter scatter = {.n = n, .at = at, .group = group, .others = "others"};
        g_autofree char *svg = scatter_svg(&scatter);
        Seen seen = parse(svg);
        g_assert_cmpint(seen.all, ==, 2 * n);
        g_assert_true(isfinite(seen.x[0]) && !strstr(svg, "nan") && !strstr(svg, "inf"));
        g_string_free(seen.text, TRUE);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/scatter/points", test_points);
    g_test_add_func("/scatter/order", test_order);
    g_test_add_func("/scatter/few", test_few);
    return g_test_run();
}
