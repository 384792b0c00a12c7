/* From the outlines of a map's regions to the mask in which annotated lesions are measured. */
#include "pipeline/evaluation/slide_extent.h"
#include "base/error.h"
#include "flows/metrics/froc.h"
#include "pipeline/evaluation/lesion_set.h"
#include "pipeline/scoring/map_regions.h"
#include "pipeline/scoring/npy.h"
#include "pipeline/slide/slide_json.h"
#include <math.h>

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* The regions as they are in regions.geojson. */
static MapRegions *find_regions(const Work *work, const SlideEntry *entry, const json_t *slide,
                                GError **error)
{
    const json_t *facts = records_get(work->records, "regions", entry->id, "facts");
    g_autofree char *path = work_find(work, "score", entry->id, "map");
    if (!slide || !facts || !path) { /* all were published before the regions */
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "slide %s has regions but no %s", entry->id,
                    !slide  ? "facts"
                    : !path ? "score map"
                            : "facts of them");
        return NULL;
    }
    g_autoptr(Map) map = npy_read(path, error);
    MapRegionSpec spec = {.threshold = number(facts, "threshold"),
                          .min_area_um2 = number(facts, "min_area_um2"),
                          .slide_width = number(slide, "width"),
                          .slide_height = number(slide, "height"),
                          .mpp_x = number(slide, "mpp_x"),
                          .mpp_y = number(slide, "mpp_y")};
    return map ? map_regions_find(map, &spec, error) : NULL;
}

static void add_outlines(GPtrArray *outlines, const MapRegions *found, const MapRegion *region, int family)
{
    for (int r = 0; r < region->rings; r++) {
        const IsolineRing *ring = &found->outlines->rings[region->first_ring + r];
        Outline *outline = outline_new("", "", LABEL_LESION, ring->points, ring->xy);
        for (int k = 0; k < ring->points; k++) {
            outline->xy[2 * k] *= found->cell_width;
            outline->xy[2 * k + 1] *= found->cell_height;
        }
        outline->family = family;
        outline->hole = r > 0;
        g_ptr_array_add(outlines, outline);
    }
}

static void free_outline(gpointer outline)
{
    outline_free(outline);
}

static Raster *raster_of(const MapRegions *found, const char *what, GError **error)
{
    g_autoptr(Annotation) annotation = g_new0(Annotation, 1);
    annotation->path = g_strdup(what);
    annotation->outlines = g_ptr_array_new_with_free_func(free_outline);
    for (guint i = 0; i < found->regions->len; i++) {
        add_outlines(annotation->outlines, found, &g_array_index(found->regions, MapRegion, i), (int)i + 1);
    }
    return raster_build(annotation, error);
}

gboolean slide_extent(const Work *work, const SlideEntry *entry, int *regions, double *largest_um,
                      GError **error)
{
    const json_t *slide = slide_json_record(work->records, entry->id);
    g_autoptr(MapRegions) found = find_regions(work, entry, slide, error);
    double left, top;
    *largest_um = 0;
    *regions = found ? (int)found->regions->len : 0;
    if (*regions == 0) {
        return found != NULL;
    }
    g_autoptr(Components) joined = NULL;
    g_autoptr(Raster) raster = raster_of(found, entry->id, error);
    if (!raster || !lesion_regions(raster, number(slide, "mpp_x"), number(slide, "mpp_y"), entry->id, &joined,
                                   &left, &top, error)) {
        return FALSE;
    }
    g_autofree double *major = g_new0(double, (joined ? joined->count : 0) + 1);
    if (!lesion_axes(joined, major, largest_um, error)) {
        return FALSE;
    }
    /* Regions between the centres of the mask's pixels are regions all the same. */
    *largest_um = fmax(*largest_um, FROC_PIXEL_UM);
    return TRUE;
}
