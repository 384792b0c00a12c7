/* Finds the glass by histograms of tints and greys.
 *
 * Glass is bright, and nearly grey or yellow.  Old glass and mounting media are yellow: the density of blue minus that of green is at least
 * 1.5 times that of green minus that of red.  Pale brown chromogen has 0.7, and no other stain is near.  In real images with white glass,
 * at most 0.6 % of the pixels have one such colour.  Yellow counts as glass from 2 % on, when no colour except pure white is more common.
 *
 * Saffron and picric acid stain collagen in the same yellow.  But a specimen on glass can only absorb light: when 2 % of the pixels are
 * neutral and brighter in blue than the yellow, the yellow is stain.  Pure white between other pixels counts as brighter, as glass that
 * the scanner saw as 255.  Pure white around all other pixels may be padding that was never scanned, and does not count.
 *
 * An image without colours has only greys, and its glass is the commonest grey.  A small biopsy must count as colour: it is compact, unlike
 * the noise of a camera. */
#include "tiler/tissue/glass.h"
#include "base/error.h"
#include "tiler/raster/vectorised.h"
#include <math.h>

/* Tints within +-TINT in steps of 0.001; greys below MAX_GREY in steps of 0.001. */
enum { TINTS = 51, GREYS = 200 };
static const float BINS_PER_OD = 1000;
/* Tints of yellow glass in steps of 0.002: green is up to 0.09 denser than red, blue 0.025 to 0.225 denser than green. */
enum { REDS = 50, BLUES = 100 };
static const float YELLOW_BINS_PER_OD = 500, YELLOW_RED = -0.01F, YELLOW_BLUE = -0.225F, YELLOW_LEAST = 0.02F;
/* A neutral pixel is evidence against yellow glass when its density of blue is lower by this: more than neutral tints differ. */
static const double BRIGHTER = 0.03;
enum { ONE_IN = 50 }; /* 1 / 50 = 2 %: the least part of yellow glass, and of the evidence against it */
/* A pixel has a colour when its samples differ by more than GREY_SPREAD.  An image has colours when the fraction COLOURED of its pixels has
 * one, or more than COMPACT pixels in runs of at least RUN along rows. */
static const double COLOURED = 1e-3;
enum { GREY_SPREAD = 2, RUN = 8, COMPACT = 64 };

struct Glass {
    int width;
    int64_t pixels;                 /* of the whole image */
    int32_t *tint_bins, *grey_bins; /* of a row */
    /* Per column: the pure white pixels in rows that also have other pixels; whether the column has other pixels. */
    int32_t *whites, *others;
    /* Rows of only pure white: between rows with other pixels; after the last such row. */
    int64_t white_rows, last_white_rows;
    gboolean any_others;
    /* The neutral tints, then the yellow ones. */
    int64_t tints[TINTS * TINTS + REDS * BLUES], greys[GREYS], yellow_greys[GREYS];
    int64_t readable, coloured, compact, backgrounds, yellows;
};

enum { ANY_BACKGROUND = 1, ANY_YELLOW = 2 };

/* The bins of each pixel: of its tint (-1 when it is not neutral) and of its grey.  Returns ANY_BACKGROUND and ANY_YELLOW as they occur. */
VECTORISED static int bins_of_row(int32_t *restrict tints, int32_t *restrict greys, const float *restrict od,
                                  int width)
{
    int any = 0;
    for (int x = 0; x < width; x++) {
        float red = od[3 * x], green = od[3 * x + 1], blue = od[3 * x + 2];
        /* Tint 0 is in the middle bin. */
        float r = (green - red) * BINS_PER_OD + (TINTS / 2 + 0.5F);
        float b = (green - blue) * BINS_PER_OD + (TINTS / 2 + 0.5F);
        float grey = (red + green + blue) * (BINS_PER_OD / 3);
        int background = (r >= 0) & (r < TINTS) & (b >= 0) & (b < TINTS) & (grey < GREYS);
        int yellow = (blue - green > YELLOW_LEAST) & (grey < GREYS);
        tints[x] = background ? (int32_t)r * TINTS + (int32_t)b : -1;
        greys[x] = (int32_t)grey;
        any |= background * ANY_BACKGROUND | yellow * ANY_YELLOW;
    }
    return any;
}

/* Gives pixels without a neutral bin a yellow one, where they have such a tint. */
VECTORISED static void yellow_bins_of_row(int32_t *restrict tints, const int32_t *restrict greys,
                                          const float *restrict od, int width)
{
    for (int x = 0; x < width; x++) {
        float red = od[3 * x], green = od[3 * x + 1], blue = od[3 * x + 2];
        float r = (green - red - YELLOW_RED) * YELLOW_BINS_PER_OD + 0.5F;
        float b = (green - blue - YELLOW_BLUE) * YELLOW_BINS_PER_OD + 0.5F;
        int yellow = (r >= 0) & (r < REDS) & (b >= 0) & (b < BLUES) & (greys[x] < GREYS) &
                     (blue - green > 1.5F * (green - red)) & (tints[x] < 0);
        tints[x] = yellow ? TINTS * TINTS + (int32_t)r * BLUES + (int32_t)b : tints[x];
    }
}

VECTORISED static int32_t sum_of_bytes(const uint8_t *bytes, int n)
{
    int32_t sum = 0;
    for (int i = 0; i < n; i++) {
        sum += bytes[i];
    }
    return sum;
}

/* Marks the readable pixels of a row that have a colour; returns their number. */
VECTORISED static int32_t mark_colours(int32_t *restrict marks, const uint8_t *restrict readable,
                                       const uint8_t *restrict rgb, int width)
{
    int32_t coloured = 0;
    for (int x = 0; x < width; x++) {
        const uint8_t *p = rgb + 3 * x;
        uint8_t low = MIN(p[0], MIN(p[1], p[2])), high = MAX(p[0], MAX(p[1], p[2]));
        marks[x] = readable[x] & (high - low > GREY_SPREAD);
        coloured += marks[x];
    }
    return coloured;
}

/* The number of marks in runs of at least RUN. */
static int64_t count_runs(const int32_t *marks, int width)
{
    int64_t sum = 0;
    for (int x = 0, run = 0; x <= width; x++) {
        if (x < width && marks[x]) {
            run++;
        } else {
            sum += run >= RUN ? run : 0;
            run = 0;
        }
    }
    return sum;
}

/* Whether enough pixels have a colour, spread or compact. */
static gboolean has_colours(const Glass *glass, int64_t pixels)
{
    return (double)glass->coloured > COLOURED * (double)pixels || glass->compact > COMPACT;
}

/* marks (W): working memory. */
static void add_colours(Glass *glass, int32_t *marks, const uint8_t *rgb, const uint8_t *readable)
{
    if (has_colours(glass, glass->pixels)) {
        return; /* enough for the whole image already */
    }
    int32_t coloured = mark_colours(marks, readable, rgb, glass->width);
    glass->coloured += coloured;
    glass->compact += coloured >= RUN ? count_runs(marks, glass->width) : 0;
}

/* Whether the row has a readable pixel that is not pure white, whose grey bin is 0. */
VECTORISED static int has_others(const int32_t *restrict greys, const uint8_t *restrict readable, int width)
{
    int any = 0;
    for (int x = 0; x < width; x++) {
        any |= readable[x] & (greys[x] != 0);
    }
    return any;
}

/* Per column: counts pure white, and marks columns with other pixels. */
VECTORISED static void add_columns(int32_t *restrict whites, int32_t *restrict others,
                                   const int32_t *restrict greys, const uint8_t *restrict readable, int width)
{
    for (int x = 0; x < width; x++) {
        whites[x] += readable[x] & (greys[x] == 0);
        others[x] |= readable[x] & (greys[x] != 0);
    }
}

/* Counts pure white so that whites_between() can leave out what is around all other pixels. */
static void add_whites(Glass *glass, const uint8_t *readable)
{
    if (!has_others(glass->grey_bins, readable, glass->width)) {
        glass->last_white_rows += glass->any_others;
        return;
    }
    glass->white_rows += glass->last_white_rows;
    glass->last_white_rows = 0;
    glass->any_others = TRUE;
    add_columns(glass->whites, glass->others, glass->grey_bins, readable, glass->width);
}

/* The number of pure white pixels inside the bounding box of all other pixels. */
static int64_t whites_between(const Glass *glass)
{
    int64_t sum = 0, since = 0; /* since: in columns after the last one with other pixels */
    /* Whether a column with other pixels has been passed. */
    gboolean begun = FALSE;
    for (int x = 0; x < glass->width; x++) {
        begun = begun || glass->others[x];
        since += begun ? glass->whites[x] + glass->white_rows : 0;
        if (glass->others[x]) {
            sum += since;
            since = 0;
        }
    }
    return sum;
}

Glass *glass_new(int width, int height, GError **error)
{
    g_autoptr(Glass) glass = g_new0(Glass, 1);
    int32_t **rows[] = {&glass->tint_bins, &glass->grey_bins, &glass->whites, &glass->others};
    glass->width = width;
    glass->pixels = (int64_t)width * height;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        *rows[i] = wsi_try_alloc((size_t)width, sizeof(int32_t), "a row of a slide", error);
        if (!*rows[i]) {
            return NULL;
        }
    }
    return g_steal_pointer(&glass);
}

void glass_free(Glass *glass)
{
    if (glass) {
        g_free(glass->tint_bins);
        g_free(glass->grey_bins);
        g_free(glass->whites);
        g_free(glass->others);
        g_free(glass);
    }
}

void glass_add_row(Glass *glass, const float *od, const uint8_t *rgb, const uint8_t *readable)
{
    add_colours(glass, glass->tint_bins, rgb, readable);
    glass->readable += sum_of_bytes(readable, glass->width);
    int any = bins_of_row(glass->tint_bins, glass->grey_bins, od, glass->width);
    add_whites(glass, readable);
    if (!any) {
        return;
    }
    if (any & ANY_YELLOW) {
        yellow_bins_of_row(glass->tint_bins, glass->grey_bins, od, glass->width);
    }
    for (int x = 0; x < glass->width; x++) {
        const int32_t tint = glass->tint_bins[x], grey = glass->grey_bins[x];
        if (!readable[x] || tint < 0) {
            continue;
        }
        glass->tints[tint]++;
        if (tint < TINTS * TINTS) {
            glass->greys[grey]++;
            glass->backgrounds++;
        } else {
            glass->yellow_greys[grey]++;
            glass->yellows++;
        }
    }
}

/* The centre of the 3 x 3 bins with the largest sum, and that sum. */
static int64_t commonest(const int64_t *bins, int rows, int columns, int *row, int *column)
{
    int64_t best = -1;
    *row = *column = 0;
    for (int i = 1; i < rows - 1; i++) {
        for (int j = 1; j < columns - 1; j++) {
            int64_t around = 0;
            for (int k = 0; k < 9; k++) {
                around += bins[(i + k / 3 - 1) * columns + j + k % 3 - 1];
            }
            if (around > best) {
                best = around;
                *row = i;
                *column = j;
            }
        }
    }
    return best;
}

/* The 20th percentile of density: a fifth of the pixels are brighter than this grey. */
static float bright_grey(const int64_t *greys, int64_t count)
{
    int64_t seen = 0;
    float grey = 0;
    for (int i = 0; i < GREYS && seen * 5 < count; i++) {
        seen += greys[i];
        grey = i / BINS_PER_OD;
    }
    return grey;
}

/* The centre of the three grey bins with the largest sum. */
static float commonest_grey(const int64_t *greys)
{
    int best = 1;
    int64_t most = -1;
    for (int i = 1; i < GREYS - 1; i++) {
        int64_t around = greys[i - 1] + greys[i] + greys[i + 1];
        if (around > most) {
            most = around;
            best = i;
        }
    }
    return best / BINS_PER_OD;
}

/* Density of green, from the mean of the three densities and the differences of red and blue to green. */
static double green_of(const Background *background)
{
    return background->grey + (background->red + background->blue) / 3;
}

/* The number of neutral pixels that are brighter in blue than the yellow. */
static int64_t count_brighter(const Glass *glass, const Background *yellow)
{
    /* The yellow's density of blue, less the margin, in bins of grey. */
    const double limit = (green_of(yellow) - yellow->blue - BRIGHTER) * (double)BINS_PER_OD;
    int64_t count = whites_between(glass);
    for (int i = 1; i < GREYS && i < limit; i++) {
        count += glass->greys[i];
    }
    return count;
}

/* Decides whether the commonest yellow is glass; then *out becomes it.  neutral: the pixels of the commonest neutral tint. */
static void take_yellow(const Glass *glass, int64_t neutral, Background *out)
{
    int k, l;
    int64_t yellow = commonest(glass->tints + TINTS * TINTS, REDS, BLUES, &k, &l);
    const Background found = {.found = TRUE,
                              .yellow = TRUE,
                              .red = YELLOW_RED + k / YELLOW_BINS_PER_OD,
                              .blue = YELLOW_BLUE + l / YELLOW_BINS_PER_OD,
                              .grey = bright_grey(glass->yellow_greys, glass->yellows)};
    /* Too rare, or a neutral tint other than pure white is more common. */
    if (yellow * ONE_IN <= glass->readable || yellow < neutral - glass->greys[0]) {
        return;
    }
    /* Something neutral is brighter: the yellow is on glass, so it is stain. */
    if (count_brighter(glass, &found) * ONE_IN > glass->readable) {
        out->yellow_stain = (float)glass->yellows / (float)glass->readable;
    } else {
        *out = found;
    }
}

Background glass_find(const Glass *glass)
{
    Background out = {.found = glass->backgrounds * 200 > glass->readable};
    int i, j;
    if (out.found && !has_colours(glass, glass->readable)) {
        out.greyscale = TRUE;
        out.grey = commonest_grey(glass->greys);
        return out;
    }
    int64_t neutral = commonest(glass->tints, TINTS, TINTS, &i, &j);
    take_yellow(glass, neutral, &out);
    if (out.found &&
        !out.yellow) { /* without any glass the whole image is tissue, and its tint is not known */
        out.red = (i - TINTS / 2) / BINS_PER_OD;
        out.blue = (j - TINTS / 2) / BINS_PER_OD;
        out.grey = bright_grey(glass->greys, glass->backgrounds);
    }
    return out;
}

GlassColour glass_colour(const Background *background)
{
    GlassColour colour = {background->found, background->greyscale, 255, 255, 255, background->yellow_stain};
    if (background->found) {
        double green = green_of(background);
        /* OD = -log10((I + 1) / 256), inverted. */
        colour.red = CLAMP(256 * pow(10, -(green - background->red)) - 1, 0, 255);
        colour.green = CLAMP(256 * pow(10, -green) - 1, 0, 255);
        colour.blue = CLAMP(256 * pow(10, -(green - background->blue)) - 1, 0, 255);
    }
    return colour;
}

Background glass_of_colour(const GlassColour *colour)
{
    Background out = {.found = colour->found, .greyscale = colour->greyscale};
    if (out.found) {
        const double samples[] = {colour->red, colour->green, colour->blue};
        float od[3];
        for (int c = 0; c < 3; c++) {
            od[c] = (float)-log10((samples[c] + 1) / 256);
        }
        out.red = od[1] - od[0];
        out.blue = od[1] - od[2];
        out.grey = (od[0] + od[1] + od[2]) / 3;
    }
    return out;
}
