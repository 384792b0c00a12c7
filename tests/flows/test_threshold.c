/* Thresholds, compared with an exhaustive search that counts by definition; and how a model gets and keeps its threshold. */
#include "flows/scoring/threshold_choice.h"
#include "base/error.h"
#include "base/rng.h"
#include "tests/tiny_training.h"
#include <string.h>

#define MOST 60
#define DRAWS 8

typedef struct {
    int draws, tiles;
    double score[DRAWS * MOST];
    uint8_t label[MOST];
} Case;

/* levels: the number of distinct scores, few enough for ties; 0 = no ties. */
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

/* A draw in which all scores are lower by one decides the threshold of the worst draw. */
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

/* Of 0 .. 20: 22 * 0.95 = 20.9, the 21st; of 0 .. 9: 11 * 0.95 = 10.45, at most the 10th.  Anomalies do not count. */
static void test_quantile_of_normals(void)
{
    double score[21], tau, f;
    uint8_t label[21] = {0};
    ThresholdSpec spec = threshold_default();
    for (int i = 0; i < 21; i++) {
        score[(i * 8) % 21] = i;
    }
    g_assert_true(threshold_choose(&spec, score, 1, 21, NULL, &tau, &f, NULL));
    g_assert_cmpfloat(fabs(tau - 20), <, 1e-9);
    g_assert_true(isnan(f));
    for (int i = 0; i < 21; i++) {
        label[i] = score[i] >= 10;
    }
    g_assert_true(threshold_choose(&spec, score, 1, 21, label, &tau, NULL, NULL));
    g_assert_cmpfloat(fabs(tau - 9), <, 1e-9);
    spec.eps = 0.5; /* 3 draws of 7 tiles: the 12th of 21, though one draw of 21 gives the 11th */
    g_assert_true(threshold_choose(&spec, score, 3, 7, NULL, &tau, NULL, NULL));
    g_assert_cmpfloat(fabs(tau - 11), <, 1e-9);
    g_assert_true(threshold_choose(&spec, score, 1, 21, NULL, &tau, NULL, NULL));
    g_assert_cmpfloat(fabs(tau - 10), <, 1e-9);
}

static void test_ranks(void)
{
    g_assert_cmpint(threshold_rank(19, 1, 0.05), ==, 19); /* 20 * 0.95, the first n with a guarantee */
    g_assert_cmpint(threshold_rank(59, 1, 0.05), ==, 57);
    g_assert_cmpint(threshold_rank(99, 1, 0.01), ==, 99);
    g_assert_cmpint(threshold_rank(999, 1, 0.001), ==, 999);
    g_assert_cmpint(threshold_rank(3, 1, 0.9), ==, 1);
    for (int n = 1; n < 19; n++) {
        g_assert_cmpint(threshold_rank(n, 1, 0.05), ==, n);
        g_assert_cmpfloat(fabs(threshold_expected(n, 1, 0.05) - 1.0 / (n + 1)), <, 1e-12);
        g_assert_true(threshold_has_few(n, 0.05));
    }
    for (int n = 19; n < 400; n++) {
        g_assert_cmpfloat(threshold_expected(n, 1, 0.05), <=, 0.05 + 1e-12);
        g_assert_cmpfloat(threshold_expected(n, 9, 0.05), <=, 0.05 + 1e-12);
    }
    g_assert_true(threshold_has_few(19, 0.05));
    g_assert_false(threshold_has_few(20, 0.05));
    g_assert_false(threshold_has_few(1000, 0.001));
}

/* The fraction of a uniform distribution above a threshold is 1 - tau: no fresh normals need be drawn.  Its mean over many samples is what
 * threshold_expected says, and at most eps from 1/eps - 1 on. */
static void test_fraction_of_fresh_normals(void)
{
    const double all_eps[] = {0.05, 0.2, 0.01};
    double score[200], tau;
    for (size_t e = 0; e < G_N_ELEMENTS(all_eps); e++) {
        ThresholdSpec spec = {.eps = all_eps[e], .beta = 1};
        for (int n = 1; n <= 200; n += n < 24 ? 1 : 11) {
            double fraction = 0, squares = 0;
            const int trials = 3000;
            for (int t = 0; t < trials; t++) {
                Rng rng = rng_at(17, (uint64_t)(t * 256 + n), (uint32_t)e);
                for (int i = 0; i < n; i++) {
                    score[i] = rng_uniform(&rng);
                }
                g_assert_true(threshold_choose(&spec, score, 1, n, NULL, &tau, NULL, NULL));
                fraction += (1 - tau) / trials;
                squares += (1 - tau) * (1 - tau) / trials;
            }
            double error = sqrt((squares - fraction * fraction) / trials);
            g_assert_cmpfloat(fabs(fraction - threshold_expected(n, 1, spec.eps)), <, 4.5 * error + 1e-9);
            g_assert_cmpfloat(fraction, <, fmax(spec.eps, 1.0 / (n + 1)) + 4.5 * error);
        }
    }
}

/* Tiles differ, and so do the 8 copies of each: fresh copies of fresh tiles. */
static void test_fraction_of_fresh_copies(void)
{
    ThresholdSpec spec = {.draws = DRAWS, .eps = 0.1, .beta = 1};
    double score[DRAWS * 30], tau, above = 0;
    const int trials = 4000;
    for (int t = 0; t < trials; t++) {
        Rng rng = rng_at(18, (uint64_t)t, 0);
        int n = 12 + t % 19;
        double fresh = rng_normal(&rng);
        for (int i = 0; i < n; i++) {
            double tile = rng_normal(&rng);
            for (int k = 0; k < DRAWS; k++) {
                score[k * n + i] = tile + 0.2 * rng_normal(&rng);
            }
        }
        g_assert_true(threshold_choose(&spec, score, DRAWS, n, NULL, &tau, NULL, NULL));
        for (int k = 0; k < DRAWS; k++) {
            above += (fresh + 0.2 * rng_normal(&rng) >= tau) / (double)(trials * DRAWS);
        }
    }
    g_assert_cmpfloat(above, <, 0.1 + 4 * sqrt(0.1 / trials));
    g_assert_cmpfloat(above, >, 0.05);
}

/* A fraction of at most eps also where scores are equal: blank tiles all have one score. */
static void test_equal_scores_are_not_above(void)
{
    double score[40], tau;
    ThresholdSpec spec = threshold_default();
    for (int i = 0; i < 40; i++) {
        score[i] = i < 30 ? 1.5 : -1;
    }
    g_assert_true(threshold_choose(&spec, score, 1, 40, NULL, &tau, NULL, NULL));
    g_assert_cmpfloat(1.5, <, tau);
    g_assert_cmpfloat(tau, <, 1.5 + 1e-9);
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

/* ---- of a model ---- */

static double threshold_of(const ModelSpec *spec, int threads)
{
    g_autoptr(GError) error = NULL;
    TileSet tiles = {.count = TILES, .read = read_tile};
    FitOptions options = {.threads = threads};
    g_autoptr(Model) model = model_fit(spec, &tiles, &options, &error);
    g_assert_no_error(error);
    return model_calibration(model)->threshold;
}

static void test_draws_of_held_out_tiles(void)
{
    ModelSpec spec = tiny_spec();
    char one[65], two[65];
    spec.epochs = 1;
    double clean = threshold_of(&spec, 2);
    spec.threshold.draws = 9; /* more than a batch of the scorer */
    double drawn = threshold_of(&spec, 1);
    g_assert_cmpfloat(drawn, ==, threshold_of(&spec, 2));
    g_assert_cmpfloat(drawn, !=, clean);
    spec.threshold.eps = 0.3;
    g_assert_cmpfloat(threshold_of(&spec, 2), <, drawn);
    FitOptions options = {.threads = 1}, more = {.threads = 3};
    fit(&spec, &options, one);
    fit(&spec, &more, two);
    g_assert_cmpstr(one, ==, two);
    /* Draws that change nothing: the quantile of copies of the same scores. */
    spec.augment = (AugmentSpec){.noise = 1, .blur_sigma = 1}; /* noise of no strength */
    spec.threshold = (ThresholdSpec){.draws = 8, .eps = 1e-9, .beta = 1};
    double largest = threshold_of(&spec, 2);
    spec.threshold.draws = 0;
    g_assert_cmpfloat(fabs(largest - threshold_of(&spec, 2)), <, 1e-6);
    model_spec_clear(&spec);
}

/* Replaces `from` by `to` in a bundle; loading it must fail. */
static void refused_bundle(const char *bytes, gsize length, const char *from, const char *to)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = file_in_folder("changed"), *copy = g_memdup2(bytes, length);
    char *at = memmem(copy, length, from, strlen(from));
    g_assert_nonnull(at);
    memcpy(at, to, strlen(to));
    g_assert_true(g_file_set_contents(path, copy, (gssize)length, NULL));
    g_assert_null(model_load(path, NULL, NULL, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_unlink(path);
}

static void test_bundles_keep_how_it_was_chosen(void)
{
    ModelSpec spec = tiny_spec();
    TileSet tiles = {.count = TILES, .read = read_tile};
    FitOptions options = {.threads = 2};
    g_autofree char *path = file_in_folder("bundle"), *bytes = NULL;
    gsize length;
    spec.epochs = 1;
    spec.threshold = (ThresholdSpec){THRESHOLD_NORMAL_QUANTILE, 8, 0.125, 2};
    g_autoptr(Model) model = model_fit(&spec, &tiles, &options, NULL);
    g_assert_true(model_save(model, path, NULL, NULL));
    g_autoptr(Model) loaded = model_load(path, NULL, NULL, NULL);
    const Calibration *c = model_calibration(loaded);
    g_assert_cmpfloat(c->threshold, ==, model_calibration(model)->threshold);
    g_assert_cmpint(c->chosen.mode, ==, THRESHOLD_NORMAL_QUANTILE);
    g_assert_cmpint(c->chosen.draws, ==, 8);
    g_assert_cmpfloat(c->chosen.eps, ==, 0.125);
    g_assert_cmpfloat(c->chosen.beta, ==, 2);
    g_assert_cmpint(c->anomalies, ==, 0);
    g_assert_true(isnan(c->threshold_f));
    g_assert_true(g_file_get_contents(path, &bytes, &length, NULL));
    refused_bundle(bytes, length, "threshold_draws\\\":8", "threshold_draws\\\":7");
    refused_bundle(bytes, length, "\\\"normal-quantile", "\\\"normal-quantity");
    refused_bundle(bytes, length, "threshold_beta", "threshold_gaga");
    g_unlink(path);
    model_spec_clear(&spec);
}

/* Every third tile is labelled, and has a pattern of columns. */
static uint8_t anomaly[TILES];

static gboolean read_labelled(void *data, int64_t index, uint8_t *rgb, GError **error)
{
    read_tile(data, index, rgb, error);
    for (int i = 0; anomaly[index] && i < SIZE * SIZE * 3; i++) {
        rgb[i] = (uint8_t)(rgb[i] - (i / 12 % 2 ? 40 : 0));
    }
    return TRUE;
}

/* Augmented trainings: on normals, where all anomalies serve the threshold; and with labels, where those do that are held out and the
 * others come more than once in an epoch.  The threshold tells both apart. */
static void test_labelled_modes(gconstpointer mode)
{
    ModelSpec spec = tiny_spec();
    TileSet tiles = {.count = TILES, .read = read_labelled, .anomaly = anomaly};
    g_autofree char *path = file_in_folder("bundle");
    char sha256[2][65];
    spec.loss.labels = GPOINTER_TO_INT(mode) == THRESHOLD_ROBUST;
    spec.augmented = TRUE;
    spec.threshold = (ThresholdSpec){GPOINTER_TO_INT(mode), 8, 0.05, 2};
    for (int i = 0; i < TILES; i++) {
        anomaly[i] = i % 3 == 2;
    }
    for (int i = 0; i < 2; i++) {
        g_autoptr(GError) error = NULL;
        FitOptions options = {.threads = 1 + i};
        g_autoptr(Model) model = model_fit(&spec, &tiles, &options, &error);
        g_assert_no_error(error);
        const Calibration *c = model_calibration(model);
        g_assert_cmpint(c->anomalies, ==, spec.loss.labels ? 2 : TILES / 3);
        g_assert_cmpint(c->chosen.mode, ==, GPOINTER_TO_INT(mode));
        g_test_message("F %.3f at %.3f", c->threshold_f, c->threshold);
        g_assert_cmpfloat(c->threshold_f, >, 0.8);
        g_assert_true(model_save(model, path, sha256[i], &error));
    }
    g_assert_cmpstr(sha256[0], ==, sha256[1]);
    g_autoptr(Model) loaded = model_load(path, NULL, NULL, NULL);
    g_assert_nonnull(loaded);
    g_assert_cmpfloat(model_calibration(loaded)->threshold_f, >, 0.8);
    g_unlink(path);
    model_spec_clear(&spec);
}

static void test_modes_with_labels_need_labels(void)
{
    ModelSpec spec = tiny_spec();
    TileSet tiles = {.count = TILES, .read = read_tile};
    FitOptions options = {.threads = 2};
    g_autoptr(GError) error = NULL, draws = NULL;
    spec.threshold.mode = THRESHOLD_F_BETA;
    g_atomic_int_set(&reads, 0);
    g_assert_null(model_fit(&spec, &tiles, &options, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, "f-beta"));
    g_assert_cmpint(g_atomic_int_get(&reads), ==, 0); /* reported before any work */
    spec.threshold = threshold_default();
    spec.threshold.draws = 3;
    g_assert_null(model_fit(&spec, &tiles, &options, &draws));
    g_assert_nonnull(strstr(draws->message, "draws"));
    model_spec_clear(&spec);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("wsiflow-threshold-XXXXXX", NULL);
    g_test_add_data_func("/threshold/pooled", GINT_TO_POINTER(THRESHOLD_F_BETA), test_f_is_the_best_of_all);
    g_test_add_data_func("/threshold/robust", GINT_TO_POINTER(THRESHOLD_ROBUST), test_f_is_the_best_of_all);
    g_test_add_func("/threshold/smallest", test_the_smallest_of_equal_maxima);
    g_test_add_func("/threshold/worst", test_robust_looks_at_the_worst_draw);
    g_test_add_func("/threshold/quantile", test_quantile_of_normals);
    g_test_add_func("/threshold/rank", test_ranks);
    g_test_add_func("/threshold/fresh", test_fraction_of_fresh_normals);
    g_test_add_func("/threshold/copies", test_fraction_of_fresh_copies);
    g_test_add_func("/threshold/equal", test_equal_scores_are_not_above);
    g_test_add_func("/threshold/labels", test_missing_labels_are_refused);
    g_test_add_func("/threshold/refused", test_impossible_specifications_are_refused);
    g_test_add_func("/threshold/model/draws", test_draws_of_held_out_tiles);
    g_test_add_func("/threshold/model/bundle", test_bundles_keep_how_it_was_chosen);
    g_test_add_data_func("/threshold/model/f-beta", GINT_TO_POINTER(THRESHOLD_F_BETA), test_labelled_modes);
    g_test_add_data_func("/threshold/model/robust", GINT_TO_POINTER(THRESHOLD_ROBUST), test_labelled_modes);
    g_test_add_func("/threshold/model/labels", test_modes_with_labels_need_labels);
    int status = g_test_run();
    g_rmdir(folder);
    g_free(folder);
    return status;
}
