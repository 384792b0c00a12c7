/* Extractors: ResNets agree with torch, and the scattering measures what it says. */
#include "flows/extractors/extractor_private.h"
#include "flows/files/safetensors.h"
#include "base/error.h"
#include "base/rng.h"
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

static double largest_difference(const real *a, const real *b, size_t count)
{
    double worst = 0;
    for (size_t i = 0; i < count; i++) {
        double d = fabs((double)a[i] - b[i]);
        worst = d > worst || isnan(d) ? d : worst;
    }
    return worst;
}

/* ---- ResNets against torch ---- */

static const ResnetShape tiny_basic = {4, {1, 2, 1}, 2, 4, 1}, tiny_bottleneck = {4, {1, 1, 1}, 3, 8, 4};

typedef struct {
    const char *file;
    const ResnetShape *shape;
} Golden;
static const Golden goldens[] = {
    {"basic_bn", &tiny_basic},
    {"basic_folded", &tiny_basic},
    {"bottleneck_bn", &tiny_bottleneck},
    {"bottleneck_folded", &tiny_bottleneck},
};

static void check_golden(const Golden *golden, PadMode pad, const Kernels *kernels)
{
    g_autofree char *path = g_strdup_printf("tests/golden/resnet/%s.safetensors", golden->file);
    g_autoptr(GError) error = NULL;
    g_autoptr(Safetensors) file = safetensors_read(path, &error);
    g_assert_no_error(error);
    ExtractorKind kind = resnet_kind("tiny", golden->shape);
    ExtractorSpec spec = {.name = (char *)"tiny", .weights = path, .pad = pad};
    g_autoptr(Extractor) extractor = extractor_new_kind(&kind, &spec, &error);
    g_assert_no_error(error);
    ExtractorRun *run = extractor_run_new(extractor, kernels, 2, 32, &error);
    g_assert_no_error(error);
    const real *maps[SCALES];
    int channels[SCALES];
    extractor_channels(extractor, channels);
    extractor_run_normalised(run, safetensors_get(file, "input")->values, maps);
    for (int l = 0; l < SCALES; l++) {
        g_autofree char *name = g_strdup_printf("%s.layer%d", pad == PAD_ZERO ? "zero" : "reflect", l + 1);
        const int64_t shape[4] = {2, 8 >> l, 8 >> l, channels[l]};
        const Tensor *expected = safetensors_need(file, name, 4, shape, &error);
        g_assert_no_error(error);
        g_assert_cmpfloat(largest_difference(maps[l], expected->values, (size_t)expected->count), <, 1e-4);
    }
    extractor_run_free(run);
}

static void test_golden(gconstpointer data)
{
    const char *const entries[] = {"reference", "onednn"};
    for (size_t k = 0; k < G_N_ELEMENTS(entries); k++) {
        if (kernels_get(entries[k])) {
            check_golden(data, PAD_ZERO, kernels_get(entries[k]));
            check_golden(data, PAD_REFLECT, kernels_get(entries[k]));
        }
    }
}

/* ImageNet's ResNet-18, and the outputs of its stages from another implementation (C,H,W, zero padding). */
#define NPY_SIZE 224

static float *read_npy(const char *folder, const char *name, size_t count)
{
    g_autofree char *file = g_strdup_printf("ref_resnet18_lungn1_%s.npy", name);
    g_autofree char *path = g_build_filename(folder, "weights", file, NULL);
    g_autofree char *bytes = NULL;
    gsize length;
    g_assert_true(g_file_get_contents(path, &bytes, &length, NULL));
    g_assert_cmpmem(bytes, 8, "\x93NUMPY\x01\x00", 8);
    gsize header = 10 + (guint8)bytes[8] + 256 * (gsize)(guint8)bytes[9];
    g_assert_nonnull(g_strstr_len(bytes + 10, (gssize)header - 10, "'<f4', 'fortran_order': False"));
    g_assert_cmpuint(length, ==, header + count * sizeof(float));
    return g_memdup2(bytes + header, count * sizeof(float));
}

/* C,H,W -> H,W,C */
static real *channels_last(const float *planar, int channels, int pixels)
{
    real *out = g_new(real, (size_t)channels * pixels);
    for (int c = 0; c < channels; c++) {
        for (int p = 0; p < pixels; p++) {
            out[(size_t)p * channels + c] = planar[(size_t)c * pixels + p];
        }
    }
    return out;
}

static void test_imagenet_resnet18(void)
{
    const char *folder = g_getenv("WSIFLOW_TEST_DATA");
    if (!folder) {
        g_test_skip("WSIFLOW_TEST_DATA is not set: ResNet-18 with ImageNet weights was not compared");
        return;
    }
    g_autofree char *weights = g_build_filename(
        folder, "weights", "resnet18_imagenet1k_v1_bnfolded_conv1_to_layer3.safetensors", NULL);
    ExtractorSpec spec = {.name = (char *)"resnet18", .weights = weights, .pad = PAD_ZERO};
    g_autoptr(GError) error = NULL;
    g_autoptr(Extractor) extractor = extractor_new(&spec, &error);
    g_assert_no_error(error);
    ExtractorRun *run = extractor_run_new(extractor, kernels_get(NULL), 1, NPY_SIZE, &error);
    g_assert_no_error(error);
    g_autofree float *planar = read_npy(folder, "input", 3 * NPY_SIZE * NPY_SIZE);
    g_autofree real *x = channels_last(planar, 3, NPY_SIZE * NPY_SIZE);
    const real *maps[SCALES];
    extractor_run_normalised(run, x, maps);
    for (int l = 0; l < SCALES; l++) {
        int side = NPY_SIZE / 4 >> l, channels = 64 << l;
        g_autofree char *name = g_strdup_printf("layer%d", l + 1);
        g_autofree float *stage = read_npy(folder, name, (size_t)channels * side * side);
        g_autofree real *expected = channels_last(stage, channels, side * side);
        g_assert_cmpfloat(largest_difference(maps[l], expected, (size_t)channels * side * side), <, 1e-4);
    }
    extractor_run_free(run);
}

/* Bytes become (byte / 255 - mean) / deviation of ImageNet. */
static void test_bytes(void)
{
    g_autofree char *path = g_strdup("tests/golden/resnet/basic_bn.safetensors");
    ExtractorKind kind = resnet_kind("tiny", &tiny_basic);
    ExtractorSpec spec = {.name = (char *)"tiny", .weights = path};
    g_autoptr(GError) error = NULL;
    g_autoptr(Extractor) extractor = extractor_new_kind(&kind, &spec, &error);
    ExtractorRun *run = extractor_run_new(extractor, kernels_get("reference"), 1, 32, &error);
    g_assert_no_error(error);
    uint8_t rgb[32 * 32 * 3];
    real x[32 * 32 * 3];
    const double mean[3] = {0.485, 0.456, 0.406}, deviation[3] = {0.229, 0.224, 0.225};
    for (int i = 0; i < 32 * 32 * 3; i++) {
        rgb[i] = (uint8_t)(i * 37);
        x[i] = (real)((rgb[i] / 255.0 - mean[i % 3]) / deviation[i % 3]);
    }
    const real *maps[SCALES];
    extractor_run_normalised(run, x, maps);
    g_autofree real *expected = g_memdup2(maps[2], sizeof(real) * 2 * 2 * 16);
    extractor_run(run, rgb, maps);
    g_assert_cmpmem(maps[2], sizeof(real) * 2 * 2 * 16, expected, sizeof(real) * 2 * 2 * 16);
    extractor_run_free(run);
}

/* ---- the scattering ---- */

static double uniform_noise(uint64_t seed, int i)
{
    Rng rng = rng_at(seed, (uint64_t)i, 0);
    return rng_uniform(&rng);
}

typedef double (*Texture)(double x, double y);

/* Unit density of haematoxylin in R, G, B (Ruifrok & Johnston). */
static double haematoxylin(int channel)
{
    const double vector[3] = {0.650, 0.704, 0.286};
    return vector[channel] / sqrt(0.650 * 0.650 + 0.704 * 0.704 + 0.286 * 0.286);
}

/* A tile of haematoxylin of density texture(x, y). */
static void paint(uint8_t *rgb, int size, Texture texture)
{
    for (int i = 0; i < size * size; i++) {
        double density = texture((double)(i % size), (double)(i / size));
        for (int c = 0; c < 3; c++) {
            rgb[3 * i + c] = (uint8_t)lround(CLAMP(256 * pow(10, -density * haematoxylin(c)) - 1, 0, 255));
        }
    }
}

typedef struct {
    Extractor *extractor;
    ExtractorRun *run;
    int channels[SCALES];
} Scatter;

static void scatter_begin(Scatter *s, int batch, int size)
{
    g_autoptr(GError) error = NULL;
    ExtractorSpec spec = {.name = (char *)"scattering"};
    s->extractor = extractor_new(&spec, &error);
    g_assert_no_error(error);
    s->run = extractor_run_new(s->extractor, kernels_get(NULL), batch, size, &error);
    g_assert_no_error(error);
    extractor_channels(s->extractor, s->channels);
}

static void scatter_end(Scatter *s)
{
    extractor_run_free(s->run);
    extractor_free(s->extractor);
}

/* Mean over the coarsest map of feature `feature` of haematoxylin. */
static double coarse_mean(Scatter *s, const uint8_t *rgb, int size, int feature)
{
    const real *maps[SCALES];
    extractor_run(s->run, rgb, maps);
    int pixels = (size / 16) * (size / 16);
    double sum = 0;
    for (int i = 0; i < pixels; i++) {
        sum += maps[2][(size_t)i * s->channels[2] + feature];
    }
    return sum / pixels;
}

/* Features of a stain at the coarsest scale: low-pass, then by octave mean and harmonic of two voices, positive, negative. */
static int mean_feature(int octave, int voice)
{
    return 1 + 6 * octave + 2 * voice;
}

static double flat(double x, double y)
{
    return 0.4;
}

static double strong(double x, double y)
{
    return 0.8;
}

static double half(double x, double y)
{
    return 0.5;
}

static double wave_5(double x, double y)
{
    return 0.4 + 0.1 * sin(2 * G_PI * x / 5.3);
}

static double wave_21(double x, double y)
{
    return 0.4 + 0.1 * sin(2 * G_PI * x / 21.3);
}

static double wave_40(double x, double y)
{
    return 0.4 + 0.1 * sin(2 * G_PI * x / 40);
}

static double wave_21_turned(double x, double y)
{
    return 0.4 + 0.1 * sin(2 * G_PI * (x * 0.6 + y * 0.8) / 21.3);
}

static double spots(double x, double y)
{
    double dx = fmod(x, 16) - 8, dy = fmod(y, 16) - 8;
    return 0.2 + 0.4 * exp(-(dx * dx + dy * dy) / 12);
}

static double holes(double x, double y)
{
    return 0.8 - spots(x, y);
}

static double isotropic_noise(double x, double y)
{
    return 0.3 + 0.2 * uniform_noise(1, (int)y * 4096 + (int)x);
}

/* Noise whose strength varies between patches of 32 px. */
static double patchy_noise(double x, double y)
{
    double strength = ((int)x / 32 + (int)y / 32) % 2 ? 0.35 : 0.05;
    return 0.3 + strength * uniform_noise(1, (int)y * 4096 + (int)x);
}

#define TILE 256

static void test_size_selectivity(void)
{
    Scatter s;
    scatter_begin(&s, 1, TILE);
    g_autofree uint8_t *rgb = g_malloc((gsize)TILE * TILE * 3);
    const Texture waves[2] = {wave_5, wave_40};
    const int octaves[2] = {0, 3};
    for (int w = 0; w < 2; w++) {
        paint(rgb, TILE, waves[w]);
        double at_own = coarse_mean(&s, rgb, TILE, mean_feature(octaves[w], 1));
        double at_other = coarse_mean(&s, rgb, TILE, mean_feature(octaves[!w], 1));
        g_assert_cmpfloat(at_own, >, at_other + 0.5);
    }
    paint(rgb, TILE, flat);
    for (int o = 0; o < 4; o++) { /* no texture: nothing */
        g_assert_cmpfloat(coarse_mean(&s, rgb, TILE, mean_feature(o, 0)), <, 1e-3);
    }
    scatter_end(&s);
}

static void test_orientation(void)
{
    Scatter s;
    scatter_begin(&s, 1, TILE);
    g_autofree uint8_t *rgb = g_malloc((gsize)TILE * TILE * 3);
    int mean = mean_feature(3, 0), harmonic = mean + 1;
    paint(rgb, TILE, wave_21);
    double mean_0 = coarse_mean(&s, rgb, TILE, mean), harmonic_0 = coarse_mean(&s, rgb, TILE, harmonic);
    paint(rgb, TILE, wave_21_turned);
    double mean_turned = coarse_mean(&s, rgb, TILE, mean),
           harmonic_turned = coarse_mean(&s, rgb, TILE, harmonic);
    g_assert_cmpfloat(fabs(mean_0 - mean_turned), <, 0.1 * mean_0); /* rotation changes little */
    g_assert_cmpfloat(fabs(harmonic_0 - harmonic_turned), <, 0.15 * harmonic_0);
    paint(rgb, TILE, spots);
    double aligned = harmonic_0 / mean_0;
    double round = coarse_mean(&s, rgb, TILE, harmonic) / coarse_mean(&s, rgb, TILE, mean);
    g_assert_cmpfloat(round, <, 0.6 * aligned);
    scatter_end(&s);
}

/* Largest value of a feature of haematoxylin at the finest scale. */
static double fine_maximum(const real *map, int channels, int pixels, int feature)
{
    double best = 0;
    for (int p = 0; p < pixels; p++) {
        best = MAX(best, map[(size_t)p * channels + feature]);
    }
    return best;
}

static void test_sign(void)
{
    Scatter s;
    scatter_begin(&s, 1, TILE);
    g_autofree uint8_t *rgb = g_malloc((gsize)TILE * TILE * 3);
    int positive = mean_feature(2, 0) + 4, negative = positive + 1, pixels = (TILE / 4) * (TILE / 4);
    const Texture both[2] = {spots, holes};
    double peaks[2];
    for (int i = 0; i < 2; i++) { /* a spot rises more than its surroundings fall */
        paint(rgb, TILE, both[i]);
        const real *maps[SCALES];
        extractor_run(s.run, rgb, maps);
        peaks[i] = fine_maximum(maps[0], s.channels[0], pixels, positive) -
                   fine_maximum(maps[0], s.channels[0], pixels, negative);
    }
    g_assert_cmpfloat(peaks[0], >, 0.2);
    g_assert_cmpfloat(peaks[1], <, -0.2);
    scatter_end(&s);
}

static void test_second_order(void)
{
    Scatter s;
    scatter_begin(&s, 1, TILE);
    g_autofree uint8_t *rgb = g_malloc((gsize)TILE * TILE * 3);
    int path_0_3 = 1 + 4 * 6 + 1; /* paths: 0->2, 0->3, 1->2, 1->3, 2->3 */
    paint(rgb, TILE, isotropic_noise);
    double even = coarse_mean(&s, rgb, TILE, path_0_3);
    paint(rgb, TILE, patchy_noise);
    double clustered = coarse_mean(&s, rgb, TILE, path_0_3);
    g_assert_cmpfloat(clustered, >, 1.5 * even);
    scatter_end(&s);
}

/* The low-pass is the density in units of the typical density of the tile (0.4), whatever the strength of the stain. */
static void test_low_pass_is_density(void)
{
    Scatter s;
    scatter_begin(&s, 1, 64);
    g_autofree uint8_t *rgb = g_malloc(64 * 64 * 3);
    const Texture strengths[] = {half, strong};
    for (size_t i = 0; i < G_N_ELEMENTS(strengths); i++) {
        paint(
            rgb, 64,
            strengths
                [i]); /* stain 0 has the density, the others almost none: the density of glass is subtracted from each colour */
        const real *maps[SCALES];
        extractor_run(s.run, rgb, maps);
        for (int l = 0; l < SCALES; l++) {
            int features = s.channels[l] / 3;
            g_assert_cmpfloat(fabs(maps[l][0] - 0.4), <, 0.01);
            g_assert_cmpfloat(fabs(maps[l][features]), <, 0.1);
            g_assert_cmpfloat(fabs(maps[l][2 * features]), <, 0.1);
        }
    }
    scatter_end(&s);
}

static double glass(double x, double y)
{
    return 0.03 + 0.01 * sin(x) * sin(y);
}

static double strong_spots(double x, double y)
{
    return 1.5 * spots(x, y);
}

/* The strength of the stain changes the features little, and dirt on glass not at all. */
static void test_stain_strength(void)
{
    Scatter s;
    scatter_begin(&s, 1, TILE);
    g_autofree uint8_t *rgb = g_malloc((gsize)TILE * TILE * 3);
    int features = s.channels[SCALES - 1] / 3;
    g_autofree double *weak = g_new(double, features);
    paint(rgb, TILE, spots);
    for (int f = 0; f < features; f++) {
        weak[f] = coarse_mean(&s, rgb, TILE, f);
    }
    paint(rgb, TILE, strong_spots);
    for (int f = 0; f < features; f++) {
        g_assert_cmpfloat(fabs(coarse_mean(&s, rgb, TILE, f) - weak[f]), <, 0.03 + 0.1 * fabs(weak[f]));
    }
    paint(rgb, TILE, glass);
    for (int f = 0; f < s.channels[SCALES - 1]; f++) {
        g_assert_cmpfloat(fabs(coarse_mean(&s, rgb, TILE, f)), <, 1e-6);
    }
    scatter_end(&s);
}

/* The features of a tile do not depend on the rest of the batch; they are finite at every size; both kernels agree. */
static void test_scattering_batch(void)
{
    const int sizes[] = {32, 48, 80};
    for (size_t k = 0; k < G_N_ELEMENTS(sizes); k++) {
        int size = sizes[k];
        gsize bytes = (gsize)size * size * 3;
        Scatter three, one;
        scatter_begin(&three, 3, size);
        scatter_begin(&one, 1, size);
        extractor_run_free(one.run);
        one.run = extractor_run_new(one.extractor, kernels_get("reference"), 1, size, NULL);
        g_autofree uint8_t *rgb = g_malloc(3 * bytes);
        for (gsize i = 0; i < 3 * bytes; i++) {
            rgb[i] = (uint8_t)(256 * uniform_noise(2, (int)i));
        }
        const real *all[SCALES], *single[SCALES];
        extractor_run(three.run, rgb, all);
        extractor_run(one.run, rgb + bytes, single);
        for (int l = 0; l < SCALES; l++) {
            size_t count = (size_t)(size >> (l + 2)) * (size >> (l + 2)) * one.channels[l];
            g_assert_cmpfloat(largest_difference(all[l] + count, single[l], count), <, 2e-4);
        }
        scatter_end(&three);
        scatter_end(&one);
    }
}

/* ---- the table ---- */

static void test_table(void)
{
    g_assert_nonnull(strstr(extractor_names(), "resnet18"));
    Scatter s;
    scatter_begin(&s, 1, 32);
    g_assert_cmpuint(strlen(extractor_hash(s.extractor)), ==, 64);
    for (int l = 0; l < SCALES; l++) { /* flows split channels into halves */
        g_assert_cmpint(s.channels[l] % 2, ==, 0);
        g_assert_cmpint(s.channels[l], >=, 48);
        g_assert_cmpint(s.channels[l], <=, 128);
    }
    scatter_end(&s);
}

static void expect_refusal(const ExtractorSpec *spec, const char *says)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(extractor_new(spec, &error));
    g_assert_nonnull(error);
    if (!strstr(error->message, says)) {
        g_error("\"%s\" does not say \"%s\"", error->message, says);
    }
}

static void test_refusals(void)
{
    expect_refusal(&(ExtractorSpec){.name = (char *)"vgg16"}, "there are: scattering");
    expect_refusal(&(ExtractorSpec){.name = NULL}, "there are: ");
    expect_refusal(&(ExtractorSpec){.name = (char *)"resnet18"}, "needs a file of weights");
    expect_refusal(&(ExtractorSpec){.name = (char *)"resnet18", .weights = (char *)"absent.safetensors"},
                   "absent");
    /* A file of another network: the message names file, tensor and both shapes. */
    char *other = (char *)"tests/golden/resnet/basic_bn.safetensors";
    expect_refusal(&(ExtractorSpec){.name = (char *)"resnet18", .weights = other}, "conv1.weight");
    expect_refusal(&(ExtractorSpec){.name = (char *)"resnet18", .weights = other}, "[64, 3, 7, 7]");
    Scatter s;
    scatter_begin(&s, 1, 32);
    const int bad[][2] = {{1, 16}, {1, 40}, {0, 32}, {1, 1 << 20}, {1 << 20, 32}, {-1, 32}};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(extractor_run_new(s.extractor, kernels_get(NULL), bad[i][0], bad[i][1], &error));
        g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    }
    scatter_end(&s);
}

/* A convolution with neither bias nor BatchNorm, and a BatchNorm with a negative variance. */
static void test_bad_weights(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Safetensors) good = safetensors_read("tests/golden/resnet/basic_bn.safetensors", &error);
    g_assert_no_error(error);
    g_autofree char *path =
        g_strdup_printf("%s/wsiflow-bad-weights-%d.safetensors", g_get_tmp_dir(), (int)getpid());
    ExtractorKind kind = resnet_kind("tiny", &tiny_basic);
    ExtractorSpec spec = {.name = (char *)"tiny", .weights = path};
    for (int what = 0; what < 2; what++) {
        g_autoptr(SafetensorsWriter) writer = safetensors_writer_new();
        const real negative[4] = {1, -1, 1, 1};
        for (int i = 0; i < safetensors_count(good); i++) {
            const Tensor *t = safetensors_at(good, i);
            gboolean drop = what == 0 && g_str_has_prefix(t->name, "bn1.");
            gboolean spoil = what == 1 && g_str_equal(t->name, "bn1.running_var");
            if (!drop) {
                safetensors_writer_add(writer, t->name, t->rank, t->shape, spoil ? negative : t->values);
            }
        }
        g_assert_true(safetensors_writer_commit(writer, path, NULL, &error));
        g_assert_null(extractor_new_kind(&kind, &spec, &error));
        g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
        g_assert_nonnull(strstr(error->message, "bn1"));
        g_clear_error(&error);
    }
    g_unlink(path);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(goldens); i++) {
        g_autofree char *name = g_strdup_printf("/extractor/torch/%s", goldens[i].file);
        g_test_add_data_func(name, &goldens[i], test_golden);
    }
    g_test_add_func("/extractor/imagenet-resnet18", test_imagenet_resnet18);
    g_test_add_func("/extractor/bytes", test_bytes);
    g_test_add_func("/extractor/scattering/size-selectivity", test_size_selectivity);
    g_test_add_func("/extractor/scattering/orientation", test_orientation);
    g_test_add_func("/extractor/scattering/sign", test_sign);
    g_test_add_func("/extractor/scattering/second-order", test_second_order);
    g_test_add_func("/extractor/scattering/low-pass-is-density", test_low_pass_is_density);
    g_test_add_func("/extractor/scattering/stain-strength", test_stain_strength);
    g_test_add_func("/extractor/scattering/batch", test_scattering_batch);
    g_test_add_func("/extractor/table", test_table);
    g_test_add_func("/extractor/refusals", test_refusals);
    g_test_add_func("/extractor/bad-weights", test_bad_weights);
    return g_test_run();
}
