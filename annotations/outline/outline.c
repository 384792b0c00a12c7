/* Outlines and annotations as plain values. */
#include "annotations/outline/outline.h"
#include <math.h>
#include <string.h>

Outline *outline_new(const char *name, const char *group, OutlineLabel label, int points, const double *xy)
{
    Outline *outline = g_new0(Outline, 1);
    *outline = (Outline){
        .name = g_strdup(name), .group = g_strdup(group), .label = label, .closed = TRUE, .points = points};
    outline->xy = g_memdup2(xy, sizeof(double) * 2 * (size_t)points);
    return outline;
}

void outline_free(Outline *outline)
{
    if (!outline) {
        return;
    }
    g_free(outline->name);
    g_free(outline->group);
    g_free(outline->xy);
    g_free(outline);
}

double outline_area(const Outline *outline)
{
    if (!outline->closed || outline->points < 3) {
        return 0;
    }
    /* 2 A = sum of x_i y_i+1 - x_i+1 y_i (shoelace formula), relative to the first point: products of coordinates around 10^5 px would cost
     * small areas their digits. */
    const double *xy = outline->xy;
    double twice = 0, px = 0, py = 0;
    for (int i = 1; i < outline->points; i++) {
        double x = xy[2 * i] - xy[0], y = xy[2 * i + 1] - xy[1];
        twice += px * y - x * py;
        px = x;
        py = y;
    }
    return fabs(twice) / 2;
}

void annotation_free(Annotation *annotation)
{
    if (!annotation) {
        return;
    }
    g_free(annotation->path);
    g_free(annotation->dialect);
    g_clear_pointer(&annotation->outlines, g_ptr_array_unref);
    g_clear_pointer(&annotation->warnings, g_ptr_array_unref);
    g_free(annotation);
}
