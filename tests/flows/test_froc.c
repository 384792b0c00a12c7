/* Regions, FROC, AUPRO, kappa and stages: compared with SciPy, scikit-image, scikit-learn and the published evaluation scripts as
 * tools/golden_metrics.py rewrites them, and computed by hand. */
#include "flows/metrics/aupro.h"
#include "flows/metrics/aupro_bootstrap.h"
#include "flows/metrics/correlation.h"
#include "flows/metrics/froc_bootstrap.h"
#include "base/rng.h"
#include "flows/metrics/staging.h"
#include "tests/metric_golden.h"

static void compute(FrocSlide *const *slides, const int *weight, int n, FrocRule rule, Froc *out,
                    GArray **curve)
{
    g_autoptr(FrocSample) sample = froc_sample_new(slides, n, rule);
    froc_compute(sample, weight, out, curve);
}

static void test_components(void)
{
    json_auto_t *cases = golden_cases("components");
    json_t *c;
    size_t i;
    json_array_foreach(cases, i, c)
    {
        int n;
        g_autoptr(Image) mask = golden_mask(c, "mask"), expected = golden_mask(c, "grown");
        g_autoptr(Components) regions = components_new(mask, NULL);
        g_autofree int *sizes = golden_ints(c, "sizes", &n);
        g_autofree double *axes = golden_numbers(c, "axes", &n);
        g_autofree double *got = g_new(double, regions->count + 1);
        g_assert_cmpint(regions->count, ==, n);
        g_assert_true(components_major_axes(regions, got, NULL));
        for (int k = 0; k < n; k++) {
            g_assert_cmpint(regions->size[k + 1], ==, sizes[k]);
            assert_same(got[k + 1], axes[k]);
        }
        if (json_is_array(json_object_get(c, "labels"))) {
            g_autofree int *labels = golden_ints(c, "labels", &n);
            g_assert_cmpmem(regions->label, sizeof(int) * (size_t)n, labels, sizeof(int) * (size_t)n);
        }
        g_autoptr(Image) grown = components_grow(mask, golden_number(c, "radius"), NULL);
        g_assert_cmpmem(grown->pixels, image_bytes(grown), expected->pixels, image_bytes(expected));
    }
}

/* ---- FROC ---- */

static FrocSlide *slide_of(const json_t *slide, FrocRule rule, gboolean include_itc)
{
    g_autoptr(Image) mask = golden_mask(slide, "mask");
    g_autoptr(Components) regions = mask ? froc_regions(mask, NULL) : NULL;
    g_autofree double *axes = g_new(double, regions ? regions->count + 1 : 1);
    const json_t *list = json_object_get(slide, "detections");
    int n = (int)json_array_size(list);
    g_autofree Detection *detections = g_new(Detection, n + 1);
    for (int i = 0; i < n; i++) {
        const json_t *one = json_array_get(list, (size_t)i);
        detections[i] =
            (Detection){json_number_value(json_array_get(one, 0)), json_number_value(json_array_get(one, 1)),
                        json_number_value(json_array_get(one, 2))};
    }
    if (regions) {
        g_assert_true(components_major_axes(regions, axes, NULL));
        for (int k = 0; k <= regions->count; k++) {
            axes[k] *= FROC_PIXEL_UM;
        }
    }
    return froc_slide_new(regions, axes, detections, n, rule, include_itc);
}

static void check_froc(const json_t *c, const char *key, FrocRule rule, gboolean include_itc)
{
    const json_t *expected = json_object_get(c, key), *list = json_object_get(c, "slides");
    int n = (int)json_array_size(list), rates, in_itc = 0;
    g_autofree FrocSlide **slides = g_new(FrocSlide *, n);
    g_autofree double *sensitivity = golden_numbers(expected, "sensitivity", &rates);
    for (int s = 0; s < n; s++) {
        slides[s] = slide_of(json_array_get(list, (size_t)s), rule, include_itc);
        in_itc += slides[s]->in_itc;
    }
    Froc froc;
    double mean = 0;
    compute(slides, NULL, n, rule, &froc, NULL);
    g_assert_cmpint(froc.lesions, ==, (int)golden_number(expected, "lesions"));
    g_assert_cmpint(in_itc, ==, (int)golden_number(expected, "in_itc"));
    g_assert_cmpint(rates, ==, FROC_RATES);
    for (int r = 0; r < FROC_RATES; r++) {
        assert_same(froc.sensitivity[r], sensitivity[r]);
        mean += sensitivity[r] / FROC_RATES;
    }
    assert_same(froc.score, mean);
    /* Each slide twice is the same curve; so are other confidences in the same order. */
    g_autofree int *twice = g_new(int, n);
    for (int s = 0; s < n; s++) {
        twice[s] = 2;
        for (int k = 0; k < slides[s]->regions; k++) {
            slides[s]->hit[k] = pow(slides[s]->hit[k], 3);
        }
        for (int k = 0; k < slides[s]->false_positives; k++) {
            slides[s]->false_positive[k] = pow(slides[s]->false_positive[k], 3);
        }
    }
    Froc again;
    compute(slides, twice, n, rule, &again, NULL);
    assert_same(again.score, froc.score);
    g_assert_cmpint(again.lesions, ==, 2 * froc.lesions);
    for (int s = 0; s < n; s++) {
        froc_slide_free(slides[s]);
    }
}

static void test_froc_against_the_scripts(void)
{
    json_auto_t *cases = golden_cases("froc");
    json_t *c;
    size_t i;
    json_array_foreach(cases, i, c)
    {
        check_froc(c, "froc_2016", FROC_2016, FALSE);
        check_froc(c, "froc_2016_with_itc", FROC_2016, TRUE);
        check_froc(c, "froc_step", FROC_STEP, FALSE);
        check_froc(c, "froc_step_with_itc", FROC_STEP, TRUE);
    }
}

/* Two slides: the first with two lesions and ITC, the second normal.  Regions 1 (36 px long), 2 (1 px), 3 (40 px): hits at 0.9 and 0.5. */
static void test_froc_by_hand(void)
{
    g_autoptr(Image) mask = image_new(60, 30, 1, NULL);
    memset(mask->pixels + 2 * 60 + 5, 1, 45);
    mask->pixels[12 * 60 + 30] = 1;
    memset(mask->pixels + 25 * 60 + 5, 1, 45);
    g_autoptr(Components) regions = components_new(mask, NULL);
    double axes[4];
    g_assert_cmpint(regions->count, ==, 3);
    g_assert_true(components_major_axes(regions, axes, NULL));
    assert_same(axes[1], 4 * sqrt((45.0 * 45 - 1) / 12)); /* the variance of 45 whole numbers in a row */
    assert_same(axes[2], 0);
    const Detection first[] = {
        {0.9, 10.9, 2.4}, {0.8, 11, 2}, {0.7, 30.2, 12.2}, {0.6, 55, 29}, {0.5, 20, 25}};
    const Detection second[] = {{0.95, 3, 3}, {0.4, 1e6, 5}};
    const double with[] = {axes[0] * FROC_PIXEL_UM, axes[1] * FROC_PIXEL_UM, 0, axes[3] * FROC_PIXEL_UM};
    for (FrocRule rule = FROC_2016; rule <= FROC_STEP; rule++) {
        FrocSlide *slides[] = {froc_slide_new(regions, with, first, 5, rule, FALSE),
                               froc_slide_new(NULL, NULL, second, 2, rule, FALSE)};
        g_autoptr(GArray) curve = NULL;
        Froc froc;
        g_assert_cmpint(slides[0]->in_itc, ==, 1);
        g_assert_cmpint(slides[0]->false_positives, ==, 1);
        g_assert_cmpfloat(slides[0]->hit[0], ==, 0.9); /* the second hit is free */
        g_assert_cmpint(slides[1]->false_positives, ==, 2);
        compute(slides, NULL, 2, rule, &froc, &curve);
        g_assert_cmpint(froc.lesions, ==, 2);
        /* (FP, sensitivity): (0, 0), .95 (.5, 0), .9 (.5, .5), .6 (1, .5), .5 (1, 1), .4 (1.5, 1) */
        g_assert_cmpuint(curve->len, ==, 6);
        const double interpolated[] = {0, 0.5, 1, 1, 1, 1}, stepped[] = {0, 0, 0.5, 1, 1, 1};
        for (int r = 0; r < FROC_RATES; r++) {
            assert_same(froc.sensitivity[r], rule == FROC_2016 ? interpolated[r] : stepped[r]);
        }
        froc_slide_free(slides[0]);
        froc_slide_free(slides[1]);
    }
}

static void test_froc_without(void)
{
    FrocSlide *slides[] = {froc_slide_new(NULL, NULL, NULL, 0, FROC_2016, FALSE)};
    Froc froc;
    compute(slides, NULL, 1, FROC_2016, &froc, NULL);
    g_assert_cmpint(froc.lesions, ==, 0);
    g_assert_true(isnan(froc.score)); /* no lesion: no sensitivity */
    froc_slide_free(slides[0]);
    g_autoptr(Image) mask = image_new(60, 3, 1, NULL);
    memset(mask->pixels + 60, 1, 60);
    g_autoptr(Components) regions = components_new(mask, NULL);
    const double axes[] = {0, 1000};
    for (FrocRule rule = FROC_2016; rule <= FROC_STEP; rule++) {
        FrocSlide *unseen[] = {froc_slide_new(regions, axes, NULL, 0, rule, FALSE)};
        compute(unseen, NULL, 1, rule, &froc, NULL);
        assert_same(froc.score, 0); /* no detection */
        froc_slide_free(unseen[0]);
    }
}

/* ---- AUPRO ---- */

static void test_aupro(void)
{
    json_auto_t *cases = golden_cases("aupro");
    json_t *c;
    size_t i;
    json_array_foreach(cases, i, c)
    {
        int n;
        double got;
        g_autofree double *score = golden_numbers(c, "score", &n);
        g_autofree int *region = golden_ints(c, "region", &n);
        int regions = (int)golden_number(c, "regions");
        g_assert_true(aupro_compute(score, region, n, regions, golden_number(c, "limit"), &got, NULL));
        assert_same(got, golden_number(c, "aupro"));
    }
}

static void test_aupro_by_hand(void)
{
    /* 5 normal pixels; region 1 of two pixels, region 2 of one.  Points: (0, 1/4) (0, 3/4) (.2, 3/4) (.4, 3/4) (.4, 1) ... */
    const double score[] = {9, 5, 8, 7, 6, 1, 2, 3};
    const int region[] = {1, 1, 2, 0, 0, 0, 0, 0}, normal[] = {0, 0, 0, 0, 0, 0, 0, 0},
              lesion[] = {1, 1, 1, 1, 1, 1, 1, 1};
    double got;
    g_assert_true(aupro_compute(score, region, 8, 2, AUPRO_LIMIT, &got, NULL));
    assert_same(got, 0.75);
    g_assert_true(aupro_compute(score, region, 8, 2, 1, &got, NULL));
    assert_same(got, 0.4 * 0.75 + 0.6);
    g_assert_true(aupro_compute(score, normal, 8, 0, AUPRO_LIMIT, &got, NULL));
    g_assert_true(isnan(got));
    g_assert_true(aupro_compute(score, lesion, 8, 1, AUPRO_LIMIT, &got, NULL));
    g_assert_true(isnan(got));
}

/* ---- Camelyon17 ---- */

static void test_kappa(void)
{
    json_auto_t *cases = golden_cases("kappa");
    json_t *c;
    size_t i;
    json_array_foreach(cases, i, c)
    {
        int n, classes = (int)golden_number(c, "classes");
        g_autofree int *a = golden_ints(c, "a", &n), *b = golden_ints(c, "b", &n);
        int counts[25] = {0}, swapped[25] = {0};
        for (int k = 0; k < n; k++) {
            counts[a[k] * classes + b[k]]++;
            swapped[b[k] * classes + a[k]]++;
        }
        assert_same(correlation_kappa(counts, classes), golden_number(c, "kappa"));
        assert_same(correlation_kappa(swapped, classes), golden_number(c, "kappa"));
    }
    const int one[] = {4, 0, 0, 0}, none[] = {0, 0, 0, 0}, apart[] = {0, 4, 0, 0}, perfect[] = {2, 0, 0, 3};
    assert_same(correlation_kappa(one, 2), 1);
    g_assert_true(isnan(correlation_kappa(none, 2)));
    assert_same(correlation_kappa(apart, 2), 0);
    assert_same(correlation_kappa(perfect, 2), 1);
}

static void test_stages(void)
{
    static const struct {
        const char *nodes; /* n, i, u (micro), M */
        PnStage stage;
    } patients[] = {{"nnnnn", STAGE_PN0},   {"nniin", STAGE_PN0_ITC}, {"nuinn", STAGE_PN1MI},
                    {"uuuuu", STAGE_PN1MI}, {"Mnnnn", STAGE_PN1},     {"Muuin", STAGE_PN1},
                    {"Muuun", STAGE_PN2},   {"MMMMi", STAGE_PN2},     {"MMMnn", STAGE_PN1}};
    for (size_t p = 0; p < G_N_ELEMENTS(patients); p++) {
        NodeClass nodes[5];
        for (int i = 0; i < 5; i++) {
            nodes[i] = (NodeClass)(strchr("niuM", patients[p].nodes[i]) - "niuM");
        }
        g_assert_cmpint(staging_stage(nodes, 5), ==, patients[p].stage);
    }
    static const struct {
        double um;
        NodeClass node;
    } sizes[] = {{0, NODE_NEGATIVE}, {1, NODE_ITC},      {199.9, NODE_ITC},   {200, NODE_MICRO},
                 {2000, NODE_MICRO}, {2001, NODE_MACRO}, {NAN, NODE_NEGATIVE}};
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_assert_cmpint(staging_class(sizes[i].um), ==, sizes[i].node);
    }
    PnStage stage;
    NodeClass node;
    g_assert_true(staging_stage_parse("PN0(I+)", &stage));
    g_assert_cmpint(stage, ==, STAGE_PN0_ITC);
    g_assert_false(staging_stage_parse("pN3", &stage));
    g_assert_true(staging_class_parse("Macro", &node));
    g_assert_cmpint(node, ==, NODE_MACRO);
    g_assert_false(staging_class_parse("", &node));
}

/* The interval of AUPRO: each draw written out, its pixels repeated as often as their image was drawn. */
static void test_aupro_interval(void)
{
    enum { IMAGES = 12, PIXELS = 40, REGIONS = 2 * IMAGES };
    double score[IMAGES * PIXELS], values[BOOTSTRAP_DRAWS];
    int region[IMAGES * PIXELS], image[IMAGES * PIXELS], weight[IMAGES];
    Rng rng = rng_at(4, 1, 0);
    for (int i = 0; i < IMAGES * PIXELS; i++) {
        int k = i % PIXELS;
        image[i] = i / PIXELS;
        region[i] = k < 3 ? 2 * image[i] + 1 : k < 9 ? 2 * image[i] + 2 : 0;
        score[i] = round(6 * (rng_normal(&rng) + (region[i] > 0))) / 6;
    }
    for (int draw = 0; draw < BOOTSTRAP_DRAWS; draw++) {
        g_autoptr(GArray) s = g_array_new(FALSE, FALSE, sizeof(double)),
                          r = g_array_new(FALSE, FALSE, sizeof(int));
        int regions = 0;
        bootstrap_weights(2, draw, IMAGES, weight);
        for (int u = 0; u < IMAGES; u++) {
            for (int copy = 0; copy < weight[u]; copy++, regions += 2) {
                for (int i = u * PIXELS; i < (u + 1) * PIXELS; i++) {
                    int own = region[i] ? regions + region[i] - 2 * u : 0;
                    g_array_append_val(s, score[i]);
                    g_array_append_val(r, own);
                }
            }
        }
        g_assert_true(aupro_compute((double *)(void *)s->data, (int *)(void *)r->data, (int)s->len, regions,
                                    AUPRO_LIMIT, &values[draw], NULL));
    }
    Interval got, want = bootstrap_interval(values, BOOTSTRAP_DRAWS);
    g_assert_true(
        aupro_bootstrap(score, region, image, IMAGES * PIXELS, REGIONS, IMAGES, AUPRO_LIMIT, 2, &got, NULL));
    assert_same(got.low, want.low);
    assert_same(got.high, want.high);
    g_assert_cmpint(got.draws, ==, want.draws);
}

/* Intervals draw patients: slides that belong together come together. */
static void test_froc_interval(void)
{
    enum { SLIDES = 24, PATIENTS = 12 };
    g_autoptr(GPtrArray) slides = g_ptr_array_new_with_free_func((GDestroyNotify)froc_slide_free);
    int unit[SLIDES], drawn[PATIENTS], weight[SLIDES];
    double values[BOOTSTRAP_DRAWS], at_one[BOOTSTRAP_DRAWS];
    g_autoptr(Image) mask = image_new(60, 9, 1, NULL);
    memset(mask->pixels + 180, 1, 20);
    memset(mask->pixels + 210, 1, 20);
    g_autoptr(Components) regions = components_new(mask, NULL);
    const double axes[] = {0, 1000, 1000};
    Rng rng = rng_at(6, 1, 0);
    for (int s = 0; s < SLIDES; s++) {
        Detection found[5];
        for (int k = 0; k < 5; k++) {
            found[k] = (Detection){0.1 + round(8 * rng_uniform(&rng)) / 8, rng_below(&rng, 60), 3};
        }
        unit[s] = s / 2;
        g_ptr_array_add(slides, froc_slide_new(s % 3 ? regions : NULL, axes, found, 5, FROC_2016, FALSE));
    }
    g_autoptr(FrocSample) sample = froc_sample_new((FrocSlide *const *)slides->pdata, SLIDES, FROC_2016);
    for (int draw = 0; draw < BOOTSTRAP_DRAWS; draw++) {
        Froc froc;
        bootstrap_weights(5, draw, PATIENTS, drawn);
        for (int s = 0; s < SLIDES; s++) {
            weight[s] = drawn[unit[s]];
        }
        froc_compute(sample, weight, &froc, NULL);
        values[draw] = froc.score;
        at_one[draw] = froc.sensitivity[2];
    }
    const double rates[] = {1};
    Interval score, at, want = bootstrap_interval(values, BOOTSTRAP_DRAWS),
                        want_at = bootstrap_interval(at_one, BOOTSTRAP_DRAWS);
    froc_bootstrap(sample, unit, SLIDES, PATIENTS, 5, &score, rates, 1, &at);
    assert_same(score.low, want.low);
    assert_same(score.high, want.high);
    assert_same(at.low, want_at.low);
    assert_same(at.high, want_at.high);
    g_assert_cmpfloat(score.low, <, score.high);
}

/* Growing and filling, against the distances and the flood written plainly. */
static void test_grown(void)
{
    enum { WIDTH = 41, HEIGHT = 29 };
    Rng rng = rng_at(7, 1, 0);
    for (int round = 0; round < 20; round++) {
        double radius = 0.5 + rng_uniform(&rng) * 5;
        g_autoptr(Image) mask = image_new(WIDTH, HEIGHT, 1, NULL);
        for (int i = 0; i < WIDTH * HEIGHT; i++) {
            mask->pixels[i] = rng_below(&rng, 40) == 0;
        }
        gboolean set[HEIGHT][WIDTH] = {{0}}, outside[HEIGHT][WIDTH] = {{0}}, changed = TRUE;
        for (int i = 0; i < WIDTH * HEIGHT; i++) {
            for (int k = 0; k < WIDTH * HEIGHT; k++) {
                double dx = i % WIDTH - k % WIDTH, dy = i / WIDTH - k / WIDTH;
                set[i / WIDTH][i % WIDTH] |= mask->pixels[k] && sqrt(dx * dx + dy * dy) < radius;
            }
        }
        while (changed) {
            changed = FALSE;
            for (int y = 0; y < HEIGHT; y++) {
                for (int x = 0; x < WIDTH; x++) {
                    gboolean border = x == 0 || y == 0 || x + 1 == WIDTH || y + 1 == HEIGHT;
                    if (!set[y][x] && !outside[y][x] &&
                        (border || outside[y][x - 1] || outside[y][x + 1] || outside[y - 1][x] ||
                         outside[y + 1][x])) {
                        outside[y][x] = changed = TRUE;
                    }
                }
            }
        }
        g_autoptr(Image) grown = components_grow(mask, radius, NULL);
        for (int i = 0; i < WIDTH * HEIGHT; i++) {
            g_assert_cmpint(grown->pixels[i], ==, !outside[i / WIDTH][i % WIDTH]);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/froc/components", test_components);
    g_test_add_func("/froc/scripts", test_froc_against_the_scripts);
    g_test_add_func("/froc/hand", test_froc_by_hand);
    g_test_add_func("/froc/without", test_froc_without);
    g_test_add_func("/froc/aupro", test_aupro);
    g_test_add_func("/froc/aupro_hand", test_aupro_by_hand);
    g_test_add_func("/froc/kappa", test_kappa);
    g_test_add_func("/froc/stages", test_stages);
    g_test_add_func("/froc/aupro_interval", test_aupro_interval);
    g_test_add_func("/froc/interval", test_froc_interval);
    g_test_add_func("/froc/grown", test_grown);
    return g_test_run();
}
