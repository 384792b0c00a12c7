/* Inside annotations/: what a reader of one dialect gets and gives.
 *
 * A reader turns text into drafts, nothing more.  The gate that all drafts pass (group rules, repairs, bounds; outline_check.c) is one for
 * all dialects, so that a rule cannot hold for one format and not for another. */
#pragma once
#include "annotations/outline.h"

/* Bounds on what a file may hold; beyond them is an error that names the limit. */
#define TEXT_LIMIT ((size_t)64 << 20) /* bytes, after decompression */
#define OUTLINE_LIMIT 100000
#define VERTEX_LIMIT 10000000
#define COORDINATE_LIMIT 2147483648.0 /* |x|, |y| in px */

/* An outline as the file has it. */
typedef struct Draft Draft;
struct Draft {
    char *name, *group;
    gboolean closed;
    gboolean
        repeats_first; /* the dialect ends its rings with the first point again: that is no mistake to be counted */
    int family; /* > 0: the holes of a family are cut out of its outlines alone (holes.c); 0: of none */
    gboolean negative;    /* a hole that the file has by itself (negative regions of layers) */
    const Draft *ring_of; /* a hole as inner ring of that outline, else NULL */
    const char *kind; /* what an outline without area is ("Ruler"); static or interned; NULL when closed */
    int line;         /* where it starts */
    int points, room;
    double *xy; /* interleaved */
    /* What the gate finds. */
    OutlineLabel label;
    const GroupRule *rule; /* which gave the label; NULL: none */
    gboolean left_out;
    double low_x, low_y, high_x, high_y;
};

/* How often each of some names occurred, and where first. */
typedef struct {
    char *name;
    int count, line;
} TallyEntry;
typedef struct {
    GPtrArray *entries; /* TallyEntry*, owned, in the order of the first occurrence */
    GHashTable *index;  /* name -> TallyEntry* */
    int count;          /* of all */
} Tally;
void tally_add(Tally *tally, const char *name, int line);
/* "A" (3), "B" (1): at most 30 names, and how many more there are.  Caller frees. */
char *tally_text(const Tally *tally);
void tally_clear(Tally *tally);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Tally, tally_clear)
/* A name for a message: one line, not long.  Caller frees. */
char *shown_name(const char *name);

typedef struct {
    const char *path,
        *text; /* text is UTF-8 without a byte-order mark and ends with a NUL after `length` bytes */
    size_t length;
    const SlideFrame *frame;
    GPtrArray *drafts; /* Draft*, owned */
    GHashTable *
        parents; /* group -> the group that it is part of ("" = none); NULL: groups are not declared in this dialect */
    GPtrArray *warnings; /* char*, owned */
    Tally assumed;       /* objects of unknown types that were read as annotations */
    Tally strange;       /* elements or objects that the reader does not know, or does not want */
    gboolean is_mask;    /* outlines are borders of pixels */
    int families;        /* so many have been given out */
    int64_t vertices;
    int warned; /* warnings so far, also those beyond the limit of the list */
} Source;

typedef struct {
    const char *name,
        *field; /* field: what the dialect calls an outline's own name, as GroupSpec.field has it */
    /* root: the root element's name; "{" or "[" for JSON.  text: the file. */
    gboolean (*detect)(const char *root, const char *text);
    gboolean (*read)(Source *source, GError **error);
} Dialect;

/* Empty lists in a source whose other members are set; g_auto(Source) clears them. */
void source_init(Source *source);
void source_clear(Source *source);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Source, source_clear)
/* What was read as an annotation, through the gate; takes the warnings.  NULL with error. */
Annotation *source_annotation(Source *source, const char *dialect, const GroupSpec *groups, GError **error);
/* A new draft at the end of source->drafts; borrowed.  NULL with an error beyond OUTLINE_LIMIT. */
Draft *source_draft(Source *source, const char *name, const char *group, gboolean closed, int line,
                    GError **error);
/* Adds a vertex; an error beyond VERTEX_LIMIT, or when a coordinate is not finite or beyond COORDINATE_LIMIT. */
gboolean source_vertex(Source *source, Draft *draft, double x, double y, int line, GError **error);
/* Adds the vertices of an ellipse: a polygon of 128 corners that has the ellipse's area. */
gboolean source_ellipse(Source *source, Draft *draft, double x, double y, double radius_x, double radius_y,
                        int line, GError **error);
/* WSI_ERROR_INPUT "PATH:LINE: MESSAGE". Always FALSE. */
gboolean source_error(const Source *source, int line, GError **error, const char *format, ...)
    G_GNUC_PRINTF(4, 5);
/* A yes or no of a file: 1 or true, 0 or false, in any case; FALSE where there is none (NULL or empty).  Anything else is an error that names
 * `key`. */
gboolean source_flag(const Source *source, int line, const char *key, const char *text, gboolean *flag,
                     GError **error);
void source_warn(Source *source, int line, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Adds the corners of the box that the draft's points span, or the ellipse in it, in their place. */
gboolean source_box(Source *source, Draft *draft, gboolean ellipse, int line, GError **error);

static inline gboolean draft_is_hole(const Draft *draft)
{
    return draft->negative || draft->ring_of;
}
/* Whether it has an area that means something. */
static inline gboolean draft_counts(const Draft *draft)
{
    return draft->closed && !draft->left_out && draft->label != LABEL_NONE;
}
/* As an outline whose texts and points are borrowed. */
static inline Outline draft_outline(const Draft *draft)
{
    return (Outline){draft->name,   draft->group, draft->label,  draft->closed,
                     draft->points, draft->xy,    draft->family, draft_is_hole(draft)};
}

/* Settles of which outlines each hole is one (holes.c); an error for a layer of negative regions alone. */
gboolean holes_finish(Source *source, GError **error);
/* Tells what is cut out of the lesions (lesion_area.c); an error when less than a px is left. */
gboolean lesion_area_report(Source *source, GError **error);
/* The outlines as a dialect has them in which holes belong to nobody (slits.c): none has a family.  Caller unrefs; NULL with WSI_ERROR_INPUT where
 * no such outlines exist, or WSI_ERROR_MEMORY. */
GPtrArray *slits_outlines(const Annotation *annotation, GError **error);
/* Drafts to outlines (outline_check.c): labels by the rules, repairs, bounds.  The drafts are used up. */
gboolean outline_check(Source *source, const GroupSpec *groups, GPtrArray *outlines, GError **error);
/* Gives each draft its label (group_rules.c); an error that names all groups without one. */
gboolean groups_label(Source *source, const GroupSpec *groups, GError **error);
/* Only tells what groups there are and what their rules. */
void groups_survey(Source *source, const GroupSpec *groups, GroupFound found, void *data);

/* A whole text file (text.c), unpacked when it is gzip and converted from UTF-16, UTF-32 or the encoding that its XML declaration names
 * (any that iconv knows), which is blanked: NUL-ended valid UTF-8 of at most TEXT_LIMIT bytes without NULs.  Caller frees; NULL with error. */
char *text_load(const char *path, size_t *length, GError **error);

/* The shortest decimal number that reads back as the same double. Returns buffer. */
const char *shortest_number(char buffer[32], double value);

gboolean asap_detect(const char *root, const char *text);
gboolean asap_read(Source *source, GError **error);
gboolean geojson_detect(const char *root, const char *text);
gboolean geojson_read(Source *source, GError **error);
gboolean halo_detect(const char *root, const char *text);
gboolean halo_read(Source *source, GError **error);
gboolean imagescope_detect(const char *root, const char *text);
gboolean imagescope_read(Source *source, GError **error);
gboolean ndpa_detect(const char *root, const char *text);
gboolean ndpa_read(Source *source, GError **error);
