/* Metrics, compared with scikit-learn (tests/golden/metrics, written by tools/golden_metrics.py) and computed by hand. */
#include "flows/metrics/metrics.h"
#include "base/csv.h"
#include "base/error.h"
#include <math.h>

#define EXACT 1e-12

typedef struct {
    const char *name;
    int items, first; /* rows of the file that belong to the case */
    double *score;
    int *label;
} Case;

static Csv *golden;

static double cell(int row, const char *column)
{
    double value = 0;
    g_assert_true(csv_number(golden, row, csv_column(golden, column), &value, NULL));
    return value;
}

static gboolean is(int row, const char *name, const char *kind)
{
    return row < csv_rows(golden) && g_str_equal(csv_get(golden, row, 0), name) &&
           (!kind || g_str_equal(csv_get(golden, row, 1), kind));
}

/* Names of the cases, in the order of the file. */
static GPtrArray *case_names(void)
{
    GPtrArray *names = g_ptr_array_new();
    for (int row = 0; row < csv_rows(golden); row++) {
        if (is(row, csv_get(golden, row, 0), "metric")) {
            g_ptr_array_add(names, (char *)csv_get(golden, row, 0));
        }
    }
    return names;
}

static Case read_case(const char *name)
{
    Case c = {.name = name};
    while (!is(c.first, name, NULL)) {
        c.first++;
    }
    while (is(c.first + c.items, name, "item")) {
        c.items++;
    }
    c.score = g_new(double, c.items);
    c.label = g_new(int, c.items);
    for (int i = 0; i < c.items; i++) {
        c.score[i] = cell(c.first + i, "a");
        c.label[i] = (int)cell(c.first + i, "b");
    }
    return c;
}

/* Empty cells of the file are NaN: the metric is not defined. */
static void assert_same(double a, double b)
{
    if (isnan(b)) {
        g_assert_true(isnan(a));
    } else {
        g_assert_cmpfloat(fabs(a - b), <=, EXACT * fmax(1, fabs(b)));
    }
}

static void assert_points(const GArray *points, guint skip, const char *name, const char *kind)
{
    guint at = skip;
    for (int row = 0; row < csv_rows(golden); row++) {
        if (is(row, name, kind)) {
            const MetricPoint *point = &g_array_index(points, MetricPoint, at++);
            g_assert_cmpuint(at, <=, points->len);
            assert_same(point->threshold, cell(row, "a"));
            assert_same(point->x, cell(row, "b"));
            assert_same(point->y, cell(row, "c"));
        }
    }
    g_assert_cmpuint(at, ==, points->len ? points->len : skip);
}

/* The area under a line, by trapezoids, is the metric. */
static void assert_area(const GArray *line, double metric)
{
    double area = line->len > 0 ? 0 : NAN;
    for (guint i = 1; i < line->len; i++) {
        const MetricPoint *a = &g_array_index(line, MetricPoint, i - 1), *b = a + 1;
        g_assert_cmpfloat(b->x, >=, a->x);
        area += (b->x - a->x) * (a->y + b->y) / 2;
    }
    assert_same(area, metric);
}

static void test_against_sklearn(void)
{
    g_autoptr(GPtrArray) names = case_names();
    g_assert_cmpuint(names->len, >=, 12);
    for (guint i = 0; i < names->len; i++) {
        Case c = read_case(names->pdata[i]);
        Metrics m;
        int metrics = c.first + c.items;
        g_test_message("case %s", c.name);
        g_assert_true(is(metrics, c.name, "metric"));
        g_assert_true(metrics_compute(c.score, c.label, c.items, &m, NULL));
        assert_same(m.auroc, cell(metrics, "a"));
        assert_same(m.average_precision, cell(metrics, "b"));
        assert_same(m.best_f1, cell(metrics, "c"));
        assert_same(m.best_f1_threshold, cell(metrics, "d"));
        g_assert_cmpint(m.tp + m.fp + m.tn + m.fn, ==, c.items);
        g_autoptr(GArray) roc = metrics_roc(c.score, c.label, c.items);
        g_autoptr(GArray) pr = metrics_pr(c.score, c.label, c.items);
        assert_points(roc, 1, c.name, "roc"); /* ours begins with (infinity, 0, 0) */
        assert_points(pr, 0, c.name, "pr");
        g_autoptr(GArray) line = metrics_pr_line(pr);
        assert_area(roc, m.auroc);
        assert_area(line, m.average_precision);
        g_free(c.score);
        g_free(c.label);
    }
}

static void test_order_does_not_matter(void)
{
    Case c = read_case("ties");
    double *score = g_new(double, c.items);
    int *label = g_new(int, c.items);
    for (int i = 0; i < c.items; i++) {
        int j = i * 33 % c.items; /* 33 and 80 have no common divisor */
        score[j] = c.score[i];
        label[j] = c.label[i];
    }
    Metrics a, b;
    g_assert_true(metrics_compute(c.score, c.label, c.items, &a, NULL));
    g_assert_true(metrics_compute(score, label, c.items, &b, NULL));
    g_assert_cmpmem(&a, sizeof a, &b, sizeof b);
    g_free(score);
    g_free(label);
    g_free(c.score);
    g_free(c.label);
}

static void test_negated_scores_mirror_the_auroc(void)
{
    Case c = read_case("many_ties");
    Metrics plain, mirrored;
    g_assert_true(metrics_compute(c.score, c.label, c.items, &plain, NULL));
    for (int i = 0; i < c.items; i++) {
        c.score[i] = -c.score[i];
    }
    g_assert_true(metrics_compute(c.score, c.label, c.items, &mirrored, NULL));
    assert_same(plain.auroc + mirrored.auroc, 1);
    g_free(c.score);
    g_free(c.label);
}

static void test_confusion_at_a_threshold(void)
{
    const double score[] = {0.1, 0.4, 0.4, 0.8, 0.9};
    const int label[] = {0, 0, 1, 0, 1};
    Metrics m;
    g_assert_true(metrics_at(score, label, 5, 0.4, &m, NULL));
    g_assert_cmpint(m.tp, ==, 2);
    g_assert_cmpint(m.fp, ==, 2);
    g_assert_cmpint(m.tn, ==, 1);
    g_assert_cmpint(m.fn, ==, 0);
    assert_same(m.precision, 0.5);
    assert_same(m.recall, 1);
    assert_same(m.specificity, 1.0 / 3);
    assert_same(m.accuracy, 0.6);
    assert_same(m.balanced_accuracy, 2.0 / 3);
    assert_same(m.prevalence, 0.4);
    g_assert_true(metrics_at(score, label, 5, 1.0, &m, NULL));
    g_assert_cmpint(m.tp + m.fp, ==, 0);
    g_assert_true(isnan(m.precision)); /* 0/0 */
    assert_same(m.best_f1, 0);
}

static void test_best_f_beta(void)
{
    const double score[] = {4, 3, 2, 1};
    const int label[] = {1, 0, 1, 0}, none[] = {0, 0, 0, 0};
    Metrics m;
    g_assert_true(metrics_compute(score, label, 4, &m, NULL));
    g_assert_cmpfloat(fabs(metrics_best_f(score, label, 4, 1) - m.best_f1), <=, EXACT);
    g_assert_cmpfloat(fabs(metrics_best_f(score, label, 4, 0.5) - 5.0 / 6), <=, EXACT); /* P 1, R 1/2 */
    g_assert_cmpfloat(fabs(metrics_best_f(score, label, 4, 2) - 10.0 / 11), <=, EXACT); /* P 2/3, R 1 */
    g_assert_true(isnan(metrics_best_f(score, none, 4, 1)));
}

static void test_undefined_is_nan_never_a_half(void)
{
    const double score[] = {1, 2};
    const int normal[] = {0, 0}, anomalous[] = {1, 1};
    Metrics m;
    g_assert_true(metrics_compute(score, normal, 2, &m, NULL));
    g_assert_true(isnan(m.auroc) && isnan(m.average_precision) && isnan(m.recall));
    g_assert_true(metrics_compute(score, anomalous, 2, &m, NULL));
    g_assert_true(isnan(m.auroc) && isnan(m.specificity) && isnan(m.balanced_accuracy));
    assert_same(m.average_precision, 1);
    g_autoptr(GArray) roc = metrics_roc(score, normal, 2);
    g_autoptr(GArray) pr = metrics_pr(score, normal, 2);
    g_assert_cmpuint(roc->len + pr->len, ==, 0);
}

static void refused(const double *score, const int *label, int n, const char *says)
{
    g_autoptr(GError) error = NULL;
    Metrics m;
    g_assert_false(metrics_compute(score, label, n, &m, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, says));
}

static void test_bad_input_is_refused(void)
{
    const double good[] = {1, 2}, bad[] = {1, NAN};
    const int label[] = {0, 1}, wrong[] = {0, 2};
    refused(bad, label, 2, "score 1 of 2 is not a number");
    refused(good, wrong, 2, "label 1 of 2 is 2");
    refused(good, label, 0, "no scores");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_autoptr(GError) error = NULL;
    golden = csv_read("tests/golden/metrics/cases.csv", &error);
    g_assert_no_error(error);
    g_test_add_func("/metrics/sklearn", test_against_sklearn);
    g_test_add_func("/metrics/order", test_order_does_not_matter);
    g_test_add_func("/metrics/mirror", test_negated_scores_mirror_the_auroc);
    g_test_add_func("/metrics/threshold", test_confusion_at_a_threshold);
    g_test_add_func("/metrics/f_beta", test_best_f_beta);
    g_test_add_func("/metrics/undefined", test_undefined_is_nan_never_a_half);
    g_test_add_func("/metrics/refused", test_bad_input_is_refused);
    int status = g_test_run();
    csv_free(golden);
    return status;
}
