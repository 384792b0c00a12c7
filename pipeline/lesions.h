/* Annotations of a slide, with the rules of the configuration. */
#pragma once
#include "annotations/outline.h"
#include "annotations/raster.h"
#include "pipeline/cohort.h"
#include "pipeline/config.h"
#include "tiler/slide.h"

/* The outlines of the slide's annotation; NULL with error. */
Annotation *lesions_read(const Config *config, const SlideEntry *entry, const Slide *slide, GError **error);
/* Where a slide lies, for annotations that do not count in its pixels. */
SlideFrame lesions_frame(const Slide *slide);
/* The outlines of a file, an annotation of any dialect or a label mask (masks.h).  groups: GroupName*, what they mean, before the groups
 * that are known (of masks the labels 1 and 255 are lesions); "*" after those; may be NULL.  field: slides.group_field. */
Annotation *lesions_load(const char *path, const GPtrArray *groups, const char *field,
                         const SlideFrame *frame, GError **error);
/* What the groups without a label in the annotations of the slides are, and how many outlines each has, as one text: '"A" (3), "B" (1)', the most frequent
 * first; NULL when there is none.  *files: annotations with such a group; *read: those that were looked at, the first ones up to 32 MiB.
 * Files that cannot be read, and masks, are passed over here.  Caller frees. */
char *lesions_unknown_groups(const Config *config, const GPtrArray *slides, int *files, int *read);
/* Whether groups are named as regions of interest (roi in slides.groups), and the union of their outlines on a slide; *region is
 * NULL when the slide has none: then all of it is of interest. */
gboolean lesions_have_regions(const Config *config);
gboolean lesions_region(const Config *config, const SlideEntry *entry, const Slide *slide, Raster **region,
                        GError **error);
/* Area of the lesions within the slide, px of level 0, from the polygons; all of it where the frame does not know the size. */
double lesions_area(const Raster *raster, const SlideFrame *frame);
/* Share of lesion in a rectangle, 0 without raster. */
double lesions_share(const Raster *raster, const Rect *area);

/* The lesion shares of the tiles of a slide, as `mask` published them: columns lesion_share, centre_share, in the order of the tiles. */
typedef struct {
    double share, centre;
} LesionShare;
gboolean lesions_write(const char *path, const GArray *shares, char sha256[65], GError **error);
GArray *lesions_read_shares(const char *path, GError **error);
