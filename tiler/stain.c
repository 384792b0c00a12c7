/* Pixels by their optical density.
 *
 * Stain absorbs by colour, dirt and the scanner's grey do not.  With OD_c = -log10(I_c / 255) the difference
 * max OD - min OD (the "chroma") is zero for any grey background, whatever its brightness, and grows with the amount of
 * stain; brightness itself decides nothing, so white, grey and black backgrounds need no threshold.  Two things disturb it:
 * the tint of lamp and glass, which is measured on the slide itself (the commonest colour among the bright, nearly grey
 * pixels) and subtracted; and noise, which is averaged over 8 um each way.  Typical values: background 0.001 to 0.005,
 * fat 0.013 to 0.02, pale eosin 0.04, lymph node 0.1, deep eosin 0.25.
 *
 * Markers differ from stain by the ratios of their densities, which do not depend on thickness:
 *   blue, green  absorb red most.  Haematoxylin absorbs green at least 0.85 times as much as red, these less;
 *   red          absorbs blue nearly as much as green (0.75 and up; eosin 0.55 to 0.7) and red hardly;
 *   black        is dense in all three.
 * The bounds are measured on real H&E and IHC slides with markers.  Pale red ink over tissue looks like eosin and
 * is not found. */
#include "tiler/stain.h"
#include "base/error.h"
#include "tiler/scratch.h"
#include "tiler/vectorised.h"
#include <math.h>
#include <string.h>

static const float TISSUE_CHROMA = 0.012F, SURE_CHROMA = 0.024F, GREY_CHROMA = 0.15F;
static const double SMOOTH_UM = 8;
enum { BLACK_LEVEL = 45 }; /* below it in all channels nothing was scanned */

/* Densities are summed as whole numbers of 1e-5, or of 1e-4 where a square has more than 32 bits hold, so sliding sums are exact. */
enum { FINE = 100000, COARSE = 10000, FINE_RADIUS = 46, MAX_RADIUS = 147 };

/* The mean density around each pixel of a row, over the readable pixels of a square.  Sums have four parts: red, green and blue
 * density, and the number of readable pixels. */
enum { PARTS = 4 };
typedef int32_t Parts __attribute__((vector_size(PARTS * sizeof(int32_t))));
typedef struct {
    const Image *rgb;
    int radius, rows;     /* rows: 2 radius + 1, those of a square */
    int unit;             /* of a density of 1 */
    int32_t density[256]; /* of byte values */
    int32_t *kept;        /* scratch, each pixel's parts: row y is the one numbered y % rows */
    Parts *sums;    /* scratch, of each column over the rows of a square; radius + 1 zeros on either side */
    Parts *squares; /* scratch, of the square around each pixel of the row */
    float *od;      /* scratch, red, green and blue planes of one row, or of every row of a small picture */
    const uint8_t *readable; /* of every pixel, 0 or 1 */
    int made;                /* rows of od that another pass finds made */
    gboolean small;
} Smoother;
enum { SMALL = 1 << 20 /* px */ };

static size_t padded(const Smoother *smoother)
{
    return (size_t)smoother->rgb->width + 2 * ((size_t)smoother->radius + 1);
}

static gboolean smoother_init(Smoother *smoother, const Image *rgb, const uint8_t *readable, double mpp,
                              GError **error)
{
    static const char what[] = "a row of a slide";
    const size_t width = (size_t)rgb->width;
    *smoother = (Smoother){.rgb = rgb, .readable = readable};
    smoother->radius = (int)CLAMP(lround(SMOOTH_UM / mpp), 0, MAX_RADIUS);
    smoother->rows = 2 * smoother->radius + 1;
    smoother->unit = smoother->radius <= FINE_RADIUS ? FINE : COARSE;
    for (int i = 0; i < 256; i++) {
        smoother->density[i] = (int32_t)lround(-log10((i + 1) / 256.0) * smoother->unit);
    }
    smoother->small = (int64_t)rgb->width * rgb->height <= SMALL;
    const size_t od_rows = smoother->small ? (size_t)rgb->height : 1;
    smoother->kept = scratch(SCRATCH_DENSITY, width * (size_t)smoother->rows, sizeof(Parts), what, error);
    smoother->sums = smoother->kept
                         ? scratch(SCRATCH_DENSITY_COLUMNS, padded(smoother), sizeof(Parts), what, error)
                         : NULL;
    smoother->squares =
        smoother->sums ? scratch(SCRATCH_DENSITY_SQUARES, width, sizeof(Parts), what, error) : NULL;
    smoother->od =
        smoother->squares ? scratch(SCRATCH_STAIN, 3 * width * od_rows, sizeof(float), what, error) : NULL;
    return smoother->od != NULL;
}

static void densities_of_row(int32_t *restrict parts, const int32_t *restrict density,
                             const uint8_t *restrict rgb, const uint8_t *restrict readable, int width)
{
    for (int x = 0; x < width; x++, rgb += 3, parts += PARTS) {
        int32_t use = readable[x];
        parts[0] = use * density[rgb[0]];
        parts[1] = use * density[rgb[1]];
        parts[2] = use * density[rgb[2]];
        parts[3] = use;
    }
}

VECTORISED static void add(int32_t *restrict sums, const int32_t *restrict values, int n)
{
    for (int i = 0; i < n; i++) {
        sums[i] += values[i];
    }
}

VECTORISED static void take(int32_t *restrict sums, const int32_t *restrict values, int n)
{
    for (int i = 0; i < n; i++) {
        sums[i] -= values[i];
    }
}

/* The column sums without row y - rows and with row y, either of which may be outside of the picture. */
static void move_to_row(Smoother *smoother, int y)
{
    const int width = smoother->rgb->width;
    int32_t *kept = smoother->kept + (size_t)(y % smoother->rows) * PARTS * (size_t)width;
    int32_t *sums = (int32_t *)(smoother->sums + smoother->radius + 1);
    if (y >= smoother->rows) {
        take(sums, kept, PARTS * width);
    }
    if (y < smoother->rgb->height) {
        size_t at = (size_t)y * (size_t)width;
        densities_of_row(kept, smoother->density, smoother->rgb->pixels + 3 * at, smoother->readable + at,
                         width);
        add(sums, kept, PARTS * width);
    }
}

/* Sums of squares from the column sums. */
static void sum_squares(const Smoother *smoother)
{
    const Parts *behind = smoother->sums, *ahead = behind + smoother->rows;
    Parts sum = {0};
    for (int i = 0; i < smoother->rows; i++) {
        sum += behind[i];
    }
    for (int x = 0; x < smoother->rgb->width; x++) {
        sum += ahead[x] - behind[x];
        smoother->squares[x] = sum;
    }
}

VECTORISED static void means_of_row(float *restrict od, const int32_t *restrict squares, int od_unit,
                                    int width)
{
    float *green = od + width, *blue = green + width;
    for (int x = 0; x < width; x++) {
        const int32_t *sums = squares + PARTS * (size_t)x;
        double unit = 1 / ((double)(sums[3] > 0 ? sums[3] : 1) * od_unit); /* of none the sums are 0 */
        od[x] = (float)(sums[0] * unit);
        green[x] = (float)(sums[1] * unit);
        blue[x] = (float)(sums[2] * unit);
    }
}

/* Densities of row y; rows are asked for in ascending order, from 0 again for another pass. */
static const float *smoother_row(Smoother *smoother, int y)
{
    float *od = smoother->od + (smoother->small ? 3 * (size_t)y * (size_t)smoother->rgb->width : 0);
    if (!smoother->small || y >= smoother->made) {
        if (y == 0) {
            memset(smoother->sums, 0, padded(smoother) * sizeof *smoother->sums);
            for (int i = 0; i < smoother->radius; i++) {
                move_to_row(smoother, i);
            }
        }
        move_to_row(smoother, y + smoother->radius);
        sum_squares(smoother);
        means_of_row(od, (const int32_t *)smoother->squares, smoother->unit, smoother->rgb->width);
        smoother->made = y + 1;
    }
    return od;
}

/* The background's colour: densities of its tint relative to green, and of its grey. */
typedef struct {
    float red, blue, grey;
} Background;

/* Tints within +-TINT in steps of 0.001; greys below MAX_GREY in steps of 0.001. */
enum { TINTS = 51, GREYS = 200 };
static const float BINS_PER_OD = 1000;

typedef struct {
    int64_t tints[TINTS * TINTS], greys[GREYS], readable, backgrounds;
} Histogram;

/* The nearest bin of the tint, -1 where none is, and of the grey. */
VECTORISED static void bins_of_row(int32_t *restrict tints, int32_t *restrict greys, const float *restrict od,
                                   int width)
{
    const float *red = od, *green = od + width, *blue = od + 2 * (size_t)width;
    for (int x = 0; x < width; x++) {
        float r = (green[x] - red[x]) * BINS_PER_OD + (TINTS / 2 + 0.5F);
        float b = (green[x] - blue[x]) * BINS_PER_OD + (TINTS / 2 + 0.5F);
        float grey = (red[x] + green[x] + blue[x]) * (BINS_PER_OD / 3);
        int background = (r >= 0) & (r < TINTS) & (b >= 0) & (b < TINTS) & (grey < GREYS);
        tints[x] = background ? (int32_t)r * TINTS + (int32_t)b : -1;
        greys[x] = (int32_t)grey;
    }
}

typedef struct {
    int32_t *tints, *greys; /* bins of a row */
} RowBins;

static void count_row(const float *od, const uint8_t *readable, int width, const RowBins *bins,
                      Histogram *histogram)
{
    bins_of_row(bins->tints, bins->greys, od, width);
    for (int x = 0; x < width; x++) {
        histogram->readable += readable[x];
        if (readable[x] && bins->tints[x] >= 0) {
            histogram->tints[bins->tints[x]]++;
            histogram->greys[bins->greys[x]]++;
            histogram->backgrounds++;
        }
    }
}

static Background find_background(const Histogram *histogram)
{
    Background out = {0, 0, 0};
    int64_t best = -1, seen = 0;
    if (histogram->backgrounds * 200 <= histogram->readable) {
        return out; /* all tissue: nothing to learn from */
    }
    for (int i = 1; i < TINTS - 1; i++) {
        for (int j = 1; j < TINTS - 1; j++) {
            int64_t around = 0;
            for (int k = 0; k < 9; k++) {
                around += histogram->tints[(i + k / 3 - 1) * TINTS + j + k % 3 - 1];
            }
            if (around > best) {
                best = around;
                out.red = (i - TINTS / 2) / BINS_PER_OD;
                out.blue = (j - TINTS / 2) / BINS_PER_OD;
            }
        }
    }
    for (int i = 0; i < GREYS && seen * 5 < histogram->backgrounds; i++) {
        seen += histogram->greys[i];
        out.grey = i / BINS_PER_OD;
    }
    return out;
}

/* What follows takes densities above the background, and looks at every rule, without jumps: a row of pixels at once. */
INLINED int is_pen(float red, float green, float blue, float chroma)
{
    float mean = (red + green + blue) / 3, most = MAX(red, MAX(green, blue));
    int blue_or_green =
        (red - green > 0.08F) & ((green < 0.65F * red) | ((green < 0.82F * red) & (blue > 0.82F * green)));
    int bright_red = ((green > 0.4F) & (blue > 0.68F * green) & (red < 0.13F * green)) |
                     ((green > 0.5F) & (blue > 0.74F * green) & (red < 0.27F * green));
    int dark_red = (green > 0.8F) & (blue > 0.76F * green) & (red < 0.5F * green);
    /* Brown absorbs blue most; what is dense by haematoxylin absorbs blue little. */
    int black = (mean > 0.45F) & (blue > 0.69F * green) & (chroma < (mean > 0.5F ? 0.42F : 0.38F) * most) &
                (blue < green + 0.02F);
    return blue_or_green | bright_red | dark_red | black;
}

INLINED int is_pen_rim(float red, float green, float blue, float chroma)
{
    float mean = (red + green + blue) / 3, most = MAX(red, MAX(green, blue));
    return ((red - green > 0.02F) & (green < 0.85F * red)) |
           ((green > 0.04F) & (blue > 0.72F * green) & (red < 0.3F * green)) |
           ((mean > 0.08F) & (chroma < 0.3F * most)) |
           ((mean > 0.35F) & ((chroma < 0.36F * most) | (blue > 0.74F * green)));
}

/* found: flags of readable pixels. */
VECTORISED static void find_flags(int32_t *restrict found, const float *restrict od,
                                  const Background *background, int width)
{
    const float tint_red = background->red, tint_blue = background->blue, grey = background->grey;
    const float *od_green = od + width, *od_blue = od + 2 * (size_t)width;
    for (int x = 0; x < width; x++) {
        float to_red = od_green[x] - od[x] - tint_red, to_blue = od_green[x] - od_blue[x] - tint_blue;
        float chroma = MAX(MAX(fabsf(to_red), fabsf(to_blue)), fabsf(to_red - to_blue));
        float green = od_green[x] - grey, red = green - to_red, blue = green - to_blue;
        /* Shadows, dirt and glass edges are grey with a little of the lamp's tint. */
        int coloured = chroma > GREY_CHROMA * MAX(red, MAX(green, blue));
        found[x] = STAIN_READABLE | (coloured & (chroma > TISSUE_CHROMA)) * STAIN_TISSUE |
                   (coloured & (chroma > SURE_CHROMA)) * STAIN_SURE |
                   is_pen(red, green, blue, chroma) * STAIN_PEN |
                   is_pen_rim(red, green, blue, chroma) * STAIN_PEN_RIM;
    }
}

VECTORISED static void find_readable(uint8_t *restrict readable, const uint8_t *restrict rgb, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++) {
        const uint8_t *p = rgb + 3 * i;
        readable[i] = MAX(p[0], MAX(p[1], p[2])) >= BLACK_LEVEL;
    }
}

/* readable and valid: 0 is no. */
VECTORISED static void take_invalid(uint8_t *restrict readable, const uint8_t *restrict valid, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++) {
        readable[i] = valid[i] ? readable[i] : 0;
    }
}

/* readable becomes flags. */
VECTORISED static void store_flags(uint8_t *restrict readable, const int32_t *restrict found, int width)
{
    for (int x = 0; x < width; x++) {
        readable[x] = (uint8_t)(found[x] * readable[x]);
    }
}

Image *stain_flags(const Image *rgb, const Image *valid, double mpp, GError **error)
{
    const int width = rgb->width;
    Smoother smoother;
    g_autoptr(Image) flags = image_new(width, rgb->height, 1, error);
    if (!flags || !smoother_init(&smoother, rgb, flags->pixels, mpp, error)) {
        return NULL;
    }
    /* At first these are whether pixels are readable.  Rows become flags when nothing below asks for that any more. */
    find_readable(flags->pixels, rgb->pixels, image_bytes(flags));
    if (valid) {
        take_invalid(flags->pixels, valid->pixels, image_bytes(flags));
    }
    g_autofree Histogram *histogram = g_new0(Histogram, 1);
    g_autofree int32_t *bins = wsi_try_alloc((size_t)width, 2 * sizeof *bins, "a row of a slide", error);
    if (!bins) {
        return NULL;
    }
    const RowBins row_bins = {bins, bins + width};
    for (int y = 0; y < rgb->height; y++) {
        const float *od = smoother_row(&smoother, y);
        count_row(od, smoother.readable + (size_t)y * (size_t)width, width, &row_bins, histogram);
    }
    const Background background = find_background(histogram);
    for (int y = 0; y < rgb->height; y++) {
        find_flags(bins, smoother_row(&smoother, y), &background, width);
        store_flags(flags->pixels + (size_t)y * (size_t)width, bins, width);
    }
    return g_steal_pointer(&flags);
}
