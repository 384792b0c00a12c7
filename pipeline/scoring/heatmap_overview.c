/* From a score map to the page that people look at.
 *
 * All outlines come from marching squares: of the map itself, of the tissue's mask, and of the lesions as a mask that is finer than the
 * page's pixels. */
#include "pipeline/scoring/heatmap_overview.h"
#include "annotations/raster/isoline.h"
#include "base/durable.h"
#include "pipeline/write/versions.h"
#include "tiler/heatmap/heatmap_page.h"
#include "tiler/imagefile/imagefile.h"
#include <math.h>

const char *const heatmap_overview_files[HEATMAP_OVERVIEWS] = {"heatmap.png", "thumbnail.jpg"};

enum { LESION_CELLS = 3600, THUMBNAIL_SIDE = 224, THUMBNAIL_BYTES = 10000 };
#define TOLERANCE 0.25 /* cells */
/* Outlines around less than this part of the slide would be specks on the page, which hide what they go round. */
#define LEAST_PART 2e-5
#define LEAST_HOLE_PART 2e-4

/* ---- outlines ---- */

typedef struct {
    Isoline *found;
    Ring *rings;
    HeatmapOutlines outlines;
} Outlines;

static void outlines_clear(Outlines *outlines)
{
    isoline_free(outlines->found);
    g_free(outlines->rings);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Outlines, outlines_clear)

/* Outlines of the cells at or above a level, without those around less than a part of the map. */
static gboolean outlines_find(const Map *map, double level, double least_part, double least_hole_part,
                              Outlines *out, GError **error)
{
    const double cells = (double)map->width * (double)map->height;
    out->found = isoline_find(map, level, TOLERANCE, error);
    if (!out->found) {
        return FALSE;
    }
    out->rings = g_new(Ring, out->found->ring_count + 1);
    out->outlines = (HeatmapOutlines){out->rings, 0, map->width, map->height};
    for (int i = 0; i < out->found->ring_count; i++) {
        const IsolineRing *ring = &out->found->rings[i];
        if (fabs(ring->area) >= (ring->area > 0 ? least_part : least_hole_part) * cells) {
            out->rings[out->outlines.count++] = (Ring){ring->xy, ring->points};
        }
    }
    return TRUE;
}

static gboolean outlines_of_mask(const Image *mask, Outlines *out, GError **error)
{
    g_autoptr(Map) map = map_new(mask->width, mask->height, error);
    for (size_t i = 0; map && i < image_bytes(mask); i++) {
        map->values[i] = mask->pixels[i] != 0;
    }
    return map && outlines_find(map, 0.5, 0, 0, out, error);
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

/* What the map shows, in one line. */
static char *found_text(const Map *map, const MapThreshold *threshold)
{
    int64_t scored = 0, high = 0;
    double maximum = -INFINITY;
    for (size_t i = 0; i < (size_t)map->width * (size_t)map->height; i++) {
        if (isfinite(map->values[i])) {
            scored++;
            high += map->values[i] >= threshold->value;
            maximum = fmax(maximum, map->values[i]);
        }
    }
    if (scored == 0) {
        return g_strdup("no part of it was scored");
    }
    g_autofree char *most = score_text(maximum);
    if (isnan(threshold->value)) {
        return g_strdup_printf("highest score %s", most);
    }
    g_autofree char *at = score_text(threshold->value),
                    *percent = percent_text(100.0 * (double)high / (double)scored);
    return g_strdup_printf("highest score %s; %s %% of the scored area at or above the threshold %s", most,
                           percent, at);
}

static char *note_text(const HeatmapLook *look, const SlideInfo *info)
{
    double slide_mm2 =
        (double)info->levels[0].width * info->mpp_x * (double)info->levels[0].height * info->mpp_y / 1e6;
    g_autofree char *range = heatmap_look_text(look), *least = area_text(LEAST_PART * slide_mm2),
                    *hole = area_text(LEAST_HOLE_PART * slide_mm2);
    g_autofree char *lines =
        isnan(look->threshold.value)
            ? g_strdup("")
            : g_strdup_printf(" Regions below %s and their holes below %s have no line.", least, hole);
    return g_strdup_printf("%s. Colours: %s.%s %s", look->provenance, range, lines, research_use_only);
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
    g_auto(Outlines) tissue = {0}, lesions = {0}, regions = {0};
    gboolean marked = !isnan(look->threshold.value);
    if ((of->tissue && !outlines_of_mask(of->tissue, &tissue, error)) ||
        (of->lesions && !outlines_of_lesions(of->lesions, slide_info(of->slide), &lesions, error)) ||
        (marked &&
         !outlines_find(of->map, look->threshold.value, LEAST_PART, LEAST_HOLE_PART, &regions, error))) {
        return FALSE;
    }
    g_autofree char *subtitle = found_text(of->map, &look->threshold),
                    *note = note_text(look, slide_info(of->slide));
    const HeatmapPage page = {.map = of->map,
                              .known = of->known,
                              .colours = look->colours,
                              .low = look->low,
                              .high = look->high,
                              .opacity = look->opacity,
                              .threshold = look->threshold.value,
                              .tissue = of->tissue ? &tissue.outlines : NULL,
                              .annotation = of->lesions ? &lesions.outlines : NULL,
                              .regions = marked ? &regions.outlines : NULL,
                              .title = look->title,
                              .subtitle = subtitle,
                              .note = note};
    return write_images(folder, of->slide, &page, sha256, error);
}
