/* Lesion-level metrics of a set of slides: FROC (flows/metrics/froc.h).  One thread. */
#pragma once
#include "annotations/raster/raster.h"
#include "flows/metrics/components.h"
#include <jansson.h>

/* The regions of a slide in its evaluation mask, whose pixels are 0.243 * 2^5 um whatever the um/px (level 0): of its lesions, joined as FROC joins
 * them.  The mask covers the box around the lesions with a margin, not the whole slide: nothing outside of it can be a hit, so the size of the slide
 * need not be known, and memory follows the lesions.  *left, *top: the corner of the mask in its pixels.  *regions is NULL when
 * there is no lesion.  what: the slide, for messages.  FALSE with error. */
gboolean lesion_regions(const Raster *raster, double mpp_x, double mpp_y, const char *what,
                        Components **regions, double *left, double *top, GError **error);

/* The major axes (um) of regions on that mask, major_um (count + 1), with the 75 um that were added.  *largest_um: that of the largest one without them,
 * at least a pixel of the mask; 0 without regions.  regions may be NULL.  FALSE with WSI_ERROR_MEMORY. */
gboolean lesion_axes(const Components *regions, double *major_um, double *largest_um, GError **error);

/* Why slides of Camelyon16 are left out (camelyon16_use). */
#define LESION_LEFT_OUT "Camelyon16 withdrew it or annotated it only in part"
/* Why slides with an area of the kind `unknown` are left out (annotation_rules.h). */
#define LESION_UNKNOWN_PART "nobody has decided on a part of it"

typedef struct LesionSet LesionSet;
LesionSet *lesion_set_new(void);
void lesion_set_free(LesionSet *set);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LesionSet, lesion_set_free)

typedef struct {
    const char *name, *patient; /* patient NULL: not known */
    gboolean annotated;
    const Components *regions; /* NULL: none */
    double left, top;          /* of the regions, as lesion_regions has them */
    double mpp_x, mpp_y;
    const GArray *detections; /* Detection in level-0 px */
} LesionSlide;
/* FALSE with WSI_ERROR_MEMORY. */
gboolean lesion_set_add(LesionSet *set, const LesionSlide *slide, GError **error);
void lesion_set_leave_out(LesionSet *set, const char *name, const char *why);
/* [{"slide", "why"}], borrowed. */
json_t *lesion_set_left_out(const LesionSet *set);
/* "SLIDE: why; SLIDE: why"; NULL when none is left out.  Caller frees. */
char *lesion_set_left_out_text(const LesionSet *set);
int lesion_set_count(const LesionSet *set);
/* {"slides", "normal", "regions", "itc", "detections", "left_out": [{"slide", "why"}], "unit", "units",
 * "froc": [{"rule": "2016" or "step", "itc": "ignored" or "lesions", "lesions", "false_positives_per_slide": [...], "sensitivity": [...],
 * "score", "curve": {"false_positives_per_slide", "sensitivity"}, "interval" and "band": {"false_positives_per_slide", "low", "high"}, or
 * "intervals_absent"; or "absent": why}], "by_slide": [{"slide", "annotated", "regions", "itc", "detections", "hits", "in_itc",
 * "false_positives", "diameter_um", "class"}]}.
 * unit: what the bootstrap draws, "patient" when that of each slide is known, else "slide".
 * curve: without the points in the middle of a level stretch, so it is the same line.
 * diameter_um: the major axis of the largest region without the 75 um that were added; class: that of Camelyon17 (flows/metrics/staging.h). */
json_t *lesion_set_metrics(const LesionSet *set);
