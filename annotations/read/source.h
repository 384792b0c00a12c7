/* Inside annotations/: what a reader of one dialect receives and produces.
 *
 * A reader turns text into drafts, nothing more.  The checks between drafts and outlines (group rules, repairs, bounds; outline_check.h)
 * are the same for all dialects, so a rule cannot hold for one format and not for another.  A Source belongs to one thread. */
#pragma once
#include "annotations/outline/box.h"
#include "annotations/read/annotation_read.h"
#include "annotations/outline/tally.h"

/* Limits on what a file may hold.  A file beyond a limit is an error that names it. */
#define TEXT_LIMIT ((size_t)64 << 20) /* bytes, after decompression */
#define OUTLINE_LIMIT 100000
#define VERTEX_LIMIT 10000000
#define COORDINATE_LIMIT 2147483648.0 /* |x|, |y| in px */

/* An outline as the file has it. */
typedef struct Draft Draft;
struct Draft {
    char *name, *group;
    gboolean closed;
    /* The dialect may end a ring with its first point again, which is not counted as a mistake. */
    gboolean repeats_first;
    int family; /* > 0: the holes of a family are cut out of its outlines alone (holes.c); 0: no family */
    gboolean negative;    /* a hole by itself: a negative region of a layer */
    const Draft *ring_of; /* a hole that is an inner ring of this outline; NULL: it is none */
    const char *kind;     /* of an outline without area: what it is ("Ruler"); static; NULL when closed */
    int line;             /* where it starts in the file */
    int points, capacity;
    double *xy; /* x, y interleaved, level-0 px */
    /* Set by outline_check. */
    OutlineLabel label;
    const GroupRule *rule; /* that gave the label; NULL: none */
    gboolean left_out;
    Box box; /* of the points, once repeated ones are dropped */
};

typedef struct {
    const char *path;
    const char *text; /* UTF-8 without byte-order mark; a NUL follows after `length` bytes */
    size_t length;
    const SlideFrame *frame;
    /* Of the file's coordinates in level-0 px, where the dialect has an origin: that of the frame's bounds, unless the file states its own. */
    double origin_x, origin_y;
    GPtrArray *drafts;   /* Draft*, owned */
    GHashTable *parents; /* group -> the group around it ("" = none); NULL: the file declares no groups */
    GPtrArray *warnings; /* char*, owned */
    int warning_count;   /* also those beyond WARNING_LIMIT, which are not in the list */
    Tally assumed;       /* objects of unknown types that were read as annotations */
    Tally skipped;       /* elements or objects that the reader does not know or does not want */
    gboolean is_mask;    /* the outlines are borders of pixels */
    int families;        /* how many were given out; the next one is families + 1 */
    int64_t vertices;    /* of all drafts */
} Source;

#define WARNING_LIMIT 100 /* further warnings are only counted */

/* Empty lists in a source whose other members are set; g_auto(Source) clears them. */
void source_init(Source *source);
void source_clear(Source *source);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Source, source_clear)
/* A new draft at the end of source->drafts; borrowed.  NULL with an error beyond OUTLINE_LIMIT. */
Draft *source_draft(Source *source, const char *name, const char *group, gboolean closed, int line,
                    GError **error);
/* Adds a vertex; an error beyond VERTEX_LIMIT, or when a coordinate is not finite or beyond COORDINATE_LIMIT. */
gboolean source_vertex(Source *source, Draft *draft, double x, double y, int line, GError **error);
/* Adds the vertices of an ellipse: a polygon of 128 corners that has the ellipse's area. */
gboolean source_ellipse(Source *source, Draft *draft, double x, double y, double radius_x, double radius_y,
                        int line, GError **error);
/* Replaces the draft's points by the corners of their bounding box, or by the ellipse in it. */
gboolean source_box(Source *source, Draft *draft, gboolean ellipse, int line, GError **error);
/* Parses a yes or no: 1 or true, 0 or false, in any case; FALSE for NULL or an empty text.  Anything else is an error that names `key`. */
gboolean source_flag(const Source *source, int line, const char *key, const char *text, gboolean *flag,
                     GError **error);
/* WSI_ERROR_INPUT "PATH:LINE: MESSAGE".  Always returns FALSE. */
gboolean source_error(const Source *source, int line, GError **error, const char *format, ...)
    G_GNUC_PRINTF(4, 5);
void source_warn(Source *source, int line, const char *format, ...) G_GNUC_PRINTF(3, 4);

static inline gboolean draft_is_hole(const Draft *draft)
{
    return draft->negative || draft->ring_of;
}
/* Whether it has an area and a label, so that it changes what is lesion. */
static inline gboolean draft_counts(const Draft *draft)
{
    return draft->closed && !draft->left_out && draft->label != LABEL_NONE;
}
/* The draft as an outline that borrows its texts and points. */
static inline Outline draft_outline(const Draft *draft)
{
    return (Outline){draft->name,   draft->group, draft->label,  draft->closed,
                     draft->points, draft->xy,    draft->family, draft_is_hole(draft)};
}
