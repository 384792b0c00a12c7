/* Grids by arithmetic, tissue fractions by an integral image.
 *
 * Tile (column, row) starts at area + column * stride in doubles, so no error accumulates.  The tissue fraction of a tile is
 * the integral of the mask over its footprint, in which mask pixels at the border count by the part that is inside, divided by the area of
 * the whole footprint.  A part of the footprint outside of the slide counts as no tissue. */
#include "tiler/cut/grid.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

/* In strides: the rounding of size * mpp / slide mpp must not add or drop a column. */
static const double SLACK = 1e-6;

static const char *const edge_names[] = {[EDGE_DROP] = "drop", [EDGE_PAD] = "pad", [EDGE_SHIFT] = "shift"};

gboolean edge_policy_parse(const char *name, EdgePolicy *out)
{
    for (size_t i = 0; i < G_N_ELEMENTS(edge_names); i++) {
        if (strcmp(edge_names[i], name) == 0) {
            *out = (EdgePolicy)i;
            return TRUE;
        }
    }
    return FALSE;
}

/* sums (height + 1, width + 1): the number of tissue pixels above and left of the corner (x, y). */
typedef struct {
    int width, height;
    uint32_t *sums;
} Integral;

static gboolean integral_init(Integral *integral, const Image *mask, GError **error)
{
    int stride = mask->width + 1;
    *integral = (Integral){mask->width, mask->height, NULL};
    if ((int64_t)mask->width * mask->height > G_MAXUINT32) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "a tissue mask of %d x %d px is too large",
                    mask->width, mask->height);
        return FALSE;
    }
    integral->sums =
        wsi_try_alloc((size_t)stride * ((size_t)mask->height + 1), sizeof(uint32_t), "tissue sums", error);
    if (!integral->sums) {
        return FALSE;
    }
    for (int y = 0; y < mask->height; y++) {
        uint32_t line = 0, *to = integral->sums + (size_t)(y + 1) * stride;
        for (int x = 0; x < mask->width; x++) {
            /* S(x, y) = S(x, y - 1) + the pixels of this row up to x. */
            line += mask->pixels[(size_t)y * mask->width + x] != 0;
            to[x + 1] = to[x + 1 - stride] + line;
        }
    }
    return TRUE;
}

/* The integral from (0, 0) to (x, y): bilinear between the four corners, which is exact since the mask is constant within a pixel. */
static double integral_to(const Integral *integral, double x, double y)
{
    x = CLAMP(x, 0, integral->width);
    y = CLAMP(y, 0, integral->height);
    int column = MIN((int)x, integral->width - 1), row = MIN((int)y, integral->height - 1);
    /* Fractions of the pixel to the right and down. */
    double right = x - column, down = y - row;
    const uint32_t *at = integral->sums + (size_t)row * (integral->width + 1) + column,
                   *below = at + integral->width + 1;
    return (1 - down) * ((1 - right) * at[0] + right * at[1]) +
           down * ((1 - right) * below[0] + right * below[1]);
}

/* The integral over [x0, x1) x [y0, y1), by inclusion and exclusion. */
static double integral_over(const Integral *integral, double x0, double y0, double x1, double y1)
{
    return integral_to(integral, x1, y1) - integral_to(integral, x0, y1) - integral_to(integral, x1, y0) +
           integral_to(integral, x0, y0);
}

/* How many tiles of `tile` px, one every `stride` px, are along a side of `length` px. */
static double count_along(double length, double tile, double stride, EdgePolicy edge)
{
    /* How many strides fit after the first tile. */
    double room = (length - tile) / stride;
    if (room < -SLACK) {
        return edge == EDGE_PAD; /* one tile that extends beyond the border, or none */
    }
    /* Drop leaves out a tile that does not fit; pad and shift add one. */
    return 1 + (edge == EDGE_DROP ? floor(room + SLACK) : ceil(MAX(room - SLACK, 0)));
}

/* Where tile number `index` of `count` starts. */
static double tile_start(double start, double length, double tile, double stride, int index, int count,
                         EdgePolicy edge)
{
    /* The last tile ends at the border of the area. */
    gboolean last = edge == EDGE_SHIFT && index > 0 && index == count - 1;
    return last ? start + length - tile : start + index * stride;
}

static gboolean check_spec(const GridSpec *spec, const Rect *area, double mpp_x, double mpp_y,
                           const Image *mask, GError **error)
{
    if (!(mpp_x > 0) || !(mpp_y > 0) || !isfinite(mpp_x) || !isfinite(mpp_y)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "a grid of tiles needs the resolution of the slide (um/px)");
        return FALSE;
    }
    if (spec->size < 1 || !(spec->mpp > 0) || !isfinite(spec->mpp) || !(spec->overlap >= 0) ||
        !(spec->overlap < spec->size)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "a grid of tiles of %d px at %g um/px with an overlap of %g px is not possible (overlap: "
                    "at least 0, less than the size)",
                    spec->size, spec->mpp, spec->overlap);
        return FALSE;
    }
    if (!(area->width > 0) || !(area->height > 0) ||
        !isfinite(area->x + area->y + area->width + area->height) || (mask && mask->channels != 1)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL,
                    "a grid needs an area that is not empty and a mask of one channel");
        return FALSE;
    }
    return TRUE;
}

/* Appends all tiles with enough tissue.  stride: level-0 px. */
static void fill(Grid *grid, const Rect *area, double stride_x, double stride_y, const Integral *tissue,
                 double slide_width, double slide_height)
{
    const GridSpec *spec = &grid->spec;
    /* Level-0 px to mask px. */
    double to_mask_x = tissue ? tissue->width / slide_width : 1,
           to_mask_y = tissue ? tissue->height / slide_height : 1;
    /* Area of a tile in mask px, also of tiles that extend beyond the slide. */
    double footprint = grid->tile_width * to_mask_x * grid->tile_height * to_mask_y;
    for (int row = 0; row < grid->rows; row++) {
        for (int column = 0; column < grid->columns; column++) {
            Tile tile = {column, row, 0, 0, 1};
            tile.x = tile_start(area->x, area->width, grid->tile_width, stride_x, column, grid->columns,
                                spec->edge);
            tile.y =
                tile_start(area->y, area->height, grid->tile_height, stride_y, row, grid->rows, spec->edge);
            if (tissue) {
                double sum = integral_over(tissue, tile.x * to_mask_x, tile.y * to_mask_y,
                                           (tile.x + grid->tile_width) * to_mask_x,
                                           (tile.y + grid->tile_height) * to_mask_y);
                tile.tissue_fraction = CLAMP(sum / footprint, 0, 1);
            }
            /* Without a mask the fraction is 1, and every tile stays. */
            if (tile.tissue_fraction >= spec->min_tissue) {
                g_array_append_val(grid->tiles, tile);
            }
        }
    }
}

Grid *grid_new(const GridSpec *spec, const Rect *area, double mpp_x, double mpp_y, const Image *mask,
               double slide_width, double slide_height, GError **error)
{
    if (!check_spec(spec, area, mpp_x, mpp_y, mask, error)) {
        return NULL;
    }
    /* Tile px times um/px of the tile over um/px of the slide: level-0 px. */
    double stride_x = (spec->size - spec->overlap) * spec->mpp / mpp_x;
    double stride_y = (spec->size - spec->overlap) * spec->mpp / mpp_y;
    double tile_width = spec->size * spec->mpp / mpp_x, tile_height = spec->size * spec->mpp / mpp_y;
    /* Doubles, since an absurd specification could overflow an int. */
    double columns = count_along(area->width, tile_width, stride_x, spec->edge);
    double rows = count_along(area->height, tile_height, stride_y, spec->edge);
    if (columns * rows > 1e8) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "a grid of %.0f x %.0f tiles is too large (the limit is 10^8 tiles)", columns, rows);
        return NULL;
    }
    Integral tissue = {0};
    if (mask && !integral_init(&tissue, mask, error)) {
        return NULL;
    }
    g_autofree uint32_t *sums = tissue.sums;
    Grid *grid = g_new(Grid, 1);
    *grid = (Grid){*spec,        tile_width, tile_height,
                   (int)columns, (int)rows,  g_array_new(FALSE, FALSE, sizeof(Tile))};
    fill(grid, area, stride_x, stride_y, sums ? &tissue : NULL, slide_width, slide_height);
    return grid;
}

void grid_free(Grid *grid)
{
    if (grid) {
        g_array_unref(grid->tiles);
        g_free(grid);
    }
}
