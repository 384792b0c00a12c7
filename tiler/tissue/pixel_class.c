/* Classifies pixels by their optical density.
 *
 * Stain absorbs some colours more than others; dirt and the grey of the scanner do not.  With OD_c = -log10(I_c / 255) the difference
 * max OD - min OD (the "chroma") is zero for any grey background, whatever its brightness, and grows with the amount of
 * stain.  Brightness alone decides nothing, so white, grey and black backgrounds need no threshold.  Two things disturb the chroma.
 * The tint of lamp and glass is measured on the slide itself and subtracted (glass.h).  Noise is averaged over 8 um in each direction
 * (local_density.h).  Typical values: background 0.001 to 0.005, fat 0.013 to 0.02, pale eosin 0.04, lymph node 0.1, deep eosin 0.25.
 *
 * Markers differ from stain by the ratios of their densities, which do not depend on thickness:
 *   blue, green  absorb red most.  They absorb green less than 0.85 times as much as red; haematoxylin absorbs more green;
 *   red          absorbs blue nearly as much as green (0.75 times and more; eosin 0.55 to 0.7) and hardly any red;
 *   black        is dense in all three.
 * The bounds were measured on real H&E and IHC slides with markers.  Inks whose ratios are nearer to a stain are recognised by their
 * flatness (flatink.h): blue that absorbs green 0.65 to 0.9 times as much as red, and pale red.  In an area of 32 um of such a colour,
 * density varies by less than a tenth in ink, and by 13 % and more in tissue, which has nuclei and fibres.  Violet ink, and red ink over
 * tissue, look like stain and are not found.
 *
 * In an image without colours, tissue is what is denser than the glass. */
#include "tiler/tissue/pixel_class.h"
#include "base/error.h"
#include "tiler/tissue/flatink.h"
#include "tiler/tissue/glass.h"
#include "tiler/tissue/local_density.h"
#include "tiler/raster/vectorised.h"
#include <math.h>
#include <string.h>

static const float TISSUE_CHROMA = 0.012F, SURE_CHROMA = 0.024F, GREY_CHROMA = 0.15F;
/* For images without colours: densities above that of the glass. */
static const float GREY_TISSUE = 0.05F, GREY_SURE = 0.1F;
enum { BLACK_LEVEL = 45 }; /* grey levels; an area that is darker in all channels was not scanned */

/* The rules below take densities above the background.  They evaluate every condition, without branches, so that the compiler can
 * vectorise a row of pixels. */
INLINED int is_pen(float red, float green, float blue, float chroma)
{
    float mean = (red + green + blue) / 3, most = MAX(red, MAX(green, blue));
    int blue_or_green =
        (red - green > 0.08F) & ((green < 0.65F * red) | ((green < 0.82F * red) & (blue > 0.82F * green)));
    int bright_red = ((green > 0.4F) & (blue > 0.68F * green) & (red < 0.13F * green)) |
                     ((green > 0.5F) & (blue > 0.74F * green) & (red < 0.27F * green));
    int dark_red = (green > 0.8F) & (blue > 0.76F * green) & (red < 0.5F * green);
    /* Not black: brown, which absorbs blue most, and dense haematoxylin, which absorbs little blue. */
    int black = (mean > 0.45F) & (blue > 0.69F * green) & (chroma < (mean > 0.5F ? 0.42F : 0.38F) * most) &
                (blue < green + 0.02F);
    return blue_or_green | bright_red | dark_red | black;
}

/* Whether the colour is that of an ink near a stain, which is ink only where it is flat. */
INLINED int may_be_flat_ink(float red, float green, float blue)
{
    return ((red > 0.3F) & (green < 0.9F * red) & (blue < 0.95F * green)) |
           ((green > 0.15F) & (blue > 0.72F * green) & (blue < 1.05F * green) & (red < 0.12F * green));
}

/* The thin rim of a pen stroke: the same ratios with lower densities. */
INLINED int is_pen_rim(float red, float green, float blue, float chroma)
{
    float mean = (red + green + blue) / 3, most = MAX(red, MAX(green, blue));
    return ((red - green > 0.02F) & (green < 0.9F * red)) |
           ((green > 0.04F) & (blue > 0.72F * green) & (red < 0.3F * green)) |
           ((mean > 0.08F) & (chroma < 0.3F * most)) |
           ((mean > 0.35F) & ((chroma < 0.36F * most) | (blue > 0.74F * green)));
}

/* found (W): flags of pixels as if readable.  od (W, 3).  mask: also find the flags that only a tissue mask needs. */
INLINED void find_flags(int32_t *restrict found, const float *restrict od, const Background *background,
                        int width, int mask)
{
    const float tint_red = background->red, tint_blue = background->blue, grey = background->grey;
    for (int x = 0; x < width; x++) {
        /* Differences to green, without the tint of the glass; chroma = max OD - min OD of the result. */
        float od_green = od[3 * x + 1], to_red = od_green - od[3 * x] - tint_red,
              to_blue = od_green - od[3 * x + 2] - tint_blue;
        float chroma = MAX(MAX(fabsf(to_red), fabsf(to_blue)), fabsf(to_red - to_blue));
        float green = od_green - grey, red = green - to_red, blue = green - to_blue;
        float most = MAX(red, MAX(green, blue));
        /* Shadows, dirt and glass edges are grey with a little of the lamp's tint.  Stain is never brighter than the glass. */
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

/* For an image without colours: tissue is denser than the glass. */
VECTORISED static void find_grey_flags(int32_t *restrict found, const float *restrict od, float glass,
                                       int width)
{
    for (int x = 0; x < width; x++) {
        float density = (od[3 * x] + od[3 * x + 1] + od[3 * x + 2]) / 3 - glass;
        found[x] = PIXEL_READABLE | (density > GREY_TISSUE) * PIXEL_TISSUE |
                   (density > GREY_SURE) * PIXEL_SURE_TISSUE;
    }
}

/* readable (W): 0 where the pixel is black in all channels, so not scanned. */
VECTORISED static void find_readable(uint8_t *restrict readable, const uint8_t *restrict rgb, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++) {
        const uint8_t *p = rgb + 3 * i;
        readable[i] = MAX(p[0], MAX(p[1], p[2])) >= BLACK_LEVEL;
    }
}

/* Also clears pixels that the caller could not read (given is 0). */
VECTORISED static void hide_unread(uint8_t *restrict readable, const uint8_t *restrict given, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++) {
        readable[i] = given[i] ? readable[i] : 0;
    }
}

/* Replaces `readable` (0 or 1) by flags; returns all flags that occur. */
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

/* Measures the glass that the image itself shows. */
static gboolean find_glass(LocalDensity *local, const Image *rgb, Background *background, GError **error)
{
    const int width = rgb->width;
    g_autoptr(Glass) counts = glass_new(width, rgb->height, error);
    for (int y = 0; counts && y < rgb->height; y++) {
        const size_t at = (size_t)y * (size_t)width;
        glass_add_row(counts, local_density_row(local, y), rgb->pixels + 3 * at, local->readable + at);
    }
    if (counts) {
        *background = glass_find(counts);
    }
    return counts != NULL;
}

/* Turns rows of readable pixels into flags; returns all flags that occur. */
static int flag_rows(LocalDensity *local, Image *flags, const Background *background, gboolean mask,
                     int32_t *found)
{
    const int width = flags->width;
    int all = 0;
    for (int y = 0; y < flags->height; y++) {
        const float *od = local_density_row(local, y);
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
    LocalDensity local;
    Background background;
    g_autoptr(Image) flags = image_new(rgb->width, rgb->height, 1, error);
    if (!flags || !local_density_init(&local, rgb, flags->pixels, mpp, error)) {
        return NULL;
    }
    /* `flags` first holds readability.  A row is replaced by flags once no later row needs its readability. */
    find_readable(flags->pixels, rgb->pixels, image_bytes(flags));
    if (readable) {
        hide_unread(flags->pixels, readable->pixels, image_bytes(flags));
    }
    g_autofree int32_t *row = wsi_try_alloc((size_t)rgb->width, sizeof *row, "a row of a slide", error);
    if (!row || (!known && !find_glass(&local, rgb, &background, error))) {
        return NULL;
    }
    if (known) {
        background = glass_of_colour(known);
    }
    if (found) {
        *found = glass_colour(&background);
    }
    int all = flag_rows(&local, flags, &background, mask, row);
    return !(all & PIXEL_PEN_MAYBE) || flatink_finish(rgb, flags, mpp, error) ? g_steal_pointer(&flags)
                                                                              : NULL;
}
