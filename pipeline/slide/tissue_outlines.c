/* From the mask to outlines and back.
 *
 * Outlines run along the borders of the mask's pixels (annotations/raster/contour.h), so nothing is lost on the way to QuPath and back.  A
 * slide without a file keeps the tissue that was found, so that people need to edit only those slides where it is wrong. */
#include "pipeline/slide/tissue_outlines.h"
#include "annotations/raster/contour.h"
#include "annotations/read/annotation_read.h"
#include "annotations/write/object_write.h"
#include "base/listing.h"
#include "pipeline/cohort/slide_id.h"
#include "pipeline/slide/lesions.h"
#include "pipeline/slide/tissue_mask.h"

static gboolean in_level0(const Config *config)
{
    return g_str_equal(config->regions_frame, "level0");
}

/* ---- writing ---- */

/* Adds the runs of tissue of every row. */
static gboolean trace(const Image *mask, Contour *contour, GError **error)
{
    g_autoptr(GArray) spans = g_array_new(FALSE, FALSE, sizeof(int64_t));
    for (int y = 0; y < mask->height; y++) {
        const uint8_t *row = mask->pixels + (size_t)y * mask->width;
        g_array_set_size(spans, 0);
        for (int64_t x = 0; x <= mask->width; x++) {
            gboolean before = x > 0 && row[x - 1], here = x < mask->width && row[x];
            if (before != here) {
                g_array_append_val(spans, x);
            }
        }
        if (!contour_row(contour, y, (const int64_t *)(void *)spans->data, (int)spans->len / 2, error)) {
            return FALSE;
        }
    }
    return TRUE;
}

/* Adds the piece whose outer ring is the first of `count` rings.  scale_*: level-0 px per pixel of the mask. */
static gboolean add_piece(ObjectWriter *writer, const ContourRing *rings, int count, double scale_x,
                          double scale_y, double pixel_um2, GError **error)
{
    g_autofree ObjectRing *scaled = g_new(ObjectRing, count);
    g_autoptr(GPtrArray) points = g_ptr_array_new_with_free_func(g_free);
    double twice_area = 0;
    for (int i = 0; i < count; i++) {
        double *xy = g_new(double, 2 * rings[i].points);
        for (int p = 0; p < rings[i].points; p++) {
            xy[2 * p] = rings[i].xy[2 * p] * scale_x;
            xy[2 * p + 1] = rings[i].xy[2 * p + 1] * scale_y;
        }
        scaled[i] = (ObjectRing){xy, rings[i].points, i == 0};
        g_ptr_array_add(points, xy);
        twice_area += (double)rings[i].twice_area;
    }
    const Measurement area = {"Area µm^2", twice_area / 2 * pixel_um2};
    const Object object = {.type = "annotation",
                           .class = "Tissue",
                           .colour = {90, 140, 200},
                           .rings = scaled,
                           .ring_count = count,
                           .measurements = &area,
                           .measurement_count = 1};
    return object_writer_add(writer, &object, error);
}

gboolean tissue_outlines_write(const char *path, const Config *config, const char *id, const Slide *slide,
                               const Image *mask, char sha256[65], GError **error)
{
    const SlideInfo *info = slide_info(slide);
    const gboolean level0 = in_level0(config);
    const double scale_x = (double)info->levels[0].width / mask->width,
                 scale_y = (double)info->levels[0].height / mask->height;
    ObjectFile file = {.path = path,
                       .slide = id,
                       .bounds_x = level0 ? 0 : info->bounds.x,
                       .bounds_y = level0 ? 0 : info->bounds.y};
    json_auto_t *facts = json_pack("{s:s, s:s, s:f, s:f}", "slide", id, "frame", config->regions_frame,
                                   "offset_x_px", file.bounds_x, "offset_y_px", file.bounds_y);
    file.facts = facts;
    g_autoptr(Contour) contour = contour_new();
    int count = 0;
    const ContourRing *rings = trace(mask, contour, error) ? contour_rings(contour, &count, error) : NULL;
    g_autoptr(ObjectWriter) writer = rings ? object_writer_open(&file, error) : NULL;
    gboolean good = writer != NULL;
    for (int first = 0, next; good && first < count; first = next) {
        for (next = first + 1; next < count && rings[next].twice_area < 0; next++) {
        }
        good = add_piece(writer, rings + first, next - first, scale_x, scale_y,
                         scale_x * info->mpp_x * scale_y * info->mpp_y, error);
    }
    return good && object_writer_commit(writer, sha256, error);
}

/* ---- reading ---- */

char *tissue_outlines_path(const Config *config, const char *slide_path)
{
    g_autofree char *stem = slide_id_stem(slide_path);
    g_autofree char *name = g_strconcat(stem, ".geojson", NULL);
    return *config->tissue_outlines ? g_build_filename(config->tissue_outlines, name, NULL) : NULL;
}

gboolean tissue_outlines_apply(const Config *config, const char *slide_path, const Slide *slide,
                               Tissue *tissue, gboolean *found, GPtrArray *warnings, GError **error)
{
    static const GroupRule rules[] = {{"Tissue", LABEL_LESION, NULL},
                                      {"Exclusion", LABEL_NOT_LESION, NULL},
                                      {"Ignore*", LABEL_NOT_LESION, NULL},
                                      {OTHER_GROUPS, LABEL_LESION, NULL},
                                      {NULL, LABEL_NONE, NULL}};
    const GroupSpec spec = {.rules = rules};
    g_autofree char *path = tissue_outlines_path(config, slide_path);
    FileKind kind = FILE_ABSENT;
    if (path && !listing_kind(path, &kind, error)) {
        return FALSE;
    }
    *found = kind == FILE_REGULAR;
    if (!*found) {
        return TRUE;
    }
    SlideFrame frame = lesions_frame(slide);
    if (in_level0(config)) {
        frame.bounds_x = frame.bounds_y = 0;
    }
    g_autoptr(Annotation) outlines = annotation_read_in_frame(path, &spec, &frame, error);
    g_autoptr(Raster) raster = outlines ? raster_build(outlines, error) : NULL;
    for (guint i = 0; raster && i < outlines->warnings->len; i++) {
        g_ptr_array_add(warnings, g_strdup(outlines->warnings->pdata[i]));
    }
    return raster && tissue_mask_from_raster(tissue, slide, raster, FALSE, error);
}
