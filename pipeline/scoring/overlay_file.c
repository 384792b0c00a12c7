/* From a score map and its look to the overlay.
 *
 * The outlines are the very rings of regions.geojson, so what is inside of a line here is an object there. */
#include "pipeline/scoring/overlay_file.h"
#include "pipeline/scoring/map_regions.h"
#include "tiler/heatmap/overlay.h"
#include <math.h>

OverlayOptions overlay_file_options(const Config *config)
{
    return (OverlayOptions){.mpp = config->heatmap_overlay_mpp,
                            .quality = config->heatmap_overlay_quality,
                            .min_area_um2 = config->regions_min_area_um2,
                            .threads = 1};
}

/* The outlines to draw: array of Ring, whose points belong to the regions.  None without a threshold. */
static GArray *rings_of(const MapRegions *found)
{
    GArray *rings = g_array_new(FALSE, FALSE, sizeof(Ring));
    for (guint i = 0; found && i < found->regions->len; i++) {
        const MapRegion *region = &g_array_index(found->regions, MapRegion, i);
        for (int k = 0; k < region->rings; k++) {
            const IsolineRing *from = &found->outlines->rings[region->first_ring + k];
            Ring ring = {from->xy, from->points};
            g_array_append_val(rings, ring);
        }
    }
    return rings;
}

/* What the file says about itself, in ASCII. */
static char *description(const HeatmapLook *look, const char *dropped)
{
    char value[G_ASCII_DTOSTR_BUF_SIZE], opacity[G_ASCII_DTOSTR_BUF_SIZE];
    g_autofree char *range = heatmap_look_text(look);
    g_autofree char *line =
        look->threshold.source
            ? g_strdup_printf("line: threshold %s (%s)%s%s",
                              g_ascii_formatd(value, sizeof value, "%.6g", look->threshold.value),
                              look->threshold.source, *dropped ? "; " : "", dropped)
            : g_strdup("no line: the threshold is not known");
    return g_strdup_printf(
        "anomaly scores on the slide %s; colours: %s, opacity %s, linear between cells with "
        "data; %s; hatched: no data; %s; for research use only",
        look->title, range, g_ascii_formatd(opacity, sizeof opacity, "%.6g", look->opacity), line,
        look->provenance);
}

gboolean overlay_file_write(const char *folder, const OverlayOptions *options, const HeatmapLook *look,
                            Slide *slide, const Map *map, const Image *known, char sha256[65], GError **error)
{
    const SlideInfo *info = slide_info(slide);
    const MapRegionSpec regions = {.threshold = look->threshold.value,
                                   .min_area_um2 = options->min_area_um2,
                                   .slide_width = (double)info->levels[0].width,
                                   .slide_height = (double)info->levels[0].height,
                                   .mpp_x = info->mpp_x,
                                   .mpp_y = info->mpp_y};
    const gboolean outlined = look->threshold.source != NULL;
    g_autoptr(MapRegions) found = outlined ? map_regions_find(map, &regions, error) : NULL;
    if (outlined && !found) {
        return FALSE;
    }
    g_autoptr(GArray) rings = rings_of(found);
    g_autofree char *dropped = found ? map_regions_dropped_text(found, options->min_area_um2) : g_strdup("");
    g_autofree char *text = description(look, dropped), *path = g_build_filename(folder, OVERLAY_FILE, NULL);
    const OverlaySpec spec = {.map = map,
                              .known = known,
                              .colours = look->colours,
                              .low = look->low,
                              .high = look->high,
                              .opacity = look->opacity,
                              .rings = (const Ring *)rings->data,
                              .ring_count = (int)rings->len,
                              .mpp = options->mpp,
                              .quality = options->quality,
                              .threads = options->threads,
                              .description = text,
                              .tick = options->tick,
                              .data = options->data};
    return overlay_write(path, slide, &spec, sha256, error);
}
