/* The one way in: a file's bytes, the dialect that knows them, and what its reader calls.
 *
 * The dialect is found by the content; names of files say little (.xml is three dialects). */
#include "annotations/dialect.h"
#include "annotations/xml.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

enum { WARNING_LIMIT = 100, ELLIPSE_CORNERS = 128 }; /* beyond WARNING_LIMIT warnings are only counted */

static const Dialect dialects[] = {
    {"ASAP", "name", asap_detect, asap_read},
    {"QuPath GeoJSON", "name", geojson_detect, geojson_read},
    {"HALO", "text", halo_detect, halo_read}, /* before ImageScope, whose root it has */
    {"Aperio ImageScope", "text", imagescope_detect, imagescope_read},
    {"Hamamatsu NDPA", "title", ndpa_detect, ndpa_read},
    {NULL, NULL, NULL, NULL},
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

gboolean source_ellipse(Source *source, Draft *draft, double x, double y, double radius_x, double radius_y,
                        int line, GError **error)
{
    double step = 2 * G_PI / ELLIPSE_CORNERS,
           swell = sqrt(step / sin(step)); /* area of the circle, not of the inscribed polygon */
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
    double low_x = INFINITY, low_y = INFINITY, high_x = -INFINITY, high_y = -INFINITY;
    for (int i = 0; i < draft->points; i++) {
        low_x = fmin(low_x, draft->xy[2 * i]);
        high_x = fmax(high_x, draft->xy[2 * i]);
        low_y = fmin(low_y, draft->xy[2 * i + 1]);
        high_y = fmax(high_y, draft->xy[2 * i + 1]);
    }
    draft->points = 0;
    if (ellipse) {
        return source_ellipse(source, draft, (low_x + high_x) / 2, (low_y + high_y) / 2, (high_x - low_x) / 2,
                              (high_y - low_y) / 2, line, error);
    }
    return source_vertex(source, draft, low_x, low_y, line, error) &&
           source_vertex(source, draft, high_x, low_y, line, error) &&
           source_vertex(source, draft, high_x, high_y, line, error) &&
           source_vertex(source, draft, low_x, high_y, line, error);
}

static const Dialect *detect(const char *path, const char *text, GError **error)
{
    text += strspn(text, " \t\r\n");
    g_autofree char *root = *text == '<' ? xml_root(text) : g_strndup(text, 1);
    g_autoptr(GString) names = g_string_new(NULL);
    for (const Dialect *dialect = dialects; dialect->name; dialect++) {
        if (root && dialect->detect(root, text)) {
            return dialect;
        }
        g_string_append_printf(names, "%s%s", names->len ? ", " : "", dialect->name);
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s is in none of the known dialects (%s)%s%s", path,
                names->str, root && *text == '<' ? "; its root element is " : "",
                root && *text == '<' ? root : "");
    return NULL;
}

/* Whether the dialect has the field that is to be the group. */
static gboolean check_field(const char *path, const Dialect *dialect, const char *field, GError **error)
{
    static const char *const common[] = {"auto", "class", "name", NULL};
    if (!field || g_strv_contains(common, field) || g_str_equal(field, dialect->field)) {
        return TRUE;
    }
    gboolean own = !g_strv_contains(common, dialect->field);
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                "%s: outlines of %s have no field \"%s\" for the group; possible are auto, class, name%s%s",
                path, dialect->name, field, own ? ", " : "", own ? dialect->field : "");
    return FALSE;
}

/* ---- the whole ---- */

void source_init(Source *source)
{
    source->drafts = g_ptr_array_new_with_free_func(draft_free);
    source->warnings = g_ptr_array_new_with_free_func(g_free);
}

void source_clear(Source *source)
{
    g_clear_pointer(&source->drafts, g_ptr_array_unref);
    g_clear_pointer(&source->parents, g_hash_table_unref);
    g_clear_pointer(&source->warnings, g_ptr_array_unref);
    tally_clear(&source->strange);
    tally_clear(&source->assumed);
}

Annotation *source_annotation(Source *source, const char *dialect, const GroupSpec *groups, GError **error)
{
    g_autoptr(Annotation) annotation = g_new0(Annotation, 1);
    annotation->outlines = g_ptr_array_new_with_free_func((GDestroyNotify)outline_free);
    if (!outline_check(source, groups, annotation->outlines, error)) {
        return NULL;
    }
    if (source->warned > WARNING_LIMIT) {
        g_ptr_array_add(source->warnings, g_strdup_printf("%s: %d more warnings", source->path,
                                                          source->warned - WARNING_LIMIT));
    }
    annotation->path = g_strdup(source->path);
    annotation->dialect = g_strdup(dialect);
    annotation->warnings = g_steal_pointer(&source->warnings);
    return g_steal_pointer(&annotation);
}

/* Reads a file into a source, which borrows the text that *whole gets (caller frees).  The dialect; NULL with error. */
static const Dialect *read_source(const char *path, const char *field, const SlideFrame *frame, char **whole,
                                  Source *source, GError **error)
{
    size_t length = 0;
    *whole = text_load(path, &length, error);
    if (!*whole) {
        return NULL;
    }
    const char *text = *whole + (g_str_has_prefix(*whole, "\xEF\xBB\xBF") ? 3 : 0);
    const Dialect *dialect = detect(path, text, error);
    if (!dialect || !check_field(path, dialect, field, error)) {
        return NULL;
    }
    *source =
        (Source){.path = path, .text = text, .length = length - (size_t)(text - *whole), .frame = frame};
    source_init(source);
    return dialect->read(source, error) ? dialect : NULL;
}

Annotation *annotation_read_on(const char *path, const GroupSpec *groups, const SlideFrame *frame,
                               GError **error)
{
    g_autofree char *whole = NULL;
    g_auto(Source) source = {0};
    const Dialect *dialect = read_source(path, groups->field, frame, &whole, &source, error);
    return dialect ? source_annotation(&source, dialect->name, groups, error) : NULL;
}

gboolean annotation_groups(const char *path, const GroupSpec *groups, GroupFound found, void *data,
                           GError **error)
{
    SlideFrame anywhere = {.width = 1, .height = 1, .mpp_x = 1, .mpp_y = 1}; /* places do not matter */
    g_autofree char *whole = NULL;
    g_auto(Source) source = {0};
    gboolean good = read_source(path, groups->field, &anywhere, &whole, &source, error) != NULL;
    if (good) {
        groups_survey(&source, groups, found, data);
    }
    return good;
}

Annotation *annotation_read(const char *path, const GroupRule *rules, double width, double height,
                            GError **error)
{
    SlideFrame frame = {.width = width, .height = height, .offset_x_nm = NAN, .offset_y_nm = NAN};
    return annotation_read_on(path, &(GroupSpec){.rules = rules}, &frame, error);
}
