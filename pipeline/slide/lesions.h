/* Annotations of a slide, with the rules of the configuration. */
#pragma once
#include "annotations/outline.h"
#include "annotations/raster.h"
#include "pipeline/cohort/cohort.h"
#include "pipeline/config/config.h"
#include "tiler/slide/slide.h"

/* The outlines of the slide's annotation; NULL with error. */
Annotation *lesions_read(const Config *config, const SlideEntry *entry, const Slide *slide, GError **error);
/* Where a slide lies, for annotations that do not count in its pixels. */
SlideFrame lesions_frame(const Slide *slide);
/* The outlines of a file, an annotation of any dialect or a label mask (lesion_mask.h).  groups: GroupName*, what they mean, before the groups
 * that are known (of masks the labels 1 and 255 are lesions); "*" after those; may be NULL.  field: slides.group_field. */
Annotation *lesions_load(const char *path, const GPtrArray *groups, const char *field,
                         const SlideFrame *frame, GError **error);
/* Whether groups are named as regions of interest (roi in slides.groups), and the union of their outlines on a slide; *region is
 * NULL when the slide has none: then all of it is of interest. */
gboolean lesions_have_regions(const Config *config);
gboolean lesions_region(const Config *config, const SlideEntry *entry, const Slide *slide, Raster **region,
                        GError **error);
/* Area of the lesions within the slide, px of level 0, from the polygons; all of it where the frame does not know the size. */
double lesions_area(const Raster *raster, const SlideFrame *frame);
/* Fraction of lesion in a rectangle, 0 without raster. */
double lesions_fraction(const Raster *raster, const Rect *area);
