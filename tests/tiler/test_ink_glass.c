/* All combinations of ink, glass and stain, with hits and misses printed; glass of other colours, such as yellow and grey; images without
 * colours. */
#include "tiler/tissue/quality.h"
#include "tiler/tissue/tissue.h"
#include "tests/fixture_tiff.h"

enum { SIDE = 300, LEFT = 215, RIGHT = 246 }; /* px of 8 um; a bar of 248 um */
static const double MPP = 8, CENTRE = 105, RADIUS = 80;

typedef struct {
    const char *name;
    uint8_t rgb[3];
    gboolean looks_like_stain; /* misses are known: violet, and on yellow glass pale red */
} Paint;

static const Paint inks[] = {
    {"blue", {50, 80, 190}, FALSE},        {"dark blue", {20, 30, 110}, FALSE},
    {"light blue", {63, 119, 204}, FALSE}, {"navy", {35, 50, 140}, FALSE},
    {"royal blue", {70, 95, 205}, FALSE},  {"green", {53, 165, 144}, FALSE},
    {"dark green", {23, 65, 68}, FALSE},   {"red", {196, 17, 18}, FALSE},
    {"pale red", {245, 120, 135}, TRUE},   {"black", {60, 52, 58}, FALSE},
    {"violet", {90, 40, 140}, TRUE},
};
static const Paint glasses[] = {
    {"white", {245, 245, 245}, FALSE},       {"grey", {215, 215, 216}, FALSE},
    {"warm", {244, 241, 234}, FALSE},        {"yellow", {241, 233, 210}, FALSE},
    {"more yellow", {240, 228, 195}, FALSE}, {"old", {228, 210, 165}, FALSE},
};
/* Densities of the two parts of a stain, and how much of each there is. */
static const struct {
    const char *name;
    double part[2][3], amount[2];
} stains[] = {
    {"H&E", {{.65, .70, .29}, {.10, .95, .20}}, {.12, .12}},
    {"DAB, brown", {{.27, .57, .78}, {.60, .56, .42}}, {.25, .08}},
    {"DAB, blue", {{.27, .57, .78}, {.60, .56, .42}}, {.04, .22}},
};

static uint8_t byte(double value)
{
    return (uint8_t)CLAMP(value + 0.5, 0, 255);
}

/* Glass with noise, and tissue with nuclei and fibres on it. */
static Image *slide_on(const uint8_t glass[3], gsize stain, double um, int side)
{
    Image *image = fixture_image(side, side, 3);
    Rng rng = rng_at(11, stain, 0);
    const int cell = (int)MAX(1, 8 / um);
    for (int y = 0; y < side; y++) {
        for (int x = 0; x < side; x++) {
            double amount[2] = {0, 0};
            Rng local = rng_at(7 + stain, (uint64_t)(y / cell) << 32 | (uint64_t)(x / cell), 0);
            if (hypot(x - CENTRE, y - 150) < RADIUS) {
                for (int k = 0; k < 2; k++) {
                    amount[k] = stains[stain].amount[k] * (0.3 + 1.4 * rng_uniform(&local));
                }
            }
            for (int c = 0; c < 3; c++) {
                double od =
                    amount[0] * stains[stain].part[0][c] * 1.5 + amount[1] * stains[stain].part[1][c] * 1.5;
                image->pixels[3 * ((size_t)y * (size_t)side + (size_t)x) + (size_t)c] =
                    byte(glass[c] * pow(10, -od) + 2 * rng_normal(&rng));
            }
        }
    }
    return image;
}

static void draw_bar(Image *image, const uint8_t ink[3])
{
    Rng rng = rng_at(13, ink[0], 0);
    for (int y = 20; y < SIDE - 20; y++) {
        for (int x = LEFT; x < RIGHT; x++) {
            for (int c = 0; c < 3; c++) {
                image->pixels[3 * (y * SIDE + x) + c] = byte(ink[c] + 2 * rng_normal(&rng));
            }
        }
    }
}

/* The fraction of the bar that counts as tissue, and how well the tissue is found. */
static void measure(const Image *mask, double *ink, double *agreement)
{
    double in_bar = 0, both = 0, either = 0;
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            gboolean found = mask->pixels[y * SIDE + x] != 0, tissue = hypot(x - CENTRE, y - 150) < RADIUS;
            in_bar += found && x >= LEFT && x < RIGHT && y >= 20 && y < SIDE - 20;
            both += found && tissue;
            either += (found && x < LEFT - 5) || tissue;
        }
    }
    *ink = in_bar / ((RIGHT - LEFT) * (SIDE - 40));
    *agreement = both / either;
}

/* A bar of the ink on a copy of the slide; TRUE when it is found. */
static gboolean finds_bar(const Image *slide, const Paint *ink, const char *glass, const char *stain)
{
    double pen, in_bar, agreement;
    g_autoptr(Image) image = fixture_image(SIDE, SIDE, 3);
    memcpy(image->pixels, slide->pixels, image_bytes(slide));
    draw_bar(image, ink->rgb);
    g_autoptr(Image) mask = tissue_of_image(image, NULL, MPP, NULL, &pen, NULL);
    measure(mask, &in_bar, &agreement);
    gboolean hit = in_bar < 0.02 && agreement > 0.93;
    if (!hit) {
        g_test_message("miss: %s ink, %s glass, %s: %.0f %% of the bar is tissue, pen %.3f, agreement %.3f",
                       ink->name, glass, stain, 100 * in_bar, pen, agreement);
    }
    return hit;
}

static void test_inks(void)
{
    int hits = 0, misses = 0;
    for (gsize g = 0; g < G_N_ELEMENTS(glasses); g++) {
        for (gsize s = 0; s < G_N_ELEMENTS(stains); s++) {
            g_autoptr(Image) slide = slide_on(glasses[g].rgb, s, MPP, SIDE);
            for (gsize i = 0; i < G_N_ELEMENTS(inks); i++) {
                gboolean hit = finds_bar(slide, &inks[i], glasses[g].name, stains[s].name);
                hits += hit;
                misses += !hit;
                if (!hit && !inks[i].looks_like_stain) {
                    g_test_fail();
                }
            }
        }
    }
    g_test_message("%d hits, %d misses", hits, misses);
}

/* Without ink nothing counts as ink, and tissue of every stain is found on every glass. */
static void test_no_ink(void)
{
    for (gsize g = 0; g < G_N_ELEMENTS(glasses); g++) {
        for (gsize s = 0; s < G_N_ELEMENTS(stains); s++) {
            double pen, ink, agreement;
            g_autoptr(Image) image = slide_on(glasses[g].rgb, s, MPP, SIDE);
            g_autoptr(Image) mask = tissue_of_image(image, NULL, MPP, NULL, &pen, NULL);
            measure(mask, &ink, &agreement);
            if (pen > 0 || ink > 0 || agreement < 0.93) {
                g_test_message("%s on %s glass: pen %.3f, %.0f %% of the glass is tissue, agreement %.3f",
                               stains[s].name, glasses[g].name, pen, 100 * ink, agreement);
                g_test_fail();
            }
        }
    }
}

/* Tiles full of ink are flagged, tiles of tissue are not. */
static void test_tiles(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(inks); i++) {
        for (int k = 0; k < 2; k++) {
            const double mpp = k ? 1 : 0.5;
            Quality quality;
            g_autoptr(Image) image = fixture_image(128, 128, 3);
            Rng rng = rng_at(17, i, 0);
            for (gsize p = 0; p < image_bytes(image); p++) {
                image->pixels[p] = byte(inks[i].rgb[p % 3] + 2 * rng_normal(&rng));
            }
            g_assert_true(quality_measure(image, NULL, mpp, NULL, &quality, NULL));
            if (!(quality.flags & QUALITY_PEN) && !inks[i].looks_like_stain) {
                g_test_message("%s ink at %g um/px: pen %.3f", inks[i].name, mpp, quality.pen_fraction);
                g_test_fail();
            }
        }
    }
    for (gsize s = 0; s < G_N_ELEMENTS(stains); s++) {
        Quality quality;
        g_autoptr(Image) image = slide_on(glasses[3].rgb, s, 1, SIDE);
        g_assert_true(quality_measure(image, NULL, 1, NULL, &quality, NULL));
        g_assert_cmpuint(quality.flags & QUALITY_PEN, ==, 0);
        g_assert_cmpfloat(quality.blank_fraction, >,
                          1 - M_PI * RADIUS * RADIUS / (SIDE * SIDE) - 0.05); /* glass is glass */
        g_assert_cmpfloat(quality.blank_fraction, <, 0.92);
    }
}

/* ---- glass ---- */

static Tissue *find_on(const Image *image)
{
    g_autofree char *folder = fixture_folder(), *path = g_build_filename(folder, "slide.tif", NULL);
    g_autoptr(GError) error = NULL;
    const SlideOptions given = {.mpp_x = MPP};
    fixture_write(path, &(FixtureSpec){.compression = COMPRESSION_ADOBE_DEFLATE}, image);
    g_autoptr(Slide) slide = slide_open(path, &given, &error);
    g_assert_no_error(error);
    Tissue *tissue = tissue_find(slide, NULL, &error);
    g_assert_no_error(error);
    fixture_remove(g_steal_pointer(&folder));
    return tissue;
}

static void test_glass(void)
{
    for (gsize g = 0; g < G_N_ELEMENTS(glasses); g++) {
        g_autoptr(Image) image = slide_on(glasses[g].rgb, 0, MPP, SIDE);
        g_autoptr(Tissue) tissue = find_on(image);
        g_autoptr(GPtrArray) warnings = tissue_warnings(tissue);
        g_assert_true(tissue->glass.found && !tissue->glass.greyscale);
        g_assert_cmpuint(warnings->len, ==, 0);
        g_assert_cmpfloat_with_epsilon(tissue->glass.red, glasses[g].rgb[0], 3);
        g_assert_cmpfloat_with_epsilon(tissue->glass.green, glasses[g].rgb[1], 3);
        g_assert_cmpfloat_with_epsilon(tissue->glass.blue, glasses[g].rgb[2], 3);
    }
    /* A margin of pure white, as programs pad with, does not hide yellow glass. */
    g_autoptr(Image) padded = slide_on(glasses[4].rgb, 0, MPP, SIDE);
    memset(padded->pixels, 255, (size_t)(3 * SIDE * 60));
    g_autoptr(Tissue) tissue = find_on(padded);
    g_assert_cmpfloat_with_epsilon(tissue->glass.blue, glasses[4].rgb[2], 3);
    g_assert_cmpfloat(tissue->tissue_fraction, <, 0.3);
}

/* ---- stains that are as yellow as old glass ---- */

static const struct {
    const char *name;
    double od[3];
} yellows[] = {
    {"saffron", {.026, .074, .20}}, {"picric acid", {.01, .04, .15}}, {"pale saffron", {.01, .03, .085}}};
static const uint8_t bright_glasses[][3] = {
    {255, 255, 255}, {245, 245, 245}, {225, 225, 226}, {246, 243, 238}};

/* A disc of collagen, whose stain varies by `spread`, and H&E next to it. */
static Image *collagen_on(const uint8_t glass[3], gsize yellow, double spread)
{
    Image *image = fixture_image(SIDE, SIDE, 3);
    Rng rng = rng_at(23, yellow, 0);
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            Rng local = rng_at(29, (uint64_t)(y / 3) << 32 | (uint64_t)(x / 3), 0);
            double amount = 1 + spread * (2 * rng_uniform(&local) - 1), od[3] = {0, 0, 0};
            gboolean collagen = hypot(x - CENTRE, y - 150) < RADIUS, other = hypot(x - 245, y - 80) < 40;
            for (int c = 0; c < 3; c++) {
                od[c] = collagen ? amount * yellows[yellow].od[c]
                        : other  ? amount * .3 * stains[0].part[1][c]
                                 : 0;
                double noise = collagen || other || glass[0] < 255 ? 1.5 * rng_normal(&rng) : 0;
                image->pixels[3 * (y * SIDE + x) + c] = byte(glass[c] * pow(10, -od[c]) + noise);
            }
        }
    }
    return image;
}

static void check_collagen_tiles(const Image *image, const GlassColour *glass)
{
    for (int k = 0; k < 2; k++) { /* inside of the collagen, and in the corner, where is glass */
        Quality quality;
        g_autoptr(Image) tile = fixture_image(64, 64, 3);
        for (int y = 0; y < 64; y++) {
            memcpy(tile->pixels + (size_t)(3 * 64 * y),
                   image->pixels + 3 * ((k ? 0 : 118 + y) * SIDE + (k ? 0 : 73)), 3 * 64);
        }
        g_assert_true(quality_measure(tile, NULL, 1, glass, &quality, NULL));
        g_assert_cmpint((quality.flags & QUALITY_BLANK) != 0, ==, k);
        g_assert_cmpuint(quality.flags & QUALITY_PEN, ==, 0);
    }
}

static void test_yellow_stains(void)
{
    static const double spreads[] = {0.03, 0.25};
    const double there = M_PI * (RADIUS * RADIUS + 40 * 40) / (SIDE * SIDE);
    for (gsize i = 0; i < G_N_ELEMENTS(bright_glasses) * G_N_ELEMENTS(yellows) * 2; i++) {
        const uint8_t *glass = bright_glasses[i / 2 / G_N_ELEMENTS(yellows)];
        gsize yellow = i / 2 % G_N_ELEMENTS(yellows);
        g_autoptr(Image) image = collagen_on(glass, yellow, spreads[i % 2]);
        g_autoptr(Tissue) tissue = find_on(image);
        g_test_message("%s (+- %.0f %%) on %d, %d, %d: glass %.0f, %.0f, %.0f, tissue %.1f of %.1f %%",
                       yellows[yellow].name, 100 * spreads[i % 2], glass[0], glass[1], glass[2],
                       tissue->glass.red, tissue->glass.green, tissue->glass.blue,
                       100 * tissue->tissue_fraction, 100 * there);
        g_assert_cmpfloat_with_epsilon(tissue->glass.blue, glass[2], 3);
        g_assert_cmpfloat_with_epsilon(tissue->tissue_fraction, there, 0.02);
        check_collagen_tiles(image, &tissue->glass);
    }
    /* When most of a slide on pure white is collagen, a doubt remains, and there is a warning. */
    g_autoptr(Image) image = collagen_on(bright_glasses[0], 0, 0.03);
    g_autoptr(Tissue) tissue = find_on(image);
    g_autoptr(GPtrArray) warnings = tissue_warnings(tissue);
    g_assert_cmpuint(warnings->len, ==, 1);
    g_assert_nonnull(strstr(warnings->pdata[0], "as yellow as old glass"));
}

/* On yellow glass tiles are classified by the glass of the slide, also tiles full of tissue or of glass; padding on all sides changes nothing. */
static void test_yellow_glass(void)
{
    for (gsize g = 4; g < G_N_ELEMENTS(glasses); g++) {
        g_autoptr(Image) image = slide_on(glasses[g].rgb, 0, MPP, SIDE);
        g_autoptr(Tissue) tissue = find_on(image);
        check_collagen_tiles(image, &tissue->glass);
        for (int y = 0; y < SIDE; y++) {
            for (int x = 0; x < SIDE; x++) {
                if (y < 20 || y >= SIDE - 30 || x < 15 || x >= SIDE - 40) {
                    memset(image->pixels + (size_t)(3 * (y * SIDE + x)), 255, 3);
                }
            }
        }
        g_autoptr(Tissue) padded = find_on(image);
        g_assert_cmpfloat_with_epsilon(padded->glass.blue, glasses[g].rgb[2], 3);
        g_assert_cmpfloat(padded->tissue_fraction, <, 0.3);
    }
}

/* A pale biopsy of less than a thousandth of the slide counts as colour, so the grey edge of a coverslip is not tissue. */
static void test_small_biopsy(void)
{
    enum { LARGE = 1000 };
    static const double ods[][3] = {{.02, .05, .03}, {.06, .10, .05}};
    for (gsize k = 0; k < G_N_ELEMENTS(ods); k++) {
        g_autoptr(Image) image = fixture_constant(LARGE, LARGE, 244, 244, 244);
        for (int y = 0; y < LARGE; y++) {
            for (int x = 0; x < LARGE; x++) {
                gboolean edge = (y >= 60 && y < 75) || (x >= 40 && x < 50);
                gboolean biopsy = y >= 500 && y < 522 && x >= 600 && x < 640;
                for (int c = 0; c < 3; c++) {
                    double od = biopsy ? ods[k][c] : edge ? 0.12 : 0;
                    image->pixels[3 * (y * LARGE + x) + c] = byte(244 * pow(10, -od));
                }
            }
        }
        g_autoptr(Tissue) tissue = find_on(image);
        g_assert_false(tissue->glass.greyscale);
        g_assert_cmpfloat_with_epsilon(tissue->tissue_fraction, 22. * 40 / (LARGE * LARGE), 2e-4);
        g_assert_cmpuint(tissue->mask->pixels[510 * LARGE + 620], ==, 255);
    }
}

/* Without glass anywhere there is a warning. */
static void test_no_glass(void)
{
    g_autoptr(Image) image = fixture_image(SIDE, SIDE, 3);
    Rng rng = rng_at(19, 0, 0);
    for (int i = 0; i < SIDE * SIDE; i++) {
        double amount = 0.2 + 0.2 * rng_uniform(&rng);
        for (int c = 0; c < 3; c++) {
            image->pixels[3 * i + c] = byte(245 * pow(10, -amount * stains[0].part[1][c]));
        }
    }
    g_autoptr(Tissue) tissue = find_on(image);
    g_autoptr(GPtrArray) warnings = tissue_warnings(tissue);
    g_assert_false(tissue->glass.found);
    g_assert_cmpfloat(tissue->tissue_fraction, >, 0.99);
    g_assert_cmpuint(warnings->len, ==, 1);
    g_assert_nonnull(strstr(warnings->pdata[0], "no background was found"));
}

/* Slides scanned without colours: tissue by density, on light and on dull glass; nothing on blank ones. */
static void test_greyscale(void)
{
    for (int k = 0; k < 4; k++) {
        const uint8_t glass = k % 2 ? 205 : 243;
        double ink, agreement;
        g_autoptr(Image) image = slide_on((const uint8_t[]){glass, glass, glass}, (gsize)k / 2, MPP, SIDE);
        for (int i = 0; i < SIDE * SIDE; i++) {
            uint8_t *p = image->pixels + 3 * i;
            p[0] = p[1] = p[2] = byte(0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2]);
        }
        g_autoptr(Tissue) tissue = find_on(image);
        g_autoptr(GPtrArray) warnings = tissue_warnings(tissue);
        measure(tissue->mask, &ink, &agreement);
        g_assert_true(tissue->glass.greyscale);
        g_assert_cmpfloat_with_epsilon(tissue->glass.green, glass, 3);
        g_assert_cmpuint(warnings->len, ==, 1);
        g_assert_cmpfloat(ink, ==, 0);
        g_assert_cmpfloat(agreement, >, 0.93);
        g_autoptr(Image) blank = fixture_constant(SIDE, SIDE, glass, glass, glass);
        g_autoptr(Tissue) nothing = find_on(blank);
        g_assert_cmpfloat(nothing->tissue_fraction, ==, 0);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ink/by-glass-by-stain", test_inks);
    g_test_add_func("/ink/none", test_no_ink);
    g_test_add_func("/ink/tiles", test_tiles);
    g_test_add_func("/glass/found", test_glass);
    g_test_add_func("/glass/yellow-stains", test_yellow_stains);
    g_test_add_func("/glass/yellow", test_yellow_glass);
    g_test_add_func("/glass/small-biopsy", test_small_biopsy);
    g_test_add_func("/glass/none", test_no_glass);
    g_test_add_func("/glass/greyscale", test_greyscale);
    return g_test_run();
}
