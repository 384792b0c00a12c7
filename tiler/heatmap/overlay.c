/* Tile by tile: the threads of the pyramid writer read a tile of the slide, blend it and encode it.  Nothing larger than a row of tiles is in
 * memory, apart from the map.
 *
 * Most of a slide is glass, where the map has no data; tiles without any are the slide's, and cost only their reading. */
#include "tiler/heatmap/overlay.h"
#include "tiler/cut/cut.h"
#include "tiler/heatmap/colour_map.h"
#include "tiler/imagefile/image_draw.h"
#include "tiler/pyramid/pyramid.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

enum {
    MIN_SIDE = 1024, /* of the last level, px */
    STRIPE = 16      /* of the hatching: visible on four levels */
};

typedef struct {
    const OverlaySpec *spec;
    Slide *slide;
    OverlayFrame frame;
    double cells_x, cells_y; /* cells of the map per px */
    const uint8_t (*table)[3];
    OverlayLines *lines;
    int64_t y; /* of the current rows */
    int rows;
} Overlay;

/* ---- geometry ---- */

OverlayFrame overlay_frame(const SlideInfo *info, double mpp)
{
    /* Factors are compared by their logarithms; the downsamples of levels are only nearly powers of 2. */
    const double own = sqrt(info->mpp_x * info->mpp_y), same = 0.01;
    double least = HUGE_VAL;
    int best = 0, halvings = 0;
    for (int i = 0; mpp > 0 && i < info->level_count; i++) {
        const SlideLevel *level = &info->levels[i];
        double ratio = log2(mpp / (own * sqrt(level->downsample_x * level->downsample_y)));
        int times = (int)CLAMP(floor(ratio + 0.5), 0, 20);
        if (fabs(ratio - times) < least + same) {
            least = MIN(least, fabs(ratio - times));
            best = i;
            halvings = times;
        }
    }
    const SlideLevel *level = &info->levels[best];
    const int64_t factor = (int64_t)1 << halvings;
    OverlayFrame frame = {.level = best,
                          .factor = (int)factor,
                          .width = (level->width + factor - 1) / factor,
                          .height = (level->height + factor - 1) / factor,
                          .scale_x = level->downsample_x * (double)factor,
                          .scale_y = level->downsample_y * (double)factor};
    frame.mpp_x = info->mpp_x * frame.scale_x;
    frame.mpp_y = info->mpp_y * frame.scale_y;
    return frame;
}

/* ---- one tile ---- */

/* Where the pixels of a row or column of a tile are between the centres of the cells. */
typedef struct {
    int cell, low, high; /* the cell that holds the pixel, and the two whose centres are next to it */
    float fraction;      /* from low to high */
} Place;

static Place place_of(double at, int cells)
{
    double between = CLAMP(at - 0.5, 0, cells - 1);
    Place place = {.cell = (int)CLAMP(at, 0, cells - 1), .low = (int)between};
    place.high = MIN(place.low + 1, cells - 1);
    place.fraction = (float)(between - place.low);
    return place;
}

/* The value from the neighbours that have one; not finite when the pixel's own cell has none. */
static float value_with_gaps(const Map *map, const Place *x, const Place *y)
{
    const int columns[2] = {x->low, x->high}, rows[2] = {y->low, y->high};
    const float across[2] = {1 - x->fraction, x->fraction}, down[2] = {1 - y->fraction, y->fraction};
    float sum = 0, total = 0;
    if (!isfinite(map->values[(size_t)y->cell * map->width + x->cell])) {
        return NAN;
    }
    for (int i = 0; i < 4; i++) {
        float value = map->values[(size_t)rows[i / 2] * map->width + columns[i % 2]];
        if (isfinite(value)) {
            sum += across[i % 2] * down[i / 2] * value;
            total += across[i % 2] * down[i / 2];
        }
    }
    return sum / total; /* the pixel's own cell has a weight of at least 1/4 */
}

/* Whether any cell next to these pixels has a value, or is not known. */
static gboolean any_cell(const Overlay *overlay, const Place *columns, int width, const Place *rows,
                         int height)
{
    const Map *map = overlay->spec->map;
    const Image *known = overlay->spec->known;
    for (int y = rows[0].low; y <= rows[height - 1].high; y++) {
        for (int x = columns[0].low; x <= columns[width - 1].high; x++) {
            size_t cell = (size_t)y * map->width + x;
            if (isfinite(map->values[cell]) || (known && !known->pixels[cell])) {
                return TRUE;
            }
        }
    }
    return FALSE;
}

/* Blends the colours of a row of pixels.  at: position of the first pixel. */
static void blend_row(const Overlay *overlay, const Place *columns, int width, const Place *row, int64_t x,
                      int64_t y, uint8_t *rgb)
{
    const OverlaySpec *spec = overlay->spec;
    const Map *map = spec->map;
    const float *above = map->values + (size_t)row->low * map->width,
                *below = map->values + (size_t)row->high * map->width;
    const int weight = colour_map_weight(spec->opacity);
    for (int i = 0; i < width; i++, rgb += 3) {
        const Place *at = &columns[i];
        float left = above[at->low] + (below[at->low] - above[at->low]) * row->fraction,
              right = above[at->high] + (below[at->high] - above[at->high]) * row->fraction,
              value = left + (right - left) * at->fraction;
        if (!isfinite(value)) {
            value = value_with_gaps(map, at, row);
        }
        if (isfinite(value)) {
            const uint8_t *over = colour_map_at(overlay->table, value, spec->low, spec->high);
            for (int c = 0; c < 3; c++) {
                rgb[c] = colour_map_blend(over[c], rgb[c], weight);
            }
        } else if (spec->known && !spec->known->pixels[(size_t)row->cell * map->width + at->cell]) {
            image_draw_hatched(rgb, x + i, y, STRIPE);
        }
    }
}

static gboolean blend(const Overlay *overlay, int64_t x, int width, uint8_t *pixels, size_t stride,
                      GError **error)
{
    const Map *map = overlay->spec->map;
    g_autofree Place *places =
        wsi_try_alloc((size_t)width + (size_t)overlay->rows, sizeof(Place), "a tile of the overlay", error);
    if (!places) {
        return FALSE;
    }
    Place *columns = places, *rows = places + width;
    for (int i = 0; i < width; i++) {
        columns[i] = place_of(((double)(x + i) + 0.5) * overlay->cells_x, map->width);
    }
    for (int i = 0; i < overlay->rows; i++) {
        rows[i] = place_of(((double)(overlay->y + i) + 0.5) * overlay->cells_y, map->height);
    }
    if (any_cell(overlay, columns, width, rows, overlay->rows)) {
        for (int i = 0; i < overlay->rows; i++) {
            blend_row(overlay, columns, width, &rows[i], x, overlay->y + i, pixels + (size_t)i * stride);
        }
    }
    return TRUE;
}

/* Reads the slide's pixels; those that it does not give are hatched. */
static gboolean read_slide(const Overlay *overlay, int64_t x, int width, uint8_t *pixels, size_t stride,
                           GError **error)
{
    const OverlayFrame *frame = &overlay->frame;
    g_autoptr(Image) rgb = image_new(width, overlay->rows, 3, error);
    g_autoptr(Image) readable = rgb ? image_new(width, overlay->rows, 1, error) : NULL;
    const Rect region = {(double)x * frame->scale_x, (double)overlay->y * frame->scale_y,
                         width * frame->scale_x, overlay->rows * frame->scale_y};
    if (!readable ||
        !(frame->factor == 1
              ? slide_read(overlay->slide, frame->level, x, overlay->y, rgb, readable, error)
              : cut_region_from(overlay->slide, frame->level, &region, FILTER_AREA, rgb, readable, error))) {
        return FALSE;
    }
    for (int row = 0; row < overlay->rows; row++) {
        uint8_t *out = pixels + (size_t)row * stride;
        const uint8_t *has = readable->pixels + (size_t)row * width;
        memcpy(out, rgb->pixels + (size_t)row * width * 3, (size_t)width * 3);
        for (int i = 0; i < width; i++) {
            if (!has[i]) {
                image_draw_hatched(out + 3 * i, x + i, overlay->y + row, STRIPE);
            }
        }
    }
    return TRUE;
}

/* ---- the pyramid's source ---- */

static gboolean start_rows(void *data, int64_t y, int rows, void *pixels, GError **error)
{
    Overlay *overlay = data;
    const OverlaySpec *spec = overlay->spec;
    overlay->y = y;
    overlay->rows = rows;
    return !spec->tick || spec->tick(spec->data, y, overlay->frame.height, error);
}

static gboolean fill_part(void *data, int64_t x, int width, void *pixels, size_t stride, gboolean *constant,
                          GError **error)
{
    const Overlay *overlay = data;
    if (!read_slide(overlay, x, width, pixels, stride, error) ||
        !blend(overlay, x, width, pixels, stride, error)) {
        return FALSE;
    }
    overlay_lines_draw(overlay->lines, 0, x, overlay->y, width, overlay->rows, pixels, stride);
    return TRUE;
}

static void draw_lines(void *data, int level, int64_t x, int64_t y, int width, int rows, void *pixels,
                       size_t stride)
{
    const Overlay *overlay = data;
    overlay_lines_draw(overlay->lines, level, x, y, width, rows, pixels, stride);
}

gboolean overlay_write(const char *path, Slide *slide, const OverlaySpec *spec, char sha256[65],
                       GError **error)
{
    const SlideInfo *info = slide_info(slide);
    Overlay overlay = {.spec = spec, .slide = slide, .frame = overlay_frame(info, spec->mpp)};
    const OverlayFrame *frame = &overlay.frame;
    overlay.table = colour_map_need(spec->colours, spec->low, spec->high, error);
    if (!overlay.table) {
        return FALSE;
    }
    overlay.cells_x = frame->scale_x * spec->map->width / (double)info->levels[0].width;
    overlay.cells_y = frame->scale_y * spec->map->height / (double)info->levels[0].height;
    g_autoptr(OverlayLines) lines =
        overlay_lines_new(spec->rings, spec->ring_count, 1 / overlay.cells_x, 1 / overlay.cells_y,
                          frame->width, frame->height, error);
    overlay.lines = lines;
    PyramidSpec pyramid = {.layout = PYRAMID_MULTI_IFD,
                           .pixels = PYRAMID_RGB_JPEG,
                           .width = frame->width,
                           .height = frame->height,
                           .mpp_x = frame->mpp_x,
                           .mpp_y = frame->mpp_y,
                           .quality = spec->quality,
                           .min_size = MIN_SIDE,
                           .description = spec->description,
                           .threads = spec->threads,
                           .part = fill_part,
                           .draw = draw_lines};
    return lines && pyramid_write(path, &pyramid, start_rows, &overlay, sha256, error);
}
