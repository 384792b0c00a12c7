/* Order, ranks, bootstrap intervals, metrics at a threshold and reliability: compared with scikit-learn, SciPy and numpy
 * (tests/golden/metrics/more.json) and with samples that are written out. */
#include "flows/metrics/bootstrap.h"
#include "flows/metrics/bootstrap_fixed.h"
#include "flows/metrics/bootstrap_items.h"
#include "flows/metrics/correlation.h"
#include "flows/metrics/curve_bands.h"
#include "flows/metrics/metrics.h"
#include "flows/metrics/ranking.h"
#include "flows/metrics/reliability.h"
#include "base/rng.h"
#include "tests/metric_golden.h"

static void test_order(void)
{
    const double score[] = {1, -0.0, 1e300, -1e300, 0.0, 1e-300, -1e-300, INFINITY, 1, -INFINITY};
    const int expected[] = {7, 2, 0, 8, 5, 1, 4, 6, 3, 9}; /* equal ones, also both zeros, as they came */
    g_autofree Ranked *ranked = ranking_descending(score, 10, NULL);
    for (int i = 0; i < 10; i++) {
        g_assert_cmpint(ranked[i].item, ==, expected[i]);
        g_assert_true(ranked[i].score == score[expected[i]]);
    }
    g_assert_cmpint(ranking_run_end(ranked, 2, 10), ==, 4);
    g_assert_cmpint(ranking_run_end(ranked, 9, 10), ==, 10);
    g_autofree double *ranks = ranking_mid_ranks(score, 10, NULL);
    g_assert_cmpfloat(ranks[9], ==, 1);
    g_assert_cmpfloat(ranks[0], ==, 7.5);
    g_assert_cmpfloat(ranks[8], ==, 7.5);
    g_assert_cmpfloat(ranks[1], ==, 4.5);
}

static void test_random_order(void)
{
    enum { N = 20000 };
    Rng rng = rng_at(5, 1, 0);
    g_autofree double *score = g_new(double, N);
    for (int i = 0; i < N; i++) {
        score[i] = i % 3 ? rng_normal(&rng) : round(4 * rng_normal(&rng)) / 4;
    }
    g_autofree Ranked *ranked = ranking_descending(score, N, NULL);
    for (int i = 1; i < N; i++) {
        g_assert_true(ranked[i - 1].score > ranked[i].score ||
                      (ranked[i - 1].score == ranked[i].score && ranked[i - 1].item < ranked[i].item));
        g_assert_true(ranked[i].score == score[ranked[i].item]);
    }
}

static void test_confusion(void)
{
    json_auto_t *cases = golden_cases("confusion");
    json_t *c;
    size_t i;
    json_array_foreach(cases, i, c)
    {
        int n;
        Metrics m;
        g_autofree double *score = golden_numbers(c, "score", &n);
        g_autofree int *label = golden_ints(c, "label", &n);
        g_assert_true(metrics_at(score, label, n, golden_number(c, "threshold"), &m, NULL));
        assert_same(m.precision, golden_number(c, "precision"));
        assert_same(m.recall, golden_number(c, "recall"));
        assert_same(m.specificity, golden_number(c, "specificity"));
        assert_same(m.accuracy, golden_number(c, "accuracy"));
        assert_same(m.balanced_accuracy, golden_number(c, "balanced_accuracy"));
        assert_same(m.best_f1, golden_number(c, "f1"));
    }
}

static void test_reliability(void)
{
    json_auto_t *cases = golden_cases("reliability");
    json_t *c;
    size_t i;
    json_array_foreach(cases, i, c)
    {
        int n, bins, full = 0;
        Reliability r;
        g_autofree double *score = golden_numbers(c, "score", &n);
        g_autofree int *label = golden_ints(c, "label", &n);
        g_autofree double *mean = golden_numbers(c, "mean_score", &bins);
        g_autofree double *fraction = golden_numbers(c, "fraction", &bins);
        g_autofree int *count = golden_ints(c, "n", &n);
        n = (int)json_array_size(json_object_get(c, "score"));
        g_assert_true(reliability_compute(score, label, n, &r));
        for (int b = 0; b < RELIABILITY_BINS; b++) {
            g_assert_cmpint(r.n[b], ==, count[b]);
            if (count[b]) { /* scikit-learn leaves out empty bins */
                assert_same(r.mean_score[b], mean[full]);
                assert_same(r.fraction[b], fraction[full++]);
            } else {
                g_assert_true(isnan(r.mean_score[b]) && isnan(r.fraction[b]));
            }
        }
        g_assert_cmpint(full, ==, bins);
        assert_same(r.ece, golden_number(c, "ece"));
    }
    const double wrong[][2] = {{0.5, 1.0000001}, {-1e-9, 0.5}, {0.5, NAN}};
    const int label[] = {0, 1};
    for (size_t k = 0; k < G_N_ELEMENTS(wrong); k++) {
        Reliability r;
        g_assert_false(reliability_compute(wrong[k], label, 2, &r));
    }
}

static void test_spearman(void)
{
    json_auto_t *cases = golden_cases("spearman");
    json_t *c;
    size_t i;
    json_array_foreach(cases, i, c)
    {
        int n;
        double rho;
        g_autofree double *x = golden_numbers(c, "x", &n), *y = golden_numbers(c, "y", &n);
        g_assert_true(correlation_spearman(x, y, n, &rho, NULL));
        assert_same(rho, golden_number(c, "rho"));
    }
    const double up[] = {1, 2, 3}, down[] = {9, 5, 1}, flat[] = {2, 2, 2};
    double rho;
    g_assert_true(correlation_spearman(up, down, 3, &rho, NULL));
    assert_same(rho, -1);
    g_assert_true(correlation_spearman(up, flat, 3, &rho, NULL));
    g_assert_true(isnan(rho));
}

/* ---- bootstrap ---- */

static void test_percentiles(void)
{
    json_auto_t *cases = golden_cases("percentile");
    json_t *c;
    size_t i;
    json_array_foreach(cases, i, c)
    {
        int n;
        g_autofree double *values = golden_numbers(c, "values", &n);
        values[n] = NAN; /* a draw without the metric does not count */
        Interval interval = bootstrap_interval(values, n + 1);
        assert_same(interval.low, golden_number(c, "low"));
        assert_same(interval.high, golden_number(c, "high"));
        g_assert_cmpint(interval.draws, ==, n);
    }
    double none[] = {NAN, NAN};
    g_assert_cmpint(bootstrap_interval(none, 2).draws, ==, 0);
}

enum { UNITS = 12, ROWS = 90 };

/* Rows of units; unit u has only normals when u is odd. */
static void sample_of(double *score, int *label, int *unit)
{
    Rng rng = rng_at(9, 2, 0);
    for (int i = 0; i < ROWS; i++) {
        unit[i] = (int)rng_below(&rng, UNITS);
        label[i] = unit[i] % 2 == 0 && rng_uniform(&rng) < 0.4;
        score[i] = round(2 * (rng_normal(&rng) + label[i])) / 2;
    }
}

static void assert_interval(const Interval *got, double values[BOOTSTRAP_DRAWS])
{
    Interval expected = bootstrap_interval(values, BOOTSTRAP_DRAWS);
    assert_same(got->low, expected.low);
    assert_same(got->high, expected.high);
    g_assert_cmpint(got->draws, ==, expected.draws);
    g_assert_cmpfloat(got->low, <, got->high);
}

/* The rows of a draw, each as often as its unit was drawn. */
static void write_out(int draw, const double *score, const int *label, const int *unit, GArray *s, GArray *l)
{
    int weight[UNITS], total = 0;
    bootstrap_weights(17, draw, UNITS, weight);
    for (int u = 0; u < UNITS; u++) {
        total += weight[u];
    }
    g_assert_cmpint(total, ==, UNITS);
    g_array_set_size(s, 0);
    g_array_set_size(l, 0);
    for (int i = 0; i < ROWS; i++) {
        for (int k = 0; k < weight[unit[i]]; k++) {
            g_array_append_val(s, score[i]);
            g_array_append_val(l, label[i]);
        }
    }
}

static void test_intervals_at_a_threshold(void)
{
    enum { FIGURES = 6 };
    double score[ROWS], values[FIGURES][BOOTSTRAP_DRAWS];
    int label[ROWS], unit[ROWS];
    g_autoptr(GArray) s = g_array_new(FALSE, FALSE, sizeof(double));
    g_autoptr(GArray) l = g_array_new(FALSE, FALSE, sizeof(int));
    sample_of(score, label, unit);
    for (int draw = 0; draw < BOOTSTRAP_DRAWS; draw++) {
        Metrics m;
        write_out(draw, score, label, unit, s, l);
        g_assert_true(metrics_at((const double *)(void *)s->data, (const int *)(void *)l->data, (int)s->len,
                                 0.75, &m, NULL));
        gboolean both = m.positives > 0 && m.positives < m.n;
        const double figures[FIGURES] = {m.best_f1,     m.precision, m.recall,
                                         m.specificity, m.accuracy,  m.balanced_accuracy};
        for (int f = 0; f < FIGURES; f++) {
            values[f][draw] = both || f == 2 || f == 3 || f == 4 ? figures[f] : NAN;
        }
    }
    ThresholdIntervals got;
    g_assert_true(bootstrap_threshold(score, label, unit, ROWS, UNITS, 0.75, 17, &got, NULL));
    const Interval *intervals[FIGURES] = {&got.f1,          &got.precision, &got.recall,
                                          &got.specificity, &got.accuracy,  &got.balanced_accuracy};
    for (int f = 0; f < FIGURES; f++) {
        assert_interval(intervals[f], values[f]);
    }
}

static void test_interval_of_the_calibration_error(void)
{
    double score[ROWS], values[BOOTSTRAP_DRAWS];
    int label[ROWS], unit[ROWS];
    g_autoptr(GArray) s = g_array_new(FALSE, FALSE, sizeof(double));
    g_autoptr(GArray) l = g_array_new(FALSE, FALSE, sizeof(int));
    sample_of(score, label, unit);
    for (int i = 0; i < ROWS; i++) {
        score[i] = 1 / (1 + exp(-score[i]));
    }
    for (int draw = 0; draw < BOOTSTRAP_DRAWS; draw++) {
        Reliability r;
        write_out(draw, score, label, unit, s, l);
        g_assert_true(reliability_compute((const double *)(void *)s->data, (const int *)(void *)l->data,
                                          (int)s->len, &r));
        values[draw] = r.ece;
    }
    Interval got;
    g_assert_true(bootstrap_calibration_error(score, label, unit, ROWS, UNITS, 17, &got, NULL));
    assert_interval(&got, values);
}

/* Every draw written out as a table of its own. */
static void test_intervals_are_those_of_written_samples(void)
{
    double score[ROWS], values[3][BOOTSTRAP_DRAWS];
    int label[ROWS], unit[ROWS];
    g_autoptr(GArray) s = g_array_new(FALSE, FALSE, sizeof(double));
    g_autoptr(GArray) l = g_array_new(FALSE, FALSE, sizeof(int));
    sample_of(score, label, unit);
    for (int draw = 0; draw < BOOTSTRAP_DRAWS; draw++) {
        Metrics m;
        write_out(draw, score, label, unit, s, l);
        g_assert_true(metrics_compute((const double *)(void *)s->data, (const int *)(void *)l->data,
                                      (int)s->len, &m, NULL));
        gboolean both = m.positives > 0 && m.positives < m.n;
        values[0][draw] = both ? m.auroc : NAN;
        values[1][draw] = both ? m.average_precision : NAN;
        values[2][draw] = both ? m.best_f1 : NAN;
    }
    MetricIntervals got;
    g_assert_true(bootstrap_metrics(score, label, unit, ROWS, UNITS, 17, &got, NULL));
    const Interval *intervals[] = {&got.auroc, &got.average_precision, &got.best_f1};
    for (int k = 0; k < 3; k++) {
        assert_interval(intervals[k], values[k]);
    }
}

static double mean_weight_of_first(const int *weight, void *data)
{
    (*(int *)data)++;
    return weight[0];
}

static void test_any_metric(void)
{
    int calls = 0;
    Interval a = bootstrap_any(mean_weight_of_first, &calls, 50, 3);
    Interval b = bootstrap_any(mean_weight_of_first, &calls, 50, 3);
    g_assert_cmpint(calls, ==, 2 * BOOTSTRAP_DRAWS);
    g_assert_cmpfloat(a.low, ==, 0);
    g_assert_cmpfloat(a.high, >=, 2); /* binomial with mean 1 */
    g_assert_cmpfloat(a.high, <=, 4);
    g_assert_cmpfloat(a.low, ==, b.low);
    g_assert_cmpfloat(a.high, ==, b.high);
}

static void test_too_few_units(void)
{
    g_autofree char *few = bootstrap_refusal(BOOTSTRAP_LEAST - 1, "patients");
    g_autofree char *enough = bootstrap_refusal(BOOTSTRAP_LEAST, "patients");
    g_autofree char *many = bootstrap_refusal(BOOTSTRAP_MOST + 1, "rows");
    g_assert_cmpstr(few, ==, "an interval needs at least 10 patients (here: 9)");
    g_assert_null(enough);
    g_assert_nonnull(strstr(many, "rows"));
}

/* More rows than BOOTSTRAP_EXACT are joined to classes of scores.  Repeating each row leaves all metrics as they are, so intervals of a few rows
 * are the truth for those of many. */
static void test_many_rows(void)
{
    enum { MANY = 20000, GROUPS = 40, TIMES = 11 };
    g_assert_cmpint(MANY, <=, BOOTSTRAP_EXACT);
    g_assert_cmpint(MANY * TIMES, >, BOOTSTRAP_EXACT);
    Rng rng = rng_at(8, 1, 0);
    g_autofree double *score = g_new(double, MANY *TIMES);
    g_autofree int *label = g_new(int, MANY *TIMES), *unit = g_new(int, MANY *TIMES);
    for (int i = 0; i < MANY * TIMES; i++) {
        int from = i % MANY;
        unit[i] = from % GROUPS;
        label[i] = i < MANY ? rng_below(&rng, 50) == 0 : label[from];
        score[i] = i < MANY ? rng_normal(&rng) + 1.5 * label[i] + 0.3 * (unit[i] % 5) : score[from];
    }
    MetricIntervals few, many;
    g_assert_true(bootstrap_metrics(score, label, unit, MANY, GROUPS, 1, &few, NULL));
    g_assert_true(bootstrap_metrics(score, label, unit, MANY * TIMES, GROUPS, 1, &many, NULL));
    const Interval *a[] = {&few.auroc, &few.average_precision, &few.best_f1},
                   *b[] = {&many.auroc, &many.average_precision, &many.best_f1};
    for (int k = 0; k < 3; k++) {
        g_test_message("%d: %.6f %.6f, joined %.6f %.6f", k, a[k]->low, a[k]->high, b[k]->low, b[k]->high);
        g_assert_cmpfloat(fabs(a[k]->low - b[k]->low), <, 2e-3);
        g_assert_cmpfloat(fabs(a[k]->high - b[k]->high), <, 2e-3);
        g_assert_cmpint(a[k]->draws, ==, b[k]->draws);
    }
}

/* The curves of one draw, point by point as the header defines them. */
static void curve_of_draw(const double *score, const int *label, const int *weight, const int *unit, int n,
                          double x, double *roc, double *pr)
{
    double p = 0, q = 0, tp = 0, fp = 0, last_tp = 0, last_fp = 0;
    gboolean roc_done = FALSE, pr_done = FALSE;
    g_autofree Ranked *ranked = ranking_descending(score, n, NULL);
    for (int i = 0; i < n; i++) {
        *(label[i] ? &p : &q) += weight[unit[i]];
    }
    for (int start = 0, end; start < n; start = end) {
        end = ranking_run_end(ranked, start, n);
        for (int i = start; i < end; i++) {
            *(label[ranked[i].item] ? &tp : &fp) += weight[unit[ranked[i].item]];
        }
        if (!roc_done && fp > x * x * q + 1e-9) {
            *roc = (last_tp + (tp - last_tp) * (x * x * q - last_fp) / (fp - last_fp)) / p;
            roc_done = TRUE;
        }
        if (!pr_done && tp > 0 && tp >= x * p - 1e-9) {
            *pr = tp / (tp + fp);
            pr_done = TRUE;
        }
        last_tp = tp;
        last_fp = fp;
    }
    *roc = roc_done ? *roc : 1;
}

static void test_bands(void)
{
    enum { POINTS = 300, GROUPS = 15 };
    double score[POINTS], roc[BOOTSTRAP_DRAWS], pr[BOOTSTRAP_DRAWS];
    int label[POINTS], unit[POINTS], weight[GROUPS];
    Rng rng = rng_at(9, 1, 0);
    for (int i = 0; i < POINTS; i++) {
        unit[i] = i % GROUPS;
        label[i] = i % 7 == 0;
        score[i] = round(8 * (rng_normal(&rng) + label[i])) / 8; /* with ties */
    }
    CurveBand got_roc, got_pr;
    g_assert_true(curve_bands(score, label, unit, POINTS, GROUPS, 3, &got_roc, &got_pr, NULL));
    for (int k = 0; k < CURVE_BAND_POINTS; k += 10) {
        double x = k / (CURVE_BAND_POINTS - 1.0);
        for (int draw = 0; draw < BOOTSTRAP_DRAWS; draw++) {
            bootstrap_weights(3, draw, GROUPS, weight);
            curve_of_draw(score, label, weight, unit, POINTS, x, &roc[draw], &pr[draw]);
        }
        Interval want_roc = bootstrap_interval(roc, BOOTSTRAP_DRAWS),
                 want_pr = bootstrap_interval(pr, BOOTSTRAP_DRAWS);
        assert_same(got_roc.at[k], x * x);
        assert_same(got_pr.at[k], x);
        assert_same(got_roc.low[k], want_roc.low);
        assert_same(got_roc.high[k], want_roc.high);
        assert_same(got_pr.low[k], want_pr.low);
        assert_same(got_pr.high[k], want_pr.high);
    }
    g_assert_cmpfloat(got_roc.low[CURVE_BAND_POINTS - 1], ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/intervals/order", test_order);
    g_test_add_func("/intervals/random_order", test_random_order);
    g_test_add_func("/intervals/confusion", test_confusion);
    g_test_add_func("/intervals/reliability", test_reliability);
    g_test_add_func("/intervals/spearman", test_spearman);
    g_test_add_func("/intervals/percentiles", test_percentiles);
    g_test_add_func("/intervals/written", test_intervals_are_those_of_written_samples);
    g_test_add_func("/intervals/threshold", test_intervals_at_a_threshold);
    g_test_add_func("/intervals/calibration_error", test_interval_of_the_calibration_error);
    g_test_add_func("/intervals/any", test_any_metric);
    g_test_add_func("/intervals/many", test_many_rows);
    g_test_add_func("/intervals/bands", test_bands);
    g_test_add_func("/intervals/few", test_too_few_units);
    return g_test_run();
}
