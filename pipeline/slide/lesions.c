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

static Annotation *load(const char *path, const GPtrArray *groups, const char *field, gboolean region,
                        const SlideFrame *frame, GError **error)
{
    gboolean is_mask;
    if (!label_mask_detect(path, &is_mask, error)) {
        return NULL;
    }
    g_autoptr(GArray) rules = annotation_rules_new(groups, is_mask, region);
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
    return load(path, groups, field, FALSE, frame, error);
}

gboolean lesions_have_regions(const Config *config)
{
    return groups_have_regions(config->slides_groups);
}

gboolean lesions_region(const Config *config, const SlideEntry *entry, const Slide *slide, Raster **region,
                        GError **error)
{
    SlideFrame frame = lesions_frame(slide);
    *region = NULL;
    if (!entry->annotation || !lesions_have_regions(config)) {
        return TRUE;
    }
    g_autoptr(Annotation) annotation =
        load(entry->annotation, config->slides_groups, config->slides_group_field, TRUE, &frame, error);
    gboolean found = FALSE;
    for (guint i = 0; annotation && i < annotation->outlines->len; i++) {
        const Outline *outline = annotation->outlines->pdata[i];
        found = found || (outline->closed && outline->label == LABEL_LESION);
    }
    *region = found ? raster_build(annotation, error) : NULL;
    return annotation && (!found || *region);
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
