/* A model from tiles to scores, on textures made in memory: it finds what is strange, and nothing but the specification and the tiles
 * decides its bytes. */
#include "flows/metrics/metrics.h"
#include "flows/models/model.h"
#include "flows/scoring/scorer.h"
#include "flows/training/fit.h"
#include "base/durable.h"
#include "base/error.h"
#include "base/rng.h"
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#define SIZE 64
#define TRAIN 80
#define WAVES 24
#define TEST 24
#define PIXELS (SIZE * SIZE)

/* ---- textures ---- */

typedef enum { NORMAL, STRANGE } Kind;

/* Waves in random directions: normal tiles have wavelengths around 14 px, strange ones around 7 px with the same colours, brightness
 * and contrast. */
static void paint(Kind kind, int64_t index, uint8_t *rgb)
{
    static const double tint[3] = {30, 45, 20}, base[3] = {190, 140, 180};
    Rng rng = rng_at(99, (uint64_t)index, kind);
    double kx[WAVES], ky[WAVES], phase[WAVES];
    for (int w = 0; w < WAVES; w++) {
        double length = (kind == NORMAL ? 14 : 7) * (0.8 + 0.4 * rng_uniform(&rng)),
               angle = 2 * G_PI * rng_uniform(&rng);
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
                double value = base[c] + tint[c] * sum / sqrt(WAVES / 2.0) + 4 * (rng_uniform(&rng) - 0.5);
                *rgb++ = (uint8_t)CLAMP(value, 0, 255);
            }
        }
    }
}

typedef struct {
    Kind kind;
    int64_t first;
    int64_t broken; /* this tile cannot be read; -1 = none */
} Textures;

static gboolean read_texture(void *data, int64_t index, uint8_t *rgb, GError **error)
{
    const Textures *textures = data;
    if (index == textures->broken) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_IO, "tile %d cannot be read", (int)index);
        return FALSE;
    }
    paint(textures->kind, textures->first + index, rgb);
    return TRUE;
}

static Textures normals = {NORMAL, 0, -1};

static TileSet train_set(void)
{
    return (TileSet){.count = TRAIN, .read = read_texture, .data = &normals};
}

static ModelSpec tiny_spec(void)
{
    ModelSpec spec;
    model_spec_default(&spec, "scattering");
    spec.tile_size = SIZE;
    spec.flow.blocks[0] = spec.flow.blocks[1] = spec.flow.blocks[2] = 2;
    spec.flow.fpn_width = 8;
    spec.flow.condition = 8;
    spec.epochs = 4;
    spec.holdout = 0.3;
    return spec;
}

static char *folder;

static char *file_in_folder(const char *name)
{
    return g_build_filename(folder, name, NULL);
}

/* Trains, saves, and returns the SHA-256 of the bundle. */
static Model *fit(const ModelSpec *spec, const FitOptions *options, char sha256[65])
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = file_in_folder("model.safetensors");
    TileSet tiles = train_set();
    Model *model = model_fit(spec, &tiles, options, &error);
    g_assert_no_error(error);
    g_assert_true(model_save(model, path, sha256, &error));
    g_assert_no_error(error);
    return model;
}

/* ---- scoring ---- */

static void score_all(const Model *model, Kind kind, TileScore *scores, float *first_map)
{
    g_autoptr(GError) error = NULL;
    Scorer *scorer = scorer_new(model, &error);
    g_assert_no_error(error);
    int batch = scorer_batch(scorer), side = scorer_map_size(scorer);
    g_autofree uint8_t *rgb = g_new(uint8_t, batch * PIXELS * 3);
    g_autofree float *maps = g_new(float, batch *side *side);
    for (int first = 0; first < TEST; first += batch) {
        int count = MIN(batch, TEST - first);
        for (int b = 0; b < count; b++) {
            paint(kind, 10000 + first + b, rgb + b * PIXELS * 3);
        }
        g_assert_true(scorer_run(scorer, rgb, count, scores + first, maps, &error));
        if (first == 0 && first_map) {
            memcpy(first_map, maps, (size_t)side * side * sizeof(float));
        }
    }
    scorer_free(scorer);
}

static double auroc_of(const TileScore *normal, const TileScore *strange, int column)
{
    double value[2 * TEST];
    int label[2 * TEST];
    Metrics m;
    for (int i = 0; i < 2 * TEST; i++) {
        label[i] = i >= TEST;
        value[i] = tile_score_value(i < TEST ? &normal[i] : &strange[i - TEST], column);
    }
    g_assert_true(metrics_compute(value, label, 2 * TEST, &m, NULL));
    return m.auroc;
}

static void test_finds_a_strange_texture(gconstpointer step)
{
    ModelSpec spec = tiny_spec();
    FitOptions options = {.threads = 2};
    char sha256[65];
    TileScore normal[TEST], strange[TEST];
    spec.flow.step = GPOINTER_TO_INT(step);
    spec.epochs = 10;
    g_autoptr(Model) model = fit(&spec, &options, sha256);
    score_all(model, NORMAL, normal, NULL);
    score_all(model, STRANGE, strange, NULL);
    for (int i = 0; tile_score_column(i); i++) {
        g_test_message("AUROC of %s: %.3f", tile_score_column(i), auroc_of(normal, strange, i));
    }
    g_assert_cmpstr(tile_score_column(0), ==, "score");
    g_assert_cmpfloat(auroc_of(normal, strange, 0), >, 0.95);
    const Calibration *c = model_calibration(model);
    int flagged = 0;
    for (int i = 0; i < TEST; i++) {
        flagged += normal[i].score > c->threshold;
    }
    g_assert_cmpint(flagged, <=, TEST / 4); /* about 5 % are expected */
    const GArray *history = model_history(model);
    const EpochReport *first = &g_array_index(history, EpochReport, 0);
    const EpochReport *last = &g_array_index(history, EpochReport, history->len - 1);
    g_assert_cmpfloat(last->train_nll, <, first->train_nll);
    g_assert_cmpfloat(last->holdout_nll, <, first->holdout_nll);
    model_spec_clear(&spec);
}

/* Normal tiles with a strange square of 24 px in one corner: the largest value of the map is there. */
static void test_maps_show_where(void)
{
    ModelSpec spec = tiny_spec();
    FitOptions options = {.threads = 2};
    char sha256[65];
    spec.epochs = 10;
    g_autoptr(Model) model = fit(&spec, &options, sha256);
    Scorer *scorer = scorer_new(model, NULL);
    int side = scorer_map_size(scorer), found = 0;
    uint8_t rgb[PIXELS * 3], strange[PIXELS * 3];
    g_autofree float *map = g_new(float, side *side);
    g_assert_cmpint(side, ==, SIZE / 8);
    for (int i = 0; i < TEST; i++) {
        int left = i % 2 ? SIZE - 24 : 0, top = i / 2 % 2 ? SIZE - 24 : 0, most = 0;
        TileScore score;
        paint(NORMAL, 20000 + i, rgb);
        paint(STRANGE, 20000 + i, strange);
        for (int y = top; y < top + 24; y++) {
            memcpy(rgb + (y * SIZE + left) * 3, strange + (y * SIZE + left) * 3, 24 * 3);
        }
        g_assert_true(scorer_run(scorer, rgb, 1, &score, map, NULL));
        for (int p = 1; p < side * side; p++) {
            most = map[p] > map[most] ? p : most;
        }
        found += (most % side >= side / 2) == (left > 0) && (most / side >= side / 2) == (top > 0);
    }
    g_assert_cmpint(found, >=, TEST * 9 / 10); /* a quarter by chance */
    scorer_free(scorer);
    model_spec_clear(&spec);
}

/* Held-out normals have mean 0 and deviation 1 in everything that people see. */
static void test_calibration_centres_normals(void)
{
    ModelSpec spec = tiny_spec();
    FitOptions options = {.threads = 2};
    char sha256[65];
    g_autoptr(Model) model = fit(&spec, &options, sha256);
    const Calibration *c = model_calibration(model);
    g_assert_cmpint(c->tiles, ==, 24);
    g_assert_cmpfloat(c->sd[0], >, 0);
    g_assert_cmpfloat(fabs(c->mean[0]), <, 1e-6);
    g_assert_cmpfloat(c->threshold, >, 0);
    TileScore normal[TEST];
    double mean = 0, map_mean = 0;
    float map[PIXELS];
    score_all(model, NORMAL, normal, map);
    Scorer *scorer = scorer_new(model, NULL);
    int side = scorer_map_size(scorer);
    scorer_free(scorer);
    g_assert_cmpint(side, ==, SIZE / 8);
    for (int i = 0; i < TEST; i++) {
        mean += normal[i].score / TEST;
    }
    for (int i = 0; i < side * side; i++) {
        map_mean += map[i] / (side * side);
    }
    g_assert_cmpfloat(fabs(mean), <, 1.5);
    g_assert_cmpfloat(fabs(map_mean), <, 1.5);
    model_spec_clear(&spec);
}

static void assert_same_scores(const TileScore *a, const TileScore *b, int count)
{
    for (int i = 0; i < count; i++) {
        for (int c = 0; tile_score_column(c); c++) {
            g_assert_cmpfloat(tile_score_value(&a[i], c), ==, tile_score_value(&b[i], c));
        }
    }
}

/* A tile has the same scores and map alone, first, last, and with any other tiles in its batch. */
static void test_scores_do_not_depend_on_neighbours(void)
{
    ModelSpec spec = tiny_spec();
    FitOptions options = {.threads = 2};
    char sha256[65];
    spec.epochs = 1;
    g_autoptr(Model) model = fit(&spec, &options, sha256);
    Scorer *scorer = scorer_new(model, NULL);
    int batch = scorer_batch(scorer), side = scorer_map_size(scorer);
    size_t map_length = (size_t)side * side;
    g_autofree uint8_t *rgb = g_new(uint8_t, batch * PIXELS * 3);
    g_autofree float *maps = g_new(float, batch *map_length), *alone_map = g_new(float, map_length);
    TileScore alone, together[64];
    g_assert_cmpint(batch, <=, 64);
    paint(NORMAL, 777, rgb);
    g_assert_true(scorer_run(scorer, rgb, 1, &alone, alone_map, NULL));
    for (int position = 0; position < batch; position++) {
        for (int b = 0; b < batch; b++) {
            paint(b == position ? NORMAL : STRANGE, b == position ? 777 : 50 * position + b,
                  rgb + b * PIXELS * 3);
        }
        g_assert_true(scorer_run(scorer, rgb, batch, together, maps, NULL));
        assert_same_scores(&alone, &together[position], 1);
        g_assert_cmpmem(alone_map, map_length * sizeof(float), maps + position * map_length,
                        map_length * sizeof(float));
    }
    g_autoptr(GError) error = NULL;
    g_assert_false(scorer_run(scorer, rgb, batch + 1, together, NULL, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INTERNAL);
    scorer_free(scorer);
    model_spec_clear(&spec);
}

/* ---- the same bytes ---- */

static void test_same_bytes_whatever_threads_and_memory(void)
{
    ModelSpec spec = tiny_spec();
    spec.epochs = 2;
    FitOptions variants[] = {
        {.threads = 1},
        {.threads = 1},                            /* once more */
        {.threads = 2},                            /* one thread a shard */
        {.threads = 3},                            /* more threads than shards */
        {.threads = 2, .cache_bytes = 1},          /* nothing fits */
        {.threads = 2, .cache_bytes = 200 * 1024}, /* some tiles fit */
    };
    char first[65], other[65];
    for (guint i = 0; i < G_N_ELEMENTS(variants); i++) {
        g_autoptr(Model) model = fit(&spec, &variants[i], i ? other : first);
        g_assert_true(i == 0 || g_str_equal(first, other));
    }
    spec.seed++;
    g_autoptr(Model) model = fit(&spec, &variants[0], other);
    g_assert_cmpstr(first, !=, other);
    model_spec_clear(&spec);
}

static gboolean stop_after_two(void *data, const EpochReport *report)
{
    *(int *)data = report->epoch;
    return report->epoch < 2;
}

static void test_stopped_and_resumed_gives_the_same_bytes(void)
{
    ModelSpec spec = tiny_spec();
    g_autofree char *checkpoint = file_in_folder("checkpoint.safetensors");
    int reported = 0;
    char whole[65], resumed[65];
    FitOptions plain = {.threads = 2}, stopped = {.threads = 2, checkpoint, stop_after_two, &reported, 0};
    FitOptions going_on = {.threads = 1, .checkpoint = checkpoint};
    g_autoptr(GError) error = NULL;
    g_autoptr(Model) uninterrupted = fit(&spec, &plain, whole);
    TileSet tiles = train_set();
    g_assert_null(model_fit(&spec, &tiles, &stopped, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_CANCELLED);
    g_assert_cmpint(reported, ==, 2);
    g_autoptr(Model) continued = fit(&spec, &going_on, resumed);
    g_assert_cmpstr(whole, ==, resumed);
    g_assert_cmpfloat(g_array_index(model_history(continued), EpochReport, 0).seconds, ==,
                      0); /* not trained again */
    g_assert_cmpfloat(g_array_index(model_history(continued), EpochReport, 2).seconds, >, 0);
    /* A training that has ended is only calibrated again. */
    g_autoptr(Model) finished = fit(&spec, &going_on, resumed);
    g_assert_cmpstr(whole, ==, resumed);
    g_assert_cmpfloat(g_array_index(model_history(finished), EpochReport, 3).seconds, ==, 0);
    g_unlink(checkpoint);
    model_spec_clear(&spec);
}

static void test_a_checkpoint_of_another_training_is_not_used(void)
{
    ModelSpec spec = tiny_spec();
    g_autofree char *checkpoint = file_in_folder("checkpoint.safetensors");
    FitOptions with = {.threads = 2, .checkpoint = checkpoint}, without = {.threads = 2};
    char fresh[65], sha256[65];
    spec.epochs = 1;
    g_autoptr(Model) other = fit(&spec, &with, sha256);
    spec.learning_rate *= 0.5;
    g_autoptr(Model) a = fit(&spec, &without, fresh);
    g_autoptr(Model) b = fit(&spec, &with, sha256);
    g_assert_cmpstr(fresh, ==, sha256);
    normals.first = 5000; /* other tiles, same settings */
    g_autoptr(Model) c = fit(&spec, &without, fresh);
    g_autoptr(Model) d = fit(&spec, &with, sha256);
    normals.first = 0;
    g_assert_cmpstr(fresh, ==, sha256);
    g_assert_true(g_file_set_contents(checkpoint, "not a checkpoint", -1, NULL));
    g_autoptr(Model) e = fit(&spec, &with, sha256);
    g_autoptr(Model) f = fit(&spec, &without, fresh);
    g_assert_cmpstr(fresh, ==, sha256);
    g_unlink(checkpoint);
    model_spec_clear(&spec);
}

static void test_early_stopping_keeps_the_best_epoch(void)
{
    ModelSpec spec = tiny_spec();
    FitOptions options = {.threads = 2};
    char sha256[65];
    spec.epochs = 60;
    spec.patience = 3;
    spec.learning_rate = 0.02; /* too fast, so that the hold-out loss soon rises */
    g_autoptr(Model) model = fit(&spec, &options, sha256);
    const GArray *history = model_history(model);
    guint best = 0;
    for (guint i = 1; i < history->len; i++) {
        if (g_array_index(history, EpochReport, i).holdout_nll <
            g_array_index(history, EpochReport, best).holdout_nll) {
            best = i;
        }
    }
    g_assert_cmpuint(history->len, <, 60);
    g_assert_cmpuint(history->len, ==, best + 1 + 3);
    /* The scores of the held-out tiles come from that epoch. */
    double nll = model_calibration(model)->mean[3];
    g_assert_cmpstr(tile_score_column(3), ==, "nll");
    g_assert_cmpfloat(fabs(nll - g_array_index(history, EpochReport, best).holdout_nll), <, 1e-4);
    model_spec_clear(&spec);
}

/* ---- files ---- */

static void test_saved_and_loaded_scores_the_same(void)
{
    ModelSpec spec = tiny_spec();
    FitOptions options = {.threads = 2};
    char before[65], after[65];
    TileScore a[TEST], b[TEST];
    spec.mpp = 0.5;
    g_autoptr(Model) model = fit(&spec, &options, before);
    g_autofree char *path = file_in_folder("model.safetensors");
    g_autoptr(GError) error = NULL;
    g_autoptr(Model) loaded = model_load(path, NULL, NULL, &error);
    g_assert_no_error(error);
    score_all(model, STRANGE, a, NULL);
    score_all(loaded, STRANGE, b, NULL);
    assert_same_scores(a, b, TEST);
    g_assert_cmpfloat(model_spec(loaded)->mpp, ==, 0.5);
    g_assert_cmpuint(model_history(loaded)->len, ==, 4);
    g_assert_cmpstr(model_tiles_hash(loaded), ==, model_tiles_hash(model));
    g_assert_true(model_save(loaded, path, after, NULL));
    g_assert_cmpstr(before, ==, after);
    model_spec_clear(&spec);
}

/* Replaces the first `from` in a copy of the bundle by `to` of the same length; loading must fail and say `says`. */
static void refused(const char *bytes, gsize length, const char *from, const char *to, const char *says)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = file_in_folder("changed.safetensors");
    g_autofree char *copy = g_memdup2(bytes, length);
    g_assert_cmpuint(strlen(from), ==, strlen(to));
    char *at = memmem(copy, length, from, strlen(from));
    g_assert_nonnull(at);
    memcpy(at, to, strlen(to));
    g_assert_true(g_file_set_contents(path, copy, (gssize)length, NULL));
    g_assert_null(model_load(path, NULL, NULL, &error));
    g_test_message("%s", error->message);
    g_assert_nonnull(strstr(error->message, says));
    g_assert_nonnull(strstr(error->message, "changed.safetensors"));
}

static void test_changed_bundles_are_refused(void)
{
    ModelSpec spec = tiny_spec();
    FitOptions options = {.threads = 2};
    char sha256[65];
    spec.epochs = 1;
    g_autoptr(Model) model = fit(&spec, &options, sha256);
    g_autofree char *path = file_in_folder("model.safetensors");
    g_autofree char *bytes = NULL;
    gsize length;
    g_assert_true(g_file_get_contents(path, &bytes, &length, NULL));
    g_assert_nonnull(memmem(bytes, length, "For research use only", 21));
    refused(bytes, length, "wsiflow-model 4", "wsiflow-model 9", "not a model of this version");
    refused(bytes, length, "clamp_new", "clamp_gnu", "unknown key \"clamp_gnu\"");
    refused(bytes, length, "\\\"se\\\":true", "\\\"se\\\":1234", "\"se\"");
    refused(bytes, length, "\\\"se\\\":true", "\\\"se\\\":null", "\"se\"");
    refused(bytes, length, "\\\"pad\\\":\\\"reflect", "\\\"pad\\\":\\\"refract", "\"pad\"");
    refused(bytes, length, "\\\"batch\\\":8", "\\\"batch\\\":7", "batch");
    refused(bytes, length, "\\\"history\\\"", "\\\"mystery\\\"", "parts");
    refused(bytes, length, "\"flow0.", "\"flow9.", "flow0.");
    refused(bytes, length, "\\\"blocks\\\":[2,2,2]", "\\\"blocks\\\":[2,2,1]", "");
    refused(bytes, length, "\\\"blocks\\\":[2,2,2]", "\\\"blocks\\\":[2,2,3]", "");
    char hash[65];
    const char *own = strstr(memmem(bytes, length, "extractor_sha256", 16), ":") + 3;
    g_strlcpy(hash, own, sizeof hash);
    hash[0] = hash[0] == '0' ? '1' : '0';
    g_autofree char *right = g_strndup(own, 64);
    refused(bytes, length, right, hash, hash);
    refused(bytes, length, right, hash, right);
    const float nan = NAN;
    memcpy(bytes + length - sizeof nan, &nan, sizeof nan);
    refused(bytes, length, "reflect", "reflect", "finite");
    model_spec_clear(&spec);
}

/* ---- what can be wrong ---- */

static void assert_spec_refused(const ModelSpec *spec, const char *says)
{
    FitOptions options = {.threads = 1};
    TileSet tiles = train_set();
    g_autoptr(GError) error = NULL;
    g_assert_null(model_fit(spec, &tiles, &options, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, says));
}

static void test_wrong_specifications_are_refused(void)
{
    ModelSpec good = tiny_spec(), spec = good;
    spec.tile_size = 50;
    assert_spec_refused(&spec, "tile_size");
    spec = good;
    spec.batch = 9;
    assert_spec_refused(&spec, "batch");
    spec = good;
    spec.learning_rate = NAN;
    assert_spec_refused(&spec, "learning_rate");
    spec = good;
    spec.holdout = 0;
    assert_spec_refused(&spec, "holdout");
    spec = good;
    spec.clip = -1;
    assert_spec_refused(&spec, "clip");
    spec = good;
    spec.kernels = "magic";
    assert_spec_refused(&spec, "magic");
    spec = good;
    spec.extractor.name = (char *)"telescope";
    assert_spec_refused(&spec, "telescope");
    spec = good;
    spec.flow.alpha = -1;
    assert_spec_refused(&spec, "alpha");
    model_spec_clear(&good);
}

static void test_unreadable_tiles_end_the_training(void)
{
    ModelSpec spec = tiny_spec();
    Textures textures = {NORMAL, 0, 17};
    TileSet tiles = {.count = TRAIN, .read = read_texture, .data = &textures}, one = tiles;
    FitOptions options = {.threads = 2};
    g_autoptr(GError) error = NULL, few = NULL;
    one.count = 1;
    g_assert_null(model_fit(&spec, &tiles, &options, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_IO);
    g_assert_cmpstr(error->message, ==, "tile 17 cannot be read");
    g_assert_null(model_fit(&spec, &one, &options, &few));
    g_assert_error(few, WSI_ERROR, WSI_ERROR_INPUT);
    model_spec_clear(&spec);
}

/* Fewer tiles than a batch: they repeat. */
static void test_two_tiles_are_enough(void)
{
    ModelSpec spec = tiny_spec();
    TileSet tiles = {.count = 2, .read = read_texture, .data = &normals};
    FitOptions options = {.threads = 2};
    g_autoptr(GError) error = NULL;
    TileScore scores[TEST];
    g_autoptr(Model) model = model_fit(&spec, &tiles, &options, &error);
    g_assert_no_error(error);
    g_assert_cmpint(model_calibration(model)->tiles, ==, 1);
    score_all(model, NORMAL, scores, NULL);
    g_assert_true(isfinite(scores[0].score) && isfinite(scores[0].absolute));
    model_spec_clear(&spec);
}

/* With groups whole slides are held out, and they are part of what a model is trained on. */
static void test_slides_are_held_out(void)
{
    ModelSpec spec = tiny_spec();
    const char *group[TRAIN];
    TileSet tiles = {.count = TRAIN, .read = read_texture, .data = &normals, .group = group};
    FitOptions options = {.threads = 2};
    g_autoptr(GError) error = NULL;
    spec.epochs = 1;
    for (int i = 0; i < TRAIN; i++) {
        group[i] = i % 4 ? "large" : "small"; /* 60 and 20 tiles; 24 are requested */
    }
    g_autoptr(Model) model = model_fit(&spec, &tiles, &options, &error);
    g_assert_no_error(error);
    g_assert_cmpint(model_calibration(model)->tiles, ==, 20);
    tiles.group = NULL;
    g_autoptr(Model) single = model_fit(&spec, &tiles, &options, &error);
    g_assert_no_error(error);
    g_assert_cmpint(model_calibration(single)->tiles, ==, 24);
    g_assert_cmpstr(model_tiles_hash(model), !=, model_tiles_hash(single));
    model_spec_clear(&spec);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("wsiflow-model-XXXXXX", NULL);
    g_test_add_data_func("/model/strange/glow", GINT_TO_POINTER(STEP_GLOW), test_finds_a_strange_texture);
    g_test_add_data_func("/model/strange/aio", GINT_TO_POINTER(STEP_AIO), test_finds_a_strange_texture);
    g_test_add_func("/model/where", test_maps_show_where);
    g_test_add_func("/model/calibration", test_calibration_centres_normals);
    g_test_add_func("/model/neighbours", test_scores_do_not_depend_on_neighbours);
    g_test_add_func("/model/same_bytes", test_same_bytes_whatever_threads_and_memory);
    g_test_add_func("/model/resumed", test_stopped_and_resumed_gives_the_same_bytes);
    g_test_add_func("/model/other_checkpoint", test_a_checkpoint_of_another_training_is_not_used);
    g_test_add_func("/model/early_stopping", test_early_stopping_keeps_the_best_epoch);
    g_test_add_func("/model/loaded", test_saved_and_loaded_scores_the_same);
    g_test_add_func("/model/changed_bundles", test_changed_bundles_are_refused);
    g_test_add_func("/model/wrong_specification", test_wrong_specifications_are_refused);
    g_test_add_func("/model/two_tiles", test_two_tiles_are_enough);
    g_test_add_func("/model/slides", test_slides_are_held_out);
    g_test_add_func("/model/unreadable", test_unreadable_tiles_end_the_training);
    int status = g_test_run();
    const char *const left[] = {"model.safetensors", "changed.safetensors", "checkpoint.safetensors"};
    for (guint i = 0; i < G_N_ELEMENTS(left); i++) {
        g_autofree char *path = file_in_folder(left[i]);
        g_unlink(path);
    }
    g_rmdir(folder);
    g_free(folder);
    return status;
}
