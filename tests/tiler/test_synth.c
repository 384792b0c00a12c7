/* Synthetic slides as synth.h specifies them: the layout of the plan, and the pixels as OpenSlide reads
 * them. */
#include "tiler/synth/synth.h"
#include "tiler/synth/synth_plan.h"
#include "base/durable.h"
#include "base/error.h"
#include <math.h>
#include <openslide.h>
#include <stdlib.h>
#include <string.h>
#include <glib/gstdio.h>

static char *folder;

static char *write_slide(const SynthSpec *spec, int threads, GPtrArray **outlines)
{
    char *path = g_build_filename(folder, "slide.tif", NULL);
    GError *error = NULL;
    GPtrArray *made = synth_slide(path, spec, threads, &error);
    g_assert_no_error(error);
    g_assert_nonnull(made);
    if (outlines) {
        *outlines = made;
    } else {
        g_ptr_array_unref(made);
    }
    return path;
}

/* Area and largest distance between two points of a closed outline. */
static double area_of(const SynthOutline *outline)
{
    double twice = 0;
    for (int i = 0; i < outline->points; i++) {
        const double *a = outline->xy + 2 * i, *b = outline->xy + 2 * ((i + 1) % outline->points);
        twice += a[0] * b[1] - a[1] * b[0];
    }
    return fabs(twice) / 2;
}

static double diameter_of(const SynthOutline *outline)
{
    double most = 0;
    for (int i = 0; i < outline->points; i++) {
        for (int j = 0; j < i; j++) {
            const double *a = outline->xy + 2 * i, *b = outline->xy + 2 * j;
            most = MAX(most, hypot(a[0] - b[0], a[1] - b[1]));
        }
    }
    return most;
}

/* Whatever the seed: tissue covers 35 - 45 % of the slide, away from its border. */
static void test_tissue(void)
{
    for (uint64_t seed = 0; seed < 8; seed++) {
        SynthSpec spec = {.seed = seed, .width = 12288, .height = 9216, .mpp = 0.5};
        g_autoptr(SynthPlan) plan = synth_plan_new(&spec, NULL);
        int inside = 0, nodes = plan->nodes_x * plan->nodes_y;
        for (int i = 0; i < nodes; i++) {
            gboolean tissue = plan->field[FIELD_TISSUE][i] > 0;
            int x = i % plan->nodes_x, y = i / plan->nodes_x;
            g_assert_false(tissue && (x < 2 || y < 2 || x >= plan->nodes_x - 3 || y >= plan->nodes_y - 3));
            inside += tissue;
        }
        g_assert_cmpfloat((double)inside / nodes, >, 0.35);
        g_assert_cmpfloat((double)inside / nodes, <, 0.45);
    }
}

/* Lesions have 1500 to 3500 px on such a slide, inside the tissue and separate from each other. */
static void test_lesions(void)
{
    for (uint64_t seed = 0; seed < 8; seed++) {
        SynthSpec spec = {.seed = seed, .width = 12288, .height = 9216, .mpp = 0.5, .lesions = 3};
        g_autoptr(GError) error = NULL;
        g_autoptr(SynthPlan) plan = synth_plan_new(&spec, &error);
        g_assert_no_error(error);
        g_assert_cmpint(plan->lesions->len, ==, 3);
        g_autoptr(GPtrArray) outlines = synth_outlines(plan);
        for (guint l = 0; l < outlines->len; l++) {
            const SynthOutline *outline = outlines->pdata[l];
            g_assert_cmpfloat(diameter_of(outline), >, 1500);
            g_assert_cmpfloat(diameter_of(outline), <, 3500);
            g_assert_cmpfloat(area_of(outline), >, 0.4 * pow(diameter_of(outline), 2) * G_PI / 4);
            for (int i = 0; i < outline->points; i++) {
                const double *xy = outline->xy + 2 * i;
                g_assert_cmpfloat(synth_plan_at(plan, FIELD_TISSUE, xy[0], xy[1]), >, 50);
                const SynthStar *star = plan->lesions->pdata[l];
                for (int out = 0; out <= 1; out++) { /* the outline is where the painter changes its mind */
                    double k = out ? 1.0005 : 0.9995;
                    double x = star->x + k * (xy[0] - star->x), y = star->y + k * (xy[1] - star->y);
                    g_assert_cmpint(synth_plan_in_lesion(plan, x, y), ==, !out);
                }
            }
        }
    }
    SynthSpec full = {.width = 1024, .height = 1024, .mpp = 0.5, .lesions = 60};
    g_autoptr(GError) error = NULL;
    g_assert_null(synth_plan_new(&full, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
}

/* The same bytes for the same spec, whatever the number of threads; another seed is another slide. */
static void test_deterministic(void)
{
    char first[65] = "", sha256[65];
    for (int run = 0; run < 4; run++) {
        SynthSpec spec = {.seed = run == 3,
                          .width = 1500,
                          .height = 1100,
                          .mpp = 0.5,
                          .lesions = 1,
                          .pen = TRUE,
                          .black_corner = TRUE};
        g_autofree char *path = write_slide(&spec, run + 1, NULL);
        g_assert_true(durable_hash_file(path, sha256, NULL, NULL));
        g_assert_true(!first[0] || (run < 3) == g_str_equal(first, sha256));
        g_strlcpy(first, run == 0 ? sha256 : first, sizeof first);
    }
}

/* A square does not depend on where the tiles' borders are: no seams. */
static void test_no_seams(void)
{
    enum { SIZE = 256, OFFSET = 96 };
    SynthSpec spec = {.seed = 3, .width = 2048, .height = 2048, .mpp = 0.5, .lesions = 1};
    g_autoptr(SynthPlan) plan = synth_plan_new(&spec, NULL);
    SynthPainter *painter = synth_painter_new(plan, SIZE, NULL);
    g_autofree uint8_t *a = g_malloc(SIZE * SIZE * 3), *b = g_malloc(SIZE * SIZE * 3);
    const SynthStar *lesion = plan->lesions->pdata[0];
    int64_t x = (int64_t)lesion->x - 200, y = (int64_t)lesion->y - 200; /* over the lesion's border */
    synth_paint(painter, x, y, SIZE, SIZE, a, SIZE * 3);
    synth_paint(painter, x + OFFSET, y + OFFSET, SIZE, SIZE, b, SIZE * 3);
    for (int j = 0; j < SIZE - OFFSET; j++) {
        for (int i = 0; i < (SIZE - OFFSET) * 3; i++) {
            int one = a[((j + OFFSET) * SIZE + OFFSET) * 3 + i], other = b[j * SIZE * 3 + i];
            g_assert_cmpint(abs(one - other), <=, 1); /* rounding of single precision */
        }
    }
    synth_painter_free(painter);
}

/* ---- pixels through OpenSlide ---- */

typedef struct {
    double sum[3];          /* of the colours */
    int count, dark, edges; /* pixels; those of nuclei; steps from ground to nucleus along rows */
} Statistics;

static gboolean is_nucleus(uint32_t argb)
{
    return (argb >> 16 & 255) < 160; /* haematoxylin takes the red */
}

static void add_pixel(Statistics *statistics, const uint32_t *at)
{
    for (int c = 0; c < 3; c++) {
        statistics->sum[c] += *at >> (16 - 8 * c) & 255;
    }
    statistics->dark += is_nucleus(at[0]);
    statistics->edges += is_nucleus(at[0]) && !is_nucleus(at[-1]);
    statistics->count++;
}

/* Statistics of normal tissue ([0]) and of each lesion ([1 ...]), 20 px from any border. */
static void measure(openslide_t *slide, const SynthPlan *plan, Statistics *statistics)
{
    enum { BAND = 256 };
    int width = (int)plan->spec.width;
    g_autofree uint32_t *argb = g_malloc((gsize)width * BAND * 4);
    for (int64_t top = 0; top + BAND <= plan->spec.height; top += BAND) {
        openslide_read_region(slide, argb, 0, top, 0, width, BAND);
        for (int y = 0; y < BAND; y += 2) {
            for (int x = 1; x < width; x += 3) {
                double lesion = synth_plan_at(plan, FIELD_LESION, x, (double)top + y);
                if (synth_plan_at(plan, FIELD_TISSUE, x, (double)top + y) < 20 || fabs(lesion) < 20) {
                    continue;
                }
                int which = 0;
                for (guint l = 0; lesion > 0 && l < plan->lesions->len; l++) {
                    const SynthStar *star = plan->lesions->pdata[l];
                    which = hypot(x - star->x, (double)top + y - star->y) < 1.5 * star->half_width
                                ? (int)l + 1
                                : which;
                }
                add_pixel(&statistics[which], argb + y * width + x);
            }
        }
    }
}

/* Each lesion has the mean colour of its slide to within 2 grey levels, and another texture: larger structures. */
static void test_lesions_differ_in_texture_only(void)
{
    for (uint64_t seed = 1; seed <= 2; seed++) {
        SynthSpec spec = {.seed = seed, .width = 6144, .height = 4608, .mpp = 0.5, .lesions = 2};
        g_autofree char *path = write_slide(&spec, 2, NULL);
        g_autoptr(SynthPlan) plan = synth_plan_new(&spec, NULL);
        openslide_t *slide = openslide_open(path);
        Statistics statistics[3] = {0};
        measure(slide, plan, statistics);
        g_assert_null(openslide_get_error(slide));
        openslide_close(slide);
        double normal = (double)statistics[0].dark / statistics[0].edges;
        for (int l = 1; l <= 2; l++) {
            g_assert_cmpint(statistics[l].count, >, 50000);
            for (int c = 0; c < 3; c++) {
                double difference =
                    statistics[l].sum[c] / statistics[l].count - statistics[0].sum[c] / statistics[0].count;
                g_test_message("seed %d lesion %d channel %d: %+.2f grey levels", (int)seed, l, c,
                               difference);
                g_assert_cmpfloat(fabs(difference), <, 2);
            }
            double width = (double)statistics[l].dark / statistics[l].edges;
            g_test_message("mean width of nuclei: normal %.2f px, lesion %.2f px", normal, width);
            g_assert_cmpfloat(width, >, 1.4 * normal);
        }
    }
}

static uint32_t pixel_at(openslide_t *slide, double x, double y)
{
    uint32_t argb;
    openslide_read_region(slide, &argb, (int64_t)x, (int64_t)y, 0, 1, 1);
    return argb & 0xffffff;
}

/* OpenSlide reports the levels and the resolution; glass, pen and black corner have their colours. */
static void test_slide(void)
{
    SynthSpec spec = {.seed = 5,
                      .width = 3000,
                      .height = 2000,
                      .mpp = 0.25,
                      .lesions = 1,
                      .pen = TRUE,
                      .black_corner = TRUE};
    GPtrArray *outlines = NULL;
    g_autofree char *path = write_slide(&spec, 2, &outlines);
    g_autoptr(SynthPlan) plan = synth_plan_new(&spec, NULL);
    openslide_t *slide = openslide_open(path);
    g_assert_nonnull(slide);
    g_assert_null(openslide_get_error(slide));
    g_assert_cmpint(openslide_get_level_count(slide), ==, 3); /* 3000, 1500, 750 wide */
    g_assert_cmpfloat_with_epsilon(openslide_get_level_downsample(slide, 2), 4, 0.01);
    g_assert_cmpstr(openslide_get_property_value(slide, "tiff.ResolutionUnit"), ==, "centimeter");
    g_assert_cmpfloat(g_ascii_strtod(openslide_get_property_value(slide, "tiff.XResolution"), NULL), ==,
                      40000);
    g_assert_cmphex(pixel_at(slide, 20, 20), ==, 0);
    uint32_t glass = pixel_at(slide, 2990, 1990);
    for (int shift = 0; shift <= 16; shift += 8) {
        g_assert_cmpint(glass >> shift & 255, >, 230);
    }
    uint32_t ink = pixel_at(slide, plan->pen_xy[40], plan->pen_xy[41]);
    g_assert_cmpint(ink >> 16, <, 80);
    g_assert_cmpint(outlines->len, ==, 1);
    g_assert_null(openslide_get_error(slide));
    openslide_close(slide);
    g_ptr_array_unref(outlines);
}

static void test_bad_specs(void)
{
    const SynthSpec good = {.width = 1024, .height = 1024, .mpp = 0.5};
    SynthSpec bad[6] = {good, good, good, good, good, good};
    bad[0].width = 100;
    bad[1].height = (int64_t)1 << 40;
    bad[2].mpp = 0;
    bad[3].mpp = NAN;
    bad[4].lesions = -1;
    bad[5].lesions = 101;
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *path = g_build_filename(folder, "bad.tif", NULL);
        g_assert_null(synth_slide(path, &bad[i], 1, &error));
        g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
        g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    }
}

static double distance_to(const SynthStroke *stroke, double x, double y)
{
    double least = INFINITY;
    for (int k = 0; k + 1 < SYNTH_STROKE; k++) {
        const double *from = stroke->xy + 2 * k, *to = from + 2;
        double dx = to[0] - from[0], dy = to[1] - from[1];
        double t = CLAMP(((x - from[0]) * dx + (y - from[1]) * dy) / (dx * dx + dy * dy), 0, 1);
        least = fmin(least, hypot(x - from[0] - t * dx, y - from[1] - t * dy));
    }
    return least;
}

/* Ink and folds darken what is below them, and change nothing else. */
static void test_artefacts(void)
{
    enum { SIDE = 1024, TILE = 256 };
    const SynthSpec with = {.seed = 5, .width = SIDE, .height = SIDE, .mpp = 0.5, .artefacts = 2};
    SynthSpec without = with;
    without.artefacts = 0;
    g_autoptr(SynthPlan) plan = synth_plan_new(&with, NULL), plain = synth_plan_new(&without, NULL);
    SynthPainter *painters[2] = {synth_painter_new(plan, TILE, NULL), synth_painter_new(plain, TILE, NULL)};
    static uint8_t rgb[2][TILE * TILE * 3];
    int outside = 0, below[2] = {0}, darker[2] = {0};
    g_assert_cmpint(plan->stroke_count, ==, 4);
    for (int64_t at = 0; at < SIDE * SIDE; at += TILE * TILE) {
        int64_t x = at / TILE % SIDE, y = at / TILE / SIDE * TILE;
        for (int k = 0; k < 2; k++) {
            synth_paint(painters[k], x, y, TILE, TILE, rgb[k], TILE * 3);
        }
        for (int p = 0; p < TILE * TILE; p += 7) {
            double px = (double)(x + p % TILE), py = (double)(y + p / TILE);
            int inside[2] = {0}, near = 0; /* by kind: ink, fold */
            for (int s = 0; s < plan->stroke_count; s++) {
                double away = distance_to(&plan->strokes[s], px, py) - plan->strokes[s].radius;
                inside[plan->strokes[s].fold] += away < -4;
                near += away < 1;
            }
            const uint8_t *a = &rgb[0][3 * p], *b = &rgb[1][3 * p];
            if (near == 0) {
                outside++;
                g_assert_cmpmem(a, 3, b, 3);
            }
            for (int kind = 0; kind < 2; kind++) { /* where nothing else is */
                if (inside[kind] == 1 && near == 1) {
                    below[kind]++;
                    darker[kind] += a[0] + a[1] + a[2] < b[0] + b[1] + b[2];
                }
            }
        }
    }
    g_assert_cmpint(outside, >, 10000);
    g_assert_cmpint(below[0], >, 300);
    g_assert_cmpint(below[1], >, 300);
    g_assert_cmpint(darker[0], ==, below[0]);
    g_assert_cmpint(darker[1], >, below[1] / 2); /* a fold needs tissue */
    synth_painter_free(painters[0]);
    synth_painter_free(painters[1]);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("wsiflow-synth-XXXXXX", NULL);
    g_test_add_func("/synth/tissue", test_tissue);
    g_test_add_func("/synth/lesions", test_lesions);
    g_test_add_func("/synth/deterministic", test_deterministic);
    g_test_add_func("/synth/no-seams", test_no_seams);
    g_test_add_func("/synth/lesions-differ-in-texture-only", test_lesions_differ_in_texture_only);
    g_test_add_func("/synth/artefacts", test_artefacts);
    g_test_add_func("/synth/slide", test_slide);
    g_test_add_func("/synth/bad-specs", test_bad_specs);
    int failed = g_test_run();
    g_autofree char *path = g_build_filename(folder, "slide.tif", NULL);
    g_unlink(path);
    g_assert_cmpint(g_rmdir(folder), ==, 0);
    g_free(folder);
    return failed;
}
