/* Trainings that also train the feature pyramid: what they report, what they keep, and that a collapse ends them. */
#include "flows/models/model.h"
#include "flows/training/fit.h"
#include "base/error.h"
#include "base/rng.h"
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#define SIZE 64
#define TILES 40

/* Waves of random direction and phase, each colour with its own; anomalies (the last tiles of a labelled set) are twice as fine. */
static gboolean read_tile(void *data, int64_t index, uint8_t *rgb, GError **error)
{
    const uint8_t *anomaly = data;
    double fine = anomaly && anomaly[index] ? 2 : 1;
    Rng rng = rng_at(5, (uint64_t)index, 0);
    double kx[12], ky[12], phase[12];
    for (int w = 0; w < 12; w++) {
        double angle = 2 * G_PI * rng_uniform(&rng), wave = fine * (0.3 + 0.3 * rng_uniform(&rng));
        kx[w] = wave * cos(angle);
        ky[w] = wave * sin(angle);
        phase[w] = 2 * G_PI * rng_uniform(&rng);
    }
    for (int i = 0; i < SIZE * SIZE * 3; i++) {
        double sum = 0;
        for (int w = i % 3; w < 12; w += 3 - (w % 2)) {
            sum += cos(kx[w] * (i / 3 % SIZE) + ky[w] * (i / 3 / SIZE) + phase[w]);
        }
        rgb[i] = (uint8_t)CLAMP(150 + 15 * sum + 4 * rng_uniform(&rng), 0, 255);
    }
    return TRUE;
}

static const TileSet normals = {.count = TILES, .read = read_tile};

static ModelSpec tiny_spec(FpnKind fpn)
{
    ModelSpec spec;
    model_spec_default(&spec, "scattering");
    spec.tile_size = SIZE;
    spec.flow.blocks[0] = spec.flow.blocks[1] = spec.flow.blocks[2] = 1;
    spec.flow.fpn = fpn;
    spec.flow.fpn_width = 6;
    spec.flow.condition = 8;
    spec.epochs = 3;
    spec.fpn_epochs = 2;
    spec.holdout = 0.3;
    return spec;
}

static Model *fit(const ModelSpec *spec, const TileSet *tiles, int threads, char sha256[65])
{
    g_autoptr(GError) error = NULL;
    FitOptions options = {.threads = threads};
    Model *model = model_fit(spec, tiles, &options, &error);
    g_assert_no_error(error);
    g_autofree char *path = g_strdup_printf("%s/wsiflow-fpn-%u.safetensors", g_get_tmp_dir(), g_random_int());
    g_assert_true(model_save(model, path, sha256, NULL));
    g_autoptr(Model) loaded = model_load(path, NULL, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpint(model_spec(loaded)->flow.fpn, ==, spec->flow.fpn);
    g_unlink(path);
    return model;
}

static const EpochReport *epoch_of(const Model *model, guint i)
{
    return &g_array_index(model_history(model), EpochReport, i);
}

/* Every epoch reports the state of each level; training moves it a little, and the laterals stay an isometry. */
static void test_orthogonal_is_reported_each_epoch(void)
{
    ModelSpec spec = tiny_spec(FPN_ORTHOGONAL);
    char sha256[65], other[65];
    g_autoptr(Model) model = fit(&spec, &normals, 1, sha256);
    g_autoptr(Model) threads = fit(&spec, &normals, 2, other);
    g_assert_cmpstr(sha256, ==, other);
    g_assert_cmpuint(model_history(model)->len, ==, 3);
    for (guint i = 0; i < 3; i++) {
        const Collapse *c = &epoch_of(model, i)->collapse;
        for (int l = 0; l < SCALES; l++) {
            g_assert_cmpfloat(c->rank[l], >, 1);
            g_assert_cmpfloat(c->rank[l], <=, 6.001);
            g_assert_cmpfloat(c->deviation[l], >, 0.3);
            g_assert_cmpfloat_with_epsilon(c->singular[l], 1, 1e-5);
        }
    }
    g_assert_cmpfloat(epoch_of(model, 0)->collapse.rank[0], !=, epoch_of(model, 2)->collapse.rank[0]);
    model_spec_clear(&spec);
}

static gboolean stop_after_one(void *data, const EpochReport *report)
{
    return report->epoch < 1;
}

/* The state of the start, to which later ones are compared, and the laterals are in the checkpoint. */
static void test_stopped_and_resumed_gives_the_same_bytes(void)
{
    static const FpnKind kinds[] = {FPN_ORTHOGONAL, FPN_TWO_PHASE};
    g_autofree char *checkpoint =
        g_strdup_printf("%s/wsiflow-fpn-%u.checkpoint", g_get_tmp_dir(), g_random_int());
    for (guint k = 0; k < G_N_ELEMENTS(kinds); k++) {
        ModelSpec spec = tiny_spec(kinds[k]);
        FitOptions stopped = {.threads = 2, .checkpoint = checkpoint, .reported = stop_after_one};
        FitOptions going_on = {.threads = 1, .checkpoint = checkpoint};
        char whole[65], resumed[65];
        g_autoptr(GError) error = NULL;
        g_autofree char *path = g_strdup_printf("%s.model", checkpoint);
        g_autoptr(Model) uninterrupted = fit(&spec, &normals, 2, whole);
        g_assert_null(model_fit(&spec, &normals, &stopped, &error));
        g_assert_error(error, WSI_ERROR, WSI_ERROR_CANCELLED);
        g_autoptr(Model) model = model_fit(&spec, &normals, &going_on, NULL);
        g_assert_true(model_save(model, path, resumed, NULL));
        g_assert_cmpstr(whole, ==, resumed);
        g_unlink(path);
        g_unlink(checkpoint);
        model_spec_clear(&spec);
    }
}

static void test_fixed_reports_nothing(void)
{
    ModelSpec spec = tiny_spec(FPN_FIXED);
    char sha256[65];
    spec.epochs = 1;
    g_autoptr(Model) model = fit(&spec, &normals, 2, sha256);
    g_assert_true(isnan(epoch_of(model, 0)->collapse.rank[0]));
    model_spec_clear(&spec);
}

/* In the second phase the pyramid is frozen: its parameters do not move while the flows are trained.  The first phase changed it, and what
 * labels there are change what it learns. */
static void test_two_phase(void)
{
    ModelSpec spec = tiny_spec(FPN_TWO_PHASE), labels = tiny_spec(FPN_TWO_PHASE);
    uint8_t anomaly[TILES] = {0};
    char synthetic[65], threads[65], labelled[65];
    TileSet both = normals;
    memset(anomaly + TILES - 6, 1, 6);
    both.anomaly = anomaly;
    both.data = anomaly;
    g_autoptr(Model) model = fit(&spec, &normals, 1, synthetic);
    g_autoptr(Model) again = fit(&spec, &normals, 3, threads);
    g_assert_cmpstr(synthetic, ==, threads);
    labels.loss.labels = TRUE;
    g_autoptr(Model) taught = fit(&labels, &both, 2, labelled);
    g_assert_cmpfloat(epoch_of(taught, 0)->collapse.singular[0], !=,
                      epoch_of(model, 0)->collapse.singular[0]);
    for (int l = 0; l < SCALES; l++) {
        const Collapse *first = &epoch_of(model, 0)->collapse, *last = &epoch_of(model, 2)->collapse;
        g_assert_cmpfloat(first->rank[l], ==, last->rank[l]);
        g_assert_cmpfloat(first->singular[l], ==, last->singular[l]);
        g_assert_cmpfloat(fabs(first->singular[l] - 1), >, 1e-6);
        g_assert_cmpfloat(first->deviation[l], >, 0.5);
    }
    model_spec_clear(&labels);
    model_spec_clear(&spec);
}

/* A rate that is far too high turns the laterals away from where the features are: the run ends and says why. */
static void test_a_collapse_ends_the_run(void)
{
    static const FpnKind kinds[] = {FPN_ORTHOGONAL, FPN_TWO_PHASE};
    for (guint k = 0; k < G_N_ELEMENTS(kinds); k++) {
        ModelSpec spec = tiny_spec(kinds[k]);
        FitOptions options = {.threads = 2};
        g_autoptr(GError) error = NULL;
        spec.fpn_rate = 3000;
        g_assert_null(model_fit(&spec, &normals, &options, &error));
        g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
        g_test_message("%s", error->message);
        g_assert_nonnull(strstr(error->message, "epoch 1: the feature pyramid collapses"));
        model_spec_clear(&spec);
    }
}

static void test_bad_settings_are_refused(void)
{
    ModelSpec spec = tiny_spec(FPN_ORTHOGONAL);
    FitOptions options = {.threads = 1};
    g_autoptr(GError) rate = NULL, epochs = NULL;
    spec.fpn_rate = NAN;
    g_assert_null(model_fit(&spec, &normals, &options, &rate));
    g_assert_nonnull(strstr(rate->message, "fpn_rate"));
    spec.fpn_rate = 0.01;
    spec.fpn_epochs = 0;
    g_assert_null(model_fit(&spec, &normals, &options, &epochs));
    g_assert_nonnull(strstr(epochs->message, "fpn_epochs"));
    model_spec_clear(&spec);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fpn-training/orthogonal", test_orthogonal_is_reported_each_epoch);
    g_test_add_func("/fpn-training/resumed", test_stopped_and_resumed_gives_the_same_bytes);
    g_test_add_func("/fpn-training/fixed", test_fixed_reports_nothing);
    g_test_add_func("/fpn-training/two-phase", test_two_phase);
    g_test_add_func("/fpn-training/collapse", test_a_collapse_ends_the_run);
    g_test_add_func("/fpn-training/refused", test_bad_settings_are_refused);
    return g_test_run();
}
