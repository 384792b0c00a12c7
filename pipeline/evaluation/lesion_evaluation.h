/* Lesion-level metrics: FROC from detections and annotations (flows/metrics/froc.h). */
#pragma once
#include <glib.h>
#include <jansson.h>

typedef struct {
    const char *detections;  /* folder of NAME.csv (detection_table.h), one per slide that is evaluated */
    const char *annotations; /* folder of the annotations or label masks of those slides, by the same name */
    const GPtrArray *groups; /* rules for names (GroupName*); may be NULL */
    const char *field;       /* slides.group_field */
    double mpp;              /* um per level-0 px */
} LesionEvaluation;

/* Every file of detections is a slide; one without annotation is normal.  Slides that Camelyon16 withdrew or annotated in part are left out.
 *
 * {"slides", "normal", "regions", "itc", "detections", "left_out": [{"slide", "why"}], "annotations_without_detections": [NAME],
 * "froc": [{"rule": "2016" or "step", "itc": "ignored" or "lesions", "lesions", "false_positives_per_slide": [...], "sensitivity": [...],
 * "score", "interval" or "intervals_absent", or "absent": why}], "by_slide": [{"slide", "annotated", "regions", "itc", "detections",
 * "hits", "in_itc", "false_positives", "diameter_um", "class"}]}.
 * diameter_um: the major axis of the largest region without the 75 um that were added; class: that of Camelyon17 (flows/metrics/staging.h).
 * The pixels of the evaluation mask are 0.243 * 2^5 um whatever the mpp; the centre of a pixel decides whether it is lesion.
 * NULL with error. */
json_t *lesion_evaluation(const LesionEvaluation *spec, GError **error);
/* The same as lines of text.  Caller frees. */
char *lesion_evaluation_text(const json_t *metrics);
