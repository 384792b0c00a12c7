/* Stain normalisation against numpy (tools/golden_stain.py), and what it must not do. */
#include "tiler/colour/stain_normalise.h"
#include "tiler/imagefile/imagefile.h"
#include <math.h>
#include <string.h>

#define GOLDEN "tests/golden/stain/"

static Image *read_image(const char *name)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_strconcat(GOLDEN, name, ".png", NULL);
    Image *image = imagefile_read(path, &error);
    g_assert_no_error(error);
    return image;
}

static StainFit fit_to(const Image *rgb, StainMethod method)
{
    StainFit fit;
    g_autoptr(StainSample) sample = stain_sample_new();
    g_assert_true(stain_sample_add(sample, rgb, NULL, 1, NULL));
    g_assert_true(stain_fit(sample, method, &fit, NULL));
    return fit;
}

static void assert_near(const double *got, const double *wanted, int count)
{
    for (int i = 0; i < count; i++) {
        g_assert_cmpfloat_with_epsilon(got[i], wanted[i], 1e-6 * MAX(1, fabs(wanted[i])));
    }
}

static void test_golden(const void *data)
{
    StainMethod method = (StainMethod)GPOINTER_TO_INT(data);
    const char *name = stain_method_name(method);
    g_autofree char *path = g_strconcat(GOLDEN, name, ".json", NULL);
    json_t *golden = json_load_file(path, 0, NULL);
    g_autoptr(Image) source = read_image("source"), target = read_image("target"), wanted = read_image(name);
    StainFit fits[2] = {fit_to(source, method), fit_to(target, method)};
    for (int i = 0; i < 2; i++) {
        StainFit known;
        g_assert_true(stain_fit_parse(json_object_get(golden, i ? "target" : "source"), path, &known, NULL));
        g_assert_cmpint(fits[i].method, ==, method);
        assert_near(fits[i].stains[0], known.stains[0], 6);
        assert_near(fits[i].densities, known.densities, 2);
        assert_near(fits[i].mean, known.mean, 3);
        assert_near(fits[i].sd, known.sd, 3);
    }
    json_decref(golden);
    stain_apply(&fits[0], &fits[1], source);
    int different = 0;
    for (size_t i = 0; i < image_bytes(source); i++) {
        int off = abs(source->pixels[i] - wanted->pixels[i]);
        g_assert_cmpint(off, <=, 1);
        different += off > 0;
    }
    g_assert_cmpint(different, <=, (int)image_bytes(source) / 1000); /* rounding of halves */
    StainFit after = fit_to(source, method);
    g_assert_cmpfloat_with_epsilon(after.mean[0], fits[1].mean[0], 2);
    g_assert_cmpfloat_with_epsilon(after.densities[0], fits[1].densities[0], 0.15);
}

/* Tiles of glass, of no data, of one colour: no fit, no change; and a fit of a slide leaves glass as glass. */
static void test_blank(void)
{
    static const uint8_t colours[] = {255, 243, 128, 0};
    g_autoptr(Image) target = read_image("target");
    for (StainMethod method = STAIN_MACENKO; method <= STAIN_REINHARD; method++) {
        StainFit good = fit_to(target, method);
        for (guint i = 0; i < G_N_ELEMENTS(colours); i++) {
            g_autoptr(Image) tile = image_new(64, 64, 3, NULL);
            memset(tile->pixels, colours[i], image_bytes(tile));
            StainFit fit = fit_to(tile, method);
            g_assert_cmpint(fit.method, ==, STAIN_NONE);
            stain_apply(&fit, &good, tile);
            g_assert_cmpint(tile->pixels[0], ==, colours[i]);
            g_autoptr(Image) source = read_image("source");
            StainFit slide = fit_to(source, method);
            stain_apply(&slide, &good, tile);
            g_assert_true(colours[i] != 255 || tile->pixels[1] == 255);
            g_assert_true(colours[i] != 243 || abs(tile->pixels[1] - 243) <= 8);
        }
    }
}

/* Normalising an image to itself changes nothing except rounding, and colour that belongs to neither stain (Macenko). */
static void test_identity(void)
{
    for (StainMethod method = STAIN_MACENKO; method <= STAIN_REINHARD; method++) {
        g_autoptr(Image) before = read_image("source"), after = read_image("source");
        StainFit fit = fit_to(before, method);
        stain_apply(&fit, &fit, after);
        double sum = 0;
        for (size_t i = 0; i < image_bytes(before); i++) {
            sum += abs(before->pixels[i] - after->pixels[i]);
        }
        g_assert_cmpfloat(sum / (double)image_bytes(before), <, method == STAIN_MACENKO ? 2.5 : 0.1);
    }
}

static void test_json(void)
{
    g_autoptr(Image) source = read_image("source");
    g_autoptr(GError) error = NULL;
    for (StainMethod method = STAIN_NONE; method <= STAIN_REINHARD; method++) {
        StainFit fit = fit_to(source, method), back;
        json_t *json = stain_fit_json(&fit);
        g_assert_true(stain_fit_parse(json, "fit", &back, &error));
        g_assert_cmpmem(&fit, sizeof fit, &back, sizeof back);
        json_decref(json);
    }
    static const char *const wrong[] = {"{}", "{\"method\": \"magic\"}",
                                        "{\"method\": \"reinhard\", \"mean\": [1, 2, 3], \"sd\": [1, 0, 1]}",
                                        ("{\"method\": \"macenko\", \"haematoxylin\": [1, 0, 0], \"eosin\": "
                                         "[1, 0, 0], \"densities\": [1, 1]}")};
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        StainFit fit;
        json_t *json = json_loads(wrong[i], 0, NULL);
        g_assert_false(stain_fit_parse(json, "target.json", &fit, NULL));
        json_decref(json);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/stain/Macenko against numpy", GINT_TO_POINTER(STAIN_MACENKO), test_golden);
    g_test_add_data_func("/stain/Reinhard against numpy", GINT_TO_POINTER(STAIN_REINHARD), test_golden);
    g_test_add_func("/stain/blank tiles", test_blank);
    g_test_add_func("/stain/its own colours", test_identity);
    g_test_add_func("/stain/JSON", test_json);
    return g_test_run();
}
