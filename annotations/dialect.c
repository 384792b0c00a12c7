/* The one way in: a file's bytes, the dialect that knows them, and the gate that all outlines pass.
 *
 * Invariants of the gate, whatever the dialect:
 * 1. Every outline has a label that a rule gave it; there is no default.
 * 2. A closed outline has at least 3 points, no two neighbours are the same, and the last is not the first.
 * 3. Every coordinate is finite; with a known slide, no outline lies wholly outside of it.
 * 4. What was changed or left out is in `warnings` with its place. */
#include "annotations/dialect.h"
#include "base/error.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "annotations/xml.h"

enum { WARNING_LIMIT = 100 }; /* beyond it they are only counted */

const Dialect dialects[] = {
    {"ASAP", asap_detect, asap_read},
    {NULL},
};

/* ---- what readers call ---- */

static void draft_free(void *data)
{
    Draft *draft = data;
    g_free(draft->name);
    g_free(draft->group);
    g_free(draft->xy);
    g_free(draft);
}

gboolean source_error(const Source *source, int line, GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s:%d: %s", source->path, line, message);
    return FALSE;
}

void source_warn(Source *source, int line, const char *format, ...)
{
    if (source->warned++ >= WARNING_LIMIT) {
        return;
    }
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    g_ptr_array_add(source->warnings, g_strdup_printf("%s:%d: %s", source->path, line, message));
}

Draft *source_draft(Source *source, const char *name, const char *group, gboolean closed, int line,
                    GError **error)
{
    if (source->drafts->len >= OUTLINE_LIMIT) {
        source_error(source, line, error, "more than %d annotations", OUTLINE_LIMIT);
        return NULL;
    }
    Draft *draft = g_new0(Draft, 1);
    *draft = (Draft){.name = g_strdup(name), .group = g_strdup(group), .closed = closed, .line = line};
    g_ptr_array_add(source->drafts, draft);
    return draft;
}

gboolean source_vertex(Source *source, Draft *draft, double x, double y, int line, GError **error)
{
    if (!isfinite(x) || !isfinite(y) || fabs(x) > COORDINATE_LIMIT || fabs(y) > COORDINATE_LIMIT) {
        return source_error(source, line, error, "coordinate (%g, %g) is not within +-2^31", x, y);
    }
    if (source->vertices++ >= VERTEX_LIMIT) {
        return source_error(source, line, error, "more than %d vertices", VERTEX_LIMIT);
    }
    if (draft->points == draft->room) {
        int room = MAX(16, 2 * draft->room);
        double *more = g_try_realloc_n(draft->xy, (gsize)room, 2 * sizeof(double));
        if (!more) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_MEMORY, "no memory for %d vertices of %s", room,
                        source->path);
            return FALSE;
        }
        draft->xy = more;
        draft->room = room;
    }
    draft->xy[2 * draft->points] = x;
    draft->xy[2 * draft->points + 1] = y;
    draft->points++;
    return TRUE;
}

/* A name for a message: one line, not long. Caller frees. */
static char *shown(const char *name)
{
    char *text = g_utf8_strlen(name, -1) > 60 ? g_utf8_substring(name, 0, 60) : g_strdup(name);
    for (char *p = text; *p; p++) {
        *p = g_ascii_iscntrl(*p) ? ' ' : *p;
    }
    return text;
}

/* ---- groups ---- */

static const GroupRule *rule_for(const GroupRule *rules, const char *group)
{
    for (const GroupRule *rule = rules; rule->group; rule++) {
        if (g_ascii_strcasecmp(rule->group, group) == 0) {
            return rule;
        }
    }
    return NULL;
}

/* Says that the group of a draft is not known, and which ones are. Always FALSE. */
static gboolean unknown_group(const Source *source, const Draft *draft, const char *group,
                              const char *problem, GPtrArray *known, GError **error)
{
    g_autofree char *name = shown(draft->name), *its = shown(group);
    g_autoptr(GString) list = g_string_new(NULL);
    for (guint i = 0; i < known->len && i < 30; i++) {
        g_autofree char *one = shown(known->pdata[i]);
        g_string_append_printf(list, "%s%s", i ? ", " : "", one);
    }
    return source_error(source, draft->line, error,
                        "annotation \"%s\" is in group \"%s\", which %s; known groups: %s", name, its,
                        problem, list->len ? list->str : "none");
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static gboolean not_declared(const Source *source, const Draft *draft, const char *group, GError **error)
{
    g_autoptr(GPtrArray) known = g_ptr_array_new();
    GHashTableIter iter;
    void *name;
    g_hash_table_iter_init(&iter, source->parents);
    while (g_hash_table_iter_next(&iter, &name, NULL)) {
        g_ptr_array_add(known, name);
    }
    g_ptr_array_sort(known, compare_text);
    return unknown_group(source, draft, group, "the file does not define", known, error);
}

/* The rule of the draft's group, else of the group that one is part of, and so on outwards. */
static gboolean label_of(const Source *source, const Draft *draft, const GroupRule *rules,
                         OutlineLabel *label, GError **error)
{
    const char *group = draft->group;
    guint steps = source->parents ? g_hash_table_size(source->parents) : 0;
    for (guint step = 0; step <= steps; step++) {
        const char *parent = NULL;
        if (source->parents && strcmp(group, "None") != 0) {
            parent = g_hash_table_lookup(source->parents, group);
            if (!parent) {
                return not_declared(source, draft, group, error);
            }
        }
        const GroupRule *rule = rule_for(rules, group);
        if (rule) {
            *label = draft->cut_out && rule->label == LABEL_LESION ? LABEL_NOT_LESION : rule->label;
            return TRUE;
        }
        if (!parent || !*parent) {
            break;
        }
        group = parent;
    }
    g_autoptr(GPtrArray) known = g_ptr_array_new();
    for (const GroupRule *rule = rules; rule->group; rule++) {
        g_ptr_array_add(known, (char *)rule->group);
    }
    return unknown_group(source, draft, draft->group, "no rule names", known, error);
}

/* ---- repairs and bounds ---- */

/* Drops points that repeat their predecessor, and the last one when it repeats the first. Returns how many were repeats that no
 * dialect asks for. */
static int drop_repeats(Draft *draft)
{
    double *xy = draft->xy;
    int kept = 0, before = draft->points;
    for (int i = 0; i < draft->points; i++) {
        if (kept && xy[2 * i] == xy[2 * kept - 2] && xy[2 * i + 1] == xy[2 * kept - 1]) {
            continue;
        }
        xy[2 * kept] = xy[2 * i];
        xy[2 * kept + 1] = xy[2 * i + 1];
        kept++;
    }
    int repeats = before - kept;
    if (draft->closed && kept > 1 && xy[0] == xy[2 * kept - 2] && xy[1] == xy[2 * kept - 1]) {
        kept--;
        repeats += !draft->repeats_first;
    }
    draft->points = kept;
    return repeats;
}

static gboolean check_bounds(Source *source, const Draft *draft, GError **error)
{
    double width = source->frame->width, height = source->frame->height;
    double low_x = INFINITY, low_y = INFINITY, high_x = -INFINITY, high_y = -INFINITY;
    for (int i = 0; i < draft->points; i++) {
        low_x = fmin(low_x, draft->xy[2 * i]);
        high_x = fmax(high_x, draft->xy[2 * i]);
        low_y = fmin(low_y, draft->xy[2 * i + 1]);
        high_y = fmax(high_y, draft->xy[2 * i + 1]);
    }
    if (width <= 0 || height <= 0 || (low_x >= 0 && low_y >= 0 && high_x <= width && high_y <= height)) {
        return TRUE;
    }
    gboolean outside = high_x < 0 || high_y < 0 || low_x >= width || low_y >= height;
    g_autofree char *name = shown(draft->name);
    g_autofree char *text = g_strdup_printf(
        "annotation \"%s\" (x %.10g to %.10g, y %.10g to %.10g) is %s outside of the slide of "
        "%.10g x %.10g px",
        name, low_x, high_x, low_y, high_y, outside ? "wholly" : "partly", width, height);
    if (outside) {
        return source_error(source, draft->line, error, "%s: is it of another slide?", text);
    }
    source_warn(source, draft->line, "%s", text);
    return TRUE;
}

/* Drafts to outlines. */
static gboolean pass_gate(Source *source, const GroupRule *rules, GPtrArray *outlines, GError **error)
{
    int repeats = 0, first_line = 0;
    for (guint i = 0; i < source->drafts->len; i++) {
        Draft *draft = source->drafts->pdata[i];
        OutlineLabel label = LABEL_NONE;
        if (!label_of(source, draft, rules, &label, error)) {
            return FALSE;
        }
        int dropped = drop_repeats(draft);
        first_line = dropped && !repeats ? draft->line : first_line;
        repeats += dropped;
        if (draft->points < (draft->closed ? 3 : 1)) {
            g_autofree char *name = shown(draft->name);
            source_warn(source, draft->line, "annotation \"%s\" has %d point%s and is left out", name,
                        draft->points, draft->points == 1 ? "" : "s");
            continue;
        }
        if (!check_bounds(source, draft, error)) {
            return FALSE;
        }
        Outline *outline = g_new0(Outline, 1);
        *outline = (Outline){g_steal_pointer(&draft->name),
                             g_steal_pointer(&draft->group),
                             label,
                             draft->closed,
                             draft->points,
                             g_steal_pointer(&draft->xy)};
        g_ptr_array_add(outlines, outline);
    }
    if (repeats) {
        source_warn(source, first_line,
                    "%d repeated point%s dropped; the first in the annotation that starts here", repeats,
                    repeats == 1 ? "" : "s");
    }
    return TRUE;
}

/* ---- text ---- */

static gboolean read_all(int fd, const char *path, char *text, size_t length, GError **error)
{
    for (size_t at = 0; at < length;) {
        ssize_t got = read(fd, text + at, length - at);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return wsi_error_errno(error, "cannot read", path);
        }
        if (got == 0) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_IO, "%s became shorter while it was read", path);
            return FALSE;
        }
        at += (size_t)got;
    }
    return TRUE;
}

/* The whole file, NUL-ended; NULL with error. */
static char *load(const char *path, size_t *length, GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0) {
        wsi_error_errno(error, "cannot open", path);
        if (fd >= 0) {
            close(fd);
        }
        return NULL;
    }
    char *text = NULL;
    if (!S_ISREG(info.st_mode) || info.st_size > (off_t)TEXT_LIMIT) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s is %s", path,
                    S_ISREG(info.st_mode) ? "larger than 64 MiB, too large for annotations"
                                          : "not a regular file");
    } else {
        *length = (size_t)info.st_size;
        text = wsi_try_alloc(*length + 1, 1, path, error);
    }
    if (text && !read_all(fd, path, text, *length, error)) {
        g_clear_pointer(&text, g_free);
    }
    close(fd);
    return text;
}

/* UTF-8 without NUL is the only encoding; the others are named, since some Windows programs write them. */
static gboolean check_text(const char *path, const char *text, size_t length, GError **error)
{
    const char *problem = NULL;
    if (length == 0) {
        problem = "is empty";
    } else if (length >= 2 && (memcmp(text, "\xFF\xFE", 2) == 0 || memcmp(text, "\xFE\xFF", 2) == 0)) {
        problem = "is UTF-16; save it as UTF-8";
    } else if (memchr(text, 0, length)) {
        problem = "holds NUL bytes: not UTF-8 text";
    } else if (!g_utf8_validate_len(text, length, NULL)) {
        problem = "is not UTF-8 text";
    }
    if (problem) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s %s", path, problem);
    }
    return !problem;
}

static const Dialect *detect(const char *path, const char *text, GError **error)
{
    g_autofree char *root = *text == '<' ? xml_root(text) : g_strdup("");
    g_autoptr(GString) names = g_string_new(NULL);
    for (const Dialect *dialect = dialects; dialect->name; dialect++) {
        if (root && dialect->detect(text, root)) {
            return dialect;
        }
        g_string_append_printf(names, "%s%s", names->len ? ", " : "", dialect->name);
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s is in none of the known dialects (%s)%s%s", path,
                names->str, root && *root ? "; its root element is " : "", root ? root : "");
    return NULL;
}

/* ---- the whole ---- */

static void source_clear(Source *source)
{
    g_clear_pointer(&source->drafts, g_ptr_array_unref);
    g_clear_pointer(&source->parents, g_hash_table_unref);
    g_clear_pointer(&source->warnings, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Source, source_clear)

Annotation *annotation_read_on(const char *path, const GroupRule *rules, const SlideFrame *frame,
                               GError **error)
{
    size_t length = 0;
    g_autofree char *whole = load(path, &length, error);
    if (!whole || !check_text(path, whole, length, error)) {
        return NULL;
    }
    const char *text = whole + (g_str_has_prefix(whole, "\xEF\xBB\xBF") ? 3 : 0);
    const Dialect *dialect = detect(path, text + strspn(text, " \t\r\n"), error);
    if (!dialect) {
        return NULL;
    }
    g_auto(Source)
        source = {.path = path, .text = text, .length = length - (size_t)(text - whole), .frame = frame};
    source.drafts = g_ptr_array_new_with_free_func(draft_free);
    source.warnings = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(Annotation) annotation = g_new0(Annotation, 1);
    annotation->outlines = g_ptr_array_new_with_free_func((GDestroyNotify)outline_free);
    if (!dialect->read(&source, error) || !pass_gate(&source, rules, annotation->outlines, error)) {
        return NULL;
    }
    if (source.warned > WARNING_LIMIT) {
        g_ptr_array_add(source.warnings,
                        g_strdup_printf("%s: %d more warnings", path, source.warned - WARNING_LIMIT));
    }
    annotation->path = g_strdup(path);
    annotation->dialect = g_strdup(dialect->name);
    annotation->warnings = g_steal_pointer(&source.warnings);
    return g_steal_pointer(&annotation);
}

Annotation *annotation_read(const char *path, const GroupRule *rules, double width, double height,
                            GError **error)
{
    SlideFrame frame = {width, height, 0, 0, NAN, NAN};
    return annotation_read_on(path, rules, &frame, error);
}
