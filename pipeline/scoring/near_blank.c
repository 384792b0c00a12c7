/* Matching by name.
 *
 * Programs that list the same images write their names differently: from the root, from the data set or from the split.  The ends of the names
 * agree, so names are matched by their ends.  When several lines match and differ, it is an error. */
#include "pipeline/scoring/near_blank.h"
#include "base/csv.h"
#include "base/error.h"
#include <string.h>

typedef struct {
    char *name; /* simplified, without the ending of an image file */
    char *file; /* as in the line */
    NearBlank blank;
    int line;
    gboolean used;
} Line;

struct NearBlankLabels {
    char *path;
    GPtrArray *lines;  /* Line* */
    GHashTable *stems; /* last part of the name -> GPtrArray of Line* */
    int joined, others;
};

static void line_free(gpointer data)
{
    Line *line = data;
    g_free(line->name);
    g_free(line->file);
    g_free(line);
}

/* "a/b/c": without "\", empty parts and ".", with "x/.." removed, and without .png, .jpg, .jpeg, .tif, .tiff. */
static char *plain_name(const char *file)
{
    static const char *const endings[] = {".png", ".jpg", ".jpeg", ".tif", ".tiff"};
    g_autofree char *slashes = g_strdelimit(g_strdup(file), "\\", '/');
    g_auto(GStrv) parts = g_strsplit(slashes, "/", -1);
    g_autoptr(GPtrArray) kept = g_ptr_array_new();
    for (char **part = parts; *part; part++) {
        if (g_str_equal(*part, "..") && kept->len > 0) {
            g_ptr_array_set_size(kept, (int)kept->len - 1);
        } else if (**part && !g_str_equal(*part, ".") && !g_str_equal(*part, "..")) {
            g_ptr_array_add(kept, *part);
        }
    }
    g_ptr_array_add(kept, NULL);
    char *name = g_strjoinv("/", (char **)kept->pdata);
    char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < G_N_ELEMENTS(endings); i++) {
        if (g_ascii_strcasecmp(dot, endings[i]) == 0) {
            *dot = 0;
            break;
        }
    }
    return name;
}

static const char *last_part(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

static gboolean near_blank_parse(const char *text, NearBlank *out)
{
    static const struct {
        const char *text;
        NearBlank blank;
    } words[] = {{"0", NEAR_BLANK_NO},     {"1", NEAR_BLANK_YES}, {"false", NEAR_BLANK_NO},
                 {"true", NEAR_BLANK_YES}, {"no", NEAR_BLANK_NO}, {"yes", NEAR_BLANK_YES},
                 {"f", NEAR_BLANK_NO},     {"t", NEAR_BLANK_YES}, {"0.0", NEAR_BLANK_NO},
                 {"1.0", NEAR_BLANK_YES},  {"n", NEAR_BLANK_NO},  {"y", NEAR_BLANK_YES}};
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        if (g_ascii_strcasecmp(text, words[i].text) == 0) {
            *out = words[i].blank;
            return TRUE;
        }
    }
    return FALSE;
}

static gboolean add_line(NearBlankLabels *blanks, const Csv *csv, int row, int file, int flag, GError **error)
{
    Line *line = g_new0(Line, 1);
    g_ptr_array_add(blanks->lines, line);
    line->file = g_strdup(csv_get(csv, row, file));
    line->name = plain_name(line->file);
    line->line = csv_line(csv, row);
    if (!near_blank_parse(csv_get(csv, row, flag), &line->blank)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s line %d: near_blank is \"%s\": expected 0 or 1 (or true, false, yes, no)",
                    blanks->path, line->line, csv_get(csv, row, flag));
        return FALSE;
    }
    const char *stem = last_part(line->name);
    GPtrArray *same = g_hash_table_lookup(blanks->stems, stem);
    if (!same) {
        same = g_ptr_array_new();
        g_hash_table_insert(blanks->stems, g_strdup(stem), same);
    }
    g_ptr_array_add(same, line);
    return TRUE;
}

NearBlankLabels *near_blank_read(const char *path, GError **error)
{
    g_autoptr(Csv) csv = csv_read(path, error);
    int file = csv ? csv_need(csv, "file", error) : -1;
    int flag = file >= 0 ? csv_need(csv, "near_blank", error) : -1;
    if (flag < 0) {
        return NULL;
    }
    g_autoptr(NearBlankLabels) blanks = g_new0(NearBlankLabels, 1);
    blanks->path = g_strdup(path);
    blanks->lines = g_ptr_array_new_with_free_func(line_free);
    blanks->stems = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    for (int row = 0; row < csv_rows(csv); row++) {
        if (!add_line(blanks, csv, row, file, flag, error)) {
            return NULL;
        }
    }
    return g_steal_pointer(&blanks);
}

void near_blank_free(NearBlankLabels *blanks)
{
    if (blanks) {
        g_free(blanks->path);
        g_ptr_array_unref(blanks->lines);
        g_hash_table_unref(blanks->stems);
        g_free(blanks);
    }
}

/* The length of the common end of two names in bytes; 0 unless one is the end of the other by whole parts. */
static size_t shared_end(const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b), shorter = MIN(na, nb);
    const char *longer = na > nb ? a : b;
    size_t rest = MAX(na, nb) - shorter;
    gboolean fits =
        g_str_equal(a + (na - shorter), b + (nb - shorter)) && (rest == 0 || longer[rest - 1] == '/');
    return fits ? shorter : 0;
}

gboolean near_blank_find(NearBlankLabels *blanks, const char *file, NearBlank *out, GError **error)
{
    g_autofree char *name = plain_name(file);
    const GPtrArray *same = g_hash_table_lookup(blanks->stems, last_part(name));
    const Line *best = NULL, *rival = NULL;
    size_t most = 0;
    for (guint i = 0; same && i < same->len; i++) {
        Line *line = same->pdata[i];
        size_t shared = 2 * shared_end(name, line->name);
        shared +=
            shared > 0 && g_str_equal(last_part(line->file), last_part(file)); /* the same ending wins */
        if (shared > most) {
            best = line;
            rival = NULL;
            most = shared;
        } else if (shared == most && shared > 0 && line->blank != best->blank) {
            rival = line;
        }
        line->used = line->used || shared > 0;
    }
    *out = best ? best->blank : NEAR_BLANK_UNKNOWN;
    blanks->joined += best != NULL;
    blanks->others += best == NULL;
    if (rival) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s: \"%s\" matches line %d (%s) and line %d (%s), which differ: give the names with "
                    "their folders",
                    blanks->path, file, best->line, best->file, rival->line, rival->file);
    }
    return !rival;
}

json_t *near_blank_json(const NearBlankLabels *blanks, GError **error)
{
    int unused = 0;
    for (guint i = 0; i < blanks->lines->len; i++) {
        unused += !((const Line *)blanks->lines->pdata[i])->used;
    }
    if (blanks->joined == 0) {
        const Line *first = blanks->lines->len > 0 ? blanks->lines->pdata[0] : NULL;
        g_set_error(
            error, WSI_ERROR, WSI_ERROR_INPUT,
            "%s: none of its %u names (the first is \"%s\") matches the column \"file\" of the %d rows",
            blanks->path, blanks->lines->len, first ? first->file : "", blanks->others);
        return NULL;
    }
    return json_pack("{s:i, s:i, s:i, s:i}", "lines", (int)blanks->lines->len, "unmatched_lines", unused,
                     "matched_rows", blanks->joined, "unmatched_rows", blanks->others);
}
