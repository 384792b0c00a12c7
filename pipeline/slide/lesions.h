/* The lesions and regions of interest of a slide, from its annotation and the rules of the configuration. */
#pragma once
#include "annotations/outline/outline.h"
#include "annotations/raster/raster.h"
#include "pipeline/cohort/cohort.h"
#include "pipeline/config/config.h"
#include "tiler/slide/slide.h"

/* The outlines of the slide's annotation; NULL with error. */
Annotation *lesions_read(const Config *config, const SlideEntry *entry, const Slide *slide, GError **error);
/* Size, resolution and origin of a slide, for annotations that are not in its pixels. */
SlideFrame lesions_frame(const Slide *slide);
/* The outlines of a file: an annotation of any dialect or a label mask (lesion_mask.h).  groups: rules for names (GroupName*; may be NULL),
 * see annotation_rules.h.  field: slides.group_field.  NULL with error. */
Annotation *lesions_load(const char *path, const GPtrArray *groups, const char *field,
                         const SlideFrame *frame, GError **error);
/* Whether a part of the same file is unknown (annotation_rules.h). */
gboolean lesions_find_unknown(const char *path, const GPtrArray *groups, const char *field,
                              const SlideFrame *frame, gboolean *unknown, GError **error);
/* Whether slides.groups names regions of interest (roi). */
gboolean lesions_have_regions(const Config *config);
/* The union of the regions of interest on a slide; *region is NULL when it has none: then all of the slide is of interest. */
gboolean lesions_region(const Config *config, const SlideEntry *entry, const Slide *slide, Raster **region,
                        GError **error);
/* The other parts of an annotation whose lesions are `lesions`: what is hard to tell from lesion, and what is unknown (annotation_rules.h).  NULL:
 * there is none. */
gboolean lesions_parts(const Config *config, const SlideEntry *entry, const Slide *slide,
                       const Annotation *lesions, Raster **hard, Raster **unknown, GError **error);
/* Area of the lesions in level-0 px, computed from the polygons: of the part within the slide, or of all when the frame has no size. */
double lesions_area(const Raster *raster, const SlideFrame *frame);
/* Fraction of a rectangle (level-0 px) that is lesion, 0..1; 0 without raster. */
double lesions_fraction(const Raster *raster, const Rect *area);
