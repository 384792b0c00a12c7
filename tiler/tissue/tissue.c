/* Tissue from an overview: pixel_class.c classifies colours, this file finds shapes.
 *
 * Pen marks come first (a core of ink of a minimum size, then its rim), since ink is coloured more than tissue.
 * Then coloured pixels are closed over gaps (fat is a net of thin walls).  Pieces without surely stained pixels (tinted glue, dirt) and
 * small pieces are dropped, and small holes are filled.  All sizes are in um, so masks of different
 * resolutions agree. */
#include "tiler/tissue/tissue.h"
#include "tiler/imagefile/image_draw.h"
#include "base/error.h"
#include "tiler/tissue/binary.h"
#include "tiler/cut/overview.h"
#include "tiler/tissue/pixel_class.h"
#include <math.h>

const TissueOptions tissue_defaults = {.mpp = 8, .min_area_um2 = 20000, .max_hole_um2 = 90000};

static const double CLOSE_UM = 24, AROUND_UM = 80, MIN_AROUND = 0.3, MOST_AROUND = 0.55, PEN_RIM_UM = 150,
                    MIN_PEN_UM2 = 20000, MIN_SURE_UM2 = 2000;

/* Refuses a resolution or sizes that are not positive. */
static gboolean check_options(const TissueOptions *options, double mpp, GError **error)
{
    if (mpp > 0 && isfinite(mpp) && options->min_area_um2 >= 0 && options->max_hole_um2 >= 0) {
        return TRUE;
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                "tissue: impossible options: %g um/px, pieces of at least %g um2, holes of at least %g um2",
                mpp, options->min_area_um2, options->max_hole_um2);
    return FALSE;
}

/* The mask of the pixels that have `flag`. */
static Image *pixels_with(const Image *flags, uint8_t flag, GError **error)
{
    Image *mask = image_new(flags->width, flags->height, 1, error);
    for (size_t i = 0; mask && i < image_bytes(mask); i++) {
        mask->pixels[i] = (flags->pixels[i] & flag) == flag ? 255 : 0;
    }
    return mask;
}

/* The mask of pen marks: large pieces of ink, grown into their rims. */
static Image *find_pen(const Image *flags, double mpp, GError **error)
{
    /* Sizes in um become pixels of the mask. */
    const BinaryFilter large = {.min_pixels = MIN_PEN_UM2 / (mpp * mpp)};
    g_autoptr(Image) pen = pixels_with(flags, PIXEL_PEN, error);
    g_autoptr(Image) rim = pen ? pixels_with(flags, PIXEL_PEN_RIM, error) : NULL;
    /* Small pieces of ink are dropped, and large ones grow over connected rim pixels. */
    if (!rim || !binary_filter(pen, 255, &large, error) ||
        !binary_grow(pen, rim, (int)MIN(PEN_RIM_UM / mpp, 1e6), error)) {
        return NULL;
    }
    return g_steal_pointer(&pen);
}

/* Clears pixels that cannot be tissue, whatever is around them. */
static void clear_pen_and_black(Image *mask, const Image *pen, const Image *flags)
{
    for (size_t i = 0; i < image_bytes(mask); i++) {
        if (pen->pixels[i] || !(flags->pixels[i] & PIXEL_READABLE)) {
            mask->pixels[i] = 0;
        }
    }
}

/* The mask of tissue.  Each step may set pen or black pixels, so these are cleared after it. */
static Image *find_tissue(const Image *flags, const Image *pen, double mpp, const TissueOptions *options,
                          GError **error)
{
    const double um2 = mpp * mpp;
    g_autoptr(Image) mask = pixels_with(flags, PIXEL_TISSUE, error);
    g_autoptr(Image) sure = mask ? pixels_with(flags, PIXEL_SURE_TISSUE, error) : NULL;
    if (!sure) {
        return NULL;
    }
    /* A piece of tissue is large enough and has surely stained pixels. */
    const BinaryFilter stained = {
        .min_pixels = options->min_area_um2 / um2, .seed = sure, .min_seeds = MIN_SURE_UM2 / um2};
    /* A hole at the border of the image may be glass that continues. */
    const BinaryFilter holes = {.min_pixels = options->max_hole_um2 / um2, .spare_border = TRUE};
    clear_pen_and_black(mask, pen, flags);
    /* Close gaps, then let the majority around each pixel decide, which smooths the outline. */
    if (!binary_close(mask, (int)lround(MIN(CLOSE_UM / mpp, 1e4)), error) ||
        !binary_majority(mask, (int)lround(MIN(AROUND_UM / mpp, 1e4)), MIN_AROUND, MOST_AROUND, error)) {
        return NULL;
    }
    clear_pen_and_black(mask, pen, flags);
    /* Drop pieces that are small or not surely stained, then fill small holes. */
    if (!binary_filter(mask, 255, &stained, error) || !binary_filter(mask, 0, &holes, error)) {
        return NULL;
    }
    clear_pen_and_black(mask, pen, flags);
    return g_steal_pointer(&mask);
}

/* The fraction of set pixels. */
static double fraction_of(const Image *mask)
{
    int64_t count = 0;
    for (size_t i = 0; i < image_bytes(mask); i++) {
        count += mask->pixels[i] != 0;
    }
    return (double)count / (double)image_bytes(mask);
}

/* Flags of pixels, then pen, then tissue. */
static Image *tissue_and_glass(const Image *rgb, const Image *readable, double mpp,
                               const TissueOptions *options, double *pen_fraction, GlassColour *glass,
                               GError **error)
{
    g_autoptr(Image) flags = pixel_class_image(rgb, readable, mpp, TRUE, NULL, glass, error);
    g_autoptr(Image) pen = flags ? find_pen(flags, mpp, error) : NULL;
    if (!pen) {
        return NULL;
    }
    if (pen_fraction) {
        *pen_fraction = fraction_of(pen);
    }
    return find_tissue(flags, pen, mpp, options, error);
}

Image *tissue_of_image(const Image *rgb, const Image *readable, double mpp, const TissueOptions *options,
                       double *pen_fraction, GError **error)
{
    options = options ? options : &tissue_defaults;
    return check_options(options, mpp, error)
               ? tissue_and_glass(rgb, readable, mpp, options, pen_fraction, NULL, error)
               : NULL;
}

GPtrArray *tissue_warnings(const Tissue *tissue)
{
    GPtrArray *warnings = g_ptr_array_new_with_free_func(g_free);
    /* Without glass there is no brightness to compare with. */
    if (!tissue->glass.found) {
        g_ptr_array_add(
            warnings,
            g_strdup_printf("no background was found: tissue (%.0f %%) was detected by colour alone; "
                            "check tissue_outline.png",
                            100 * tissue->tissue_fraction));
    } else if (tissue->glass.greyscale) {
        g_ptr_array_add(
            warnings,
            g_strdup(
                "the slide has no colours: tissue was detected by density, and ink was not searched for"));
    }
    if (tissue->glass.yellow_stain > 0) {
        g_ptr_array_add(
            warnings,
            g_strdup_printf(
                "%.0f %% of the slide is as yellow as old glass, but counts as stain (saffron, picric acid) "
                "because other areas are brighter: check tissue_outline.png",
                100 * tissue->glass.yellow_stain));
    }
    if (tissue->from_finer_fraction > 0) {
        g_ptr_array_add(warnings,
                        g_strdup_printf("%.2g %% of the overview is damaged in its own level and was read "
                                        "from a finer level",
                                        100 * tissue->from_finer_fraction));
    }
    if (tissue->lost_fraction > 0) {
        g_ptr_array_add(warnings,
                        g_strdup_printf("%.2g %% of the slide cannot be read at any level: no tissue is "
                                        "found and no tile is cut there",
                                        100 * tissue->lost_fraction));
    }
    return warnings;
}

/* The fraction of tiles that level 0 lacks: tiles are cut from it, and a coarse level may have pixels where it has none. */
static double missing_fraction(const SlideLevel *level)
{
    return level->tiles > 0 ? (double)level->missing_tiles / (double)level->tiles : 0;
}

Tissue *tissue_find(Slide *slide, const TissueOptions *options, GError **error)
{
    options = options ? options : &tissue_defaults;
    if (slide_info(slide)->mpp_source == MPP_NONE) {
        g_set_error(
            error, WSI_ERROR, WSI_ERROR_INPUT,
            "%s does not state its resolution (um/px), which finding tissue needs: give the resolution",
            slide_info(slide)->path);
        return NULL;
    }
    Overview overview = {0};
    if (!check_options(options, options->mpp, error) ||
        !overview_read(slide, options->mpp, &overview, error)) {
        overview_clear(&overview);
        return NULL;
    }
    g_autoptr(Tissue) tissue = g_new0(Tissue, 1);
    g_autoptr(Image) readable = g_steal_pointer(&overview.readable);
    tissue->overview = g_steal_pointer(&overview.rgb);
    tissue->scale_x = overview.scale_x;
    tissue->scale_y = overview.scale_y;
    tissue->lost_fraction = overview.lost_fraction;
    tissue->from_finer_fraction = overview.from_finer_fraction;
    tissue->mask = tissue_and_glass(tissue->overview, readable, options->mpp, options, &tissue->pen_fraction,
                                    &tissue->glass, error);
    if (!tissue->mask) {
        return NULL;
    }
    tissue->tissue_fraction = fraction_of(tissue->mask);
    /* See tissue.h: what the overview does not show, or what level 0 lacks. */
    tissue->no_data_fraction =
        MAX(1 - fraction_of(readable), missing_fraction(&slide_info(slide)->levels[0]));
    image_draw_hatch(tissue->overview,
                     readable); /* after the mask is made: from here on the overview is for people only */
    return g_steal_pointer(&tissue);
}

void tissue_free(Tissue *tissue)
{
    if (tissue) {
        image_free(tissue->mask);
        image_free(tissue->overview);
        g_free(tissue);
    }
}

Image *tissue_image(const Tissue *tissue, GError **error)
{
    static const uint8_t outline[3] = {0, 160, 0};
    const Image *mask = tissue->mask;
    const int width = mask->width;
    Image *image = image_new(width, mask->height, 3, error);
    for (int32_t at = 0; image && at < width * mask->height; at++) {
        /* An edge pixel of the mask: at the border of the image, or next to a pixel outside of the mask. */
        int x = at % width, y = at / width;
        gboolean edge = mask->pixels[at] && (x == 0 || y == 0 || x == width - 1 || y == mask->height - 1 ||
                                             !mask->pixels[at - 1] || !mask->pixels[at + 1] ||
                                             !mask->pixels[at - width] || !mask->pixels[at + width]);
        for (int c = 0; c < 3; c++) {
            image->pixels[3 * (size_t)at + c] =
                edge ? outline[c] : tissue->overview->pixels[3 * (size_t)at + c];
        }
    }
    return image;
}
