/* Annotations of a slide as plain outlines, whatever their file format ("dialect").
 *
 * Coordinates are level-0 px of the uncropped slide; pixel (i, j) covers [i, i+1) x [j, j+1). */
#pragma once
#include <glib.h>
#include <stdint.h>

typedef enum { LABEL_NONE = 0, LABEL_LESION = 1, LABEL_NOT_LESION = 2 } OutlineLabel;

typedef struct {
    char *name, *group; /* as in the file */
    /* By the group rules.  LABEL_NOT_LESION is cut out of all lesions; a hole has the label of its family. */
    OutlineLabel label;
    gboolean closed; /* FALSE: points or a line, without area */
    int points;      /* >= 3 for closed outlines; the last point does not repeat the first */
    double *xy;      /* x, y interleaved */
    int family; /* > 0: outlines that belong together (a polygon and its inner rings, a layer); 0: no family */
    gboolean hole; /* cut out of the outlines of its family and of no others */
} Outline;

typedef struct {
    char *path, *dialect;
    GPtrArray *outlines; /* Outline*, file order, owned */
    GPtrArray *warnings; /* char*, owned: what was repaired or left out, with its line */
} Annotation;

/* The coordinate frame of a slide, for dialects whose coordinates are not level-0 px (Hamamatsu NDPA: nm from the middle of the glass). */
typedef struct {
    double width, height; /* level-0 px; 0 = unknown */
    double mpp_x, mpp_y;  /* um per level-0 px; 0 = unknown */
    /* Middle of the scan from the middle of the glass: hamamatsu.XOffsetFromSlideCentre and YOffsetFromSlideCentre; NAN = unknown. */
    double offset_x_nm, offset_y_nm;
    /* openslide.bounds-x and -y in level-0 px, where the coordinates of QuPath's GeoJSON begin by default; otherwise 0. */
    double bounds_x, bounds_y;
} SlideFrame;
void annotation_free(Annotation *annotation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Annotation, annotation_free)
Outline *outline_new(const char *name, const char *group, OutlineLabel label, int points, const double *xy);
void outline_free(Outline *outline);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Outline, outline_free)
/* |signed area| by the shoelace formula, px^2. */
double outline_area(const Outline *outline);
