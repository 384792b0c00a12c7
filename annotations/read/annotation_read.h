/* Reading annotations of any dialect into outlines.  Thread-safe: any number of threads may read at the same time. */
#pragma once
#include "annotations/outline/outline.h"

/* Group name -> label.  Rules are tried in order; the first match (of the whole name, in any case and Unicode form) wins.  The name OTHER_GROUPS
 * stands for every group that no other rule names, neither itself nor the groups around it; a warning counts what it labels. */
#define OTHER_GROUPS "*"
typedef struct {
    const char *group;
    OutlineLabel label;
    /* NULL-ended: applies only in a file with an outline in one of these groups; NULL: always. */
    const char *const *needs;
} GroupRule;
/* Camelyon16 and 17: Tumor, _0, _1, metastases, metastasis are lesion; _2, Exclusion, normal, negative are not, nor is None (ASAP's outlines
 * in no group) in a file that uses a group of Camelyon16.  NULL-ended. */
extern const GroupRule camelyon_rules[];

typedef struct {
    const GroupRule *rules; /* ended by {NULL} */
    /* Which field of an outline is its group.  NULL, "auto", "class": the dialect's own, see annotation_read.  "name": the outline's own
     * name, which is Name in ASAP, properties.name in GeoJSON, the Text of an ImageScope region, the first comment of a HALO region, the
     * title in NDPA.  "text", "title": the same, for dialects that use this word. */
    const char *field;
} GroupSpec;

/* Reads an annotation file; the dialect is detected from the content.  width, height: of the slide, 0 = unknown.
 *
 * Errors in the file: a group that no rule names (the message lists all such groups with their counts, and the known groups); a closed
 * outline without points, unless its group is ignored; a file whose closed outlines are all left out; an outline entirely outside the slide.
 * Warnings: a closed outline of one or two points, which is left out; repeated points, which are dropped; outlines without area, which are
 * counted; an outline partly outside the slide.
 *
 * Dialects, and what the group is in each:
 *   ASAP XML            PartOfGroup, otherwise the groups around it ("None" without); a Spline is the polygon of its control points, as in
 *                       ASAP's masks
 *   QuPath GeoJSON      the classification ("Unclassified" without); may be gzip; inner rings are holes of their polygon; cells, tiles and
 *                       TMA cores are left out with a warning; coordinates are relative to the slide's bounds, as in QuPath, unless a file of
 *                       wsiflow states its own origin (member "wsiflow": offset_x_px, offset_y_px)
 *   Aperio ImageScope   the layer's Name or Description ("Layer N" without); NegativeROA is a hole of its layer
 *   HALO                the same; ellipses and rectangles are given by two opposite corners
 *   Hamamatsu NDPA      the title ("Untitled" without); needs annotation_read_in_frame
 * Errors: WSI_ERROR_INPUT with "FILE:LINE: ..." (also for malformed text, a DOCTYPE, numbers that are not finite, more than 64 MiB,
 * 10^5 outlines or 10^7 vertices), WSI_ERROR_IO, WSI_ERROR_ABSENT, WSI_ERROR_MEMORY.  Any number of threads may read at the same time. */
Annotation *annotation_read(const char *path, const GroupRule *rules, double width, double height,
                            GError **error);

/* As annotation_read, with everything that is known about the slide.  (annotation_read knows only the size, so for it NDPA is an error that
 * says what is missing.) */
Annotation *annotation_read_in_frame(const char *path, const GroupSpec *groups, const SlideFrame *frame,
                                     GError **error);
/* Calls `found` for the groups of the file's outlines, with a number of outlines and the rule that gives their label (one of groups->rules;
 * NULL: there is none, and annotation_read would fail).  A group may be reported several times.  FALSE with error when the file cannot be
 * read for another reason. */
typedef void (*GroupFound)(void *data, const char *group, int count, const GroupRule *rule);
gboolean annotation_groups(const char *path, const GroupSpec *groups, GroupFound found, void *data,
                           GError **error);

/* Names and versions of the libraries of this room.  Caller frees. */
char *annotations_versions(void);
