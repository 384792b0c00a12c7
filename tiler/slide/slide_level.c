/* The levels of a slide and their geometry.
 *
 * A vendor's driver may know the downsamples; they are then used as they are.  For other slides OpenSlide divides the
 * sizes, which are rounded: 250 / 62 = 4.03 for a level that was made by halving twice.  A coordinate that uses this figure
 * drifts across the slide.  So a level whose size results from division by a whole number gets that number. */
#include "tiler/slide/slide_private.h"
#include <math.h>
#include <stdarg.h>

void slide_level_note(Slide *slide, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_ptr_array_add(slide->notes, g_strdup_vprintf(format, args));
    va_end(args);
}

/* TRUE when `size` is size0 / factor, rounded up or down. */
static gboolean divides(int64_t size0, int64_t size, int64_t factor)
{
    return size == size0 / factor || size == (size0 + factor - 1) / factor;
}

SlideLevel slide_level_geometry(int64_t width0, int64_t height0, int64_t width, int64_t height, double given)
{
    SlideLevel out = {.width = width, .height = height};
    double ratio_x = (double)width0 / (double)width, ratio_y = (double)height0 / (double)height;
    given = given > 0 ? given : (ratio_x + ratio_y) / 2;
    int64_t whole = llround(given);
    out.downsample_x = out.downsample_y = given;
    if (fabs(given - (ratio_x + ratio_y) / 2) > 1e-9 * given) {
        return out; /* the driver knows better than the sizes */
    }
    if (whole >= 1 && divides(width0, out.width, whole) && divides(height0, out.height, whole)) {
        out.downsample_x = out.downsample_y = (double)whole;
        return out;
    }
    /* The size of a level of one or two pixels hardly limits its factor; most pyramids halve. */
    /* The nearest power of two. */
    int64_t power = (int64_t)1 << lround(log2(given));
    if (divides(width0, out.width, power) && divides(height0, out.height, power)) {
        out.downsample_x = out.downsample_y = (double)power;
        return out;
    }
    /* Neither fits: the ratios of the sizes are all that is known. */
    out.downsample_x = ratio_x;
    out.downsample_y = ratio_y;
    return out;
}

void slide_level_reserve(Slide *slide, int count)
{
    slide->levels = g_new0(SlideLevel, count);
    slide->openslide_level = g_new0(int, count);
    slide->directory = g_new0(int, count);
    slide->openslide_downsample = g_new0(double, count);
    slide->raw_ycbcr = g_new0(gboolean, count);
    slide->block_width = g_new0(int, count);
    slide->block_height = g_new0(int, count);
    slide->info.levels = slide->levels;
}
