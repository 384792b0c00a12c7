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

/* Every file of detections is a slide; one without annotation is normal.  Slides that Camelyon16 withdrew or annotated in part are left out, and those
 * with a part that nobody has decided on (groups of kind `unknown`).  That no slide is left is an error that names them.
 *
 * As lesion_set_metrics (lesion_set.h), with "annotations_without_detections": [NAME].  The centre of a pixel decides whether it is lesion.
 * NULL with error. */
json_t *lesion_evaluation(const LesionEvaluation *spec, GError **error);
/* The same as lines of text.  Caller frees. */
char *lesion_evaluation_text(const json_t *metrics);
