/* From a score map to the files that open elsewhere.
 *
 * The colours are a picture for people; the values are in the OME-TIFF, unchanged.  The range of the colours is fixed by the
 * configuration, so that slides compare. */
#include "pipeline/heatmaps.h"
#include "tiler/cut.h"
#include "tiler/heatmap.h"
#include "tiler/picture.h"
#include "tiler/pyramid.h"

const char *const heatmap_files[3] = {"heatmap.tif", "heatmap.ome.tif", "heatmap.png"};

HeatmapLook heatmap_look(const Config *config)
{
    return (HeatmapLook){.title = "",
                         .provenance = "",
                         .colours = config->heatmap_colours,
                         .low = config->heatmap_low,
                         .high = config->heatmap_high,
                         .opacity = config->heatmap_opacity};
}

gboolean heatmaps_write(const char *folder, const HeatmapLook *look, Slide *slide, const Map *map,
                        char sha256[3][65], GError **error)
{
    const SlideInfo *info = slide_info(slide);
    Rect whole = {0, 0, info->levels[0].width, info->levels[0].height};
    g_autoptr(Image) base = image_new(map->width, map->height, 3, error);
    g_autoptr(Image) valid = base ? image_new(map->width, map->height, 1, error) : NULL;
    if (!valid || !cut_region(slide, &whole, FILTER_AREA, base, valid, error)) {
        return FALSE;
    }
    picture_mark_lost(base, valid);
    g_autoptr(Image) coloured =
        heatmap_colour(map, look->low, look->high, look->colours, base, look->opacity, error);
    g_autofree char *note = g_strdup_printf("%s  For research use only.", look->provenance);
    g_autoptr(Image) overview = coloured ? heatmap_overview(map, look->low, look->high, look->colours, base,
                                                            900, look->title, note, error)
                                         : NULL;
    if (!overview) {
        return FALSE;
    }
    g_autofree char *text =
        g_strdup_printf("anomaly heatmap of %s; %s colours %g..%g; %s; for research use only", look->title,
                        look->colours, look->low, look->high, look->provenance);
    PyramidSpec spec = {.layout = PYRAMID_MULTI_IFD,
                        .pixels = PYRAMID_RGB_LOSSLESS,
                        .width = map->width,
                        .height = map->height,
                        .mpp_x = whole.width * info->mpp_x / map->width,
                        .mpp_y = whole.height * info->mpp_y / map->height,
                        .description = text};
    PyramidSpec values = spec;
    values.layout = PYRAMID_OME;
    values.pixels = PYRAMID_FLOAT;
    values.description = look->title;
    values.channel = "anomaly score (standard deviations of normal tiles)";
    g_autofree char *rgb_path = g_build_filename(folder, heatmap_files[0], NULL);
    g_autofree char *ome_path = g_build_filename(folder, heatmap_files[1], NULL);
    g_autofree char *png_path = g_build_filename(folder, heatmap_files[2], NULL);
    return pyramid_write_image(rgb_path, &spec, coloured, sha256[0], error) &&
           pyramid_write_map(ome_path, &values, map, sha256[1], error) &&
           picture_write_png(png_path, overview, sha256[2], error);
}
