/* Pixels by their optical density.
 *
 * Stain absorbs by colour, dirt and the scanner's grey do not.  With OD_c = -log10(I_c / 255) the difference
 * max OD - min OD (the "chroma") is zero for any grey background, whatever its brightness, and grows with the amount of
 * stain; brightness itself decides nothing, so white, grey and black backgrounds need no threshold.  Two things disturb it:
 * the tint of lamp and glass, which is measured on the slide itself (the commonest colour among the bright, nearly grey
 * pixels, or of old glass among the yellow ones) and subtracted; and noise, which is averaged over 8 um each way.  Typical values: background 0.001 to 0.005,
 * fat 0.013 to 0.02, pale eosin 0.04, lymph node 0.1, deep eosin 0.25.
 *
 * Markers differ from stain by the ratios of their densities, which do not depend on thickness:
 *   blue, green  absorb red most.  Haematoxylin absorbs green at least 0.85 times as much as red, these less;
 *   red          absorbs blue nearly as much as green (0.75 and up; eosin 0.55 to 0.7) and red hardly;
 *   black        is dense in all three.
 * The bounds are measured on real H&E and IHC slides with markers.  Inks that are nearer to a stain are recognised by their flatness: blue that
 * absorbs green 0.65 to 0.9 times as much as red, and pale red.  Where an area of 32 um has such a colour, its density varies by less
 * than a tenth in ink and by 13 % and more in tissue, which has nuclei and fibres.  Violet ink, and red ink over tissue, look like stain and
 * are not found.
 *
 * An image without any colour is judged by its density above that of its glass. */
#include "tiler/tissue/pixel_class.h"
#include "base/error.h"
#include "tiler/tissue/flatink.h"
#include "tiler/tissue/glass.h"
#include "tiler/raster/thread_scratch.h"
#include "tiler/raster/vectorised.h"
#include <math.h>
#include <string.h>

static const float TISSUE_CHROMA = 0.012F, SURE_CHROMA = 0.024F, GREY_CHROMA = 0.15F;
static const double SMOOTH_UM = 8;
/* Of images without colours: densities above the glass. */
static const float GREY_TISSUE = 0.05F, GREY_SURE = 0.1F;
enum { BLACK_LEVEL = 45 }; /* below it in all channels nothing was scanned */

/* Densities are summed as whole numbers of 1e-5, or of 1e-4 where a square has more than 32 bits hold, so sliding sums are exact. */
enum { FINE = 100000, COARSE = 10000, FINE_RADIUS = 46, MAX_RADIUS = 147 };

/* The mean density around each pixel of a row, over the readable pixels of a square.  Sums go from sample to sample, three a pixel, as
 * bytes do.  Running sums may pass 32 bits and start again; their differences do not. */
typedef struct {
    const Image *rgb;
    int radius, rows;        /* rows: 2 radius + 1, those of a square */
    int unit;                /* of a density of 1 */
    uint32_t density[256];   /* of byte values */
    uint32_t *kept;          /* scratch, the densities of rows: row y is the one numbered y % rows */
    uint8_t *kept_readable;  /* scratch, the same of `readable` */
    uint32_t *columns;       /* scratch, sums over the rows of a square */
    uint32_t *counts;        /* scratch, the readable pixels of these, one a column */
    uint32_t *running;       /* scratch, of pixel i: sums of the columns before i - radius */
    double *units;           /* scratch, by which a sample's sum over a square becomes a mean */
    float *od;               /* scratch, the means of one row, or of every row of a small image */
    const uint8_t *readable; /* of every pixel, 0 or 1 */
    int made;                /* rows of od that another pass finds made */
    gboolean small, changed; /* changed: counts, since the units */
} Smoother;
enum { SMALL = 1 << 20 /* px */ };

static gboolean smoother_init(Smoother *smoother, const Image *rgb, const uint8_t *readable, double mpp,
                              GError **error)
{
    const size_t width = (size_t)rgb->width;
    *smoother = (Smoother){.rgb = rgb, .readable = readable};
    smoother->radius = (int)CLAMP(lround(SMOOTH_UM / mpp), 0, MAX_RADIUS);
    smoother->rows = 2 * smoother->radius + 1;
    smoother->unit = smoother->radius <= FINE_RADIUS ? FINE : COARSE;
    for (int i = 0; i < 256; i++) {
        smoother->density[i] = (uint32_t)lround(-log10((i + 1) / 256.0) * smoother->unit);
    }
    smoother->small = (int64_t)rgb->width * rgb->height <= SMALL;
    const size_t rows = (size_t)smoother->rows, od_rows = smoother->small ? (size_t)rgb->height : 1;
    const struct {
        void *memory; /* a pointer's */
        ScratchUse use;
        size_t count, size;
    } parts[] = {
        {&smoother->kept, SCRATCH_DENSITY, 3 * width * rows, sizeof(uint32_t)},
        {&smoother->kept_readable, SCRATCH_DENSITY_READABLE, width * rows, 1},
        {&smoother->columns, SCRATCH_DENSITY_COLUMNS, 3 * width + 1, sizeof(uint32_t)},
        {&smoother->counts, SCRATCH_DENSITY_COUNTS, width, sizeof(uint32_t)},
        {&smoother->running, SCRATCH_DENSITY_RUNNING, 3 * (width + rows) + 1, sizeof(uint32_t)},
        {&smoother->units, SCRATCH_DENSITY_UNITS, 3 * width, sizeof(double)},
        {&smoother->od, SCRATCH_DENSITY_ROWS, 3 * width * od_rows, sizeof(float)},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        void *memory = thread_scratch(parts[i].use, parts[i].count, parts[i].size, "a row of a slide", error);
        if (!memory) {
            return FALSE;
        }
        memcpy(parts[i].memory, &memory, sizeof memory);
    }
    return TRUE;
}

/* columns += the densities of a row - kept, which these become. */
VECTORISED static void change_row(uint32_t *restrict columns, uint32_t *restrict kept,
                                  const uint32_t *restrict density, const uint8_t *restrict bytes, int n)
{
    for (int i = 0; i < n; i++) {
        uint32_t value = density[bytes[i]];
        columns[i] += value - kept[i];
        kept[i] = value;
    }
}

/* Takes back what pixels that are not readable added. */
static void hide_unreadable(uint32_t *columns, uint32_t *kept, const uint8_t *readable, size_t width)
{
    for (size_t i = 0; i < 3 * width; i++) {
        uint32_t hidden = readable[i / 3] ? 0 : kept[i];
        columns[i] -= hidden;
        kept[i] -= hidden;
    }
}

VECTORISED static void take_row(uint32_t *restrict columns, const uint32_t *restrict kept, int n)
{
    for (int i = 0; i < n; i++) {
        columns[i] -= kept[i];
    }
}

static void find_units(Smoother *smoother)
{
    const int width = smoother->rgb->width, radius = smoother->radius;
    uint32_t count = 0;
    smoother->changed = FALSE;
    for (int x = 0; x < MIN(radius, width); x++) {
        count += smoother->counts[x];
    }
    for (int x = 0; x < width; x++) {
        count += x + radius < width ? smoother->counts[x + radius] : 0;
        count -= x > radius ? smoother->counts[x - radius - 1] : 0;
        double unit = 1 / ((double)MAX(count, 1) * smoother->unit); /* of none the sums are 0 */
        for (int c = 0; c < 3; c++) {
            smoother->units[3 * x + c] = unit;
        }
    }
}

/* The counts without row y - rows, which is kept, and with row y, which becomes kept; readable: of row y, or NULL. */
static void change_counts(Smoother *smoother, uint8_t *kept, const uint8_t *readable)
{
    const size_t width = (size_t)smoother->rgb->width;
    if (readable && memcmp(kept, readable, width) == 0) {
        return;
    }
    for (size_t x = 0; x < width; x++) {
        smoother->counts[x] += (uint32_t)(readable ? readable[x] : 0) - kept[x];
        kept[x] = readable ? readable[x] : 0;
    }
    smoother->changed = TRUE;
}

/* Columns and counts without row y - rows and with row y, either of which may be outside of the image. */
static void move_to_row(Smoother *smoother, int y)
{
    const size_t width = (size_t)smoother->rgb->width, slot = (size_t)(y % smoother->rows) * width,
                 at = (size_t)y * width;
    uint32_t *kept = smoother->kept + 3 * slot;
    uint8_t *kept_readable = smoother->kept_readable + slot;
    if (y < smoother->rgb->height) {
        const uint8_t *readable = smoother->readable + at;
        change_row(smoother->columns, kept, smoother->density, smoother->rgb->pixels + 3 * at,
                   3 * (int)width);
        if (memchr(readable, 0, width)) {
            hide_unreadable(smoother->columns, kept, readable, width);
        }
        change_counts(smoother, kept_readable, readable);
    } else if (y >= smoother->rows) {
        take_row(smoother->columns, kept, 3 * (int)width);
        change_counts(smoother, kept_readable, NULL);
    }
}

/* The running sums from the columns. */
static void add_up_columns(const Smoother *smoother)
{
    typedef uint32_t Samples
        __attribute__((vector_size(4 * sizeof(uint32_t)))); /* the fourth is the next pixel's */
    const int width = smoother->rgb->width, radius = smoother->radius;
    uint32_t *out = smoother->running + 3 * ((size_t)radius + 1);
    Samples sums = {0}, column;
    memset(smoother->running, 0, 3 * ((size_t)radius + 1) * sizeof *out);
    for (int x = 0; x < width; x++, out += 3) {
        memcpy(&column, smoother->columns + 3 * x, sizeof column);
        sums += column;
        memcpy(out, &sums, sizeof sums);
    }
    for (int x = 0; x < radius; x++, out += 3) {
        memcpy(out, &sums, sizeof sums);
    }
}

/* reach: samples between the ends of a square. */
VECTORISED static void means_of_row(float *restrict od, const uint32_t *restrict running, int reach,
                                    const double *restrict units, int n)
{
    for (int i = 0; i < n; i++) {
        od[i] = (float)((int32_t)(running[i + reach] - running[i]) * units[i]);
    }
}

/* For row 0: nothing is kept but what is above of row `radius`. */
static void smoother_begin(Smoother *smoother)
{
    const size_t width = (size_t)smoother->rgb->width, rows = (size_t)smoother->rows;
    memset(smoother->kept, 0, 3 * width * rows * sizeof *smoother->kept);
    memset(smoother->kept_readable, 0, width * rows);
    memset(smoother->columns, 0, (3 * width + 1) * sizeof *smoother->columns);
    memset(smoother->counts, 0, width * sizeof *smoother->counts);
    smoother->changed = TRUE;
    for (int y = 0; y < smoother->radius; y++) {
        move_to_row(smoother, y);
    }
}

/* Densities of row y, three a pixel; rows are asked for in ascending order, from 0 again for another pass. */
static const float *smoother_row(Smoother *smoother, int y)
{
    float *od = smoother->od + (smoother->small ? 3 * (size_t)y * (size_t)smoother->rgb->width : 0);
    if (!smoother->small || y >= smoother->made) {
        if (y == 0) {
            smoother_begin(smoother);
        }
        move_to_row(smoother, y + smoother->radius);
        add_up_columns(smoother);
        if (smoother->changed) {
            find_units(smoother);
        }
        means_of_row(od, smoother->running, 3 * smoother->rows, smoother->units, 3 * smoother->rgb->width);
        smoother->made = y + 1;
    }
    return od;
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

/* Of the colour of an ink that is near a stain: ink where it is flat. */
INLINED int may_be_flat_ink(float red, float green, float blue)
{
    return ((red > 0.3F) & (green < 0.9F * red) & (blue < 0.95F * green)) |
           ((green > 0.15F) & (blue > 0.72F * green) & (blue < 1.05F * green) & (red < 0.12F * green));
}

INLINED int is_pen_rim(float red, float green, float blue, float chroma)
{
    float mean = (red + green + blue) / 3, most = MAX(red, MAX(green, blue));
    return ((red - green > 0.02F) & (green < 0.9F * red)) |
           ((green > 0.04F) & (blue > 0.72F * green) & (red < 0.3F * green)) |
           ((mean > 0.08F) & (chroma < 0.3F * most)) |
           ((mean > 0.35F) & ((chroma < 0.36F * most) | (blue > 0.74F * green)));
}

/* found: flags of readable pixels; mask: whether those that only a tissue mask needs are looked for. */
INLINED void find_flags(int32_t *restrict found, const float *restrict od, const Background *background,
                        int width, int mask)
{
    const float tint_red = background->red, tint_blue = background->blue, grey = background->grey;
    for (int x = 0; x < width; x++) {
        float od_green = od[3 * x + 1], to_red = od_green - od[3 * x] - tint_red,
              to_blue = od_green - od[3 * x + 2] - tint_blue;
        float chroma = MAX(MAX(fabsf(to_red), fabsf(to_blue)), fabsf(to_red - to_blue));
        float green = od_green - grey, red = green - to_red, blue = green - to_blue;
        float most = MAX(red, MAX(green, blue));
        /* Shadows, dirt and glass edges are grey with a little of the lamp's tint; what is brighter than the glass is no stain. */
        int coloured = (chroma > GREY_CHROMA * most) & (most > 0);
        int flags = PIXEL_READABLE | (coloured & (chroma > TISSUE_CHROMA)) * PIXEL_TISSUE |
                    is_pen(red, green, blue, chroma) * PIXEL_PEN |
                    may_be_flat_ink(red, green, blue) * PIXEL_PEN_MAYBE;
        if (mask) {
            flags |= (coloured & (chroma > SURE_CHROMA)) * PIXEL_SURE_TISSUE |
                     is_pen_rim(red, green, blue, chroma) * PIXEL_PEN_RIM;
        }
        found[x] = flags;
    }
}

VECTORISED static void find_tile_flags(int32_t *restrict found, const float *restrict od,
                                       const Background *background, int width)
{
    find_flags(found, od, background, width, FALSE);
}

VECTORISED static void find_mask_flags(int32_t *restrict found, const float *restrict od,
                                       const Background *background, int width)
{
    find_flags(found, od, background, width, TRUE);
}

/* An image without colours: stain is what is denser than the glass. */
VECTORISED static void find_grey_flags(int32_t *restrict found, const float *restrict od, float glass,
                                       int width)
{
    for (int x = 0; x < width; x++) {
        float density = (od[3 * x] + od[3 * x + 1] + od[3 * x + 2]) / 3 - glass;
        found[x] = PIXEL_READABLE | (density > GREY_TISSUE) * PIXEL_TISSUE |
                   (density > GREY_SURE) * PIXEL_SURE_TISSUE;
    }
}

VECTORISED static void find_readable(uint8_t *restrict readable, const uint8_t *restrict rgb, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++) {
        const uint8_t *p = rgb + 3 * i;
        readable[i] = MAX(p[0], MAX(p[1], p[2])) >= BLACK_LEVEL;
    }
}

/* Pixels that the caller could not read (given is 0) are not readable. */
VECTORISED static void hide_unread(uint8_t *restrict readable, const uint8_t *restrict given, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++) {
        readable[i] = given[i] ? readable[i] : 0;
    }
}

/* readable becomes flags. */
VECTORISED static int store_flags(uint8_t *restrict readable, const int32_t *restrict found, int width)
{
    int all = 0;
    for (int x = 0; x < width; x++) {
        int flags = found[x] * readable[x];
        readable[x] = (uint8_t)flags;
        all |= flags;
    }
    return all;
}

/* The glass that an image shows. */
static gboolean find_glass(Smoother *smoother, const Image *rgb, Background *background, GError **error)
{
    const int width = rgb->width;
    g_autoptr(Glass) counts = glass_new(width, rgb->height, error);
    for (int y = 0; counts && y < rgb->height; y++) {
        const size_t at = (size_t)y * (size_t)width;
        glass_add_row(counts, smoother_row(smoother, y), rgb->pixels + 3 * at, smoother->readable + at);
    }
    if (counts) {
        *background = glass_find(counts);
    }
    return counts != NULL;
}

/* Rows of readable pixels become flags; returns all that there are. */
static int flag_rows(Smoother *smoother, Image *flags, const Background *background, gboolean mask,
                     int32_t *found)
{
    const int width = flags->width;
    int all = 0;
    for (int y = 0; y < flags->height; y++) {
        const float *od = smoother_row(smoother, y);
        if (background->greyscale) {
            find_grey_flags(found, od, background->grey, width);
        } else {
            (mask ? find_mask_flags : find_tile_flags)(found, od, background, width);
        }
        all |= store_flags(flags->pixels + (size_t)y * (size_t)width, found, width);
    }
    return all;
}

Image *pixel_class_image(const Image *rgb, const Image *readable, double mpp, gboolean mask,
                         const GlassColour *known, GlassColour *found, GError **error)
{
    Smoother smoother;
    Background background;
    g_autoptr(Image) flags = image_new(rgb->width, rgb->height, 1, error);
    if (!flags || !smoother_init(&smoother, rgb, flags->pixels, mpp, error)) {
        return NULL;
    }
    /* At first these are whether pixels are readable.  Rows become flags when nothing below asks for that any more. */
    find_readable(flags->pixels, rgb->pixels, image_bytes(flags));
    if (readable) {
        hide_unread(flags->pixels, readable->pixels, image_bytes(flags));
    }
    g_autofree int32_t *row = wsi_try_alloc((size_t)rgb->width, sizeof *row, "a row of a slide", error);
    if (!row || (!known && !find_glass(&smoother, rgb, &background, error))) {
        return NULL;
    }
    if (known) {
        background = glass_of_colour(known);
    }
    if (found) {
        *found = glass_colour(&background);
    }
    int all = flag_rows(&smoother, flags, &background, mask, row);
    return !(all & PIXEL_PEN_MAYBE) || flatink_finish(rgb, flags, mpp, error) ? g_steal_pointer(&flags)
                                                                              : NULL;
}
