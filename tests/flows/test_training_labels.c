/* Training with labelled anomalies, on textures made in memory: it learns to find what likelihood alone does not, and nothing but
 * the specification, the tiles and their labels decides its bytes. */
#include "flows/metrics/metrics.h"
#include "flows/models/model.h"
#include "flows/scoring/scorer.h"
#include "flows/training/fit_private.h"
#include "base/error.h"
#include "base/rng.h"
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#define SIZE 64
#define PIXELS (SIZE * SIZE)
#define NORMALS 72
#define ANOMALIES 36
#define TILES (NORMALS + ANOMALIES)
#define TEST 32
#define WAVES 12
#define SLIDES 6

/* ---- textures ---- */

/* Waves of 7 to 13 px in random directions, some tiles with more contrast than others: strange ones with less than all normals.
 * Likelihood alone does not find them, since what is smooth is likely. */
static void paint(gboolean strange, int64_t index, uint8_t *rgb)
{
    Rng rng = rng_at(7, (uint64_t)index, (uint32_t)strange);
    double kx[WAVES], ky[WAVES], phase[WAVES];
    double contrast = (strange ? 8 : 16) + (strange ? 8 : 18) * rng_uniform(&rng);
    for (int w = 0; w < WAVES; w++) {
        double length = 10 + 3 * (2 * rng_uniform(&rng) - 1), angle = 2 * G_PI * rng_uniform(&rng);
        kx[w] = 2 * G_PI * cos(angle) / length;
        ky[w] = 2 * G_PI * sin(angle) / length;
        phase[w] = 2 * G_PI * rng_uniform(&rng);
    }
    for (int y = 0; y < SIZE; y++) {
        for (int x = 0; x < SIZE; x++) {
            double sum = 0;
            for (int w = 0; w < WAVES; w++) {
                sum += cos(kx[w] * x + ky[w] * y + phase[w]);
            }
            for (int c = 0; c < 3; c++) {
                double value =
                    150 + 10 * c + contrast * sum / sqrt(WAVES / 2.0) + 6 * (rng_uniform(&rng) - 0.5);
                *rgb++ = (uint8_t)CLAMP(value, 0, 255);
            }
        }
    }
}

static uint8_t anomaly[TILES];
static int64_t shift; /* other anomalies */

static gboolean read_texture(void *data, int64_t index, uint8_t *rgb, GError **error)
{
    paint(anomaly[index], anomaly[index] ? index + shift : index, rgb);
    return TRUE;
}

/* Anomalies stand between the normals. */
static TileSet tile_set(void)
{
    for (int i = 0; i < TILES; i++) {
        anomaly[i] = i % 3 == 1;
    }
    return (TileSet){.count = TILES, .read = read_texture, .anomaly = anomaly};
}

static ModelSpec tiny_spec(void)
{
    ModelSpec spec;
    model_spec_default(&spec, "scattering");
    spec.tile_size = SIZE;
    spec.flow.blocks[0] = spec.flow.blocks[1] = spec.flow.blocks[2] = 2;
    spec.flow.fpn_width = 8;
    spec.flow.condition = 8;
    spec.epochs = 5;
    spec.holdout = 0.3;
    spec.loss.labels = TRUE;
    spec.loss.selection = SELECT_AUROC;
    return spec;
}

static char *folder;

static char *file_in_folder(const char *name)
{
    return g_build_filename(folder, name, NULL);
}

static Model *fit(const ModelSpec *spec, const TileSet *tiles, const FitOptions *options, char sha256[65])
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = file_in_folder("model.safetensors");
    Model *model = model_fit(spec, tiles, options, &error);
    g_assert_no_error(error);
    g_assert_true(model_save(model, path, sha256, &error));
    g_assert_no_error(error);
    return model;
}

static const EpochReport *report(const Model *model, guint epoch)
{
    g_assert_cmpuint(epoch, <=, model_history(model)->len);
    return &g_array_index(model_history(model), EpochReport, epoch - 1);
}

/* ---- what it learns ---- */

/* Scores of TEST normal and TEST strange tiles that no training has seen. */
static void score_all(const Model *model, TileScore *scores)
{
    g_autoptr(GError) error = NULL;
    Scorer *scorer = scorer_new(model, &error);
    g_assert_no_error(error);
    uint8_t rgb[PIXELS * 3];
    for (int i = 0; i < 2 * TEST; i++) {
        paint(i >= TEST, 10000 + i, rgb);
        g_assert_true(scorer_run(scorer, rgb, 1, &scores[i], NULL, &error));
    }
    scorer_free(scorer);
}

static double auroc_of(const TileScore *scores, const char *column)
{
    double value[2 * TEST];
    int label[2 * TEST], k = 0;
    Metrics m;
    while (!g_str_equal(tile_score_column(k), column)) {
        k++;
    }
    for (int i = 0; i < 2 * TEST; i++) {
        label[i] = i >= TEST;
        value[i] = tile_score_value(&scores[i], k);
        g_assert_true(isfinite(value[i]));
    }
    g_assert_true(metrics_compute(value, label, 2 * TEST, &m, NULL));
    return m.auroc;
}

static double auroc_with(gboolean labels, ScoreKind score)
{
    ModelSpec spec = tiny_spec();
    FitOptions options = {.threads = 2};
    char sha256[65];
    TileScore scores[2 * TEST];
    TileSet tiles = tile_set();
    int64_t normals = 0;
    spec.epochs = 12;
    spec.score = score;
    if (!labels) { /* the same normals, without the anomalies between them */
        spec.loss.labels = FALSE;
        spec.loss.selection = SELECT_NLL;
        tiles.anomaly = NULL;
        tiles.count = NORMALS;
        memset(anomaly, 0, sizeof anomaly);
    }
    g_autoptr(Model) model = fit(&spec, &tiles, &options, sha256);
    score_all(model, scores);
    for (guint e = 1; e <= model_history(model)->len; e++) {
        const EpochReport *r = report(model, e);
        g_test_message("epoch %u: NLL %.3f hold-out %.3f focal %.3f centre %.3f margin %.3f AUROC %.3f", e,
                       r->train_nll, r->holdout_nll, r->focal, r->centre, r->margin, r->holdout_auroc);
    }
    for (int k = 0; tile_score_column(k); k++) {
        g_test_message("AUROC of %s: %.3f", tile_score_column(k), auroc_of(scores, tile_score_column(k)));
    }
    for (int64_t i = 0; i < TEST; i++) {
        normals += scores[i].score > model_calibration(model)->threshold;
    }
    g_assert_cmpint(normals, <=, TEST / 2); /* the threshold still is a quantile of normals */
    model_spec_clear(&spec);
    return auroc_of(scores, "score");
}

static void test_labels_find_more(gconstpointer score)
{
    ScoreKind kind = (ScoreKind)GPOINTER_TO_INT(score);
    double without = auroc_with(FALSE, kind), with = auroc_with(TRUE, kind);
    g_test_message("AUROC of unseen tiles: %.3f without labels, %.3f with them", without, with);
    g_assert_cmpfloat(with, >, kind == SCORE_LOGIT ? 0.75 : 0.5); /* labels also change the log-determinant */
    g_assert_cmpfloat(with, >, without + 0.3);
}

/* The terms of labels begin after their fraction of the epochs, and the best epoch is that of the selection. */
static void test_epochs_are_reported_and_chosen(void)
{
    static const struct {
        Selection selection;
        size_t metric;
    } kinds[] = {{SELECT_AUROC, offsetof(EpochReport, holdout_auroc)},
                 {SELECT_AP, offsetof(EpochReport, holdout_ap)},
                 {SELECT_F_BETA, offsetof(EpochReport, holdout_f)},
                 {SELECT_NLL, offsetof(EpochReport, holdout_nll)}};
    FitOptions options = {.threads = 2};
    for (guint k = 0; k < G_N_ELEMENTS(kinds); k++) {
        ModelSpec spec = tiny_spec();
        TileSet tiles = tile_set();
        char sha256[65];
        gboolean least = kinds[k].selection == SELECT_NLL;
        guint best = least ? 3 : 1; /* by likelihood only epochs in which labels count */
        spec.loss.selection = kinds[k].selection;
        spec.loss.start = 0.35; /* of 5 epochs: the third is the first */
        g_autoptr(Model) model = fit(&spec, &tiles, &options, sha256);
        for (guint e = 1; e <= 5; e++) {
            const EpochReport *r = report(model, e);
            double value = G_STRUCT_MEMBER(double, r, kinds[k].metric);
            double most = G_STRUCT_MEMBER(double, report(model, best), kinds[k].metric);
            g_assert_true(isfinite(r->focal) == (e >= 3));
            g_assert_true(isfinite(r->centre) == (e >= 3) && isfinite(r->margin) == (e >= 3));
            g_assert_true(r->holdout_auroc >= 0 && r->holdout_auroc <= 1);
            best = (e > best && (least ? value < most : value > most)) ? e : best;
        }
        /* The mean NLL of the calibration is that of the epoch that was kept. */
        g_assert_cmpfloat(fabs(model_calibration(model)->mean[3] - report(model, best)->holdout_nll), <,
                          1e-4);
        g_assert_cmpint(model_calibration(model)->tiles, ==, 22); /* 0.3 of the normals, and no anomaly */
        model_spec_clear(&spec);
    }
}

/* ---- the same bytes ---- */

static void test_same_bytes_whatever_threads_and_memory(void)
{
    FitOptions variants[] = {{.threads = 1}, {.threads = 2}, {.threads = 3, .cache_bytes = 200 * 1024}};
    char first[65], other[65];
    ModelSpec spec = tiny_spec();
    TileSet tiles = tile_set();
    spec.epochs = 3;
    for (guint i = 0; i < G_N_ELEMENTS(variants); i++) {
        g_autoptr(Model) model = fit(&spec, &tiles, &variants[i], i ? other : first);
        g_assert_true(i == 0 || g_str_equal(first, other));
    }
    spec.loss.margin = 0;
    g_autoptr(Model) weighed = fit(&spec, &tiles, &variants[0], other);
    g_assert_cmpstr(first, !=, other);
    model_spec_clear(&spec);
}

static gboolean stop_after_three(void *data, const EpochReport *r)
{
    return r->epoch < 3;
}

static void test_stopped_and_resumed_gives_the_same_bytes(void)
{
    g_autofree char *checkpoint = file_in_folder("checkpoint.safetensors");
    FitOptions plain = {.threads = 2}, stopped = {.threads = 2, .checkpoint = checkpoint};
    FitOptions going_on = {.threads = 1, .checkpoint = checkpoint};
    char whole[65], resumed[65];
    ModelSpec spec = tiny_spec();
    TileSet tiles = tile_set();
    g_autoptr(GError) error = NULL;
    stopped.reported = stop_after_three;
    g_autoptr(Model) uninterrupted = fit(&spec, &tiles, &plain, whole);
    g_assert_null(model_fit(&spec, &tiles, &stopped, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_CANCELLED);
    g_autoptr(Model) continued = fit(&spec, &tiles, &going_on, resumed);
    g_assert_cmpstr(whole, ==, resumed);
    g_assert_cmpfloat(report(continued, 3)->seconds, ==, 0); /* not trained again */
    g_assert_cmpfloat(report(continued, 4)->seconds, >, 0);
    /* Other labels are another training. */
    anomaly[0] = 1;
    g_autoptr(Model) relabelled = fit(&spec, &tiles, &going_on, resumed);
    g_assert_cmpstr(model_tiles_hash(relabelled), !=, model_tiles_hash(continued));
    g_assert_cmpfloat(report(relabelled, 1)->seconds, >, 0);
    g_unlink(checkpoint);
    model_spec_clear(&spec);
}

static void test_saved_and_loaded_scores_the_same(void)
{
    FitOptions options = {.threads = 2};
    char before[65], after[65];
    TileScore a[2 * TEST], b[2 * TEST];
    ModelSpec spec = tiny_spec();
    TileSet tiles = tile_set();
    g_autofree char *path = file_in_folder("model.safetensors");
    g_autoptr(GError) error = NULL;
    spec.epochs = 2;
    spec.score = SCORE_LOGIT;
    g_autoptr(Model) model = fit(&spec, &tiles, &options, before);
    g_autoptr(Model) loaded = model_load(path, NULL, NULL, &error);
    g_assert_no_error(error);
    score_all(model, a);
    score_all(loaded, b);
    g_assert_cmpmem(a, sizeof a, b, sizeof b);
    g_assert_true(model_save(loaded, path, after, NULL));
    g_assert_cmpstr(before, ==, after);
    g_assert_true(model_spec(loaded)->loss.labels && model_spec(loaded)->score == SCORE_LOGIT);
    g_assert_nonnull(strstr(model_spec_score_name(model_spec(loaded)), "logit"));
    model_spec_clear(&spec);
}

/* Without labels the logit is the standardised likelihood, and may be the recommended score as well. */
static void test_scores_without_labels(void)
{
    FitOptions options = {.threads = 2};
    char sha256[65];
    TileScore scores[2 * TEST];
    ModelSpec spec = tiny_spec();
    TileSet tiles = {.count = NORMALS, .read = read_texture};
    spec.loss.labels = FALSE;
    spec.loss.selection = SELECT_NLL;
    spec.loss.normal = NORMAL_LOG_SIGMOID;
    spec.score = SCORE_LOGIT;
    spec.epochs = 2;
    memset(anomaly, 0, sizeof anomaly);
    g_autoptr(Model) model = fit(&spec, &tiles, &options, sha256);
    const Calibration *c = model_calibration(model);
    score_all(model, scores);
    for (int i = 0; i < 2 * TEST; i++) {
        double expected = (scores[i].nll - c->mean[3]) / c->sd[3];
        g_assert_cmpfloat(fabs(scores[i].logit - expected), <, 1e-9);
        g_assert_cmpfloat(fabs(scores[i].score - expected), <, 1e-6);
    }
    g_assert_nonnull(
        strstr(model_spec_score_name(model_spec(model)), "negative log-likelihood per dimension"));
    g_assert_true(isnan(report(model, 2)->focal) && isnan(report(model, 2)->holdout_auroc));
    model_spec_clear(&spec);
}

/* ---- what can be wrong ---- */

static void refused(const ModelSpec *spec, const TileSet *tiles, const char *says)
{
    FitOptions options = {.threads = 1};
    g_autoptr(GError) error = NULL;
    g_assert_null(model_fit(spec, tiles, &options, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_test_message("%s", error->message);
    g_assert_nonnull(strstr(error->message, says));
}

static void test_wrong_settings_are_refused(void)
{
    ModelSpec good = tiny_spec(), spec = good;
    TileSet tiles = tile_set(), unlabelled = tiles;
    unlabelled.anomaly = NULL;
    refused(&good, &unlabelled, "no tile is labelled");
    spec.loss.labels = FALSE;
    refused(&spec, &unlabelled, "selection of the epoch");
    spec = good;
    spec.batch_parts = spec.batch; /* one tile each */
    refused(&spec, &tiles, "at least one normal");
    spec = good;
    spec.loss.focal = NAN;
    refused(&spec, &tiles, "loss_focal");
    spec = good;
    spec.loss.start = 1.5;
    refused(&spec, &tiles, "loss_start");
    memset(anomaly, 0, sizeof anomaly);
    anomaly[3] = 1;
    refused(&good, &tiles, "1 labelled anomalies");
    model_spec_clear(&good);
}

/* Without loss.labels anomalies choose the epoch, and nothing is trained on them. */
static void test_anomalies_may_only_validate(void)
{
    FitOptions options = {.threads = 2};
    char sha256[65];
    ModelSpec spec = tiny_spec();
    TileSet tiles = tile_set();
    spec.loss.labels = FALSE;
    g_autoptr(Model) validated = fit(&spec, &tiles, &options, sha256);
    for (guint e = 1; e <= 5; e++) {
        g_assert_true(isfinite(report(validated, e)->holdout_auroc) && isnan(report(validated, e)->focal));
    }
    /* Other anomalies, but as many: the flows see no difference. */
    spec.loss.selection = SELECT_NLL;
    g_autoptr(Model) first = fit(&spec, &tiles, &options, sha256);
    shift = 5000;
    g_autoptr(Model) second = fit(&spec, &tiles, &options, sha256);
    shift = 0;
    gboolean differs = FALSE; /* one epoch's AUROC of so few tiles may agree by chance */
    for (guint e = 1; e <= 5; e++) {
        g_assert_cmpfloat(report(first, e)->train_nll, ==, report(second, e)->train_nll);
        g_assert_cmpfloat(report(first, e)->holdout_nll, ==, report(second, e)->holdout_nll);
        differs |= report(first, e)->holdout_auroc != report(second, e)->holdout_auroc;
        g_test_message("held-out AUROC %.6f %.6f", report(first, e)->holdout_auroc,
                       report(second, e)->holdout_auroc);
    }
    g_assert_true(differs);
    model_spec_clear(&spec);
}

/* No anomaly of a slide is trained on when the slide's normals are held out; and two anomalies are enough. */
static void test_few_anomalies_and_slides(void)
{
    static const char *const names[SLIDES] = {"a", "b", "c", "d", "e", "f"};
    const char *group[TILES];
    FitOptions options = {.threads = 2};
    char sha256[65];
    ModelSpec spec = tiny_spec();
    TileSet tiles = tile_set();
    for (int i = 0; i < TILES; i++) {
        group[i] = names[i % SLIDES];
        anomaly[i] = i == 5 || i == 10;
    }
    tiles.group = group;
    spec.epochs = 2;
    g_autoptr(Model) model = fit(&spec, &tiles, &options, sha256);
    g_assert_true(isfinite(report(model, 2)->focal) && isfinite(report(model, 2)->holdout_auroc));
    model_spec_clear(&spec);
}

/* Every part of a labelled epoch has normals, an extra turn of a hard one, and an anomaly; all normals still have their turn. */
static void test_hard_normals(void)
{
    enum { HARD = 4 }; /* every fourth tile, of those that are normal */
    g_autoptr(GError) error = NULL;
    static uint8_t hard[TILES];
    ModelSpec spec = tiny_spec();
    TileSet tiles = tile_set();
    for (int i = 0; i < TILES; i++) {
        hard[i] = i % HARD == 0 && !anomaly[i];
    }
    tiles.hard = hard;
    g_autoptr(Model) model = model_prepare(&spec, &error);
    g_assert_no_error(error);
    Fit fit = {.spec = &model->spec, .model = model, .tiles = &tiles};
    fit.part_tiles = model->spec.batch / model->spec.batch_parts;
    g_assert_true(fit_split(&fit, &error));
    fit_count_hard(&fit);
    g_assert_cmpint(fit.hard_count, >, 0);
    const int64_t most = fit_most_steps(&fit) * model->spec.batch;
    fit.order = g_new(int64_t, most);
    fit.variant = g_new(uint32_t, most);
    fit_begin_epoch(&fit, model->spec.epochs);
    g_assert_cmpint(fit.steps * model->spec.batch, ==, most);
    int turns[TILES] = {0}, extra = 0;
    for (int64_t at = 0; at < most; at++) {
        int64_t place = at % fit.part_tiles, tile = fit.order[at];
        gboolean last = place == fit.part_tiles - 1, before = place == fit.part_tiles - 2;
        g_assert_cmpint(anomaly[tile], ==, last);
        g_assert_true(!before || hard[tile]);
        turns[tile] += !last && !before;
        extra += before;
    }
    g_assert_cmpint(extra, ==, fit.steps * model->spec.batch_parts);
    for (int64_t i = 0; i < fit.normals.train_count; i++) {
        g_assert_cmpint(turns[fit.normals.train[i]], >=, 1);
    }
    g_free(fit.order);
    g_free(fit.variant);
    g_free(fit.normal_order);
    g_free(fit.anomaly_order);
    g_free(fit.hard_order);
    g_free(fit.held);
    holdout_clear(&fit.normals);
    holdout_clear(&fit.anomalies);
    model_spec_clear(&spec);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("wsiflow-labels-XXXXXX", NULL);
    g_test_add_data_func("/labels/more/scales", GINT_TO_POINTER(SCORE_SCALES), test_labels_find_more);
    g_test_add_data_func("/labels/more/logit", GINT_TO_POINTER(SCORE_LOGIT), test_labels_find_more);
    g_test_add_func("/labels/epochs", test_epochs_are_reported_and_chosen);
    g_test_add_func("/labels/hard normals", test_hard_normals);
    g_test_add_func("/labels/same_bytes", test_same_bytes_whatever_threads_and_memory);
    g_test_add_func("/labels/resumed", test_stopped_and_resumed_gives_the_same_bytes);
    g_test_add_func("/labels/loaded", test_saved_and_loaded_scores_the_same);
    g_test_add_func("/labels/without", test_scores_without_labels);
    g_test_add_func("/labels/refused", test_wrong_settings_are_refused);
    g_test_add_func("/labels/validate", test_anomalies_may_only_validate);
    g_test_add_func("/labels/few", test_few_anomalies_and_slides);
    int status = g_test_run();
    const char *const left[] = {"model.safetensors", "checkpoint.safetensors"};
    for (guint i = 0; i < G_N_ELEMENTS(left); i++) {
        g_autofree char *path = file_in_folder(left[i]);
        g_unlink(path);
    }
    g_rmdir(folder);
    g_free(folder);
    return status;
}
