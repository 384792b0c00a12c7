/* Lesion masks: written as pyramids, and label masks of other programs read as outlines. */
#pragma once
#include "annotations/raster/raster.h"
#include "annotations/read/annotation_read.h"

typedef struct {
    const Raster *raster;
    int64_t width, height; /* of the slide, level-0 px */
    double mpp_x, mpp_y;   /* of the slide, um/px */
    int factor;            /* level-0 px per mask px, by maximum; >= 1 */
    int threads;
    /* Called with the number of finished mask rows; FALSE with error stops the writing.  May be NULL. */
    gboolean (*tick)(void *data, int64_t done, int64_t total, GError **error);
    void *data;
} LesionMaskSpec;

/* Writes a mask of the whole slide, 0 = not lesion and 1 = lesion, as a pyramid that OpenSlide opens.  Memory use: a few rows of tiles.
 * The size of the mask is the slide's divided by factor, rounded up, and its um/px is factor times the slide's.  lesion_px: number of lesion
 * pixels at its level 0.  lesion_px and sha256 may be NULL. */
gboolean lesion_mask_write(const char *path, const LesionMaskSpec *spec, int64_t *lesion_px, char sha256[65],
                           GError **error);

/* Reads a label mask (tiler/label_mask/label_mask.h; 0 = nothing) as outlines along its pixels' borders; the group of a label is its name.
 * The mask covers the whole slide of the frame: it has its size, or that divided by one factor for x and y and rounded; another
 * aspect is WSI_ERROR_INPUT.  Without a size in the frame its pixels are level-0 px.  See annotations/raster/contour.h for what polygons come out. */
Annotation *lesion_mask_outlines(const char *path, const GroupSpec *groups, const SlideFrame *frame,
                                 GError **error);
