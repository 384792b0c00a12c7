/* Annotations of a slide as plain outlines, whatever dialect they came in.
 *
 * Coordinates are level-0 px of the uncropped slide; pixel (i, j) covers [i, i+1) x [j, j+1). */
#pragma once
#include <glib.h>
#include <stdint.h>

typedef enum { LABEL_NONE = 0, LABEL_LESION = 1, LABEL_NOT_LESION = 2 } OutlineLabel;

typedef struct {
    char *name, *group; /* as in the file */
    OutlineLabel
        label; /* by the group rules: a LABEL_NOT_LESION outline is cut out of all lesions; of a hole that of its family */
    gboolean closed; /* FALSE: points only (Dot, PointSet); they have no area */
    int points;      /* >= 3 for closed outlines; the last point is not a copy of the first */
    double *xy;      /* interleaved */
    int family; /* > 0: outlines that belong together (a polygon and its inner rings, a layer); 0: of none */
    gboolean hole; /* cut out of the outlines of its family, and of no others */
} Outline;

typedef struct {
    char *path, *dialect;
    GPtrArray *outlines; /* Outline*, file order, owned */
    GPtrArray *warnings; /* char*, owned: what was repaired or left out, with the place */
} Annotation;

/* Group name -> label. Rules are tried in order; the first match (whole name, whatever its case and Unicode form) wins.  OTHER_GROUPS as a name stands
 * for every group that, with the groups around it, no other rule names; what it labels is counted in a warning. */
#define OTHER_GROUPS "*"
typedef struct {
    const char *group;
    OutlineLabel label;
    const char *const *
        needs; /* NULL-ended: the rule holds only in a file with an outline in one of these groups; NULL: always */
} GroupRule;
/* Camelyon16 and 17: Tumor, _0, _1, metastases, metastasis = lesion; _2, Exclusion, normal, negative = not; None (ASAP's outlines in
 * no group) = not in a file that uses a group of Camelyon16.  NULL-ended. */
extern const GroupRule camelyon_rules[];

typedef struct {
    const GroupRule *rules; /* ended by {NULL} */
    /* Which field of an outline is its group.  NULL, "auto", "class": the dialect's own, see annotation_read.  "name": the outline's own
     * name, which is Name in ASAP, properties.name in GeoJSON, the Text of an ImageScope region, the first comment of a HALO region, the
     * title in NDPA.  "text" and "title": the same, for the dialects that call it so. */
    const char *field;
} GroupSpec;

/* Reads an annotation file: the dialect is detected from the content.  Outlines whose group no rule names are an error that names
 * file, line, all such groups with their counts, and the known groups.  A closed outline without points is an error, unless its group
 * is ignored; so is a file of which no closed outline is left though it has some.  A closed outline of one or two points is left out
 * with a warning; so is a repeated point.  Outlines without area are counted in a warning.  width, height: of the slide (0 =
 * unknown): an outline wholly outside of it is an error, one partly outside a warning.
 *
 * Dialects, and what the group is in each:
 *   ASAP XML            PartOfGroup, else the groups around it ("None" without); a Spline is the polygon of its control points, as in
 *                       ASAP's masks
 *   QuPath GeoJSON      the classification ("Unclassified" without one); may be gzip; inner rings are holes of their polygon; cells,
 *                       tiles and TMA cores are left out with a warning
 *   Aperio ImageScope   the layer's Name or Description ("Layer N" without); NegativeROA is a hole of its layer
 *   HALO                the same; ellipses and rectangles are given by two opposite corners
 *   Hamamatsu NDPA      the title ("Untitled" without); needs annotation_read_on
 * Errors: WSI_ERROR_INPUT with "FILE:LINE: ..." (not well-formed, DOCTYPE, not finite, more than 64 MiB, 10^5 outlines or 10^7
 * vertices, ...), WSI_ERROR_IO, WSI_ERROR_MEMORY.  Any number of threads may read at once. */
Annotation *annotation_read(const char *path, const GroupRule *rules, double width, double height,
                            GError **error);

/* Where a slide lies, for dialects that do not count in its pixels (Hamamatsu NDPA: nm from the middle of the glass). */
typedef struct {
    double width, height; /* level-0 px; 0 = unknown */
    double mpp_x, mpp_y;  /* um a level-0 px; 0 = unknown */
    double offset_x_nm,
        offset_y_nm; /* middle of the scan from the middle of the glass (hamamatsu.XOffsetFromSlideCentre and
                                        YOffsetFromSlideCentre); NAN = unknown */
    double bounds_x,
        bounds_y; /* openslide.bounds-x and -y: QuPath's GeoJSON counts from there, by its default; else 0 */
} SlideFrame;
/* As annotation_read, which is this with only the size known and the dialect's own groups: NDPA then is an error that says what is
 * missing. */
Annotation *annotation_read_on(const char *path, const GroupSpec *groups, const SlideFrame *frame,
                               GError **error);
/* Calls `found` for the groups of the file's outlines, with a number of outlines and the rule that gives their label (of groups->rules; NULL:
 * none, so that annotation_read would fail); a group may come several times.  FALSE with error when the file cannot be read for another reason. */
typedef void (*GroupFound)(void *data, const char *group, int count, const GroupRule *rule);
gboolean annotation_groups(const char *path, const GroupSpec *groups, GroupFound found, void *data,
                           GError **error);
void annotation_free(Annotation *annotation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Annotation, annotation_free)
Outline *outline_new(const char *name, const char *group, OutlineLabel label, int points, const double *xy);
void outline_free(Outline *outline);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Outline, outline_free)
/* |signed area| by the shoelace formula, px^2. */
double outline_area(const Outline *outline);

/* Writes ASAP XML (Camelyon16 layout: groups "Tumor" and "Exclusion"); durable. */
gboolean asap_write(const char *path, const Annotation *annotation, char sha256[65], GError **error);
/* Names and versions of the libraries of this room. Caller frees. */
char *annotations_versions(void);
