/* From a score map to the page that people look at.
 *
 * All outlines come from marching squares: of the map itself, of the tissue's mask, and of the lesions as a mask that is finer than the
 * page's pixels. */
#include "pipeline/scoring/heatmap_overview.h"
#include "annotations/raster/isoline.h"
#include "base/durable.h"
#include "pipeline/scoring/map_regions.h"
#include "pipeline/write/versions.h"
#include "tiler/heatmap/heatmap_page.h"
#include "tiler/imagefile/imagefile.h"
#include <math.h>

const char *const heatmap_overview_files[HEATMAP_OVERVIEWS] = {"heatmap.png", "thumbnail.jpg"};

enum { LESION_CELLS = 3600, THUMBNAIL_SIDE = 224, THUMBNAIL_BYTES = 10000 };
/* Outlines around less than this part of the slide would be specks on the page, which hide what they go round. */
#define LEAST_PART 2e-5
#define LEAST_HOLE_PART 2e-4

/* ---- outlines ---- */

typedef struct {
    Isoline *found; /* owns the points; NULL: they belong to the regions */
    Ring *rings;
    HeatmapOutlines outlines;
} Outlines;

static void outlines_clear(Outlines *outlines)
{
    isoline_free(outlines->found);
    g_free(outlines->rings);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Outlines, outlines_clear)

/* The rings.  kept: by region, those that are shown, without rings around less than a part of the map; NULL: all of them. */
static void outlines_take(Outlines *out, const Map *map, const Isoline *from, const gboolean *kept)
{
    const double cells = (double)map->width * (double)map->height;
    out->rings = g_new(Ring, from->ring_count + 1);
    out->outlines = (HeatmapOutlines){out->rings, 0, map->width, map->height};
    for (int i = 0; i < from->ring_count; i++) {
        const IsolineRing *ring = &from->rings[i];
        double least = ring->area > 0 ? LEAST_PART : LEAST_HOLE_PART;
        if (!kept || (kept[ring->region] && fabs(ring->area) >= least * cells)) {
            out->rings[out->outlines.count++] = (Ring){ring->xy, ring->points};
        }
    }
}

static gboolean outlines_of_mask(const Image *mask, Outlines *out, GError **error)
{
    g_autoptr(Map) map = map_new(mask->width, mask->height, error);
    for (size_t i = 0; map && i < image_bytes(mask); i++) {
        map->values[i] = mask->pixels[i] != 0;
    }
    out->found = map ? isoline_find(map, 0.5, MAP_REGION_TOLERANCE, error) : NULL;
    if (out->found) {
        outlines_take(out, map, out->found, NULL);
    }
    return out->found != NULL;
}

static gboolean outlines_of_lesions(const Raster *lesions, const SlideInfo *info, Outlines *out,
                                    GError **error)
{
    const Rect whole = {0, 0, (double)info->levels[0].width, (double)info->levels[0].height};
    double scale = fmin(1, LESION_CELLS / fmax(whole.width, whole.height));
    g_autoptr(Image) mask =
        image_new(MAX(1, (int)ceil(whole.width * scale)), MAX(1, (int)ceil(whole.height * scale)), 1, error);
    if (!mask) {
        return FALSE;
    }
    raster_fill(lesions, &whole, mask);
    return outlines_of_mask(mask, out, error);
}

static MapRegions *find_regions(const HeatmapOverview *of, double threshold, GError **error)
{
    const SlideInfo *info = slide_info(of->slide);
    const MapRegionSpec spec = {.threshold = threshold,
                                .min_area_um2 = of->min_area_um2,
                                .slide_width = (double)info->levels[0].width,
                                .slide_height = (double)info->levels[0].height,
                                .mpp_x = info->mpp_x,
                                .mpp_y = info->mpp_y};
    return map_regions_find(of->map, &spec, error);
}

/* ---- texts ---- */

static char *number(const char *format, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    return g_strdup(g_ascii_formatd(text, sizeof text, format, value));
}

/* Three digits or all before the point, without an exponent.  Caller frees. */
static char *score_text(double score)
{
    return number(fabs(score) >= 100 ? "%.0f" : "%.3g", score);
}

/* Two digits, likewise. */
static char *percent_text(double percent)
{
    return percent > 0 && percent < 0.01 ? g_strdup("< 0.01")
                                         : number(percent >= 10 ? "%.0f" : "%.2g", percent);
}

static char *area_text(double mm2)
{
    g_autofree char *value =
        mm2 < 0.01 ? number("%.0f", 1e6 * mm2) : number(mm2 >= 10 ? "%.0f" : "%.2g", mm2);
    return g_strdup_printf("%s %s\u00b2", value, mm2 < 0.01 ? "\u00b5m" : "mm");
}

/* What the map shows, in one line.  regions: NULL without a threshold. */
static char *found_text(const Map *map, const MapRegions *regions, const MapThreshold *threshold)
{
    int64_t scored = 0, high = 0;
    double maximum = -INFINITY;
    for (size_t i = 0; i < (size_t)map->width * (size_t)map->height; i++) {
        if (isfinite(map->values[i])) {
            scored++;
            high += regions && map_regions_has(regions, i);
            maximum = fmax(maximum, map->values[i]);
        }
    }
    if (scored == 0) {
        return g_strdup("no part of it was scored");
    }
    g_autofree char *most = score_text(maximum);
    if (!regions) {
        return g_strdup_printf("highest value of the map %s", most);
    }
    g_autofree char *at = score_text(threshold->value),
                    *percent = percent_text(100.0 * (double)high / (double)scored);
    return g_strdup_printf(
        "highest value of the map %s; %s %% of the scored area at or above the threshold %s", most, percent,
        at);
}

static char *note_text(const HeatmapLook *look, const SlideInfo *info, const MapRegions *regions,
                       double min_area_um2)
{
    double slide_mm2 =
        (double)info->levels[0].width * info->mpp_x * (double)info->levels[0].height * info->mpp_y / 1e6;
    g_autofree char *range = heatmap_look_text(look), *least = area_text(LEAST_PART * slide_mm2),
                    *hole = area_text(LEAST_HOLE_PART * slide_mm2);
    g_autofree char *lines =
        !regions ? g_strdup("")
                 : g_strdup_printf(" Regions below %s and their holes below %s have no line.", least, hole);
    g_autofree char *dropped = regions ? map_regions_dropped_text(regions, min_area_um2) : g_strdup("");
    return g_strdup_printf("%s. Colours: %s.%s%s%s%s %s", look->provenance, range, lines, *dropped ? " " : "",
                           dropped, *dropped ? "." : "", research_use_only);
}

/* ---- files ---- */

/* The best quality with which the image is small enough. */
static gboolean write_thumbnail(const char *path, const Image *image, char sha256[65], GError **error)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    for (int quality = 85; quality > 0 && (bytes->len == 0 || bytes->len > THUMBNAIL_BYTES); quality -= 10) {
        g_byte_array_set_size(bytes, 0);
        if (!imagefile_encode_jpeg(image, quality, bytes, error)) {
            return FALSE;
        }
    }
    return durable_write_file(path, bytes->data, bytes->len, sha256, error);
}

static gboolean write_images(const char *folder, Slide *slide, const HeatmapPage *page,
                             char sha256[HEATMAP_OVERVIEWS][65], GError **error)
{
    g_autofree char *page_path = g_build_filename(folder, heatmap_overview_files[0], NULL),
                    *small_path = g_build_filename(folder, heatmap_overview_files[1], NULL);
    g_autoptr(Image) image = heatmap_page(slide, page, error);
    if (!image || !imagefile_write_png_dpi(page_path, image, CANVAS_DPI, sha256[0], error)) {
        return FALSE;
    }
    g_autoptr(Image) small = heatmap_page_thumbnail(slide, page, THUMBNAIL_SIDE, error);
    return small && write_thumbnail(small_path, small, sha256[1], error);
}

gboolean heatmap_overview_write(const char *folder, const HeatmapLook *look, const HeatmapOverview *of,
                                char sha256[HEATMAP_OVERVIEWS][65], GError **error)
{
    g_auto(Outlines) tissue = {0}, lesions = {0}, lines = {0};
    g_autoptr(MapRegions) regions = NULL;
    gboolean marked = !isnan(look->threshold.value);
    if ((of->tissue && !outlines_of_mask(of->tissue, &tissue, error)) ||
        (of->lesions && !outlines_of_lesions(of->lesions, slide_info(of->slide), &lesions, error)) ||
        (marked && !(regions = find_regions(of, look->threshold.value, error)))) {
        return FALSE;
    }
    if (regions) {
        outlines_take(&lines, of->map, regions->outlines, regions->kept);
    }
    g_autofree char *subtitle = found_text(of->map, regions, &look->threshold),
                    *note = note_text(look, slide_info(of->slide), regions, of->min_area_um2);
    const HeatmapPage page = {.map = of->map,
                              .known = of->known,
                              .colours = look->colours,
                              .low = look->low,
                              .high = look->high,
                              .opacity = look->opacity,
                              .threshold = look->threshold.value,
                              .tissue = of->tissue ? &tissue.outlines : NULL,
                              .annotation = of->lesions ? &lesions.outlines : NULL,
                              .regions = marked ? &lines.outlines : NULL,
                              .title = look->title,
                              .subtitle = subtitle,
                              .note = note};
    return write_images(folder, of->slide, &page, sha256, error);
}
