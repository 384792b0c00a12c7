/* The overview is read from the coarsest level that is fine enough.  Such a level is small, so one damaged tile of it covers a large part
 * of the slide, although the tiles there are cut from finer levels that may be intact.  So a damaged area is read from the next finer
 * level, down to level 0.  Areas that were never scanned are not: they have no data at any level, and reading them
 * again would cost a pass over the whole slide. */
#include "tiler/cut/overview.h"
#include "base/error.h"
#include "tiler/cut/cut.h"
#include <math.h>

void overview_clear(Overview *overview)
{
    g_clear_pointer(&overview->rgb, image_free);
    g_clear_pointer(&overview->readable, image_free);
}

/* The px of the overview that an area of a level touches, with a margin of 1 px for the bilinear filter. */
static void touched(const Overview *o, const SlideLevel *level, const BadArea *area, int *x, int *y,
                    int *width, int *height)
{
    /* Level px to level-0 px to overview px. */
    double left = (double)area->x * level->downsample_x / o->scale_x - 1;
    double top = (double)area->y * level->downsample_y / o->scale_y - 1;
    double right = (double)(area->x + area->width) * level->downsample_x / o->scale_x + 1;
    double bottom = (double)(area->y + area->height) * level->downsample_y / o->scale_y + 1;
    *x = (int)CLAMP(floor(left), 0, o->rgb->width - 1);
    *y = (int)CLAMP(floor(top), 0, o->rgb->height - 1);
    *width = (int)CLAMP(ceil(right), 1, o->rgb->width) - *x;
    *height = (int)CLAMP(ceil(bottom), 1, o->rgb->height) - *y;
}

/* Fills px of the rectangle that have no data from the level.  Returns how many were filled; -1 with error. */
static int64_t fill(Slide *slide, int level, Overview *o, int x, int y, int width, int height, GError **error)
{
    int64_t filled = 0, empty = 0;
    for (int i = 0; i < width * height; i++) {
        empty += !o->readable->pixels[(size_t)(y + i / width) * o->readable->width + (size_t)(x + i % width)];
    }
    /* Nothing is missing here. */
    if (empty == 0) {
        return 0;
    }
    g_autoptr(Image) rgb = image_new(width, height, 3, error);
    g_autoptr(Image) readable = rgb ? image_new(width, height, 1, error) : NULL;
    /* Overview px to level-0 px. */
    const Rect region = {x * o->scale_x, y * o->scale_y, width * o->scale_x, height * o->scale_y};
    if (!readable || !cut_region_from(slide, level, &region, FILTER_BILINEAR, rgb, readable, error)) {
        return -1;
    }
    for (int i = 0; i < width * height; i++) {
        size_t to = (size_t)(y + i / width) * o->readable->width + (size_t)(x + i % width);
        /* Only gaps are filled; all other pixels stay as they were read. */
        if (!o->readable->pixels[to] && readable->pixels[i]) {
            o->readable->pixels[to] = 255;
            for (int c = 0; c < 3; c++) {
                o->rgb->pixels[3 * to + (size_t)c] = rgb->pixels[3 * (size_t)i + (size_t)c];
            }
            filled++;
        }
    }
    return filled;
}

/* Fills the damage of each level from the next finer one.  Reading the finer level may append its own damage to the list. */
static gboolean fill_damage(Slide *slide, int level, Overview *o, GError **error)
{
    const double size = (double)image_bytes(o->readable);
    const GPtrArray *areas = slide_bad_areas(slide);
    int x, y, width, height;
    /* From the level of the overview down to level 1, each filled from the next finer one. */
    for (; level > 0; level--) {
        for (guint i = 0; i < areas->len; i++) {
            const BadArea *area = areas->pdata[i];
            if (area->level != level) {
                continue;
            }
            touched(o, &slide_info(slide)->levels[level], area, &x, &y, &width, &height);
            int64_t filled = fill(slide, level - 1, o, x, y, width, height, error);
            if (filled < 0) {
                return FALSE;
            }
            o->from_finer_fraction += (double)filled / size;
        }
    }
    return TRUE;
}

/* Counts px without data inside the damage of any level, each px once. */
static gboolean count_lost(Slide *slide, Overview *o, GError **error)
{
    g_autoptr(Image) seen = image_new(o->readable->width, o->readable->height, 1, error);
    const GPtrArray *areas = slide_bad_areas(slide);
    int64_t lost = 0;
    int x, y, width, height;
    for (guint i = 0; seen && i < areas->len; i++) {
        const BadArea *area = areas->pdata[i];
        touched(o, &slide_info(slide)->levels[area->level], area, &x, &y, &width, &height);
        for (int k = 0; k < width * height; k++) {
            size_t at = (size_t)(y + k / width) * o->readable->width + (size_t)(x + k % width);
            lost += !o->readable->pixels[at] && !seen->pixels[at];
            seen->pixels[at] = 255;
        }
    }
    o->lost_fraction = seen ? (double)lost / (double)image_bytes(o->readable) : 0;
    return seen != NULL;
}

gboolean overview_read(Slide *slide, double mpp, Overview *out, GError **error)
{
    const SlideInfo *info = slide_info(slide);
    const Rect whole = {0, 0, (double)info->levels[0].width, (double)info->levels[0].height};
    /* Rounded up, so scale_x and scale_y are the true ratios and not mpp / slide mpp. */
    double width = ceil(whole.width * info->mpp_x / mpp), height = ceil(whole.height * info->mpp_y / mpp);
    *out = (Overview){.scale_x = whole.width / width, .scale_y = whole.height / height};
    if (width * height > G_MAXINT32) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s: an overview at %g um/px would have %.0f x %.0f px", info->path, mpp, width, height);
        return FALSE;
    }
    out->rgb = image_new((int)width, (int)height, 3, error);
    out->readable = out->rgb ? image_new((int)width, (int)height, 1, error) : NULL;
    /* The same level that cut_region() takes. */
    int level = slide_best_level(slide, MIN(out->scale_x, out->scale_y));
    return out->readable && cut_region(slide, &whole, FILTER_BILINEAR, out->rgb, out->readable, error) &&
           fill_damage(slide, level, out, error) && count_lost(slide, out, error);
}
