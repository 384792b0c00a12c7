/* Flags of tiles: on synthetic images with a known fault, and on real ones with hits and misses printed. */
#include "tiler/tissue/quality.h"
#include "tiler/imagefile/imagefile.h"
#include "base/rng.h"
#include <math.h>
#include <string.h>

static const char *data;

static Quality measure(const Image *rgb, const Image *readable, double mpp)
{
    g_autoptr(GError) error = NULL;
    Quality quality;
    g_assert_true(quality_measure(rgb, readable, mpp, NULL, &quality, &error));
    g_assert_no_error(error);
    return quality;
}

static double smooth_noise(int x, int y, int cell, uint64_t layer)
{
    double sum = 0;
    for (int corner = 0; corner < 4; corner++) {
        int cx = x / cell + corner % 2, cy = y / cell + corner / 2;
        Rng rng = rng_at(layer, (uint64_t)cy << 32 | (uint64_t)cx, 0);
        double fx = (double)(x % cell) / cell, fy = (double)(y % cell) / cell;
        sum += rng_uniform(&rng) * (corner % 2 ? fx : 1 - fx) * (corner / 2 ? fy : 1 - fy);
    }
    return sum;
}

/* A tile of haematoxylin and eosin with detail at all scales. */
static Image *tissue_tile(int size)
{
    Image *rgb = image_new(size, size, 3, NULL);
    for (int y = 0; y < size; y++) {
        for (int x = 0; x < size; x++) {
            double h = 0.1, e = 0.3;
            for (int cell = 1; cell <= 32; cell *= 2) {
                h += 0.16 * sqrt(cell) * (smooth_noise(x, y, cell, 1) - 0.4);
                e += 0.08 * sqrt(cell) * (smooth_noise(x, y, cell, 2) - 0.5);
            }
            h = MAX(h, 0);
            e = MAX(e, 0);
            const double od[3] = {0.65 * h + 0.07 * e, 0.70 * h + 0.99 * e, 0.29 * h + 0.11 * e};
            for (int c = 0; c < 3; c++) {
                rgb->pixels[3 * (y * size + x) + c] = (uint8_t)lround(CLAMP(245 * pow(10, -od[c]), 1, 254));
            }
        }
    }
    return rgb;
}

/* Gaussian blur, the border repeated. */
static Image *blurred(const Image *in, double sigma)
{
    Image *out = image_new(in->width, in->height, 3, NULL);
    g_autofree double *half = g_new0(double, image_bytes(in));
    int radius = (int)ceil(4 * sigma);
    for (int pass = 0; pass < 2; pass++) {
        for (int y = 0; y < in->height; y++) {
            for (int x = 0; x < in->width * 3; x++) {
                double sum = 0, weight = 0;
                for (int k = -radius; k <= radius; k++) {
                    double w = exp(-k * k / (2 * sigma * sigma));
                    int px = CLAMP(x / 3 + (pass ? 0 : k), 0, in->width - 1),
                        py = CLAMP(y + (pass ? k : 0), 0, in->height - 1),
                        at = 3 * (py * in->width + px) + x % 3;
                    sum += w * (pass ? half[at] : in->pixels[at]);
                    weight += w;
                }
                if (pass) {
                    out->pixels[3 * y * in->width + x] = (uint8_t)lround(sum / weight);
                } else {
                    half[3 * y * in->width + x] = sum / weight;
                }
            }
        }
    }
    return out;
}

static void paint(Image *rgb, int x0, int y0, int x1, int y1, int r, int g, int b)
{
    for (int y = y0; y < y1; y++) {
        for (int x = x0; x < x1; x++) {
            uint8_t *p = rgb->pixels + 3 * (y * rgb->width + x);
            p[0] = (uint8_t)r;
            p[1] = (uint8_t)g;
            p[2] = (uint8_t)b;
        }
    }
}

static void test_made(void)
{
    g_autoptr(Image) good = tissue_tile(256), blur = blurred(good, 2);
    Quality quality = measure(good, NULL, 1);
    g_assert_cmpuint(quality.flags, ==, 0);
    g_assert_cmpuint(measure(blur, NULL, 1).flags, ==, QUALITY_BLUR);
    g_assert_cmpfloat(measure(blur, NULL, 1).sharpness, <, quality.sharpness / 2);

    g_autoptr(Image) glass = image_new(256, 256, 3, NULL);
    memset(glass->pixels, 242, image_bytes(glass));
    g_assert_cmpuint(measure(glass, NULL, 1).flags, ==, QUALITY_BLANK);

    g_autoptr(Image) pen = tissue_tile(256);
    paint(pen, 0, 0, 256, 64, 20, 60, 160);
    g_assert_cmpuint(measure(pen, NULL, 1).flags & QUALITY_PEN, ==, QUALITY_PEN);
    g_assert_cmpfloat_with_epsilon(measure(pen, NULL, 1).pen_fraction, 0.25, 0.08);

    g_autoptr(Image) fold = tissue_tile(256);
    for (int i = 0; i < 256 * 100 * 3; i++) { /* a hundred rows three times as dense */
        fold->pixels[i] = (uint8_t)(pow(fold->pixels[i] / 245.0, 4) * 100);
    }
    g_assert_cmpuint(measure(fold, NULL, 1).flags & QUALITY_DARK, ==, QUALITY_DARK);

    g_autoptr(Image) cut = tissue_tile(256);
    for (size_t i = 0; i < image_bytes(cut); i += 3) {
        cut->pixels[i] = (uint8_t)MIN(cut->pixels[i] + 60, 255);
    }
    g_assert_cmpuint(measure(cut, NULL, 1).flags, ==, QUALITY_SATURATION);
}

/* Pixels without data do not count: the measures are those of the other pixels alone, and the border is not an edge. */
static void test_no_data(void)
{
    g_autoptr(Image) whole = tissue_tile(256), part = tissue_tile(256),
                     readable = image_new(256, 256, 1, NULL);
    memset(readable->pixels, 255, image_bytes(readable));
    memset(readable->pixels, 0, 256 * 64);
    paint(part, 0, 0, 256, 64, 255, 255, 255);
    Quality a = measure(whole, NULL, 1), b = measure(part, readable, 1);
    g_assert_cmpuint(b.flags, ==, 0);
    g_assert_cmpfloat_with_epsilon(a.sharpness, b.sharpness, 0.05 * a.sharpness);
    memset(readable->pixels, 0, image_bytes(readable));
    b = measure(part, readable, 1);
    g_assert_cmpuint(b.flags, ==, QUALITY_BLANK);
    g_assert_true(isnan(b.sharpness));
}

static void test_names(void)
{
    unsigned flags;
    g_autoptr(GError) error = NULL;
    for (unsigned i = 0; i < 32; i++) {
        g_autofree char *text = quality_flags_text(i);
        g_assert_true(quality_flags_parse(text, &flags, NULL));
        g_assert_cmpuint(flags, ==, i);
    }
    g_autofree char *all = quality_flags_text(31);
    g_assert_cmpstr(all, ==, "blur pen dark blank saturation");
    g_assert_false(quality_flags_parse("pen foxed", &flags, &error));
    g_assert_nonnull(strstr(error->message, "foxed"));
}

/* ---- real tiles ---- */

typedef struct {
    int tiles, flagged[5], blurred_found, blurred;
} Count;

static void add_file(Count *count, const char *folder, const char *name, double mpp)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autoptr(Image) rgb = imagefile_read(path, NULL);
    Quality quality = measure(rgb, NULL, mpp);
    count->tiles++;
    for (int i = 0; i < 5; i++) {
        count->flagged[i] += (quality.flags >> i) & 1;
    }
    if (quality.blank_fraction < 0.5) {
        g_autoptr(Image) soft = blurred(rgb, 2);
        count->blurred++;
        count->blurred_found += (measure(soft, NULL, mpp).flags & QUALITY_BLUR) != 0;
    }
}

static Count count_folder(const char *folder, double mpp, int step)
{
    Count count = {0};
    g_autofree char *path = g_build_filename(data, folder, NULL);
    g_auto(GStrv) names = imagefile_list(path, NULL);
    for (int i = 0; i < (int)g_strv_length(names); i += step) {
        add_file(&count, path, names[i], mpp);
    }
    g_test_message(
        "%s: %d tiles, blur %d, pen %d, dark %d, blank %d, saturation %d; after a blur of 2 px %d of %d "
        "are found",
        folder, count.tiles, count.flagged[0], count.flagged[1], count.flagged[2], count.flagged[3],
        count.flagged[4], count.blurred_found, count.blurred);
    return count;
}

/* Ordinary tiles have hardly any flag; of the same tiles blurred, nearly all are found. */
static void test_ordinary(void)
{
    static const struct {
        const char *folder;
        double mpp;
        int step;
    } sets[] = {{"patches/pcam_96/train/good", 0.97, 12},
                {"patches/lc25000_lung_224/train/good", 0.5, 20},
                {"patches/camelyon16_unlabelled", 0.25, 1}};
    for (guint i = 0; i < G_N_ELEMENTS(sets); i++) {
        Count count = count_folder(sets[i].folder, sets[i].mpp, sets[i].step);
        g_assert_cmpint(count.flagged[0], <=, count.tiles / 50);
        g_assert_cmpint(count.flagged[1], <=, count.tiles / 20);
        g_assert_cmpint(count.blurred_found, >=, count.blurred * 49 / 50);
    }
}

/* Tiles with known faults: what is found, and what is not. */
static void test_fixtures(void)
{
    static const struct {
        const char *name;
        double mpp;
        unsigned wanted;
    } files[] = {{"almost-white-1.png", 0.5, QUALITY_BLANK},
                 {"almost-white-2.png", 0.5, QUALITY_BLANK},
                 {"almost-white-ihc.png", 0.5, QUALITY_BLANK},
                 {"no-tissue.png", 0.5, QUALITY_BLANK},
                 {"no-tissue2.png", 0.5, QUALITY_BLANK},
                 {"no-tissue-line.png", 0.5, QUALITY_BLANK},
                 {"liver-level2-38626-13514-39426-14315.png", 8, QUALITY_BLANK},
                 {"no-tissue-green-pen.png", 0.5, QUALITY_PEN},
                 {"no-tissue-red-pen.png", 0.5, QUALITY_PEN},
                 {"medium-nuclei-score-green-pen-level1.png", 1, QUALITY_PEN},
                 {"high-nuclei-score-red-pen-level1.png", 1, QUALITY_PEN},
                 {"very-low-nuclei-score-red-pen-level1.png", 1, QUALITY_PEN},
                 {"tcga-green-pen.png", 8, QUALITY_PEN},
                 {"tcga-red-pen.png", 8, QUALITY_PEN},
                 {"wsi-blue-pen.png", 32, QUALITY_PEN},
                 {"high-nuclei-score-level0.png", 0.5, 0},
                 {"medium-nuclei-score-level0.png", 0.5, 0},
                 {"medium-nuclei-score-level1.png", 1, 0},
                 {"medium-nuclei-score-level1-2.png", 1, 0},
                 {"tissue-level0-7352-11762-7864-12274.png", 0.5, 0},
                 {"tissue-level2-3000-7666-7096-11763.png", 8, 0}};
    int hits = 0, misses = 0;
    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(data, "patches/histolab_fixtures", files[i].name, NULL);
        g_autoptr(Image) rgb = imagefile_read(path, NULL);
        Quality quality = measure(rgb, NULL, files[i].mpp);
        g_autofree char *found = quality_flags_text(quality.flags);
        g_autofree char *wanted = quality_flags_text(files[i].wanted);
        unsigned relevant = QUALITY_PEN | QUALITY_BLANK;
        gboolean hit = (quality.flags & relevant) == files[i].wanted;
        hits += hit;
        misses += !hit;
        g_test_message("%s %s: wanted \"%s\", found \"%s\" (sharpness %.3f, pen %.3f, dark %.3f, blank %.3f, "
                       "saturated %.3f)",
                       hit ? "hit " : "MISS", files[i].name, wanted, found, quality.sharpness,
                       quality.pen_fraction, quality.dark_fraction, quality.blank_fraction,
                       quality.saturated_fraction);
    }
    g_test_message("%d hits, %d misses", hits, misses);
    g_assert_cmpint(misses, ==, 0);
}

static void test_skipped(void)
{
    g_test_skip("set WSIFLOW_TEST_DATA to the folder of real data");
}

/* Nothing jumps where the window becomes too large for fine units of density, or reaches its limit. */
static void test_windows_of_all_sizes(void)
{
    g_autoptr(Image) rgb = tissue_tile(200);
    Quality last = measure(rgb, NULL, 0.3);
    for (double mpp = 0.29; mpp > 0.03; mpp *= 0.9) {
        Quality now = measure(rgb, NULL, mpp);
        g_assert_cmpfloat(fabs(now.blank_fraction - last.blank_fraction), <, 0.02);
        g_assert_cmpfloat(fabs(now.pen_fraction - last.pen_fraction), <, 0.02);
        last = now;
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    data = g_getenv("WSIFLOW_TEST_DATA");
    gboolean real = data && *data;
    g_test_add_func("/quality/windows", test_windows_of_all_sizes);
    g_test_add_func("/quality/made tiles", test_made);
    g_test_add_func("/quality/no data", test_no_data);
    g_test_add_func("/quality/names", test_names);
    g_test_add_func("/quality/ordinary tiles", real ? test_ordinary : test_skipped);
    g_test_add_func("/quality/tiles with faults", real ? test_fixtures : test_skipped);
    return g_test_run();
}
