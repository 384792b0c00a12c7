/* Where the tissue is.
 *
 * Needs no tuning on white, grey, black and yellowed backgrounds, pale tissue and pen marks: tissue is what absorbs by colour
 * (pixel_class.c), background what is nearly achromatic for its density or too dark (unscanned); ink is recognised by ratios of
 * densities that stain does not have.  Made for H&E, also with saffron, and for immunohistochemistry with brown chromogen: the green and blue
 * of trichromes would be taken for ink, and pale red ink on tissue is taken for eosin. */
#pragma once
#include "tiler/slide/slide.h"
#include "tiler/tissue/pixel_class.h"

typedef struct {
    double mpp;          /* of the mask, um/px; 8 by default */
    double min_area_um2; /* smaller pieces are dropped */
    double max_hole_um2; /* smaller holes are filled */
} TissueOptions;
extern const TissueOptions tissue_defaults;

typedef struct {
    Image *mask;     /* 255 tissue, 0 not; covers the whole slide: width = ceil(slide width * mpp_x / mpp) */
    Image *overview; /* RGB image of the slide at the mask's size */
    /* Of the slide's area.  No data: what the overview does not show or, if that is more, the tiles that level 0 does not have.  Tiles of
     * level 0 that are there and damaged are not looked for. */
    double tissue_fraction, pen_fraction, no_data_fraction;
    double lost_fraction, from_finer_fraction; /* of overview.h */
    GlassColour glass;
    double scale_x, scale_y; /* level-0 px per mask px: slide width / mask width */
} Tissue;

/* What a person should know of how the tissue was found: texts (char*), none as a rule. Caller unrefs. */
GPtrArray *tissue_warnings(const Tissue *tissue);
Tissue *tissue_find(Slide *slide, const TissueOptions *options, GError **error);
void tissue_free(Tissue *tissue);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Tissue, tissue_free)

/* The same decision on an image of known resolution; valid may be NULL.  255 tissue, 0 not. */
Image *tissue_of_image(const Image *rgb, const Image *readable, double mpp, const TissueOptions *options,
                       double *pen_fraction, GError **error);
/* RGB image with the tissue outlined, for people. Caller frees. */
Image *tissue_image(const Tissue *tissue, GError **error);
