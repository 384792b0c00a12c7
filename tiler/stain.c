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
#include <math.h>
#include <string.h>

static const double TISSUE_CHROMA = 0.012, SURE_CHROMA = 0.024, GREY_CHROMA = 0.15;
static const double SMOOTH_UM = 8;
enum { BLACK_LEVEL = 45 }; /* below it in all channels nothing was scanned */

/* Densities are summed as whole numbers of 1e-5, so sliding sums are exact. */
enum { OD_UNIT = 100000 };

/* The mean density around each pixel of a row, over the readable pixels of a square. */
typedef struct {
    const Image *rgb, *valid;
    int radius, next;       /* the row that the column sums are made for next */
    const int32_t *density; /* of 0 .. 255 */
    int32_t *sums;          /* of each column: three densities and the number of pixels */
    float *od;              /* of the row: three for each pixel */
    uint8_t *readable;
} Smoother;

static void smoother_clear(Smoother *smoother)
{
    g_free(smoother->sums);
    g_free(smoother->od);
    g_free(smoother->readable);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Smoother, smoother_clear)

static const int32_t *densities(void)
{
    static int32_t table[256];
    static gsize made;
    if (g_once_init_enter(&made)) {
        for (int i = 0; i < 256; i++) {
            table[i] = (int32_t)lround(-log10((i + 1) / 256.0) * OD_UNIT);
        }
        g_once_init_leave(&made, 1);
    }
    return table;
}

static gboolean smoother_init(Smoother *smoother, const Image *rgb, const Image *valid, double mpp,
                              GError **error)
{
    *smoother = (Smoother){.rgb = rgb, .valid = valid};
    smoother->radius = (int)CLAMP(lround(SMOOTH_UM / mpp), 0, 256);
    smoother->density = densities();
    smoother->sums = wsi_try_alloc((size_t)rgb->width * 4, sizeof *smoother->sums, "a row of a slide", error);
    smoother->od = smoother->sums
                       ? wsi_try_alloc((size_t)rgb->width * 3, sizeof(float), "a row of a slide", error)
                       : NULL;
    smoother->readable =
        smoother->od ? wsi_try_alloc((size_t)rgb->width, 1, "a row of a slide", error) : NULL;
    return smoother->readable != NULL;
}

static gboolean is_readable(const Smoother *smoother, size_t at)
{
    const uint8_t *pixel = smoother->rgb->pixels + 3 * at;
    return (!smoother->valid || smoother->valid->pixels[at]) &&
           MAX(pixel[0], MAX(pixel[1], pixel[2])) >= BLACK_LEVEL;
}

/* Adds (sign 1) or takes away (-1) a row from the column sums. */
static void move_row(Smoother *smoother, int y, int sign)
{
    if (y < 0 || y >= smoother->rgb->height) {
        return;
    }
    size_t at = (size_t)y * smoother->rgb->width;
    const uint8_t *pixel = smoother->rgb->pixels + 3 * at;
    int32_t *sums = smoother->sums;
    for (int x = 0; x < smoother->rgb->width; x++, pixel += 3, sums += 4) {
        int count = is_readable(smoother, at + (size_t)x) ? sign : 0;
        sums[0] += count * smoother->density[pixel[0]];
        sums[1] += count * smoother->density[pixel[1]];
        sums[2] += count * smoother->density[pixel[2]];
        sums[3] += count;
    }
}

/* Makes od and readable those of row y; rows are asked for in ascending order, from 0 again for another pass. */
static void smoother_row(Smoother *smoother, int y)
{
    const int width = smoother->rgb->width, radius = smoother->radius;
    if (y == 0) {
        memset(smoother->sums, 0, (size_t)width * 4 * sizeof *smoother->sums);
        for (int i = 0; i < radius; i++) {
            move_row(smoother, i, 1);
        }
    }
    move_row(smoother, y + radius, 1);
    move_row(smoother, y - radius - 1, -1);
    int64_t sum[4] = {0};
    for (int x = -radius; x < width; x++) {
        for (int c = 0; c < 4; c++) {
            sum[c] += x + radius < width ? smoother->sums[4 * (x + radius) + c] : 0;
            sum[c] -= x - radius - 1 >= 0 ? smoother->sums[4 * (x - radius - 1) + c] : 0;
        }
        if (x < 0) {
            continue;
        }
        smoother->readable[x] = is_readable(smoother, (size_t)y * width + (size_t)x);
        double unit = sum[3] ? 1 / ((double)sum[3] * OD_UNIT) : 0;
        for (int c = 0; c < 3; c++) {
            smoother->od[3 * x + c] = (float)((double)sum[c] * unit);
        }
    }
}

/* The background's colour: densities of its tint relative to green, and of its grey. */
typedef struct {
    double red, blue, grey;
} Background;

/* Tints within +-TINT in steps of 0.001; greys below MAX_GREY in steps of 0.001. */
enum { TINTS = 51, GREYS = 200 };
static const double TINT_STEP = 1e-3;

typedef struct {
    int64_t tints[TINTS][TINTS], greys[GREYS], readable, backgrounds;
} Histogram;

/* The nearest bin; differences of densities lie within +-3. */
static int tint_bin(double difference)
{
    return (int)(difference / TINT_STEP + 10000.5) - 10000 + TINTS / 2;
}

static void count_row(const Smoother *smoother, Histogram *histogram)
{
    for (int x = 0; x < smoother->rgb->width; x++) {
        const float *od = smoother->od + 3 * (size_t)x;
        if (!smoother->readable[x]) {
            continue;
        }
        histogram->readable++;
        int red = tint_bin(od[1] - od[0]), blue = tint_bin(od[1] - od[2]);
        int grey = (int)((od[0] + od[1] + od[2]) / 3 / TINT_STEP);
        if (red >= 0 && red < TINTS && blue >= 0 && blue < TINTS && grey < GREYS) {
            histogram->tints[red][blue]++;
            histogram->greys[grey]++;
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
                around += histogram->tints[i + k / 3 - 1][j + k % 3 - 1];
            }
            if (around > best) {
                best = around;
                out.red = (i - TINTS / 2) * TINT_STEP;
                out.blue = (j - TINTS / 2) * TINT_STEP;
            }
        }
    }
    for (int i = 0; i < GREYS && seen * 5 < histogram->backgrounds; i++) {
        seen += histogram->greys[i];
        out.grey = i * TINT_STEP;
    }
    return out;
}

/* Densities above the background. */
static gboolean is_pen(double red, double green, double blue, double chroma)
{
    double mean = (red + green + blue) / 3, most = MAX(red, MAX(green, blue));
    gboolean blue_or_green =
        red - green > 0.08 && (green < 0.65 * red || (green < 0.82 * red && blue > 0.82 * green));
    gboolean bright_red = (green > 0.4 && blue > 0.68 * green && red < 0.13 * green) ||
                          (green > 0.5 && blue > 0.74 * green && red < 0.27 * green);
    gboolean dark_red = green > 0.8 && blue > 0.76 * green && red < 0.5 * green;
    /* Brown absorbs blue most; what is dense by haematoxylin absorbs blue little. */
    gboolean black = mean > 0.45 && blue > 0.69 * green && chroma < (mean > 0.5 ? 0.42 : 0.38) * most &&
                     blue < green + 0.02;
    return blue_or_green || bright_red || dark_red || black;
}

static gboolean is_pen_rim(double red, double green, double blue, double chroma)
{
    double mean = (red + green + blue) / 3, most = MAX(red, MAX(green, blue));
    return (red - green > 0.02 && green < 0.85 * red) ||
           (green > 0.04 && blue > 0.72 * green && red < 0.3 * green) ||
           (mean > 0.08 && chroma < 0.3 * most) ||
           (mean > 0.35 && (chroma < 0.36 * most || blue > 0.74 * green));
}

static uint8_t flags_of(const float *od, const Background *background)
{
    double to_red = od[1] - od[0] - background->red, to_blue = od[1] - od[2] - background->blue;
    double chroma = MAX(MAX(fabs(to_red), fabs(to_blue)), fabs(to_red - to_blue));
    double green = od[1] - background->grey, red = green - to_red, blue = green - to_blue;
    uint8_t flags = STAIN_READABLE;
    /* Shadows, dirt and glass edges are grey with a little of the lamp's tint. */
    gboolean coloured = chroma > GREY_CHROMA * MAX(red, MAX(green, blue));
    flags |= coloured && chroma > TISSUE_CHROMA ? STAIN_TISSUE : 0;
    flags |= coloured && chroma > SURE_CHROMA ? STAIN_SURE : 0;
    flags |= is_pen(red, green, blue, chroma) ? STAIN_PEN : 0;
    flags |= is_pen_rim(red, green, blue, chroma) ? STAIN_PEN_RIM : 0;
    return flags;
}

Image *stain_flags(const Image *rgb, const Image *valid, double mpp, GError **error)
{
    g_auto(Smoother) smoother = {0};
    g_autofree Histogram *histogram = g_new0(Histogram, 1);
    g_autoptr(Image) flags = image_new(rgb->width, rgb->height, 1, error);
    if (!flags || !smoother_init(&smoother, rgb, valid, mpp, error)) {
        return NULL;
    }
    for (int y = 0; y < rgb->height; y++) {
        smoother_row(&smoother, y);
        count_row(&smoother, histogram);
    }
    const Background background = find_background(histogram);
    for (int y = 0; y < rgb->height; y++) {
        smoother_row(&smoother, y);
        for (int x = 0; x < rgb->width; x++) {
            flags->pixels[(size_t)y * rgb->width + (size_t)x] =
                smoother.readable[x] ? flags_of(smoother.od + 3 * (size_t)x, &background) : 0;
        }
    }
    return g_steal_pointer(&flags);
}
