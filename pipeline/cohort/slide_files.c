/* Which files of a folder are slides.
 *
 * A folder is listed once, sorted by name.  Files named like annotations are not slides.  Every unused file is listed with a reason.  With
 * a manifest, other files next to the slides are not listed, because the user did not name that folder. */
#include "pipeline/cohort/slide_files.h"
#include "base/error.h"
#include "base/name_fold.h"
#include "pipeline/cohort/file_names.h"
#include "pipeline/cohort/folder_files.h"
#include "tiler/slide/dicom.h"
#include "tiler/slide/notslide.h"
#include <string.h>

static gboolean matches(const Config *config, const char *name)
{
    g_autofree char *pattern = name_fold(config->slides_pattern), *folded = name_fold(name);
    return g_pattern_match_simple(pattern, folded);
}

/* Folded stems of the files that are slides by their names. */
static GHashTable *stems_of_slides(const Config *config, const GPtrArray *names)
{
    GHashTable *stems = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < names->len; i++) {
        const char *name = names->pdata[i];
        if (matches(config, name) && file_names_claim_slide(name)) {
            g_autofree char *stem = g_strndup(name, file_names_stem_length(name));
            g_hash_table_add(stems, name_fold(stem));
        }
    }
    return stems;
}

/* Whether the file is named like a mask of another slide in the folder: S_mask.tif or S.png next to S.tif. */
static gboolean is_mask_of(GHashTable *stems, const char *name)
{
    g_autofree char *stem = g_strndup(name, file_names_stem_length(name));
    for (size_t at = strlen(stem); at > 0; at--) {
        gboolean mask = stem[at] ? file_names_separator(stem[at]) && file_names_say_mask(stem + at)
                                 : file_names_companion(name);
        g_autofree char *front = g_strndup(stem, at), *key = name_fold(front);
        if (mask && g_hash_table_contains(stems, key)) {
            return TRUE;
        }
    }
    return FALSE;
}

/* A walk over slides.folder. */
typedef struct {
    const Config *config;
    Cohort *cohort;
    GHashTable *named; /* paths of the files that the manifest names; NULL: no manifest */
    const GPtrArray *names;
    GHashTable *stems;
    GPtrArray *series; /* DICOM slides whose files are in the folder itself */
} Walk;

/* Whether the manifest names the DICOM slide by any of its files. */
static gboolean names_series(const Walk *walk, const char *folder, const DicomSeries *series)
{
    for (guint i = 0; walk->named && i < series->names->len; i++) {
        g_autofree char *path = g_build_filename(folder, series->names->pdata[i], NULL);
        if (folder_holds(walk->named, path)) {
            return TRUE;
        }
    }
    return FALSE;
}

static gboolean names_all(const Walk *walk, const char *folder, const GPtrArray *list)
{
    guint named = 0;
    for (guint i = 0; i < list->len; i++) {
        named += names_series(walk, folder, list->pdata[i]) ? 1 : 0;
    }
    return named == list->len;
}

/* A folder is a slide when its files are those of one DICOM slide; then *why is NULL.  *named: whether the manifest names all slides in it. */
static gboolean check_folder(const Walk *walk, const char *path, const char *name, char **why,
                             gboolean *named, GError **error)
{
    g_autoptr(GError) unlisted = NULL;
    g_autoptr(GPtrArray) list = dicom_list(path, &unlisted);
    if (!list && !g_error_matches(unlisted, WSI_ERROR, WSI_ERROR_ABSENT)) {
        g_propagate_error(error, g_steal_pointer(&unlisted));
        return FALSE;
    }
    if (list && list->len == 0) {
        return TRUE;
    }
    g_clear_pointer(why, g_free);
    /* The folder, or a file in it, cannot be read; the message names it. */
    if (!list) {
        *why = g_strdup(unlisted->message);
        return TRUE;
    }
    *named = names_all(walk, path, list);
    const DicomSeries *first = list->pdata[0];
    if (list->len > 1) {
        *why = g_strdup_printf("a folder of %u DICOM slides: set slides.folder to it, or name a file of each "
                               "slide in slides.manifest",
                               list->len);
    } else if (!matches(walk->config, name) && !matches(walk->config, first->lead)) {
        *why = g_strdup_printf("does not match slides.pattern \"%s\"", walk->config->slides_pattern);
    }
    return TRUE;
}

/* *why: why a file of the folder is not a slide (owned), or NULL.  A file with a suffix of slides, one whose suffix the pattern names, and the first
 * file of a DICOM slide count as slides. */
static gboolean check_file(const Walk *walk, const DicomSeries *series, const char *path, char **why,
                           GError **error)
{
    const Config *config = walk->config;
    g_autofree char *name = g_path_get_basename(path);
    const char *suffix = name + file_names_stem_length(name);
    g_autofree char *pattern = name_fold(config->slides_pattern), *folded = name_fold(suffix);
    if (!matches(config, name)) {
        *why = g_strdup_printf("does not match slides.pattern \"%s\"", config->slides_pattern);
    } else if (is_mask_of(walk->stems, name)) {
        *why = g_strdup("the mask or annotation of a slide, by its name");
    } else if (!series && !file_names_claim_slide(name) && !(*suffix && g_str_has_suffix(pattern, folded))) {
        return notslide_unclaimed(path, why, error);
    }
    return TRUE;
}

static gboolean walk_name(const Walk *walk, const char *name, GError **error)
{
    int rank;
    const Config *config = walk->config;
    g_autofree char *path = g_build_filename(config->slides_folder, name, NULL), *why = NULL;
    const DicomSeries *series = dicom_find(walk->series, name);
    FileKind kind;
    if (!folder_look(path, name, &kind, &why, error)) {
        return FALSE;
    }
    const gboolean folder = kind == FILE_FOLDER;
    if (folder && (folder_is_data(walk->names, name) || folder_same(path, config->slides_annotations))) {
        return TRUE;
    }
    if ((folder_annotation_stem(name, FALSE, &rank) > 0 && !folder) ||
        (walk->named && folder_holds(walk->named, path))) {
        return TRUE; /* handled by annotation_files_assign, or in the manifest */
    }
    if (series && (strcmp(series->lead, name) != 0 || names_series(walk, config->slides_folder, series))) {
        return TRUE; /* part of a slide that its first file stands for, or that the manifest names */
    }
    gboolean named = FALSE;
    if (folder && *name != '.' && !check_folder(walk, path, name, &why, &named, error)) {
        return FALSE;
    }
    if (named) {
        return TRUE;
    }
    if (!why && !folder && !check_file(walk, series, path, &why, error)) {
        return FALSE;
    }
    if (why || walk->named) {
        unused_add(walk->cohort->unused, path,
                   why ? g_steal_pointer(&why) : g_strdup("not in slides.manifest"));
    } else {
        g_ptr_array_add(walk->cohort->slides, slide_entry_new(config, path));
    }
    return TRUE;
}

/* Adds the slides of slides.folder, and lists other files as unused.  With `named` (paths of the files in the manifest) no slide is added. */
static gboolean walk_folder(const Config *config, Cohort *cohort, GHashTable *named, GError **error)
{
    g_autoptr(GPtrArray) names = folder_list("slides.folder", config->slides_folder, error);
    g_autoptr(GHashTable) stems = names ? stems_of_slides(config, names) : NULL;
    g_autoptr(GPtrArray) series = names ? dicom_list(config->slides_folder, error) : NULL;
    const Walk walk = {config, cohort, named, names, stems, series};
    gboolean ok = series != NULL;
    for (guint i = 0; ok && i < names->len; i++) {
        ok = walk_name(&walk, names->pdata[i], error);
    }
    return ok;
}

gboolean slide_files_add(const Config *config, Cohort *cohort, GError **error)
{
    return walk_folder(config, cohort, NULL, error);
}

gboolean slide_files_list_unnamed(const Config *config, Cohort *cohort, GError **error)
{
    g_autoptr(GHashTable) named = folder_paths(cohort, TRUE, TRUE);
    return !*config->slides_folder || walk_folder(config, cohort, named, error);
}
