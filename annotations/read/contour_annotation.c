/* From the rings of a label mask to an annotation, by the same checks as for all dialects.
 *
 * Every outer ring is an outline of its label's group; a hole is an inner ring of the outer ring of its component. */
#include "annotations/read/annotation_read.h"
#include "annotations/read/contour_annotation.h"
#include "annotations/read/outline_check.h"
#include <math.h>

/* Turns the rings of a label into drafts: each outer ring, then its holes. */
static gboolean add_drafts(Source *source, const LabelContour *label, double scale_x, double scale_y,
                           GError **error)
{
    int count = 0;
    const ContourRing *rings = contour_rings(label->contour, &count, error);
    Draft *outer = NULL;
    /* The last pixels of a coarser mask may extend beyond the slide. */
    double width = source->frame->width > 0 ? source->frame->width : INFINITY,
           height = source->frame->height > 0 ? source->frame->height : INFINITY;
    for (int i = 0; i < count; i++) {
        const ContourRing *ring = &rings[i];
        int line = ring->top + 1; /* rows count from 1 in messages, as lines do */
        Draft *draft = source_draft(source, label->group, label->group, TRUE, line, error);
        for (int p = 0; draft && p < ring->points; p++) {
            double x = fmin(ring->xy[2 * p] * scale_x, width),
                   y = fmin(ring->xy[2 * p + 1] * scale_y, height);
            if (!source_vertex(source, draft, x, y, line, error)) {
                return FALSE;
            }
        }
        if (!draft) {
            return FALSE;
        }
        /* Holes follow their outer ring. */
        if (ring->twice_area < 0) {
            outer->family = outer->family ? outer->family : ++source->families;
            draft->ring_of = outer;
            draft->family = outer->family;
        } else {
            outer = draft;
        }
    }
    return rings != NULL;
}

Annotation *contour_annotation(const char *path, const LabelContour *labels, int count, double scale_x,
                               double scale_y, const GroupSpec *groups, const SlideFrame *frame,
                               GError **error)
{
    g_auto(Source) source = {.path = path, .text = "", .frame = frame, .is_mask = TRUE};
    source_init(&source);
    for (int i = 0; i < count; i++) {
        if (!add_drafts(&source, &labels[i], scale_x, scale_y, error)) {
            return NULL;
        }
    }
    return outline_check(&source, "label mask", groups, error);
}
