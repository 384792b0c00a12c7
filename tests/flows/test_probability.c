/* Probabilities of scores: against scipy's minimum of the same loss, on data of a known probability, and where there can be none. */
#include "flows/scoring/probability_fit.h"
#include "flows/metrics/reliability.h"
#include "flows/models/calibration.h"
#include "flows/models/logistic.h"
#include "base/rng.h"
#include <math.h>
#include <string.h>

enum { MANY = 20000 };

/* scipy.optimize.root of the gradient with Platt's targets; scikit-learn's _sigmoid_calibration gives -1.15693001, 2.64414923 in the first case. */
static void test_scipy(void)
{
    double score[85], slope, offset;
    uint8_t label[85] = {0};
    for (int i = 0; i < 85; i++) {
        label[i] = i >= 60;
        score[i] = i < 60 ? (i * 7 % 50) / 10.0 - 2 : 1 + ((i - 60) * 11 % 30) / 10.0;
    }
    g_assert_true(probability_fit(score, 1, 85, label, &slope, &offset));
    g_assert_cmpfloat_with_epsilon(slope, 1.15692997894065, 1e-9);
    g_assert_cmpfloat_with_epsilon(offset, -2.64414918241088, 1e-9);
    /* Classes that do not overlap have a finite fit too. */
    for (int i = 0; i < 27; i++) {
        label[i] = i >= 15;
        score[i] = i < 15 ? i / 14.0 - 1 : 3 + (i - 15) / 11.0;
    }
    g_assert_true(probability_fit(score, 1, 27, label, &slope, &offset));
    g_assert_cmpfloat_with_epsilon(slope, 1.33893268974288, 1e-9);
    g_assert_cmpfloat_with_epsilon(offset, -2.11350227759881, 1e-9);
}

/* A tile in several draws counts once: repeating all draws changes nothing, and targets follow the number of tiles. */
static void test_draws(void)
{
    double score[3 * 40], once[2], thrice[2];
    uint8_t label[40];
    for (int i = 0; i < 40; i++) {
        label[i] = i % 3 == 0;
        score[i] = score[40 + i] = score[80 + i] = (i * 13 % 17) / 4.0 + label[i];
    }
    g_assert_true(probability_fit(score, 1, 40, label, &once[0], &once[1]));
    g_assert_true(probability_fit(score, 3, 40, label, &thrice[0], &thrice[1]));
    for (int i = 0; i < 2; i++) {
        g_assert_cmpfloat_with_epsilon(once[i], thrice[i], 1e-9);
    }
}

/* Data of a known logistic function, with few anomalies: the fit on one half is calibrated on the other. */
static void test_known(void)
{
    g_autofree double *score = g_new(double, 2 * MANY), *probability = g_new(double, MANY);
    g_autofree uint8_t *label = g_new(uint8_t, 2 * MANY);
    g_autofree int *truth = g_new(int, MANY);
    Rng rng = rng_at(4, 0, 0);
    for (int i = 0; i < 2 * MANY; i++) {
        score[i] = 1.5 * rng_normal(&rng);
        label[i] = rng_uniform(&rng) < logistic_sigmoid(1.3 * score[i] - 2.5);
    }
    Calibration c = {.tiles = 1, .anomalies = 1};
    g_assert_true(probability_fit(score, 1, MANY, label, &c.probability_slope, &c.probability_offset));
    g_assert_cmpfloat_with_epsilon(c.probability_slope, 1.3, 0.1);
    g_assert_cmpfloat_with_epsilon(c.probability_offset, -2.5, 0.15);
    for (int i = 0; i < MANY; i++) {
        probability[i] = calibration_probability(&c, score[MANY + i]);
        truth[i] = label[MANY + i];
    }
    Reliability reliability;
    g_assert_true(reliability_compute(probability, truth, MANY, &reliability));
    g_assert_cmpfloat(reliability.ece, <, 0.01);
}

/* Too few tiles of a class, anomalies that score lower, and scores that are all equal. */
static void test_none(void)
{
    double score[60] = {0}, slope, offset;
    uint8_t label[60] = {0};
    for (int i = 0; i < 60; i++) {
        score[i] = i;
        label[i] = i >= 51; /* 9 anomalies */
    }
    g_assert_false(probability_fit(score, 1, 60, label, &slope, &offset));
    g_assert_true(isnan(slope) && isnan(offset));
    g_assert_false(probability_fit(score + 42, 1, 18, label + 42, &slope, &offset));
    label[50] = 1;
    g_assert_true(probability_fit(score, 1, 60, label, &slope, &offset));
    for (int i = 0; i < 60; i++) {
        score[i] = -score[i];
    }
    g_assert_false(probability_fit(score, 1, 60, label, &slope, &offset));
    g_assert_true(isnan(slope) && isnan(offset));
    memset(score, 0, sizeof score);
    g_assert_false(probability_fit(score, 1, 60, label, &slope, &offset));
    Calibration c = {.tiles = 50, .anomalies = 9, .probability_slope = NAN, .probability_offset = NAN};
    g_assert_true(isnan(calibration_probability(&c, 3)));
    g_autofree char *few = calibration_probability_text(&c);
    g_assert_nonnull(strstr(few, "9 labelled anomalies, and at least 10 of each"));
    c.anomalies = 10;
    g_autofree char *lower = calibration_probability_text(&c);
    g_assert_nonnull(strstr(lower, "do not have higher scores"));
    c.probability_slope = c.probability_offset = 1;
    g_autofree char *some = calibration_probability_text(&c);
    g_assert_nonnull(strstr(some, "50 held-out normal tiles and 10 labelled anomalies"));
    g_assert_nonnull(strstr(some, "16.7 %"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/probability/scipy", test_scipy);
    g_test_add_func("/probability/draws", test_draws);
    g_test_add_func("/probability/known", test_known);
    g_test_add_func("/probability/none", test_none);
    return g_test_run();
}
