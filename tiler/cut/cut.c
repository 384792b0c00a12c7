/* Cutting: position and scale in doubles, the level by slide_best_level(), one resampling from there.
 *
 * The footprint is x .. x + size * mpp / slide mpp in level-0 px, separately in x and y, divided by the level's true
 * downsample.  Only the rectangle of pixels that are read is rounded, outwards and with the filter's margin around the footprint.
 * So a tile does not depend on its neighbours, and overlapping tiles agree.
 *
 * Large areas (overviews) are cut in blocks of output pixels whose source fits into a few million pixels; the
 * sums are those of a single cut. */
#include "tiler/cut/cut.h"
#include "base/error.h"
#include "tiler/raster/thread_scratch.h"
#include <math.h>
#include <string.h>

/* Source px in memory at once (RGB and readability: 4 bytes each, twice while unreadable pixels are masked out). */
static const double MAX_SOURCE = 4e6;

/* Area of the box that has data, in px of the mask; a px at the border of the box counts by the part that is inside. */
static double readable_area(const Image *readable, const Rect *box)
{
    double sum = 0;
    int x0 = MAX(0, (int)floor(box->x)), x1 = MIN(readable->width, (int)ceil(box->x + box->width));
    int y0 = MAX(0, (int)floor(box->y)), y1 = MIN(readable->height, (int)ceil(box->y + box->height));
    for (int y = y0; y < y1; y++) {
        /* The part of this row that is inside the box, 0 to 1. */
        double line = 0, cover = MIN(y + 1, box->y + box->height) - MAX(y, box->y);
        const uint8_t *row = readable->pixels + (size_t)y * readable->width;
        for (int x = x0; x < x1; x++) {
            if (row[x]) {
                line += MIN(x + 1, box->x + box->width) - MAX(x, box->x);
            }
        }
        sum += line * cover;
    }
    return sum;
}

/* For a box whose pixels all have data. */
static void all_readable(const Rect *box, Image *readable, double *area)
{
    *area += box->width * box->height;
    if (readable) {
        memset(readable->pixels, 255, image_bytes(readable));
    }
}

/* Cuts from a copy of the level's pixels at (x, y), some of which may have no data; box: px of the copy. */
static gboolean cut_copy(Slide *slide, int level, int64_t x, int64_t y, int columns, int rows,
                         const Rect *box, Filter filter, Image *rgb, Image *readable, double *area,
                         GError **error)
{
    size_t pixels = (size_t)columns * (size_t)rows;
    Image source = {columns, rows, 3, thread_scratch(SCRATCH_SOURCE, pixels, 3, "pixels to cut from", error)};
    /* Which pixels of `source` have data. */
    Image data = {columns, rows, 1, NULL};
    data.pixels =
        source.pixels ? thread_scratch(SCRATCH_READABLE, pixels, 1, "pixels to cut from", error) : NULL;
    if (!data.pixels || !slide_read(slide, level, x, y, &source, &data, error)) {
        return FALSE;
    }
    /* Without a gap no mask is needed. */
    if (memchr(data.pixels, 0, image_bytes(&data))) {
        *area += readable_area(&data, box);
        return resample_readable(&source, &data, box, filter, rgb, readable, error);
    }
    all_readable(box, readable, area);
    return resample(&source, box, filter, rgb, error);
}

/* Cuts the box (level px) to all of rgb, and adds the box's px with data to *area. */
static gboolean cut_block(Slide *slide, int level, const Rect *box, Filter filter, Image *rgb,
                          Image *readable, double *area, GError **error)
{
    /* The px that are read: the box, rounded outwards, and the filter's reach. */
    int margin_x = filter_margin(filter, box->width / rgb->width);
    int margin_y = filter_margin(filter, box->height / rgb->height);
    /* Still in doubles: the coordinates are checked before they become integers. */
    double left = floor(box->x) - margin_x, top = floor(box->y) - margin_y;
    double columns = ceil(box->x + box->width) + margin_x - left,
           rows = ceil(box->y + box->height) + margin_y - top;
    if (!(columns * rows <= 64 * MAX_SOURCE) || !(fabs(left) < 1e15) || !(fabs(top) < 1e15)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s: an output of %d x %d px would need %.0f x %.0f px of level %d",
                    slide_info(slide)->path, rgb->width, rgb->height, columns, rows, level);
        return FALSE;
    }
    const Rect inside = {box->x - left, box->y - top, box->width, box->height};
    /* Readable tiles are used where they are in the cache; everything else goes through a copy with its mask. */
    MosaicView view;
    if (slide_view(slide, level, (int64_t)left, (int64_t)top, (int)columns, (int)rows, &view)) {
        gboolean ok = resample_mosaic(&view.mosaic, &inside, filter, rgb, error);
        slide_release(slide, &view);
        all_readable(&inside, readable, area);
        return ok;
    }
    return cut_copy(slide, level, (int64_t)left, (int64_t)top, (int)columns, (int)rows, &inside, filter, rgb,
                    readable, area, error);
}

/* Copies a part to (x, y) of the whole image. */
static void paste(const Image *part, Image *whole, int x, int y)
{
    size_t bytes = (size_t)part->width * part->channels;
    for (int row = 0; row < part->height; row++) {
        memcpy(whole->pixels + ((size_t)(y + row) * whole->width + (size_t)x) * whole->channels,
               part->pixels + (size_t)row * bytes, bytes);
    }
}

/* Cuts the output block of width x height px at (x, y) and pastes it. */
static gboolean cut_part(Slide *slide, int level, const Rect *box, Filter filter, int x, int y, int width,
                         int height, Image *rgb, Image *readable, double *area, GError **error)
{
    double scale_x = box->width / rgb->width, scale_y = box->height / rgb->height;
    /* From the whole box, not from the part before, so no error accumulates. */
    const Rect part = {box->x + x * scale_x, box->y + y * scale_y, width * scale_x, height * scale_y};
    g_autoptr(Image) part_rgb = image_new(width, height, 3, error);
    g_autoptr(Image) part_readable = part_rgb && readable ? image_new(width, height, 1, error) : NULL;
    if (!part_rgb || (readable && !part_readable) ||
        !cut_block(slide, level, &part, filter, part_rgb, part_readable, area, error)) {
        return FALSE;
    }
    paste(part_rgb, rgb, x, y);
    if (readable) {
        paste(part_readable, readable, x, y);
    }
    return TRUE;
}

/* Cuts the region (level-0 px) from level `best` to all of rgb, block by block. */
static gboolean cut_from(Slide *slide, int best, const Rect *region, Filter filter, Image *rgb,
                         Image *readable, double *readable_fraction, GError **error)
{
    const SlideLevel *level = &slide_info(slide)->levels[best];
    /* Level-0 px to level px. */
    const Rect box = {region->x / level->downsample_x, region->y / level->downsample_y,
                      region->width / level->downsample_x, region->height / level->downsample_y};
    double area = 0;
    /* Side of a square output block whose source has MAX_SOURCE px. */
    double side = sqrt(MAX_SOURCE * ((double)rgb->width / box.width) * ((double)rgb->height / box.height));
    int block = (int)CLAMP(side, 16, 1 << 20);
    /* The usual case, a tile: one block. */
    if (block >= rgb->width && block >= rgb->height) {
        if (!cut_block(slide, best, &box, filter, rgb, readable, &area, error)) {
            return FALSE;
        }
    } else {
        for (int y = 0; y < rgb->height; y += block) {
            for (int x = 0; x < rgb->width; x += block) {
                if (!cut_part(slide, best, &box, filter, x, y, MIN(block, rgb->width - x),
                              MIN(block, rgb->height - y), rgb, readable, &area, error)) {
                    return FALSE;
                }
            }
        }
    }
    /* Sums of rounded areas may pass 1 by a little. */
    if (readable_fraction) {
        *readable_fraction = CLAMP(area / (box.width * box.height), 0, 1);
    }
    return TRUE;
}

/* Cuts from the coarsest level that is fine enough in both directions. */
static gboolean cut(Slide *slide, const Rect *region, Filter filter, Image *rgb, Image *readable,
                    double *readable_fraction, GError **error)
{
    int best = slide_best_level(slide, MIN(region->width / rgb->width, region->height / rgb->height));
    return cut_from(slide, best, region, filter, rgb, readable, readable_fraction, error);
}

/* Checks the caller's images: RGB, and a mask of the same size. */
static gboolean check_raster(const Image *rgb, const Image *readable, GError **error)
{
    if (rgb->channels == 3 && (!readable || (readable->channels == 1 && readable->width == rgb->width &&
                                             readable->height == rgb->height))) {
        return TRUE;
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "a cut needs an RGB image and a mask of the same size");
    return FALSE;
}

gboolean cut_tile(Slide *slide, const CutSpec *spec, double x, double y, Image *rgb, Image *readable,
                  double *readable_fraction, GError **error)
{
    const SlideInfo *info = slide_info(slide);
    if (info->mpp_source == MPP_NONE) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s does not state its resolution (um/px), so tiles cannot be cut at %g um/px: give the "
                    "resolution",
                    info->path, spec->mpp);
        return FALSE;
    }
    if (spec->size < 1 || !(spec->mpp > 0) || !isfinite(spec->mpp) || !isfinite(x) || !isfinite(y) ||
        rgb->width != spec->size || rgb->height != spec->size || !check_raster(rgb, readable, error)) {
        if (error && !*error) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL,
                        "%s: cannot cut a tile of %d px at %g um/px at (%g, %g)", info->path, spec->size,
                        spec->mpp, x, y);
        }
        return FALSE;
    }
    /* Level-0 px. */
    const Rect footprint = {x, y, spec->size * spec->mpp / info->mpp_x, spec->size * spec->mpp / info->mpp_y};
    if (!cut(slide, &footprint, spec->filter, rgb, readable, readable_fraction, error)) {
        return FALSE;
    }
    if (slide_colour(slide)) {
        /* After resampling, so that the colour depends on the tile alone. */
        tile_colour_apply(slide_colour(slide), rgb);
    }
    return TRUE;
}

static gboolean check_region(const Slide *slide, const Rect *region, GError **error)
{
    if (region->width > 0 && region->height > 0 &&
        isfinite(region->x + region->width + region->y + region->height)) {
        return TRUE;
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "%s: an empty region cannot be cut",
                slide_info(slide)->path);
    return FALSE;
}

gboolean cut_region(Slide *slide, const Rect *region, Filter filter, Image *rgb, Image *readable,
                    GError **error)
{
    return check_region(slide, region, error) && check_raster(rgb, readable, error) &&
           cut(slide, region, filter, rgb, readable, NULL, error);
}

gboolean cut_region_from(Slide *slide, int level, const Rect *region, Filter filter, Image *rgb,
                         Image *readable, GError **error)
{
    return check_region(slide, region, error) && check_raster(rgb, readable, error) &&
           cut_from(slide, level, region, filter, rgb, readable, NULL, error);
}
