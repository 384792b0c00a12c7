/* The review as files: RUN/review/ID.geojson of each slide, which `slides.annotations` reads, and RUN/review/review.csv of the cohort. */
#pragma once
#include "db/review.h"
#include <glib.h>

typedef struct {
    const char *slide;    /* its id */
    double width, height; /* level-0 px */
    double bounds_x, bounds_y;
    double mpp_x, mpp_y;
    gboolean annotated; /* it has an annotation, so its review is not all that is known of it */
    gboolean normal;    /* the manifest labels it normal, so what nobody has decided is normal */
} ReviewSlide;

/* Writes the slide's outlines, or removes the file when there is nothing to say.  What nobody has decided is "Review: unknown", unless the
 * slide is done.  Where decisions contradict each other the newer one holds: its area is taken from the older one.  Items that
 * nothing is left of are not written; the file names them as "overruled". */
gboolean review_export_slide(const char *folder, const ReviewSlide *slide, const Review *review,
                             GError **error);
/* How many items have no outline, because newer ones that say otherwise leave nothing of them. */
gboolean review_export_overruled(const Review *review, int *count, GError **error);
/* Writes the table; reviews: array of Review*; slides: array of ReviewSlide, slides[i] of reviews[i]. */
gboolean review_export_table(const char *folder, const GPtrArray *reviews, const ReviewSlide *slides,
                             GError **error);
