/* What is measured in the regions of a map.
 *
 * Areas are those of the outlines that are written, so they agree with what QuPath measures.  Maximum and mean are of the cells.  Sums run in
 * the order of the cells. */
#include "pipeline/scoring/map_regions.h"
#include "tiler/tissue/quality.h"
#include <math.h>

/* The regions by their number in the outlines, while they are measured. */
typedef struct {
    const Map *map;
    MapRegions *found;
    MapRegion *regions;
    int *seen; /* the last rectangle that was counted for each region */
} Measuring;

static void measure_outlines(Measuring *measuring, const MapRegionSpec *spec)
{
    MapRegions *found = measuring->found;
    double cell_um2 = found->cell_width * spec->mpp_x * found->cell_height * spec->mpp_y;
    for (int i = 0; i < found->outlines->ring_count; i++) {
        const IsolineRing *ring = &found->outlines->rings[i];
        MapRegion *region = &measuring->regions[ring->region];
        region->first_ring = region->rings ? region->first_ring : i;
        region->rings++;
        region->area_um2 += ring->area * cell_um2;
    }
}

static void measure_cells(Measuring *measuring)
{
    const size_t cells = (size_t)measuring->map->width * measuring->map->height;
    int64_t no_data = 0;
    for (size_t i = 0; i < cells; i++) {
        double value = measuring->map->values[i];
        int number = measuring->found->outlines->region[i];
        no_data += !isfinite(value);
        if (number >= 0) {
            MapRegion *region = &measuring->regions[number];
            region->maximum = region->cells ? fmax(region->maximum, value) : value;
            region->mean += value;
            region->cells++;
        }
    }
    for (int r = 0; r < measuring->found->outlines->region_count; r++) {
        measuring->regions[r].mean /= (double)measuring->regions[r].cells;
    }
    measuring->found->no_data_fraction = (double)no_data / (double)cells;
}

/* Calls `count` once for each region with a cell whose centre is in the rectangle.  number: of the rectangle, from 1. */
static void each_below(Measuring *measuring, const Rect *area, int number,
                       void (*count)(MapRegion *region, unsigned flags), unsigned flags)
{
    const MapRegions *found = measuring->found;
    const Map *map = measuring->map;
    int x0 = (int)fmax(0, ceil(area->x / found->cell_width - 0.5)),
        y0 = (int)fmax(0, ceil(area->y / found->cell_height - 0.5));
    for (int y = y0; y < map->height && (y + 0.5) * found->cell_height < area->y + area->height; y++) {
        for (int x = x0; x < map->width && (x + 0.5) * found->cell_width < area->x + area->width; x++) {
            int region = found->outlines->region[(size_t)y * map->width + x];
            if (region >= 0 && measuring->seen[region] != number) {
                measuring->seen[region] = number;
                count(&measuring->regions[region], flags);
            }
        }
    }
}

static void count_tile(MapRegion *region, unsigned flags)
{
    region->tiles++;
}

static void count_flags(MapRegion *region, unsigned flags)
{
    region->checked++;
    region->pen += (flags & QUALITY_PEN) != 0;
    region->blur += (flags & QUALITY_BLUR) != 0;
}

static void count_tiles(Measuring *measuring, const MapRegionSpec *spec)
{
    int number = 0;
    for (guint i = 0; spec->tiles && i < spec->tiles->len; i++) {
        each_below(measuring, &g_array_index(spec->tiles, Rect, i), ++number, count_tile, 0);
    }
    for (guint i = 0; spec->flagged && i < spec->flagged->len; i++) {
        const FlaggedTile *tile = &g_array_index(spec->flagged, FlaggedTile, i);
        each_below(measuring, &tile->area, ++number, count_flags, tile->flags);
    }
}

static int by_rank(const void *a, const void *b)
{
    const MapRegion *one = a, *other = b;
    if (one->maximum != other->maximum) {
        return one->maximum > other->maximum ? -1 : 1;
    }
    if (one->area_um2 != other->area_um2) {
        return one->area_um2 > other->area_um2 ? -1 : 1;
    }
    return one->first_ring - other->first_ring;
}

/* Sorts out the regions that are large enough. */
static void keep(MapRegions *found, const MapRegion *regions, int count, double min_area_um2)
{
    found->kept = g_new0(gboolean, count);
    for (int r = 0; r < count; r++) {
        found->kept[r] = regions[r].area_um2 >= min_area_um2;
        if (found->kept[r]) {
            found->area_um2 += regions[r].area_um2;
            g_array_append_val(found->regions, regions[r]);
        } else {
            found->dropped++;
            found->dropped_um2 += regions[r].area_um2;
        }
    }
    g_array_sort(found->regions, by_rank);
}

MapRegions *map_regions_find(const Map *map, const MapRegionSpec *spec, GError **error)
{
    g_autoptr(MapRegions) found = g_new0(MapRegions, 1);
    found->cell_width = spec->slide_width / map->width;
    found->cell_height = spec->slide_height / map->height;
    found->regions = g_array_new(FALSE, FALSE, sizeof(MapRegion));
    found->outlines = isoline_find(map, spec->threshold, MAP_REGION_TOLERANCE, error);
    if (!found->outlines) {
        return NULL;
    }
    int count = found->outlines->region_count;
    g_autofree MapRegion *regions = g_new0(MapRegion, count);
    g_autofree int *seen = g_new0(int, count);
    Measuring measuring = {map, found, regions, seen};
    measure_outlines(&measuring, spec);
    measure_cells(&measuring);
    count_tiles(&measuring, spec);
    keep(found, regions, count, spec->min_area_um2);
    return g_steal_pointer(&found);
}

gboolean map_regions_has(const MapRegions *regions, size_t cell)
{
    const int32_t number = regions->outlines->region[cell];
    return number >= 0 && regions->kept[number];
}

char *map_regions_dropped_text(const MapRegions *regions, double min_area_um2)
{
    char least[G_ASCII_DTOSTR_BUF_SIZE];
    return regions->dropped == 0
               ? g_strdup("")
               : g_strdup_printf("%d region%s below %s um2 (regions.min_area_um2) %s left out",
                                 regions->dropped, regions->dropped == 1 ? "" : "s",
                                 g_ascii_formatd(least, sizeof least, "%.10g", min_area_um2),
                                 regions->dropped == 1 ? "is" : "are");
}

void map_regions_free(MapRegions *regions)
{
    if (regions) {
        isoline_free(regions->outlines);
        g_array_unref(regions->regions);
        g_free(regions->kept);
        g_free(regions);
    }
}
