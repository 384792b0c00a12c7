/* From a score map to files for other programs.
 *
 * The coloured images are for people; the OME-TIFF holds the values unchanged.  The range of the colours is the same for all slides of a model
 * (heatmap_look.h), so slides can be compared. */
#include "pipeline/scoring/heatmap_files.h"
#include "tiler/cut/cut.h"
#include "tiler/heatmap/heatmap.h"
#include "tiler/imagefile/image_draw.h"
#include "tiler/pyramid/pyramid.h"
#include <math.h>
#include <string.h>

const char *const heatmap_files[HEATMAP_FILES] = {"heatmap.tif", "heatmap.ome.tif"};

Image *heatmap_files_known(const Map *map, const SlideInfo *info, const Image *tissue, const GArray *tiles,
                           GError **error)
{
    Image *known = image_new(map->width, map->height, 1, error);
    if (known) {
        memset(known->pixels, 255, image_bytes(known));
    }
    double wide = info->levels[0].width / (double)map->width,
           high = info->levels[0].height / (double)map->height;
    for (guint i = 0; known && i < tiles->len; i++) {
        const Rect *tile = &g_array_index(tiles, Rect, i);
        int x0 = MAX(0, (int)ceil(tile->x / wide - 0.5)), y0 = MAX(0, (int)ceil(tile->y / high - 0.5));
        for (int y = y0; y < map->height && (y + 0.5) * high < tile->y + tile->height; y++) {
            for (int x = x0; x < map->width && (x + 0.5) * wide < tile->x + tile->width; x++) {
                size_t cell = (size_t)y * map->width + x;
                int tx = (int)((x + 0.5) / map->width * tissue->width),
                    ty = (int)((y + 0.5) / map->height * tissue->height);
                if (isnan(map->values[cell]) && tissue->pixels[(size_t)ty * tissue->width + tx]) {
                    known->pixels[cell] = 0;
                }
            }
        }
    }
    return known;
}

/* Clears the cells that are shown as no data: those without a value that are not known or that the slide's image cannot show. */
static void mark_unknown(Image *readable, const Map *map, const Image *known)
{
    for (size_t i = 0; i < image_bytes(readable); i++) {
        gboolean lost = isnan(map->values[i]) && (!readable->pixels[i] || (known && !known->pixels[i]));
        readable->pixels[i] = lost ? 0 : 255;
    }
}

gboolean heatmap_files_write(const char *folder, const HeatmapLook *look, Slide *slide, const Map *map,
                             const ValueSources *with, const Image *known, char sha256[HEATMAP_FILES][65],
                             GError **error)
{
    const SlideInfo *info = slide_info(slide);
    Rect whole = {0, 0, info->levels[0].width, info->levels[0].height};
    g_autoptr(Image) base = image_new(map->width, map->height, 3, error);
    g_autoptr(Image) readable = base ? image_new(map->width, map->height, 1, error) : NULL;
    if (!readable || !cut_region(slide, &whole, FILTER_AREA, base, readable, error)) {
        return FALSE;
    }
    image_draw_hatch(base, readable);
    mark_unknown(readable, map, known);
    g_autoptr(Image) coloured =
        heatmap_colour(map, look->low, look->high, look->colours, base, look->opacity, error);
    if (!coloured) {
        return FALSE;
    }
    image_draw_hatch(coloured, readable);
    g_autofree char *range = heatmap_look_text(look);
    g_autofree char *text = g_strdup_printf("anomaly heatmap of %s; colours: %s; %s; for research use only",
                                            look->title, range, look->provenance);
    PyramidSpec spec = {.layout = PYRAMID_MULTI_IFD,
                        .pixels = PYRAMID_RGB_LOSSLESS,
                        .width = map->width,
                        .height = map->height,
                        .mpp_x = whole.width * info->mpp_x / map->width,
                        .mpp_y = whole.height * info->mpp_y / map->height,
                        .description = text};
    const ValueFile values = {look->title, look->provenance, info, map, *with};
    g_autofree char *rgb_path = g_build_filename(folder, heatmap_files[0], NULL);
    g_autofree char *ome_path = g_build_filename(folder, heatmap_files[1], NULL);
    return pyramid_write_image(rgb_path, &spec, coloured, sha256[0], error) &&
           value_file_write(ome_path, &values, sha256[1], error);
}
