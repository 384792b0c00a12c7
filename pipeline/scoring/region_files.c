/* From a score map to objects.
 *
 *   regions.geojson     outlines at the threshold (annotations/raster/isoline.h) for QuPath, in the order of their rank
 *   detections.csv      maxima of the map in these regions, for FROC curves by Camelyon16's rules
 *   predicted_mask.tif  the cells of these regions, for programs that compare masks
 *   tiles.geojson.gz    the scored tiles with all of their scores, for QuPath's measurement maps
 *
 * All of them say the same of the same place: a region below the least area is in none of the first three, and is counted.  Only their frames differ. GeoJSON is in QuPath's frame, which begins at the bounds of the
 * scanned area, and says so; the others cover level 0. */
#include "pipeline/scoring/region_files.h"
#include "annotations/write/object_write.h"
#include "base/csv.h"
#include "flows/models/tile_score.h"
#include "pipeline/scoring/detections.h"
#include "pipeline/scoring/map_regions.h"
#include "tiler/patches/patchset.h"
#include "tiler/pyramid/pyramid.h"
#include <math.h>

const char *const region_files[REGION_FILES] = {"regions.geojson", "detections.csv", "predicted_mask.tif",
                                                "tiles.geojson.gz"};

/* A row of the table of scores. */
typedef struct {
    Rect area;
    double scores[TILE_SCORES];
} ScoredTile;

typedef struct {
    const RegionOptions *options;
    const SlideInfo *info;
    const Map *map;
    const MapRegions *regions;
    const GArray *tiles;      /* ScoredTile; NULL: not known */
    const GArray *detections; /* Detection */
    int detections_dropped;   /* maxima that would be detections if their regions were not dropped */
    const json_t *facts;
    double bounds_x, bounds_y; /* subtracted in GeoJSON */
} Files;

RegionOptions region_files_options(const Config *config, MapThreshold threshold)
{
    return (RegionOptions){.threshold = threshold.value,
                           .threshold_source = threshold.source,
                           .min_area_um2 = config->regions_min_area_um2,
                           .radius_um = config->regions_radius_um,
                           .level0 = g_str_equal(config->regions_frame, "level0"),
                           .tiles = config->regions_tiles};
}

int region_files_count(const RegionOptions *options)
{
    return options->tiles ? REGION_FILES : REGION_FILES - 1;
}

/* ---- reading ---- */

static GArray *read_tiles(const char *path, GError **error)
{
    static const char *const names[] = {"x", "y", "width", "height"};
    enum { SIDES = 4 };
    g_autoptr(Csv) csv = csv_read(path, error);
    g_autoptr(GArray) tiles = g_array_new(FALSE, FALSE, sizeof(ScoredTile));
    int columns[SIDES + TILE_SCORES];
    for (int i = 0; i < SIDES + TILE_SCORES; i++) {
        const char *name = i < SIDES ? names[i] : tile_score_column(i - SIDES);
        if (!csv || (columns[i] = csv_need(csv, name, error)) < 0) {
            return NULL;
        }
    }
    for (int row = 0; row < csv_rows(csv); row++) {
        ScoredTile tile;
        double *const sides[SIDES] = {&tile.area.x, &tile.area.y, &tile.area.width, &tile.area.height};
        for (int i = 0; i < SIDES + TILE_SCORES; i++) {
            double *value = i < SIDES ? sides[i] : &tile.scores[i - SIDES];
            if (!csv_number(csv, row, columns[i], value, error)) {
                return NULL;
            }
        }
        g_array_append_val(tiles, tile);
    }
    return g_steal_pointer(&tiles);
}

/* The tiles of the patch set, whose flags are known: array of FlaggedTile. */
static GArray *read_flagged(const char *path, const SlideInfo *info, GError **error)
{
    g_autoptr(GPtrArray) patches = patchset_read_manifest(path, error);
    GArray *flagged = patches ? g_array_new(FALSE, FALSE, sizeof(FlaggedTile)) : NULL;
    for (guint i = 0; patches && i < patches->len; i++) {
        const Patch *patch = patches->pdata[i];
        /* A patch is square in um; its side is that in x. */
        FlaggedTile tile = {
            {(double)patch->x, (double)patch->y, patch->side, patch->side * info->mpp_x / info->mpp_y},
            patch->flags};
        g_array_append_val(flagged, tile);
    }
    return flagged;
}

static GArray *areas_of(const GArray *tiles)
{
    GArray *areas = g_array_new(FALSE, FALSE, sizeof(Rect));
    for (guint i = 0; i < tiles->len; i++) {
        g_array_append_val(areas, g_array_index(tiles, ScoredTile, i).area);
    }
    return areas;
}

static MapRegions *find_regions(const Files *files, const GArray *flagged, GError **error)
{
    g_autoptr(GArray) areas = files->tiles ? areas_of(files->tiles) : NULL;
    MapRegionSpec spec = {.threshold = files->options->threshold,
                          .min_area_um2 = files->options->min_area_um2,
                          .slide_width = (double)files->info->levels[0].width,
                          .slide_height = (double)files->info->levels[0].height,
                          .mpp_x = files->info->mpp_x,
                          .mpp_y = files->info->mpp_y,
                          .tiles = areas,
                          .flagged = flagged};
    return map_regions_find(files->map, &spec, error);
}

/* ---- objects ---- */

static ObjectWriter *open_objects(const Files *files, const char *path, gboolean gzip, GError **error)
{
    const ObjectFile file = {.path = path,
                             .slide = files->options->slide,
                             .bounds_x = files->bounds_x,
                             .bounds_y = files->bounds_y,
                             .facts = files->facts,
                             .gzip = gzip};
    return object_writer_open(&file, error);
}

/* The class that regions and tiles at or above the threshold have. */
#define CLASS_ANOMALY \
    "Anomaly",        \
    {                 \
        230, 85, 13   \
    }
#define CLASS_OTHER    \
    "Below threshold", \
    {                  \
        160, 160, 160  \
    }

static gboolean add_region(const Files *files, ObjectWriter *writer, const MapRegion *region, int rank,
                           GError **error)
{
    const MapRegions *regions = files->regions;
    const IsolineRing *first = &regions->outlines->rings[region->first_ring];
    g_autofree ObjectRing *rings = g_new(ObjectRing, region->rings);
    g_autoptr(GPtrArray) points = g_ptr_array_new_with_free_func(g_free);
    for (int i = 0; i < region->rings; i++) {
        double *xy = g_new(double, 2 * first[i].points);
        for (int k = 0; k < first[i].points; k++) {
            xy[2 * k] = first[i].xy[2 * k] * regions->cell_width;
            xy[2 * k + 1] = first[i].xy[2 * k + 1] * regions->cell_height;
        }
        rings[i] = (ObjectRing){xy, first[i].points, i == 0};
        g_ptr_array_add(points, xy);
    }
    const double checked = region->checked;
    const Measurement measurements[] = {
        {"Rank", rank},
        {"Area µm^2", region->area_um2},
        {"Score maximum", region->maximum},
        {"Score mean", region->mean},
        {"Tiles", files->tiles ? region->tiles : NAN},
        {"Tiles with known flags", checked > 0 ? checked : NAN},
        {"Fraction of tiles with pen", region->pen / checked},
        {"Fraction of tiles with blur", region->blur / checked},
    };
    g_autofree char *name = g_strdup_printf("Region %d", rank);
    const Object object = {
        "annotation", name, CLASS_ANOMALY, rings, region->rings, measurements, G_N_ELEMENTS(measurements)};
    return object_writer_add(writer, &object, error);
}

static gboolean write_regions(const Files *files, const char *path, char sha256[65], GError **error)
{
    g_autoptr(ObjectWriter) writer = open_objects(files, path, FALSE, error);
    gboolean good = writer != NULL;
    for (guint i = 0; good && i < files->regions->regions->len; i++) {
        good = add_region(files, writer, &g_array_index(files->regions->regions, MapRegion, i), (int)i + 1,
                          error);
    }
    return good && object_writer_commit(writer, sha256, error);
}

static gboolean write_tiles(const Files *files, const char *path, char sha256[65], GError **error)
{
    g_autoptr(ObjectWriter) writer = open_objects(files, path, TRUE, error);
    gboolean good = writer != NULL;
    Measurement measurements[TILE_SCORES];
    for (guint i = 0; good && i < files->tiles->len; i++) {
        const ScoredTile *tile = &g_array_index(files->tiles, ScoredTile, i);
        double left = tile->area.x, top = tile->area.y, right = left + tile->area.width,
               bottom = top + tile->area.height;
        const double xy[] = {left, top, right, top, right, bottom, left, bottom};
        const ObjectRing ring = {xy, 4, TRUE};
        for (int s = 0; s < TILE_SCORES; s++) {
            measurements[s] = (Measurement){tile_score_column(s), tile->scores[s]};
        }
        const Object anomaly = {"tile", NULL, CLASS_ANOMALY, &ring, 1, measurements, TILE_SCORES},
                     other = {"tile", NULL, CLASS_OTHER, &ring, 1, measurements, TILE_SCORES};
        double score = tile->scores[COLUMN_SCORE];
        /* A tile that could not be read has no score. */
        good = isnan(score) ||
               object_writer_add(writer, score >= files->options->threshold ? &anomaly : &other, error);
    }
    return good && object_writer_commit(writer, sha256, error);
}

/* ---- the others ---- */

/* The map without dropped regions: what is not shown hides no maximum that is.  NULL with WSI_ERROR_MEMORY. */
static Map *without_dropped(const Map *map, const MapRegions *regions, GError **error)
{
    Map *kept = map_new(map->width, map->height, error);
    for (size_t i = 0; kept && i < (size_t)map->width * (size_t)map->height; i++) {
        gboolean dropped = regions->outlines->region[i] >= 0 && !map_regions_has(regions, i);
        kept->values[i] = dropped ? NAN : map->values[i];
    }
    return kept;
}

static GArray *detections_of(const Files *files, const Map *map)
{
    const MapRegions *regions = files->regions;
    return detections_find(map, files->options->threshold, files->options->radius_um,
                           regions->cell_width * files->info->mpp_x,
                           regions->cell_height * files->info->mpp_y);
}

/* The detections; *dropped: those of the whole map that are in dropped regions. */
static GArray *find_detections(const Files *files, int *dropped, GError **error)
{
    GArray *all = detections_of(files, files->map);
    *dropped = 0;
    if (files->regions->dropped == 0) {
        return all;
    }
    for (guint i = 0; i < all->len; i++) {
        const Detection *one = &g_array_index(all, Detection, i);
        *dropped += !map_regions_has(files->regions, (size_t)one->row * files->map->width + one->column);
    }
    g_array_unref(all);
    g_autoptr(Map) kept = without_dropped(files->map, files->regions, error);
    return kept ? detections_of(files, kept) : NULL;
}

static gboolean write_detections(const Files *files, const char *path, char sha256[65], GError **error)
{
    const MapRegions *regions = files->regions;
    return detections_write(path, files->detections, regions->cell_width, regions->cell_height, sha256,
                            error);
}

static gboolean mask_rows(void *data, int64_t y, int rows, void *pixels, GError **error)
{
    const Files *files = data;
    const size_t width = (size_t)files->map->width, first = (size_t)y * width;
    uint8_t *out = pixels;
    for (size_t i = 0; i < (size_t)rows * width; i++) {
        out[i] = map_regions_has(files->regions, first + i);
    }
    return TRUE;
}

static gboolean write_mask(const Files *files, const char *path, char sha256[65], GError **error)
{
    char level[G_ASCII_DTOSTR_BUF_SIZE], lost[G_ASCII_DTOSTR_BUF_SIZE];
    g_autofree char *dropped = map_regions_dropped_text(files->regions, files->options->min_area_um2);
    g_autofree char *text =
        g_strdup_printf("predicted mask: 1 = score at or above %s, 0 = below it or no data (%s %% of the "
                        "cells)%s%s; for research use only",
                        g_ascii_formatd(level, sizeof level, "%.6g", files->options->threshold),
                        g_ascii_formatd(lost, sizeof lost, "%.2f", 100 * files->regions->no_data_fraction),
                        *dropped ? "; " : "", dropped);
    const PyramidSpec spec = {.layout = PYRAMID_MULTI_IFD,
                              .pixels = PYRAMID_LABEL,
                              .width = files->map->width,
                              .height = files->map->height,
                              .mpp_x = files->regions->cell_width * files->info->mpp_x,
                              .mpp_y = files->regions->cell_height * files->info->mpp_y,
                              .description = text};
    return pyramid_write(path, &spec, mask_rows, (void *)files, sha256, error);
}

/* ---- the whole ---- */

static json_t *facts_of(const Files *files)
{
    const RegionOptions *options = files->options;
    const MapRegions *regions = files->regions;
    return json_pack(
        "{s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:s, s:f, s:f, s:f, s:f, s:f, s:i, s:i, s:f, s:i, s:i, s:f}",
        "slide", options->slide, "frame", options->level0 ? "level0" : "qupath", "offset_x_px",
        files->bounds_x, "offset_y_px", files->bounds_y, "mpp_x", files->info->mpp_x, "mpp_y",
        files->info->mpp_y, "threshold", options->threshold, "threshold_from", options->threshold_source,
        "cell_x_px", regions->cell_width, "cell_y_px", regions->cell_height, "tolerance_cells",
        MAP_REGION_TOLERANCE, "min_area_um2", options->min_area_um2, "area_um2", regions->area_um2, "regions",
        (int)regions->regions->len, "regions_dropped", regions->dropped, "dropped_um2", regions->dropped_um2,
        "detections", (int)files->detections->len, "detections_dropped", files->detections_dropped,
        "no_data_fraction", regions->no_data_fraction);
}

gboolean region_files_write(const char *folder, const RegionOptions *options, const SlideInfo *info,
                            const Map *map, json_t **facts, char sha256[REGION_FILES][65], GError **error)
{
    static gboolean (*const writers[REGION_FILES])(const Files *, const char *, char[65], GError **) = {
        write_regions, write_detections, write_mask, write_tiles};
    g_autoptr(GArray) tiles = options->scores ? read_tiles(options->scores, error) : NULL;
    if (options->scores && !tiles) {
        return FALSE;
    }
    g_autoptr(GArray) flagged = options->patches ? read_flagged(options->patches, info, error) : NULL;
    if (options->patches && !flagged) {
        return FALSE;
    }
    Files files = {.options = options,
                   .info = info,
                   .map = map,
                   .tiles = tiles,
                   .bounds_x = options->level0 ? 0 : info->bounds.x,
                   .bounds_y = options->level0 ? 0 : info->bounds.y};
    g_autoptr(MapRegions) regions = find_regions(&files, flagged, error);
    if (!regions) {
        return FALSE;
    }
    files.regions = regions;
    g_autoptr(GArray) detections = find_detections(&files, &files.detections_dropped, error);
    if (!detections) {
        return FALSE;
    }
    files.detections = detections;
    json_auto_t *own = facts_of(&files);
    files.facts = own;
    for (int i = 0; i < region_files_count(options); i++) {
        g_autofree char *path = g_build_filename(folder, region_files[i], NULL);
        if (!writers[i](&files, path, sha256[i], error)) {
            return FALSE;
        }
    }
    *facts = json_incref(own);
    return TRUE;
}
