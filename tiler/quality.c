/* Measures of a tile's quality.
 *
 * Colours are judged by stain.c, which finds tissue and ink for the tissue mask: a tile and the mask that it came from cannot
 * disagree about what ink is.  Blur is told by how energy falls from one scale to the next, not by its amount: the variance of the
 * Laplacian of a pale sharp tile is below that of a dark blurred one, the ratio of two scales is not. */
#include "tiler/quality.h"
#include "base/error.h"
#include "tiler/stain.h"
#include <math.h>
#include <string.h>

static const double MIN_SHARPNESS = 0.12, PEN_SHARE = 0.02, DARK_SHARE = 0.25, BLANK_SHARE = 0.95,
                    SATURATED_SHARE = 0.10;
static const double DARK_UM = 16;
enum { DARK_LEVEL = 90, GLASS_LEVEL = 200, MIN_ENERGY = 1 /* of grey values squared: less is rounding */ };

static const struct {
    QualityFlag flag;
    const char *name;
} names[] = {{QUALITY_BLUR, "blur"},
             {QUALITY_PEN, "pen"},
             {QUALITY_DARK, "dark"},
             {QUALITY_BLANK, "blank"},
             {QUALITY_SATURATION, "saturation"}};

/* ---- blur ---- */

/* Grey values, negative where there is no data. */
typedef struct {
    int width, height;
    float *values;
} Grey;

static void grey_clear(Grey *grey)
{
    g_free(grey->values);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Grey, grey_clear)

static gboolean grey_of(const Image *rgb, const Image *valid, Grey *grey, GError **error)
{
    size_t pixels = (size_t)rgb->width * (size_t)rgb->height;
    *grey = (Grey){rgb->width, rgb->height, wsi_try_alloc(pixels, sizeof(float), "a tile", error)};
    for (size_t i = 0; grey->values && i < pixels; i++) {
        const uint8_t *p = rgb->pixels + 3 * i;
        gboolean known = !valid || valid->pixels[i];
        grey->values[i] = known ? 0.299F * p[0] + 0.587F * p[1] + 0.114F * p[2] : -1;
    }
    return grey->values != NULL;
}

/* Half the size by the mean of 2 x 2; no data where one of them has none. */
static gboolean grey_half(const Grey *grey, Grey *half, GError **error)
{
    *half = (Grey){grey->width / 2, grey->height / 2, NULL};
    half->values =
        wsi_try_alloc(MAX((size_t)half->width * (size_t)half->height, 1), sizeof(float), "a tile", error);
    for (int y = 0; half->values && y < half->height; y++) {
        for (int x = 0; x < half->width; x++) {
            const float *a = grey->values + (size_t)(2 * y) * grey->width + 2 * x, *b = a + grey->width;
            gboolean known = a[0] >= 0 && a[1] >= 0 && b[0] >= 0 && b[1] >= 0;
            half->values[(size_t)y * half->width + x] = known ? (a[0] + a[1] + b[0] + b[1]) / 4 : -1;
        }
    }
    return half->values != NULL;
}

/* Mean square of the Laplacian (4 neighbours) where all five pixels are known. */
static double laplacian_energy(const Grey *grey)
{
    double sum = 0;
    int64_t count = 0;
    for (int y = 1; y + 1 < grey->height; y++) {
        const float *row = grey->values + (size_t)y * grey->width;
        for (int x = 1; x + 1 < grey->width; x++) {
            const float *p = row + x;
            float left = p[-1], right = p[1], up = p[-grey->width], down = p[grey->width];
            if (*p >= 0 && left >= 0 && right >= 0 && up >= 0 && down >= 0) {
                double laplacian = (double)left + right + up + down - 4.0 * *p;
                sum += laplacian * laplacian;
                count++;
            }
        }
    }
    return count ? sum / (double)count : 0;
}

static gboolean measure_blur(const Image *rgb, const Image *valid, Quality *out, GError **error)
{
    g_auto(Grey) grey = {0}, half = {0};
    if (!grey_of(rgb, valid, &grey, error) || !grey_half(&grey, &half, error)) {
        return FALSE;
    }
    double coarse = laplacian_energy(&half);
    out->sharpness = coarse >= MIN_ENERGY ? laplacian_energy(&grey) / coarse : NAN;
    return TRUE;
}

/* ---- colours ---- */

static void measure_colours(const Image *rgb, const Image *valid, const Image *stain, Quality *out)
{
    int64_t known = 0, pen = 0, tissue = 0, stained = 0, cut = 0;
    for (size_t i = 0; i < image_bytes(stain); i++) {
        const uint8_t *p = rgb->pixels + 3 * i;
        if (valid && !valid->pixels[i]) {
            continue;
        }
        known++;
        pen += (stain->pixels[i] & STAIN_PEN) != 0;
        if (stain->pixels[i] & STAIN_TISSUE) {
            uint8_t low = MIN(p[0], MIN(p[1], p[2])), high = MAX(p[0], MAX(p[1], p[2]));
            tissue++;
            stained += low < GLASS_LEVEL;
            cut += low == 0 || (high == 255 && low < GLASS_LEVEL);
        }
    }
    out->pen_share = known ? (double)pen / (double)known : 0;
    out->blank_share = known ? 1 - (double)tissue / (double)known : 1;
    out->saturated_share = stained ? (double)cut / (double)stained : 0;
}

/* Whether the square is dark on the mean; -1 without data. */
static int square_is_dark(const Image *rgb, const Image *valid, int x0, int y0, int side)
{
    int64_t sums[3] = {0}, known = 0;
    for (int y = y0; y < MIN(y0 + side, rgb->height); y++) {
        for (int x = x0; x < MIN(x0 + side, rgb->width); x++) {
            size_t i = (size_t)y * rgb->width + x;
            if (!valid || valid->pixels[i]) {
                const uint8_t *p = rgb->pixels + 3 * i;
                sums[0] += p[0];
                sums[1] += p[1];
                sums[2] += p[2];
                known++;
            }
        }
    }
    return known ? MAX(sums[0], MAX(sums[1], sums[2])) < DARK_LEVEL * known : -1;
}

static double dark_share(const Image *rgb, const Image *valid, double mpp)
{
    int side = (int)CLAMP(lround(DARK_UM / mpp), 1, 4096), dark = 0, squares = 0;
    for (int y = 0; y < rgb->height; y += side) {
        for (int x = 0; x < rgb->width; x += side) {
            int is_dark = square_is_dark(rgb, valid, x, y, side);
            dark += is_dark == 1;
            squares += is_dark >= 0;
        }
    }
    return squares ? (double)dark / squares : 0;
}

/* ---- the whole ---- */

gboolean quality_measure(const Image *rgb, const Image *valid, double mpp, Quality *out, GError **error)
{
    *out = (Quality){.sharpness = NAN};
    g_autoptr(Image) stain = stain_flags(rgb, valid, mpp, error);
    if (!stain || !measure_blur(rgb, valid, out, error)) {
        return FALSE;
    }
    measure_colours(rgb, valid, stain, out);
    out->dark_share = dark_share(rgb, valid, mpp);
    gboolean blank = out->blank_share > BLANK_SHARE && out->pen_share < PEN_SHARE;
    if (blank) {
        out->sharpness = NAN;
    }
    out->flags = (out->sharpness < MIN_SHARPNESS ? QUALITY_BLUR : 0) |
                 (out->pen_share >= PEN_SHARE ? QUALITY_PEN : 0) |
                 (out->dark_share >= DARK_SHARE ? QUALITY_DARK : 0) | (blank ? QUALITY_BLANK : 0) |
                 (out->saturated_share >= SATURATED_SHARE ? QUALITY_SATURATION : 0);
    return TRUE;
}

char *quality_flags_text(unsigned flags)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        if (flags & names[i].flag) {
            g_string_append_printf(text, "%s%s", text->len ? " " : "", names[i].name);
        }
    }
    return g_string_free(text, FALSE);
}

gboolean quality_flags_parse(const char *text, unsigned *flags, GError **error)
{
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    *flags = 0;
    for (char **word = words; *word; word++) {
        unsigned found = 0;
        for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
            found |= g_str_equal(*word, names[i].name) ? names[i].flag : 0;
        }
        if (**word && !found) {
            g_autofree char *all = quality_flags_text(~0U);
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "\"%s\" is no flag of a tile; there are: %s",
                        *word, all);
            return FALSE;
        }
        *flags |= found;
    }
    return TRUE;
}
