/* Measures the quality of a tile.
 *
 * Colours are classified by pixel_class.c, which also serves the tissue mask, so a tile and the mask agree about what ink is.
 * Blur is measured by the ratio of energies at two scales.  The energy itself would mislead: the variance of the Laplacian
 * of a pale sharp tile is below that of a dark blurred one. */
#include "tiler/tissue/quality.h"
#include "base/error.h"
#include "tiler/raster/thread_scratch.h"
#include "tiler/tissue/pixel_class.h"
#include "tiler/raster/vectorised.h"
#include <math.h>
#include <string.h>

static const double MIN_SHARPNESS = 0.12, PEN_FRACTION = 0.02, DARK_FRACTION = 0.25, BLANK_FRACTION = 0.95,
                    SATURATED_FRACTION = 0.10;
static const double DARK_UM = 16;
enum { DARK_LEVEL = 90, GLASS_LEVEL = 200, MIN_ENERGY = 1 /* grey levels squared; less is rounding */ };
enum { LANES = 16 };

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

/* Luma of a row. */
VECTORISED static void grey_row(float *restrict grey, const uint8_t *restrict rgb, int width)
{
    for (int x = 0; x < width; x++) {
        const uint8_t *p = rgb + 3 * (size_t)x;
        grey[x] = 0.299F * p[0] + 0.587F * p[1] + 0.114F * p[2];
    }
}

/* Luma (ITU-R BT.601), -1 where there is no data. */
static gboolean grey_of(const Image *rgb, const Image *readable, Grey *grey, GError **error)
{
    size_t pixels = (size_t)rgb->width * (size_t)rgb->height;
    *grey = (Grey){rgb->width, rgb->height,
                   thread_scratch(SCRATCH_GREY, pixels, sizeof(float), "a tile's grey", error)};
    for (int y = 0; grey->values && y < rgb->height; y++) {
        size_t at = (size_t)y * rgb->width;
        grey_row(grey->values + at, rgb->pixels + 3 * at, rgb->width);
        for (int x = 0; readable && x < rgb->width; x++) {
            grey->values[at + x] = readable->pixels[at + x] ? grey->values[at + x] : -1;
        }
    }
    return grey->values != NULL;
}

/* One row of half the width from two rows. */
VECTORISED static void half_row(float *restrict half, const float *restrict a, const float *restrict b,
                                int width)
{
    for (int x = 0; x < width; x++) {
        float low = MIN(MIN(a[2 * x], a[2 * x + 1]), MIN(b[2 * x], b[2 * x + 1]));
        float sum = a[2 * x] + a[2 * x + 1] + b[2 * x] + b[2 * x + 1];
        /* One pixel without data leaves the mean without data. */
        half[x] = low >= 0 ? sum / 4 : -1;
    }
}

/* Half the size: means of 2 x 2 pixels, without data where one of them has none. */
static gboolean grey_half(const Grey *grey, Grey *half, GError **error)
{
    *half = (Grey){grey->width / 2, grey->height / 2, NULL};
    half->values = thread_scratch(SCRATCH_GREY_HALF, MAX((size_t)half->width * (size_t)half->height, 1),
                                  sizeof(float), "a tile's grey", error);
    for (int y = 0; half->values && y < half->height; y++) {
        const float *row = grey->values + (size_t)(2 * y) * grey->width;
        half_row(half->values + (size_t)y * half->width, row, row + grey->width, half->width);
    }
    return half->values != NULL;
}

/* Adds the squared Laplacian at row[1 .. n], and the number of pixels that have one, to LANES sums each: a fixed order of summation. */
VECTORISED static void add_laplacians(float *restrict sums, int32_t *restrict counts,
                                      const float *restrict row, const float *restrict up,
                                      const float *restrict down, int n)
{
    for (int first = 0; first < n; first += LANES) {
        for (int lane = 0; lane < MIN(LANES, n - first); lane++) {
            const float *p = row + 1 + first + lane;
            float above = up[1 + first + lane], below = down[1 + first + lane];
            /* Negative when one of the five pixels has no data. */
            float low = MIN(MIN(MIN(p[-1], p[1]), MIN(above, below)), *p);
            float laplacian = (p[-1] + p[1]) + (above + below) - 4 * *p;
            sums[lane] += low >= 0 ? laplacian * laplacian : 0;
            counts[lane] += low >= 0;
        }
    }
}

/* Mean of (left + right + up + down - 4 centre)^2 where all five pixels have data. */
static double laplacian_energy(const Grey *grey)
{
    double sum = 0;
    int64_t count = 0;
    for (int y = 1; y + 1 < grey->height; y++) {
        const float *row = grey->values + (size_t)y * grey->width;
        float sums[LANES] = {0};
        int32_t counts[LANES] = {0};
        add_laplacians(sums, counts, row, row - grey->width, row + grey->width, grey->width - 2);
        for (int lane = 0; lane < LANES; lane++) {
            sum += sums[lane];
            count += counts[lane];
        }
    }
    return count ? sum / (double)count : 0;
}

/* Sharpness = energy at full resolution / energy at half resolution. */
static gboolean measure_blur(const Image *rgb, const Image *readable, Quality *out, GError **error)
{
    Grey grey, half;
    if (!grey_of(rgb, readable, &grey, error) || !grey_half(&grey, &half, error)) {
        return FALSE;
    }
    /* A sharp image has energy in its finest details; a blurred one only in coarser ones. */
    double coarse = laplacian_energy(&half);
    out->sharpness = coarse >= MIN_ENERGY ? laplacian_energy(&grey) / coarse : NAN;
    return TRUE;
}

/* ---- colours ---- */

typedef struct {
    int32_t pen, tissue, stained, cut;
} ColourCounts;

/* classes (W): flags of pixel_class.h, 0 where there is no data. */
VECTORISED static ColourCounts count_row(const uint8_t *restrict rgb, const uint8_t *restrict classes,
                                         int width)
{
    ColourCounts sums = {0, 0, 0, 0};
    for (int x = 0; x < width; x++) {
        const uint8_t *p = rgb + 3 * (size_t)x;
        uint8_t low = MIN(p[0], MIN(p[1], p[2])), high = MAX(p[0], MAX(p[1], p[2]));
        /* Glass around tissue is bright and often 255, so only darker pixels count as clipped at the top. */
        int tissue = (classes[x] & PIXEL_TISSUE) != 0, stained = tissue & (low < GLASS_LEVEL);
        sums.pen += (classes[x] & PIXEL_PEN) != 0;
        sums.tissue += tissue;
        sums.stained += stained;
        sums.cut += (tissue & (low == 0)) | (stained & (high == 255));
    }
    return sums;
}

/* The number of pixels with data. */
static int64_t known_pixels(const Image *rgb, const Image *readable)
{
    int64_t known = readable ? 0 : (int64_t)rgb->width * rgb->height;
    for (size_t i = 0; readable && i < image_bytes(readable); i++) {
        known += readable->pixels[i] != 0;
    }
    return known;
}

/* Fractions of pen, blank and clipped pixels. */
static void measure_colours(const Image *rgb, const Image *readable, const Image *classes, Quality *out)
{
    int64_t known = known_pixels(rgb, readable), pen = 0, tissue = 0, stained = 0, cut = 0;
    for (int y = 0; y < rgb->height; y++) {
        size_t at = (size_t)y * (size_t)rgb->width;
        ColourCounts row = count_row(rgb->pixels + 3 * at, classes->pixels + at, rgb->width);
        pen += row.pen;
        tissue += row.tissue;
        stained += row.stained;
        cut += row.cut;
    }
    /* Of the pixels with data; clipping is measured among the stained ones. */
    out->pen_fraction = known ? (double)pen / (double)known : 0;
    out->blank_fraction = known ? 1 - (double)tissue / (double)known : 1;
    out->saturated_fraction = stained ? (double)cut / (double)stained : 0;
}

/* Adds a square of at most 4096 px a side to the sums of the three channels.  Sixteen pixels are added as 48 separate samples, so
 * that vectors need no shuffling. */
VECTORISED static void add_square(int64_t sums[restrict 3], const uint8_t *restrict rgb, size_t stride,
                                  int width, int rows)
{
    enum { SAMPLES = 3 * LANES };
    /* No overflow: a lane adds at most 4096 x 4096 / 16 samples of 255. */
    uint32_t lanes[SAMPLES] = {0};
    for (int y = 0; y < rows; y++, rgb += stride) {
        int i = 0;
        for (; i + SAMPLES <= 3 * width; i += SAMPLES) {
            for (int lane = 0; lane < SAMPLES; lane++) {
                lanes[lane] += rgb[i + lane];
            }
        }
        for (int lane = 0; i + lane < 3 * width; lane++) {
            lanes[lane] += rgb[i + lane];
        }
    }
    for (int lane = 0; lane < SAMPLES; lane++) {
        sums[lane % 3] += lanes[lane];
    }
}

/* The same for the pixels with data; returns their number. */
static int64_t add_readable_square(int64_t sums[3], const uint8_t *rgb, const uint8_t *readable,
                                   size_t columns, int width, int rows)
{
    int64_t known = 0;
    for (int y = 0; y < rows; y++, rgb += 3 * columns, readable += columns) {
        for (int x = 0; x < width; x++) {
            for (int c = 0; readable[x] && c < 3; c++) {
                sums[c] += rgb[3 * x + c];
            }
            known += readable[x] != 0;
        }
    }
    return known;
}

/* Whether the means of all channels of the square are dark; -1 without data. */
static int square_is_dark(const Image *rgb, const Image *readable, int x, int y, int side)
{
    const size_t columns = (size_t)rgb->width, at = (size_t)y * columns + (size_t)x;
    const int width = MIN(side, rgb->width - x), rows = MIN(side, rgb->height - y);
    int64_t sums[3] = {0}, known = (int64_t)width * rows;
    if (readable) {
        known = add_readable_square(sums, rgb->pixels + 3 * at, readable->pixels + at, columns, width, rows);
    } else {
        add_square(sums, rgb->pixels + 3 * at, 3 * columns, width, rows);
    }
    /* mean < DARK_LEVEL, without a division. */
    return known ? MAX(sums[0], MAX(sums[1], sums[2])) < DARK_LEVEL * known : -1;
}

/* The fraction of squares of 16 um that are dark. */
static double dark_fraction(const Image *rgb, const Image *readable, double mpp)
{
    int side = (int)CLAMP(lround(DARK_UM / mpp), 1, 4096), dark = 0, squares = 0;
    for (int y = 0; y < rgb->height; y += side) {
        for (int x = 0; x < rgb->width; x += side) {
            int is_dark = square_is_dark(rgb, readable, x, y, side);
            dark += is_dark == 1;
            squares += is_dark >= 0;
        }
    }
    return squares ? (double)dark / squares : 0;
}

/* ---- all measures ---- */

static gboolean measure_all_colours(const Image *rgb, const Image *readable, double mpp,
                                    const GlassColour *glass, Quality *out, GError **error)
{
    g_autoptr(Image) classes = pixel_class_image(rgb, readable, mpp, FALSE, glass, NULL, error);
    if (!classes) {
        return FALSE;
    }
    measure_colours(rgb, readable, classes, out);
    out->dark_fraction = dark_fraction(rgb, readable, mpp);
    return TRUE;
}

gboolean quality_measure(const Image *rgb, const Image *readable, double mpp, const GlassColour *glass,
                         Quality *out, GError **error)
{
    *out = (Quality){.sharpness = NAN};
    /* A tile without gaps takes the faster paths. */
    if (readable && !memchr(readable->pixels, 0, image_bytes(readable))) {
        readable = NULL;
    }
    if (!measure_all_colours(rgb, readable, mpp, glass, out, error) ||
        !measure_blur(rgb, readable, out, error)) {
        return FALSE;
    }
    /* A pen mark on glass is pen, not blank. */
    gboolean blank = out->blank_fraction > BLANK_FRACTION && out->pen_fraction < PEN_FRACTION;
    if (blank) {
        out->sharpness = NAN;
    }
    /* NAN is below no limit, so a tile of unknown sharpness is not flagged as blurred. */
    out->flags = (out->sharpness < MIN_SHARPNESS ? QUALITY_BLUR : 0) |
                 (out->pen_fraction >= PEN_FRACTION ? QUALITY_PEN : 0) |
                 (out->dark_fraction >= DARK_FRACTION ? QUALITY_DARK : 0) | (blank ? QUALITY_BLANK : 0) |
                 (out->saturated_fraction >= SATURATED_FRACTION ? QUALITY_SATURATION : 0);
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
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "\"%s\" is not a tile flag; the flags are: %s",
                        *word, all);
            return FALSE;
        }
        *flags |= found;
    }
    return TRUE;
}
