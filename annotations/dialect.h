/* Inside annotations/: what a reader of one dialect gets and gives.
 *
 * A reader turns text into drafts, nothing more.  The gate that all drafts pass (group rules, repairs, bounds; dialect.c) is
 * one for all dialects, so that a rule cannot hold for one format and not for another. */
#pragma once
#include "annotations/outline.h"

/* Bounds on what a file may hold; beyond them is an error that names the limit. */
#define TEXT_LIMIT ((size_t)64 << 20) /* bytes, after decompression */
#define OUTLINE_LIMIT 100000
#define VERTEX_LIMIT 10000000
#define COORDINATE_LIMIT 2147483648.0 /* |x|, |y| in px */

/* An outline as the file has it. */
typedef struct {
    char *name, *group;
    gboolean closed, repeats_first; /* repeats_first: the dialect closes its rings by the first point again */
    gboolean cut_out;               /* not lesion whatever the group says: a hole of its own dialect */
    int line;                       /* where it starts */
    int points, room;
    double *xy; /* interleaved */
} Draft;

typedef struct {
    const char *path, *text; /* text is UTF-8 and ends with a NUL after `length` bytes */
    size_t length;
    const SlideFrame *frame;
    GPtrArray *drafts; /* Draft*, owned */
    GHashTable *
        parents; /* group -> the group that it is part of ("" = none); NULL: groups are not declared in this dialect */
    GPtrArray *warnings; /* char*, owned */
    int64_t vertices;
    int warned; /* warnings so far, also those beyond the limit of the list */
} Source;

typedef struct {
    const char *name;
    /* text: from the first character after BOM and white space; root: the root element's name, "" when it is not XML. */
    gboolean (*detect)(const char *text, const char *root);
    gboolean (*read)(Source *source, GError **error);
} Dialect;
extern const Dialect dialects[]; /* ended by {NULL} */

/* A new draft at the end of source->drafts; borrowed.  NULL with an error beyond OUTLINE_LIMIT. */
Draft *source_draft(Source *source, const char *name, const char *group, gboolean closed, int line,
                    GError **error);
/* Adds a vertex; an error beyond VERTEX_LIMIT, or when a coordinate is not finite or beyond COORDINATE_LIMIT. */
gboolean source_vertex(Source *source, Draft *draft, double x, double y, int line, GError **error);
/* WSI_ERROR_INPUT "PATH:LINE: MESSAGE". Always FALSE. */
gboolean source_error(const Source *source, int line, GError **error, const char *format, ...)
    G_GNUC_PRINTF(4, 5);
void source_warn(Source *source, int line, const char *format, ...) G_GNUC_PRINTF(3, 4);

gboolean asap_detect(const char *text, const char *root);
gboolean asap_read(Source *source, GError **error);
