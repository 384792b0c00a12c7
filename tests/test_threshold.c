/* Thresholds against trying every score, counting by definition. */
#include "flows/threshold.h"
#include "base/error.h"
#include "base/rng.h"
#include <math.h>
#include <string.h>

#define MOST 60
#define DRAWS 8

typedef struct {
    int draws, tiles;
    double score[DRAWS * MOST];
    uint8_t label[MOST];
} Case;

/* levels: so few distinct scores that ties are common, 0 = none. */
static Case make(uint64_t number, int draws, int levels)
{
    Case c = {.draws = draws};
    Rng rng = rng_at(8, number, 0);
    c.tiles = 3 + (int)rng_below(&rng, MOST - 2);
    for (int i = 0; i < c.tiles; i++) {
        c.label[i] = i == 0 || (i > 1 && rng_uniform(&rng) < 0.3);
    }
    for (int i = 0; i < draws * c.tiles; i++) {
        double s = rng_normal(&rng) + (c.label[i % c.tiles] ? 1.2 : 0);
        c.score[i] = levels ? floor(s * levels) : s;
    }
    return c;
}

/* F_beta of the rows [from, to) from precision and recall. */
static double f_of(const Case *c, int from, int to, double beta, double tau)
{
    double hits = 0, alarms = 0, positives = 0;
    for (int i = from * c->tiles; i < to * c->tiles; i++) {
        gboolean anomaly = c->label[i % c->tiles], predicted = c->score[i] >= tau;
        positives += anomaly;
        hits += anomaly && predicted;
        alarms += !anomaly && predicted;
    }
    if (hits == 0) {
        return 0;
    }
    double precision = hits / (hits + alarms), recall = hits / positives, b = beta * beta;
    return (1 + b) * precision * recall / (b * precision + recall);
}

static double worst_of(const Case *c, double beta, double tau)
{
    double least = 1;
    for (int k = 0; k < c->draws; k++) {
        least = fmin(least, f_of(c, k, k + 1, beta, tau));
    }
    return least;
}

/* Every score as a threshold; equal to rounding counts as equal, the smaller threshold wins. */
static double search(const Case *c, const ThresholdSpec *spec, double *best)
{
    double tau = NAN;
    *best = -1;
    for (int i = 0; i < c->draws * c->tiles; i++) {
        double t = c->score[i];
        double f =
            spec->mode == THRESHOLD_ROBUST ? worst_of(c, spec->beta, t) : f_of(c, 0, c->draws, spec->beta, t);
        if (f > *best + 1e-12 || (fabs(f - *best) <= 1e-12 && t < tau)) {
            *best = f;
            tau = t;
        }
    }
    return tau;
}

static void test_f_is_the_best_of_all(gconstpointer mode)
{
    for (uint64_t number = 0; number < 60; number++) {
        const int draws = number % 3 ? DRAWS : 1;
        const double betas[] = {0.5, 1, 2};
        Case c = make(number, draws, number % 2 ? 2 : 0);
        ThresholdSpec spec = {GPOINTER_TO_INT(mode), DRAWS, 0.05, betas[number % 3]};
        double tau, f, best, expected = search(&c, &spec, &best);
        g_assert_true(threshold_choose(&spec, c.score, draws, c.tiles, c.label, &tau, &f, NULL));
        g_assert_cmpfloat(fabs(f - best), <, 1e-12);
        g_assert_cmpfloat(tau, ==, expected);
    }
}

static void test_the_smallest_of_equal_maxima(void)
{
    /* F1 is 2/3 from 3 on (one of two found) and from 0 on (both, with two alarms). */
    const double score[] = {3, 0, 2, 1};
    const uint8_t label[] = {1, 1, 0, 0};
    ThresholdSpec spec = {THRESHOLD_F_BETA, 0, 0.05, 1};
    double tau, f;
    g_assert_true(threshold_choose(&spec, score, 1, 4, label, &tau, &f, NULL));
    g_assert_cmpfloat(tau, ==, 0);
    g_assert_cmpfloat(fabs(f - 2.0 / 3), <, 1e-15);
}

/* A draw in which all scores are one lower decides where the threshold of the worst draw lies. */
static void test_robust_looks_at_the_worst_draw(void)
{
    double score[DRAWS * 4];
    const uint8_t label[] = {0, 0, 1, 1};
    const double first[] = {0, 1, 4, 5};
    ThresholdSpec pooled = {THRESHOLD_F_BETA, DRAWS, 0.05, 1}, robust = {THRESHOLD_ROBUST, DRAWS, 0.05, 1};
    double tau, f;
    for (int i = 0; i < DRAWS * 4; i++) {
        score[i] = first[i % 4] - (i / 4 == 3 ? 2 : 0);
    }
    g_assert_true(threshold_choose(&robust, score, DRAWS, 4, label, &tau, &f, NULL));
    g_assert_cmpfloat(tau, ==, 2); /* above 1, the largest normal; 2 is an anomaly of draw 3 */
    g_assert_cmpfloat(f, ==, 1);
    score[3 * 4 + 1] = 2.5; /* now that draw has a normal above an anomaly */
    g_assert_true(threshold_choose(&robust, score, DRAWS, 4, label, &tau, &f, NULL));
    g_assert_cmpfloat(fabs(f - 0.8), <, 1e-15);
    g_assert_true(threshold_choose(&pooled, score, DRAWS, 4, label, &tau, &f, NULL));
    g_assert_cmpfloat(f, >, 0.9);
}

/* numpy.quantile([0 .. 20], 0.95) = 19, of 10 values 0 .. 9: 8.55; anomalies have no say. */
static void test_quantile_of_normals(void)
{
    double score[21], tau, f;
    uint8_t label[21] = {0};
    ThresholdSpec spec = threshold_default();
    for (int i = 0; i < 21; i++) {
        score[(i * 8) % 21] = i;
    }
    g_assert_true(threshold_choose(&spec, score, 1, 21, NULL, &tau, &f, NULL));
    g_assert_cmpfloat(fabs(tau - 19), <, 1e-12);
    g_assert_true(isnan(f));
    for (int i = 0; i < 21; i++) {
        label[i] = score[i] >= 10;
    }
    g_assert_true(threshold_choose(&spec, score, 1, 21, label, &tau, NULL, NULL));
    g_assert_cmpfloat(fabs(tau - 8.55), <, 1e-12);
    g_assert_true(
        threshold_choose(&spec, score, 3, 7, NULL, &tau, NULL, NULL)); /* the same values, by draws */
    g_assert_cmpfloat(fabs(tau - 19), <, 1e-12);
}

static void test_missing_labels_are_refused(void)
{
    const double score[] = {1, 2, 3};
    const uint8_t none[3] = {0}, all[3] = {1, 1, 1};
    ThresholdSpec spec = {THRESHOLD_F_BETA, 0, 0.05, 1}, quantile = threshold_default();
    double tau;
    g_autoptr(GError) a = NULL, b = NULL, c = NULL, d = NULL;
    g_assert_false(threshold_choose(&spec, score, 1, 3, NULL, &tau, NULL, &a));
    g_assert_error(a, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(a->message, "anomalies"));
    g_assert_false(threshold_choose(&spec, score, 1, 3, none, &tau, NULL, &b));
    g_assert_error(b, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_false(threshold_choose(&spec, score, 1, 3, all, &tau, NULL, &c));
    g_assert_error(c, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_false(threshold_choose(&quantile, score, 1, 3, all, &tau, NULL, &d));
    g_assert_error(d, WSI_ERROR, WSI_ERROR_INPUT);
}

static void refused(ThresholdSpec spec, const char *says)
{
    g_autoptr(GError) error = NULL;
    g_assert_false(threshold_check(&spec, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, says));
}

static void test_impossible_specifications_are_refused(void)
{
    ThresholdSpec good = threshold_default();
    g_assert_true(threshold_check(&good, NULL));
    refused((ThresholdSpec){THRESHOLD_F_BETA, 7, 0.05, 1}, "draws");
    refused((ThresholdSpec){THRESHOLD_ROBUST, 0, 0.05, 1}, "draws");
    refused((ThresholdSpec){THRESHOLD_F_BETA, 8, 0, 1}, "eps");
    refused((ThresholdSpec){THRESHOLD_F_BETA, 8, 0.05, NAN}, "beta");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/threshold/pooled", GINT_TO_POINTER(THRESHOLD_F_BETA), test_f_is_the_best_of_all);
    g_test_add_data_func("/threshold/robust", GINT_TO_POINTER(THRESHOLD_ROBUST), test_f_is_the_best_of_all);
    g_test_add_func("/threshold/smallest", test_the_smallest_of_equal_maxima);
    g_test_add_func("/threshold/worst", test_robust_looks_at_the_worst_draw);
    g_test_add_func("/threshold/quantile", test_quantile_of_normals);
    g_test_add_func("/threshold/labels", test_missing_labels_are_refused);
    g_test_add_func("/threshold/refused", test_impossible_specifications_are_refused);
    return g_test_run();
}
