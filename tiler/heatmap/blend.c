/* The map of a slide, blended from the maps of its tiles.
 *
 * Where tiles overlap, each counts most in its centre, because values at its border were computed from padding or
 * a cut-off neighbourhood, and differ from the neighbour's.  The weight is sin^2 in x times sin^2 in y (a
 * raised cosine), so seams fade.  A small floor keeps it above 0, so a pixel that only one tile covers
 * gets exactly the value of that tile.
 *
 * The value of a map pixel is looked up at its centre.  When the tile's map is finer than the slide's, one
 * look-up would skip pixels; then the value is the mean of a regular n x n pattern inside the map pixel, with n the
 * ratio rounded up.
 *
 * Sums are double and follow the order of the calls; nothing else affects the result. */
#include "tiler/heatmap/blend.h"
#include "base/error.h"
#include <math.h>

#define WEIGHT_FLOOR 1e-3
enum { MAX_LOOK_UPS = 16 };

struct Blend {
    int width, height;
    double scale_x, scale_y; /* level-0 px per map pixel */
    double *sum, *weight;
};

static gboolean is_positive(double value)
{
    return isfinite(value) && value > 0;
}

Blend *blend_new(double slide_width, double slide_height, double mpp_x, double mpp_y, double cell_um,
                 GError **error)
{
    double columns = ceil(slide_width * mpp_x / cell_um - 1e-9),
           rows = ceil(slide_height * mpp_y / cell_um - 1e-9);
    if (!is_positive(slide_width) || !is_positive(slide_height) || !is_positive(mpp_x) ||
        !is_positive(mpp_y) || !is_positive(cell_um) || columns * rows > (double)(1 << 30)) {
        g_set_error(
            error, WSI_ERROR, WSI_ERROR_INPUT,
            "a map of %g x %g px at %g x %g um/px with cells of %g um is not possible: all must be positive, "
            "with at most 2^30 cells",
            slide_width, slide_height, mpp_x, mpp_y, cell_um);
        return NULL;
    }
    return blend_new_sized(slide_width, slide_height, (int)MAX(columns, 1), (int)MAX(rows, 1), error);
}

Blend *blend_new_sized(double slide_width, double slide_height, int width, int height, GError **error)
{
    g_autoptr(Blend) blend = g_new0(Blend, 1);
    blend->width = width;
    blend->height = height;
    blend->scale_x = slide_width / blend->width;
    blend->scale_y = slide_height / blend->height;
    size_t cells = (size_t)blend->width * blend->height;
    blend->sum = wsi_try_alloc(cells, sizeof(double), "the slide's map", error);
    blend->weight = blend->sum ? wsi_try_alloc(cells, sizeof(double), "the slide's map", error) : NULL;
    return blend->weight ? g_steal_pointer(&blend) : NULL;
}

void blend_free(Blend *blend)
{
    if (blend) {
        g_free(blend->sum);
        g_free(blend->weight);
        g_free(blend);
    }
}

/* Raised cosine over t in [0, 1), never 0. */
static double weight_at(double t)
{
    double s = sin(G_PI * t);
    return WEIGHT_FLOOR + (1 - WEIGHT_FLOOR) * s * s;
}

/* The bilinear value at (u, v), in pixels with centres at .5, constant beyond the border.  NaN when the pixel that contains (u, v)
 * has no data; other neighbours without data do not count. */
static double look_up(const Map *tile, double u, double v)
{
    int below_x = (int)CLAMP(u, 0, tile->width - 1), below_y = (int)CLAMP(v, 0, tile->height - 1);
    if (isnan(tile->values[(size_t)below_y * tile->width + below_x])) {
        return NAN;
    }
    double x = CLAMP(u - 0.5, 0, tile->width - 1), y = CLAMP(v - 0.5, 0, tile->height - 1);
    int x0 = (int)x, y0 = (int)y, x1 = MIN(x0 + 1, tile->width - 1), y1 = MIN(y0 + 1, tile->height - 1);
    double fx = x - x0, fy = y - y0;
    const int xs[4] = {x0, x1, x0, x1}, ys[4] = {y0, y0, y1, y1};
    const double fractions[4] = {(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy};
    double sum = 0, total = 0;
    for (int i = 0; i < 4; i++) {
        float value = tile->values[(size_t)ys[i] * tile->width + xs[i]];
        if (!isnan(value)) {
            sum += fractions[i] * value;
            total += fractions[i];
        }
    }
    return sum / total; /* the pixel that contains (u, v) has a weight of at least 1/4 */
}

/* Mean of the tile's map over the part of a map pixel that is inside the tile.  (u, v): centre of the map pixel; du, dv: its
 * size; all in pixels of the tile's map. */
static double look_up_area(const Map *tile, double u, double v, double du, double dv)
{
    int nx = (int)CLAMP(ceil(du - 1e-6), 1, MAX_LOOK_UPS), ny = (int)CLAMP(ceil(dv - 1e-6), 1, MAX_LOOK_UPS);
    double sum = 0;
    int found = 0;
    for (int j = 0; j < ny; j++) {
        for (int i = 0; i < nx; i++) {
            double x = u + du * ((i + 0.5) / nx - 0.5), y = v + dv * ((j + 0.5) / ny - 0.5);
            if (x < 0 || y < 0 || x > tile->width || y > tile->height) {
                continue;
            }
            double value = look_up(tile, x, y);
            if (!isnan(value)) {
                sum += value;
                found++;
            }
        }
    }
    return found ? sum / found : NAN;
}

/* Whether a mask that covers the same area is set at the fraction (across, down) of it. */
static gboolean has_data(const Image *readable, double across, double down)
{
    int x = MIN((int)(across * readable->width), readable->width - 1),
        y = MIN((int)(down * readable->height), readable->height - 1);
    return readable->pixels[(size_t)y * readable->width + x] != 0;
}

/* The map pixels whose centres are in [low, low + extent): [*first, *end). */
static void covered(double low, double extent, double scale, int cells, int *first, int *end)
{
    *first = (int)CLAMP(ceil(low / scale - 0.5), 0, cells);
    *end = (int)CLAMP(ceil((low + extent) / scale - 0.5), 0, cells);
}

void blend_add(Blend *blend, const Rect *footprint, const Map *tile, const Image *readable)
{
    int x0, x1, y0, y1;
    covered(footprint->x, footprint->width, blend->scale_x, blend->width, &x0, &x1);
    covered(footprint->y, footprint->height, blend->scale_y, blend->height, &y0, &y1);
    /* The size of a map pixel in pixels of the tile's map. */
    double du = blend->scale_x / footprint->width * tile->width,
           dv = blend->scale_y / footprint->height * tile->height;
    for (int y = y0; y < y1; y++) {
        /* Position of the centre of the map pixel in the footprint, 0 to 1. */
        double down = CLAMP(((y + 0.5) * blend->scale_y - footprint->y) / footprint->height, 0, 1);
        for (int x = x0; x < x1; x++) {
            double across = CLAMP(((x + 0.5) * blend->scale_x - footprint->x) / footprint->width, 0, 1);
            if (readable && !has_data(readable, across, down)) {
                continue;
            }
            double value = look_up_area(tile, across * tile->width, down * tile->height, du, dv);
            if (!isnan(value)) {
                size_t cell = (size_t)y * blend->width + x;
                double weight = weight_at(across) * weight_at(down);
                /* In the end sum w v / sum w. */
                blend->sum[cell] += weight * value;
                blend->weight[cell] += weight;
            }
        }
    }
}

Map *blend_finish(const Blend *blend, const Image *tissue, GError **error)
{
    Map *map = map_new(blend->width, blend->height, error);
    for (int y = 0; map && y < blend->height; y++) {
        for (int x = 0; x < blend->width; x++) {
            size_t cell = (size_t)y * blend->width + x;
            gboolean inside =
                !tissue || has_data(tissue, (x + 0.5) / blend->width, (y + 0.5) / blend->height);
            if (inside && blend->weight[cell] > 0) {
                map->values[cell] = (float)(blend->sum[cell] / blend->weight[cell]);
            }
        }
    }
    return map;
}
