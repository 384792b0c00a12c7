/* Lesion masks as pyramids, and label masks of others read back as outlines. */
#pragma once
#include "annotations/outline.h"
#include "annotations/raster.h"

typedef struct {
    const Raster *raster;
    int64_t width, height; /* of the slide, level-0 px */
    double mpp_x, mpp_y;   /* of the slide, um/px */
    int factor;            /* level-0 px per mask px, by maximum; >= 1 */
    int threads;
    /* Called now and then with mask rows done; FALSE with error stops.  May be NULL. */
    gboolean (*tick)(void *data, int64_t done, int64_t total, GError **error);
    void *data;
} LesionMaskSpec;

/* Writes 0 = not lesion, 1 = lesion over the whole slide as a pyramid that OpenSlide opens; memory is bounded by some rows of
 * tiles.  Its size is the slide's divided by factor, rounded up; its resolution factor times the slide's.  lesion_px: set pixels
 * of its level 0; may be NULL, as may sha256. */
gboolean lesion_mask_write(const char *path, const LesionMaskSpec *spec, int64_t *lesion_px, char sha256[65],
                           GError **error);

/* Reads a label mask (tiler/label_mask/label_mask.h; 0 = nothing) as outlines along its pixels' borders; the group of a label is its name.
 * The mask covers the whole slide of the frame: it has its size, or that divided by one factor for x and y and rounded; another
 * aspect is WSI_ERROR_INPUT.  Without a size in the frame its pixels are level-0 px.  See annotations/contour.h for what polygons come out. */
Annotation *lesion_mask_outlines(const char *path, const GroupSpec *groups, const SlideFrame *frame,
                                 GError **error);
