/* The slides of a run.
 *
 * A manifest wins over the folder; without manifest every file of the folder that matches the pattern is a slide
 * (also one that turns out not to be one: it is then a slide that failed, and is told so), but for annotations in the same folder.  Splits are splits.c's. */
#include "pipeline/cohort.h"
#include "base/csv.h"
#include "base/error.h"
#include "pipeline/splits.h"
#include <math.h>
#include <string.h>

const char *slide_label_name(SlideLabel label)
{
    static const char *const names[] = {"normal", "annotated", "unknown"};
    return names[label];
}

static void entry_free(SlideEntry *entry)
{
    g_free(entry->id);
    g_free(entry->path);
    g_free(entry->patient);
    g_free(entry->centre);
    g_free(entry->annotation);
    g_free(entry->split);
    g_free(entry);
}

/* The file's stem, with what is not safe in a file name replaced. */
char *cohort_slide_id(const char *path)
{
    char *id = g_path_get_basename(path);
    char *dot = strrchr(id, '.');
    if (dot && dot != id) {
        *dot = 0;
    }
    return g_strcanon(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", '_');
}

static SlideEntry *entry_new(const Config *config, const char *path)
{
    SlideEntry *entry = g_new0(SlideEntry, 1);
    entry->id = cohort_slide_id(path);
    entry->path = g_strdup(path);
    entry->patient = g_strdup(entry->id);
    entry->centre = g_strdup("");
    entry->split = g_strdup("");
    entry->mpp_x = entry->mpp_y = config->slides_mpp;
    return entry;
}

static const char *const annotation_suffixes[] = {".xml", ".geojson", ".geojson.gz", ".json", ".ndpa"};

static char *annotation_of(const char *folder, const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(annotation_suffixes); i++) {
        g_autofree char *path = g_strdup_printf("%s/%s%s", folder, name, annotation_suffixes[i]);
        if (g_file_test(path, G_FILE_TEST_EXISTS)) {
            return g_steal_pointer(&path);
        }
    }
    return NULL;
}

/* The annotation in the folder of annotations, or NULL: SLIDE.xml of SLIDE.tif, else as NDP.view names its own, SLIDE.ndpi.ndpa. */
static char *find_annotation(const Config *config, const char *slide)
{
    if (!*config->slides_annotations) {
        return NULL;
    }
    g_autofree char *name = g_path_get_basename(slide), *stem = g_strdup(name);
    char *dot = strrchr(stem, '.');
    if (dot && dot != stem) {
        *dot = 0;
    }
    char *found = annotation_of(config->slides_annotations, stem);
    return found ? found : annotation_of(config->slides_annotations, name);
}

/* Annotations often lie beside their slides.  They are no slides where they are looked for; elsewhere they had better fail as slides
 * than let lesions pass for normal tissue. */
static gboolean is_annotation(const Config *config, const char *name)
{
    g_autofree char *slides = g_canonicalize_filename(config->slides_folder, NULL);
    g_autofree char *annotations = g_canonicalize_filename(config->slides_annotations, NULL);
    gboolean beside = *config->slides_annotations && g_str_equal(slides, annotations);
    for (size_t i = 0; beside && i < G_N_ELEMENTS(annotation_suffixes); i++) {
        if (g_str_has_suffix(name, annotation_suffixes[i])) {
            return TRUE;
        }
    }
    return FALSE;
}

/* ---- labels ---- */

/* Of slides that have no annotation and no label of their own. */
static SlideLabel default_label(const Config *config, gboolean source_given)
{
    if (g_str_equal(config->slides_unannotated, "auto")) {
        return source_given ? SLIDE_UNKNOWN : SLIDE_NORMAL;
    }
    return g_str_equal(config->slides_unannotated, "normal") ? SLIDE_NORMAL : SLIDE_UNKNOWN;
}

/* The cell of the column `label`, or "". */
static gboolean read_label(const Csv *csv, int row, SlideEntry *entry, SlideLabel otherwise, GError **error)
{
    int column = csv_column(csv, "label");
    const char *text = column < 0 ? "" : csv_get(csv, row, column);
    if (!*text) {
        entry->label = entry->annotation ? SLIDE_ANNOTATED : otherwise;
    } else if (g_str_equal(text, "unknown")) {
        entry->label = SLIDE_UNKNOWN;
        g_clear_pointer(&entry->annotation, g_free);
    } else if (!g_str_equal(text, "normal")) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "manifest line %d: label \"%s\": allowed are normal, unknown or nothing",
                    csv_line(csv, row), text);
        return FALSE;
    } else if (entry->annotation) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "manifest line %d: slide %s is labelled normal, but has the annotation %s",
                    csv_line(csv, row), entry->id, entry->annotation);
        return FALSE;
    } else {
        entry->label = SLIDE_NORMAL;
    }
    return TRUE;
}

/* ---- the folder ---- */

static gboolean list_folder(const Config *config, GPtrArray *out, GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(GDir) folder = g_dir_open(config->slides_folder, 0, &why);
    if (!folder) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "slides.folder: %s", why->message);
        return FALSE;
    }
    SlideLabel otherwise = default_label(config, *config->slides_annotations);
    const char *name;
    while ((name = g_dir_read_name(folder))) {
        g_autofree char *path = g_build_filename(config->slides_folder, name, NULL);
        gboolean fits = g_pattern_match_simple(config->slides_pattern, name) && name[0] != '.' &&
                        !is_annotation(config, name);
        if (!fits || !g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
            continue;
        }
        SlideEntry *entry = entry_new(config, path);
        entry->annotation = find_annotation(config, path);
        entry->label = entry->annotation ? SLIDE_ANNOTATED : otherwise;
        g_ptr_array_add(out, entry);
    }
    return TRUE;
}

/* ---- the manifest ---- */

static char *anchored(const char *manifest, const char *folder, const char *name)
{
    if (g_path_is_absolute(name)) {
        return g_strdup(name);
    }
    g_autofree char *own = g_path_get_dirname(manifest);
    return g_build_filename(*folder ? folder : own, name, NULL);
}

static gboolean read_mpp(const Csv *csv, int row, SlideEntry *entry, GError **error)
{
    static const struct {
        const char *column;
        gboolean x, y;
    } columns[] = {{"mpp", TRUE, TRUE}, {"mpp_x", TRUE, FALSE}, {"mpp_y", FALSE, TRUE}};
    for (size_t i = 0; i < G_N_ELEMENTS(columns); i++) {
        int column = csv_column(csv, columns[i].column);
        double value = NAN;
        if (column >= 0 && !csv_number(csv, row, column, &value, error)) {
            return FALSE;
        }
        if (isnan(value)) {
            continue;
        }
        if (value <= 0 || value > 1000) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                        "manifest line %d: %s is %g um/px: allowed are 0 to 1000", csv_line(csv, row),
                        columns[i].column, value);
            return FALSE;
        }
        entry->mpp_x = columns[i].x ? value : entry->mpp_x;
        entry->mpp_y = columns[i].y ? value : entry->mpp_y;
    }
    return TRUE;
}

static void take_text(const Csv *csv, int row, const char *name, char **out)
{
    int column = csv_column(csv, name);
    if (column >= 0 && *csv_get(csv, row, column)) {
        g_free(*out);
        *out = g_strdup(csv_get(csv, row, column));
    }
}

static SlideEntry *read_row(const Config *config, const Csv *csv, int row, int slide, SlideLabel otherwise,
                            GError **error)
{
    g_autofree char *path =
        anchored(config->slides_manifest, config->slides_folder, csv_get(csv, row, slide));
    SlideEntry *entry = entry_new(config, path);
    g_autofree char *annotation = NULL;
    take_text(csv, row, "patient", &entry->patient);
    take_text(csv, row, "centre", &entry->centre);
    take_text(csv, row, "split", &entry->split);
    take_text(csv, row, "annotation", &annotation);
    entry->annotation = annotation ? anchored(config->slides_manifest, config->slides_annotations, annotation)
                                   : find_annotation(config, path);
    static const char *const splits[] = {"", "train", "valid", "test", NULL};
    gboolean ok = g_strv_contains(splits, entry->split);
    if (!ok) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s line %d: split \"%s\": allowed are train, valid, test", config->slides_manifest,
                    csv_line(csv, row), entry->split);
    }
    if (!ok || !read_mpp(csv, row, entry, error) || !read_label(csv, row, entry, otherwise, error)) {
        entry_free(entry);
        return NULL;
    }
    return entry;
}

static gboolean read_manifest(const Config *config, GPtrArray *out, GError **error)
{
    g_autoptr(Csv) csv = csv_read(config->slides_manifest, error);
    int slide = csv ? csv_need(csv, "slide", error) : -1;
    if (slide < 0) {
        return FALSE;
    }
    gboolean given =
        *config->slides_annotations || csv_column(csv, "annotation") >= 0 || csv_column(csv, "label") >= 0;
    for (int row = 0; row < csv_rows(csv); row++) {
        SlideEntry *entry = read_row(config, csv, row, slide, default_label(config, given), error);
        if (!entry) {
            return FALSE;
        }
        g_ptr_array_add(out, entry);
    }
    return TRUE;
}

/* ---- all together ---- */

static gint by_id(gconstpointer a, gconstpointer b)
{
    const SlideEntry *p = *(SlideEntry *const *)a, *q = *(SlideEntry *const *)b;
    return strcmp(p->id, q->id);
}

static gboolean check_ids(const GPtrArray *slides, GError **error)
{
    for (guint i = 1; i < slides->len; i++) {
        const SlideEntry *a = slides->pdata[i - 1], *b = slides->pdata[i];
        if (g_str_equal(a->id, b->id)) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                        "two slides would have the name %s: %s and %s; list the slides in slides.manifest or "
                        "set slides.pattern",
                        a->id, a->path, b->path);
            return FALSE;
        }
    }
    return TRUE;
}

GPtrArray *cohort_read(const Config *config, GError **error)
{
    g_autoptr(GPtrArray) slides = g_ptr_array_new_with_free_func((GDestroyNotify)entry_free);
    gboolean ok =
        *config->slides_manifest ? read_manifest(config, slides, error) : list_folder(config, slides, error);
    if (!ok) {
        return NULL;
    }
    if (slides->len == 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "no slide found: %s has no file that matches \"%s\"",
                    *config->slides_manifest ? config->slides_manifest : config->slides_folder,
                    config->slides_pattern);
        return NULL;
    }
    g_ptr_array_sort(slides, by_id);
    if (!check_ids(slides, error) || !splits_assign(config, slides, error)) {
        return NULL;
    }
    return g_steal_pointer(&slides);
}
