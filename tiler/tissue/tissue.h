/* Where the tissue is.
 *
 * It needs no tuning for white, grey, black and yellowed backgrounds, pale tissue and pen marks.  Tissue absorbs some colours more than others
 * (pixel_class.c); background is nearly achromatic for its density, or too dark (not scanned).  Ink has ratios of
 * densities that stain does not have.  Made for H&E, also with saffron, and for immunohistochemistry with brown chromogen.  The green and
 * blue of trichromes would count as ink, and pale red ink on tissue counts as eosin. */
#pragma once
#include "tiler/slide/slide.h"
#include "tiler/tissue/pixel_class.h"

typedef struct {
    double mpp;          /* of the mask, um/px; 8 by default */
    double min_area_um2; /* pieces with less are dropped */
    double max_hole_um2; /* holes with less are filled */
} TissueOptions;
extern const TissueOptions tissue_defaults;

typedef struct {
    Image *mask;     /* 255 tissue, 0 not; covers the whole slide: width = ceil(slide width * mpp_x / mpp) */
    Image *overview; /* RGB image of the slide at the mask's size */
    /* Of the slide's area.  no_data_fraction: the part that the overview does not show, or the fraction of tiles that level 0 lacks, whichever
     * is larger.  Damaged tiles of level 0 are not searched for. */
    double tissue_fraction, pen_fraction, no_data_fraction;
    double lost_fraction, from_finer_fraction; /* of overview.h */
    GlassColour glass;
    double scale_x, scale_y; /* level-0 px per mask px: slide width / mask width */
} Tissue;

/* What a person should know about how the tissue was found: texts (char*), usually none.  Caller unrefs. */
GPtrArray *tissue_warnings(const Tissue *tissue);
/* Finds the tissue of a slide.  options NULL: tissue_defaults.  Slides without mpp are refused. */
Tissue *tissue_find(Slide *slide, const TissueOptions *options, GError **error);
void tissue_free(Tissue *tissue);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Tissue, tissue_free)

/* The mask of an image of known resolution (um/px): 255 tissue, 0 not.  readable and pen_fraction may be NULL.  Caller frees.  For tests,
 * whose images belong to no slide; tissue_find() needs one. */
Image *tissue_of_image(const Image *rgb, const Image *readable, double mpp, const TissueOptions *options,
                       double *pen_fraction, GError **error);
/* RGB image with the tissue outlined, for people. Caller frees. */
Image *tissue_image(const Tissue *tissue, GError **error);
