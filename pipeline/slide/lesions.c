/* Reading the lesions of a slide. */
#include "pipeline/slide/lesions.h"
#include "annotations/read/annotation_read.h"
#include "base/error.h"
#include "pipeline/slide/annotation_rules.h"
#include "pipeline/slide/lesion_mask.h"
#include "tiler/label_mask/label_mask.h"
#include <math.h>
#include <string.h>

SlideFrame lesions_frame(const Slide *slide)
{
    const SlideInfo *info = slide_info(slide);
    return (SlideFrame){.width = (double)info->levels[0].width,
                        .height = (double)info->levels[0].height,
                        .mpp_x = info->mpp_x,
                        .mpp_y = info->mpp_y,
                        .offset_x_nm = info->offset_x_nm,
                        .offset_y_nm = info->offset_y_nm,
                        .bounds_x = info->bounds.x,
                        .bounds_y = info->bounds.y};
}

static Annotation *load(const char *path, const GPtrArray *groups, const char *field, AnnotationPart part,
                        const SlideFrame *frame, GError **error)
{
    gboolean is_mask;
    if (!label_mask_detect(path, &is_mask, error)) {
        return NULL;
    }
    g_autoptr(GArray) rules = annotation_rules_new(groups, is_mask, part);
    const GroupRule *first = (const GroupRule *)(void *)rules->data;
    GroupSpec spec = {first, field};
    if (is_mask && !g_str_equal(field, "auto") && !g_str_equal(field, "class")) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s is a label mask: its groups are its labels, so it has no field \"%s\"", path, field);
        return NULL;
    }
    return is_mask ? lesion_mask_outlines(path, &spec, frame, error)
                   : annotation_read_in_frame(path, &spec, frame, error);
}

Annotation *lesions_load(const char *path, const GPtrArray *groups, const char *field,
                         const SlideFrame *frame, GError **error)
{
    return load(path, groups, field, PART_LESIONS, frame, error);
}

/* Whether an annotation has an area of the part that its rules were made for. */
static gboolean has_part(const Annotation *annotation)
{
    for (guint i = 0; i < annotation->outlines->len; i++) {
        const Outline *outline = annotation->outlines->pdata[i];
        if (outline->closed && outline->label == LABEL_LESION) {
            return TRUE;
        }
    }
    return FALSE;
}

gboolean lesions_find_unknown(const char *path, const GPtrArray *groups, const char *field,
                              const SlideFrame *frame, gboolean *unknown, GError **error)
{
    g_autoptr(Annotation) annotation = load(path, groups, field, PART_UNKNOWN, frame, error);
    *unknown = annotation && has_part(annotation);
    return annotation != NULL;
}

gboolean lesions_have_regions(const Config *config)
{
    return groups_have_kind(config->slides_groups, "roi");
}

/* The union of the outlines of one part; *raster is NULL when there are none. */
static gboolean read_part(const Config *config, const SlideEntry *entry, const Slide *slide,
                          AnnotationPart part, Raster **raster, GError **error)
{
    SlideFrame frame = lesions_frame(slide);
    g_autoptr(Annotation) annotation =
        load(entry->annotation, config->slides_groups, config->slides_group_field, part, &frame, error);
    gboolean found = annotation && has_part(annotation);
    *raster = found ? raster_build(annotation, error) : NULL;
    return annotation && (!found || *raster);
}

gboolean lesions_region(const Config *config, const SlideEntry *entry, const Slide *slide, Raster **region,
                        GError **error)
{
    *region = NULL;
    return !entry->annotation || !lesions_have_regions(config) ||
           read_part(config, entry, slide, PART_REGIONS, region, error);
}

/* Whether an annotation may have outlines of these kinds, so that it is worth reading again. */
static gboolean may_have_parts(const Config *config, const Annotation *annotation)
{
    gboolean may =
        groups_have_kind(config->slides_groups, "hard") || groups_have_kind(config->slides_groups, "unknown");
    for (guint i = 0; !may && i < annotation->outlines->len; i++) {
        may = annotation_rules_is_review(((const Outline *)annotation->outlines->pdata[i])->group);
    }
    return may;
}

gboolean lesions_parts(const Config *config, const SlideEntry *entry, const Slide *slide,
                       const Annotation *lesions, Raster **hard, Raster **unknown, GError **error)
{
    *hard = *unknown = NULL;
    if (!may_have_parts(config, lesions) || !read_part(config, entry, slide, PART_HARD, hard, error)) {
        return !may_have_parts(config, lesions);
    }
    if (!read_part(config, entry, slide, PART_UNKNOWN, unknown, error)) {
        g_clear_pointer(hard, raster_free);
        return FALSE;
    }
    return TRUE;
}

Annotation *lesions_read(const Config *config, const SlideEntry *entry, const Slide *slide, GError **error)
{
    SlideFrame frame = lesions_frame(slide);
    return lesions_load(entry->annotation, config->slides_groups, config->slides_group_field, &frame, error);
}

double lesions_area(const Raster *raster, const SlideFrame *frame)
{
    Rect whole = {0, 0, frame->width, frame->height};
    gboolean known = frame->width > 0 && frame->height > 0;
    return known ? raster_fraction(raster, &whole) * frame->width * frame->height : raster_area(raster);
}

double lesions_fraction(const Raster *raster, const Rect *area)
{
    return raster ? raster_fraction(raster, area) : 0;
}
