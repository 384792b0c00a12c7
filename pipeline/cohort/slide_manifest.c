/* The manifest of slides: a CSV with a header whose columns are all known.
 *
 * An unknown column is an error and not ignored: `annotations` for `annotation` would turn every lesion into normal tissue, and `patient_id`
 * for `patient` would put one patient in two splits.  So would "P1" and "P1 ": blanks around cells are removed, and names that differ only
 * in case, blanks or Unicode form are an error. */
#include "base/csv.h"
#include "base/error.h"
#include "base/nearest.h"
#include "pipeline/cohort/slide_manifest.h"
#include "pipeline/cohort/slide_id.h"
#include <math.h>
#include <string.h>

static const char *const columns[] = {"slide", "id",  "patient", "centre", "split", "annotation",
                                      "label", "mpp", "mpp_x",   "mpp_y",  NULL};

/* A comma at the end of every line makes a column without a name, which is allowed when it is empty. */
static gboolean check_nameless(const char *manifest, const Csv *csv, int column, GError **error)
{
    for (int row = 0; row < csv_rows(csv); row++) {
        const char *text = csv_get(csv, row, column);
        if (*text) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                        "%s line %d: \"%s\" is in column %d, which has no name in the header", manifest,
                        csv_line(csv, row), text, column + 1);
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean check_columns(const char *manifest, const Csv *csv, GError **error)
{
    if (!csv_check_commas(csv, error)) {
        return FALSE;
    }
    for (int c = 0; c < csv_columns(csv); c++) {
        const char *name = csv_get(csv, -1, c);
        if (!*name && csv_columns(csv) > 1) {
            if (!check_nameless(manifest, csv, c, error)) {
                return FALSE;
            }
        } else if (!g_strv_contains(columns, name)) {
            g_autofree char *hint = nearest_hint(name, columns), *all = g_strjoinv(", ", (char **)columns);
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                        "%s line %d: unknown column \"%s\"%s (columns of a manifest: %s)", manifest,
                        csv_line(csv, -1), name, hint, all);
            return FALSE;
        }
    }
    return TRUE;
}

static char *anchored(const char *manifest, const char *folder, const char *name)
{
    if (g_path_is_absolute(name)) {
        return g_strdup(name);
    }
    g_autofree char *own = g_path_get_dirname(manifest);
    return g_build_filename(*folder ? folder : own, name, NULL);
}

static gboolean read_mpp(const char *manifest, const Csv *csv, int row, SlideEntry *entry, GError **error)
{
    static const struct {
        const char *column;
        gboolean x, y;
    } axes[] = {{"mpp", TRUE, TRUE}, {"mpp_x", TRUE, FALSE}, {"mpp_y", FALSE, TRUE}};
    for (size_t i = 0; i < G_N_ELEMENTS(axes); i++) {
        int column = csv_column(csv, axes[i].column);
        double value = NAN;
        if (column >= 0 && !csv_number(csv, row, column, &value, error)) {
            return FALSE;
        }
        if (isnan(value)) {
            continue;
        }
        if (value <= 0 || value > 1000) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                        "%s line %d: %s is %g um/px: allowed are 0 to 1000", manifest, csv_line(csv, row),
                        axes[i].column, value);
            return FALSE;
        }
        entry->mpp_x = axes[i].x ? value : entry->mpp_x;
        entry->mpp_y = axes[i].y ? value : entry->mpp_y;
    }
    return TRUE;
}

/* The cell, or NULL when it is empty or there is no such column. */
static const char *cell(const Csv *csv, int row, const char *name)
{
    int column = csv_column(csv, name);
    return column >= 0 && *csv_get(csv, row, column) ? csv_get(csv, row, column) : NULL;
}

static void take_text(const Csv *csv, int row, const char *name, char **out)
{
    const char *text = cell(csv, row, name);
    if (text) {
        g_free(*out);
        *out = g_strdup(text);
    }
}

/* The cell is one of the words, or empty. */
static gboolean check_word(const char *manifest, const Csv *csv, int row, const char *column,
                           const char *const *words, GError **error)
{
    const char *text = cell(csv, row, column);
    if (!text || g_strv_contains(words, text)) {
        return TRUE;
    }
    g_autofree char *all = g_strjoinv(", ", (char **)words), *hint = nearest_hint(text, words);
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s line %d: %s \"%s\": allowed are %s or nothing%s",
                manifest, csv_line(csv, row), column, text, all, hint);
    return FALSE;
}

/* An id in the manifest must be valid as it is; changing it silently would confuse. */
static gboolean read_id(const char *manifest, const Csv *csv, int row, SlideEntry *entry, GError **error)
{
    const char *id = cell(csv, row, "id");
    if (!id) {
        return TRUE;
    }
    g_autofree char *stem = g_strconcat(id, ".x", NULL), *right = slide_id_of(stem);
    if (!g_str_equal(right, id)) {
        g_set_error(
            error, WSI_ERROR, WSI_ERROR_INPUT,
            "%s line %d: id \"%s\": allowed are A-Z a-z 0-9 . _ - without a leading dot, for example \"%s\"",
            manifest, csv_line(csv, row), id, right);
        return FALSE;
    }
    take_text(csv, row, "id", &entry->id);
    g_free(entry->patient);
    entry->patient = g_strdup(id);
    return TRUE;
}

static gboolean fill_row(const Config *config, const Csv *csv, int row, SlideEntry *entry, GError **error)
{
    static const char *const splits[] = {"train", "valid", "test", NULL};
    static const char *const labels[] = {"normal", "unknown", NULL};
    const char *manifest = config->slides_manifest;
    if (!check_word(manifest, csv, row, "split", splits, error) ||
        !check_word(manifest, csv, row, "label", labels, error) ||
        !read_id(manifest, csv, row, entry, error) || !read_mpp(manifest, csv, row, entry, error)) {
        return FALSE;
    }
    const char *label = cell(csv, row, "label"), *annotation = cell(csv, row, "annotation");
    take_text(csv, row, "patient", &entry->patient);
    take_text(csv, row, "centre", &entry->centre);
    take_text(csv, row, "split", &entry->split);
    entry->line = csv_line(csv, row);
    entry->label_given = label != NULL;
    entry->label = label && g_str_equal(label, "normal") ? SLIDE_NORMAL : SLIDE_UNKNOWN;
    entry->annotation = annotation ? anchored(manifest, config->slides_annotations, annotation) : NULL;
    return TRUE;
}

/* The text without case, blanks and differences in Unicode form. */
static char *loose(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    g_autofree char *plain = g_utf8_normalize(valid, -1, G_NORMALIZE_ALL_COMPOSE);
    g_autofree char *folded = g_utf8_casefold(plain, -1);
    GString *out = g_string_new(NULL);
    for (const char *at = folded; *at; at = g_utf8_next_char(at)) {
        if (!g_unichar_isspace(g_utf8_get_char(at))) {
            g_string_append_unichar(out, g_utf8_get_char(at));
        }
    }
    return g_string_free(out, FALSE);
}

/* One name has one spelling: two spellings of a patient could be in two splits. */
static gboolean check_spelling(const Config *config, const Csv *csv, const char *column, GError **error)
{
    const char *manifest = config->slides_manifest;
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (int row = 0; row < csv_rows(csv); row++) {
        const char *text = cell(csv, row, column);
        g_autofree char *key = text ? loose(text) : NULL;
        int first = key ? GPOINTER_TO_INT(g_hash_table_lookup(seen, key)) - 1 : -1;
        const char *other = first >= 0 ? cell(csv, first, column) : text;
        if (text && !g_str_equal(other, text)) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                        "%s line %d: %s \"%s\" differs from \"%s\" in line %d only in case, blanks or "
                        "Unicode form: one %s needs one spelling",
                        manifest, csv_line(csv, row), column, text, other, csv_line(csv, first), column);
            return FALSE;
        }
        if (key && first < 0) {
            g_hash_table_insert(seen, g_steal_pointer(&key), GINT_TO_POINTER(row + 1));
        }
    }
    return TRUE;
}

static Csv *open_manifest(const Config *config, GError **error)
{
    const char *manifest = config->slides_manifest;
    g_autoptr(Csv) csv = csv_read(manifest, error);
    if (!csv) {
        return NULL;
    }
    csv_trim(csv);
    if (!check_columns(manifest, csv, error) || csv_need(csv, "slide", error) < 0 ||
        !check_spelling(config, csv, "patient", error) || !check_spelling(config, csv, "centre", error)) {
        return NULL;
    }
    if (csv_rows(csv) == 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s has a header and no rows: it names no slide",
                    manifest);
        return NULL;
    }
    return g_steal_pointer(&csv);
}

gboolean slide_manifest_read(const Config *config, Cohort *cohort, gboolean *labelled, GError **error)
{
    g_autoptr(Csv) csv = open_manifest(config, error);
    if (!csv) {
        return FALSE;
    }
    int slide = csv_column(csv, "slide");
    *labelled = csv_column(csv, "annotation") >= 0 || csv_column(csv, "label") >= 0;
    for (int row = 0; row < csv_rows(csv); row++) {
        const char *name = csv_get(csv, row, slide);
        if (!*name) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s line %d names no slide",
                        config->slides_manifest, csv_line(csv, row));
            return FALSE;
        }
        g_autofree char *path = anchored(config->slides_manifest, config->slides_folder, name);
        SlideEntry *entry = slide_entry_new(config, path);
        g_ptr_array_add(cohort->slides, entry);
        if (!fill_row(config, csv, row, entry, error)) {
            return FALSE;
        }
    }
    return TRUE;
}
