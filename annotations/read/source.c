/* What the readers of all dialects call: drafts, vertices, shapes, errors and warnings. */
#include "annotations/read/source.h"
#include "base/error.h"
#include <math.h>

enum { ELLIPSE_CORNERS = 128 };

static void draft_free(void *data)
{
    Draft *draft = data;
    g_free(draft->name);
    g_free(draft->group);
    g_free(draft->xy);
    g_free(draft);
}

void source_init(Source *source)
{
    source->drafts = g_ptr_array_new_with_free_func(draft_free);
    source->warnings = g_ptr_array_new_with_free_func(g_free);
    source->origin_x = source->frame->bounds_x;
    source->origin_y = source->frame->bounds_y;
}

void source_clear(Source *source)
{
    g_clear_pointer(&source->drafts, g_ptr_array_unref);
    g_clear_pointer(&source->parents, g_hash_table_unref);
    g_clear_pointer(&source->warnings, g_ptr_array_unref);
    tally_clear(&source->skipped);
    tally_clear(&source->assumed);
}

/* The words stand in pairs after the empty one: the pair of "1" and all after it mean yes. */
gboolean source_flag(const Source *source, int line, const char *key, const char *text, gboolean *flag,
                     GError **error)
{
    static const char *const words[] = {"", "0", "false", "1", "true"};
    g_autofree char *word = g_strstrip(g_strdup(text ? text : ""));
    for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
        if (g_ascii_strcasecmp(word, words[i]) == 0) {
            *flag = i > 2;
            return TRUE;
        }
    }
    return source_error(source, line, error, "%s is \"%.40s\"; it must be 1 or true, 0 or false", key, word);
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
    /* A file with 10^5 faults must not fill the report: outline_check says how many more there are. */
    if (source->warning_count++ >= WARNING_LIMIT) {
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
    /* Checked before memory is allocated, like the number of vertices below. */
    if (source->drafts->len >= OUTLINE_LIMIT) {
        source_error(source, line, error, "the file has more than %d annotations", OUTLINE_LIMIT);
        return NULL;
    }
    Draft *draft = g_new0(Draft, 1);
    *draft = (Draft){.name = g_strdup(name), .group = g_strdup(group), .closed = closed, .line = line};
    g_ptr_array_add(source->drafts, draft);
    return draft;
}

/* Room doubles, and the number of vertices has a limit, so a file cannot take more memory than VERTEX_LIMIT allows. */
gboolean source_vertex(Source *source, Draft *draft, double x, double y, int line, GError **error)
{
    if (!isfinite(x) || !isfinite(y) || fabs(x) > COORDINATE_LIMIT || fabs(y) > COORDINATE_LIMIT) {
        return source_error(source, line, error, "coordinate (%g, %g) is not within +-2^31", x, y);
    }
    if (source->vertices++ >= VERTEX_LIMIT) {
        return source_error(source, line, error, "the file has more than %d vertices", VERTEX_LIMIT);
    }
    if (draft->points == draft->capacity) {
        int capacity = MAX(16, 2 * draft->capacity);
        double *more = g_try_realloc_n(draft->xy, (gsize)capacity, 2 * sizeof(double));
        if (!more) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_MEMORY, "no memory for %d vertices of %s", capacity,
                        source->path);
            return FALSE;
        }
        draft->xy = more;
        draft->capacity = capacity;
    }
    draft->xy[2 * draft->points] = x;
    draft->xy[2 * draft->points + 1] = y;
    draft->points++;
    return TRUE;
}

gboolean source_ellipse(Source *source, Draft *draft, double x, double y, double radius_x, double radius_y,
                        int line, GError **error)
{
    /* An inscribed polygon of n corners has the area (n / 2) sin(2 pi / n) r^2, which is less than pi r^2.  Radii larger by `swell` give the
     * polygon the area of the ellipse. */
    double step = 2 * G_PI / ELLIPSE_CORNERS, swell = sqrt(step / sin(step));
    for (int i = 0; i < ELLIPSE_CORNERS; i++) {
        if (!source_vertex(source, draft, x + swell * radius_x * cos(i * step),
                           y + swell * radius_y * sin(i * step), line, error)) {
            return FALSE;
        }
    }
    return TRUE;
}

gboolean source_box(Source *source, Draft *draft, gboolean ellipse, int line, GError **error)
{
    /* Two opposite corners, in any order, or all four: the box is the same. */
    const Box box = box_of(draft->xy, draft->points);
    draft->points = 0;
    if (ellipse) {
        return source_ellipse(source, draft, (box.low_x + box.high_x) / 2, (box.low_y + box.high_y) / 2,
                              (box.high_x - box.low_x) / 2, (box.high_y - box.low_y) / 2, line, error);
    }
    return source_vertex(source, draft, box.low_x, box.low_y, line, error) &&
           source_vertex(source, draft, box.high_x, box.low_y, line, error) &&
           source_vertex(source, draft, box.high_x, box.high_y, line, error) &&
           source_vertex(source, draft, box.low_x, box.high_y, line, error);
}
