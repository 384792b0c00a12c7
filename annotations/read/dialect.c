/* The way in: a file's bytes, the dialect that recognises them, and its reader.
 *
 * The dialect is found by the content, since names of files say little (.xml is three dialects). */
#include "annotations/read/annotation_read.h"
#include "annotations/read/dialect.h"
#include "annotations/read/outline_check.h"
#include "annotations/read/xml.h"
#include "base/error.h"
#include <libxml/xmlversion.h>
#include <jansson.h>
#include <math.h>
#include <string.h>
#include <zlib.h>

/* In the order of detection. */
static const Dialect dialects[] = {
    {"ASAP", "name", asap_detect, asap_read},
    {"QuPath GeoJSON", "name", geojson_detect, geojson_read},
    {"HALO", "text", halo_detect, halo_read}, /* before ImageScope, which has the same root element */
    {"Aperio ImageScope", "text", imagescope_detect, imagescope_read},
    {"Hamamatsu NDPA", "title", ndpa_detect, ndpa_read},
    {NULL, NULL, NULL, NULL},
};

/* The dialect of a text; NULL with an error that names the known ones and the root element. */
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
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s is in none of the known annotation formats (%s)%s%s",
                path, names->str, root && *text == '<' ? "; its root element is " : "",
                root && *text == '<' ? root : "");
    return NULL;
}

/* Checks that the dialect has the field that is to be the group. */
static gboolean check_field(const char *path, const Dialect *dialect, const char *field, GError **error)
{
    static const char *const common[] = {"auto", "class", "name", NULL};
    if (!field || g_strv_contains(common, field) || g_str_equal(field, dialect->field)) {
        return TRUE;
    }
    /* "text" or "title", which only some dialects have. */
    gboolean own = !g_strv_contains(common, dialect->field);
    g_set_error(
        error, WSI_ERROR, WSI_ERROR_INPUT,
        "%s: outlines of %s have no field \"%s\" for the group; possible fields: auto, class, name%s%s", path,
        dialect->name, field, own ? ", " : "", own ? dialect->field : "");
    return FALSE;
}

/* Reads a file into *source, which borrows the text in *whole (caller frees).  Returns the dialect; NULL with error. */
static const Dialect *read_source(const char *path, const char *field, const SlideFrame *frame, char **whole,
                                  Source *source, GError **error)
{
    size_t length = 0;
    *whole = text_load(path, &length, error);
    if (!*whole) {
        return NULL;
    }
    /* A byte-order mark is not part of the text. */
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

Annotation *annotation_read_in_frame(const char *path, const GroupSpec *groups, const SlideFrame *frame,
                                     GError **error)
{
    g_autofree char *whole = NULL;
    g_auto(Source) source = {0};
    const Dialect *dialect = read_source(path, groups->field, frame, &whole, &source, error);
    return dialect ? outline_check(&source, dialect->name, groups, error) : NULL;
}

gboolean annotation_groups(const char *path, const GroupSpec *groups, GroupFound found, void *data,
                           GError **error)
{
    SlideFrame anywhere = {.width = 1, .height = 1, .mpp_x = 1, .mpp_y = 1}; /* positions do not matter */
    g_autofree char *whole = NULL;
    g_auto(Source) source = {0};
    gboolean good = read_source(path, groups->field, &anywhere, &whole, &source, error) != NULL;
    /* The drafts are surveyed as the reader gave them: no check may fail before a person has named the groups. */
    if (good) {
        groups_survey(&source, groups, found, data);
    }
    return good;
}

Annotation *annotation_read(const char *path, const GroupRule *rules, double width, double height,
                            GError **error)
{
    SlideFrame frame = {.width = width, .height = height, .offset_x_nm = NAN, .offset_y_nm = NAN};
    return annotation_read_in_frame(path, &(GroupSpec){.rules = rules}, &frame, error);
}

char *annotations_versions(void)
{
    return g_strdup("libxml2 " LIBXML_DOTTED_VERSION ", jansson " JANSSON_VERSION ", zlib " ZLIB_VERSION);
}
