/* Which file is the annotation of which slide, and which file may be one although no key names it. */
#include "pipeline/cohort/annotation_files.h"
#include "base/error.h"
#include "base/name_fold.h"
#include "base/nearest.h"
#include "pipeline/cohort/file_names.h"
#include "pipeline/cohort/folder_files.h"
#include "pipeline/cohort/slide_id.h"
#include <string.h>

typedef struct {
    const Config *config;
    Cohort *cohort;
    GHashTable *index;  /* folded name or stem of a slide -> GPtrArray of SlideEntry* */
    GHashTable *named;  /* canonical paths of the manifest's annotations */
    GHashTable *slides; /* canonical paths of slides */
    GHashTable *ranks;  /* SlideEntry* -> rank of the file that it has from the folder, + 1 */
    GHashTable *unread; /* of annotation_files_assign */
    GArray *spares;     /* Spare */
    GPtrArray *folders; /* of slides */
} Search;

static void index_slide(GHashTable *index, const char *name, SlideEntry *entry)
{
    g_autofree char *key = name_fold(name);
    GPtrArray *entries = g_hash_table_lookup(index, key);
    if (!entries) {
        entries = g_ptr_array_new();
        g_hash_table_insert(index, g_steal_pointer(&key), entries);
    }
    if (entries->len == 0 || entries->pdata[entries->len - 1] != entry) {
        g_ptr_array_add(entries, entry);
    }
}

static GHashTable *index_slides(const Cohort *cohort)
{
    GHashTable *index =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    for (guint i = 0; i < cohort->slides->len; i++) {
        SlideEntry *entry = cohort->slides->pdata[i];
        g_autofree char *name = g_path_get_basename(entry->path), *stem = slide_id_stem(entry->path);
        index_slide(index, stem, entry);
        index_slide(index, name, entry);
        index_slide(index, entry->id, entry);
    }
    return index;
}

/* Lower is better: the exact name before another case, STEM.xml before NAME.tif.xml, then the order of suffixes. */
static int rank_of(const SlideEntry *entry, const char *base, int suffix)
{
    g_autofree char *name = g_path_get_basename(entry->path), *stem = slide_id_stem(entry->path);
    gboolean exact = g_str_equal(base, stem) || g_str_equal(base, name) || g_str_equal(base, entry->id);
    g_autofree char *folded = name_fold(base), *folded_stem = name_fold(stem);
    return (exact ? 0 : 200) + (g_str_equal(folded, folded_stem) ? 0 : 100) + suffix;
}

/* The slides that match best; with `folder`, only slides in it. */
static GPtrArray *fitting(const Search *search, const char *folder, const char *base)
{
    g_autofree char *key = name_fold(base);
    const GPtrArray *all = g_hash_table_lookup(search->index, key);
    GPtrArray *best = g_ptr_array_new();
    int least = 2;
    for (guint i = 0; all && i < all->len; i++) {
        const SlideEntry *entry = all->pdata[i];
        g_autofree char *own = g_path_get_dirname(entry->path);
        int inexact = rank_of(entry, base, 0) >= 200;
        if (inexact > least || (folder && !folder_same(own, folder))) {
            continue;
        }
        g_ptr_array_set_size(best, inexact < least ? 0 : (gint)best->len);
        least = inexact;
        g_ptr_array_add(best, (gpointer)entry);
    }
    return best;
}

/* A file that matches a slide which has a better match. */
typedef struct {
    char *path;
    const SlideEntry *entry;
} Spare;

static void add_spare(Search *search, char *path, const SlideEntry *entry)
{
    Spare spare = {path, entry};
    g_array_append_val(search->spares, spare);
}

/* Gives the file to the slide, unless the slide has a better match or an annotation from the manifest. */
static void give(Search *search, SlideEntry *entry, const char *path, int rank)
{
    int former = GPOINTER_TO_INT(g_hash_table_lookup(search->ranks, entry)) - 1;
    if (entry->annotation && (former < 0 || former <= rank)) {
        add_spare(search, g_strdup(path), entry);
        return;
    }
    if (entry->annotation) {
        add_spare(search, g_steal_pointer(&entry->annotation), entry);
    }
    entry->annotation = g_strdup(path);
    g_hash_table_insert(search->ranks, entry, GINT_TO_POINTER(rank + 1));
}

static void list_spares(Search *search)
{
    for (guint i = 0; i < search->spares->len; i++) {
        Spare *spare = &g_array_index(search->spares, Spare, i);
        unused_add(
            search->cohort->unused, spare->path,
            g_strdup_printf("slide %s has the annotation %s", spare->entry->id, spare->entry->annotation));
        g_free(spare->path);
    }
}

static char *fits_none(const Search *search, const char *base)
{
    enum { MOST = 2000 }; /* names to compare; more would take too long for a hint */
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < MIN(search->cohort->slides->len, MOST); i++) {
        g_ptr_array_add(names, slide_id_stem(((const SlideEntry *)search->cohort->slides->pdata[i])->path));
    }
    g_ptr_array_add(names, NULL);
    const char *near = nearest_name(base, (const char *const *)names->pdata);
    return near ? g_strdup_printf("matches no slide by its name; the nearest is %s", near)
                : g_strdup("matches no slide by its name");
}

/* One file of slides.annotations. */
static gboolean try_file(Search *search, const char *folder, const char *name, GError **error)
{
    int suffix = 0;
    FileKind kind;
    g_autofree char *path = g_build_filename(folder, name, NULL), *why = NULL;
    if (!folder_look(path, name, &kind, &why, error)) {
        return FALSE;
    }
    gboolean among_slides = folder_same(folder, search->config->slides_folder);
    size_t length = folder_annotation_stem(name, !among_slides, &suffix);
    if (folder_holds(search->named, path) || folder_holds(search->slides, path)) {
        return TRUE;
    }
    if ((length == 0 && among_slides) || g_str_equal(name, REVIEW_TABLE)) {
        return TRUE; /* a slide, or listed by slide_files_add; or the table of a review */
    }
    if (!why && length == 0) {
        g_autofree char *all = folder_annotation_suffixes();
        why = g_strdup_printf("not an annotation by its name (%s)", all);
    }
    if (!why) {
        g_autofree char *base = g_strndup(name, length);
        g_autoptr(GPtrArray) fit = fitting(search, NULL, base);
        if (fit->len == 1) {
            give(search, fit->pdata[0], path, rank_of(fit->pdata[0], base, suffix));
        } else if (fit->len > 1) {
            const SlideEntry *one = fit->pdata[0], *other = fit->pdata[1];
            why = g_strdup_printf(
                "matches %u slides, such as %s and %s: name it in the column annotation of slides.manifest",
                fit->len, one->id, other->id);
        } else {
            why = fits_none(search, base);
        }
    }
    if (why) {
        unused_add(search->cohort->unused, path, g_steal_pointer(&why));
    }
    return TRUE;
}

/* Where a file is: in the folder of the slides, in a subfolder, or in a subfolder whose name says that it holds masks. */
typedef enum { FOLDER_OF_SLIDES, FOLDER_BELOW, FOLDER_OF_MASKS } FolderKind;

/* The slides in the folder `slides_in` whose annotation or mask the file may be, by its name. */
static GPtrArray *may_be_of(const Search *search, const char *slides_in, const char *name, FolderKind kind)
{
    int suffix;
    size_t length = folder_annotation_stem(name, FALSE, &suffix);
    gboolean any = length > 0 || kind == FOLDER_OF_MASKS;
    gboolean same = any || (kind == FOLDER_OF_SLIDES && file_names_companion(name));
    g_autofree char *base = g_strndup(name, length > 0 ? length : file_names_stem_length(name));
    GPtrArray *fit = g_ptr_array_new();
    for (size_t at = strlen(base); at > 0 && fit->len == 0; at--) {
        const char *tail = base + at;
        gboolean wanted = *tail ? file_names_separator(*tail) && (any || file_names_say_mask(tail)) : same;
        g_autofree char *front = wanted ? g_strndup(base, at) : NULL;
        if (wanted) {
            g_ptr_array_unref(fit);
            fit = fitting(search, slides_in, front);
        }
    }
    return fit;
}

/* Replaces the reason that the listing of the folder gave. */
static void set_reason(Search *search, const char *path, const char *reason)
{
    GPtrArray *unused = search->cohort->unused;
    g_autofree char *own = folder_path(path), *name = g_path_get_basename(path);
    for (guint i = 0; i < unused->len; i++) {
        Unused *one = unused->pdata[i];
        g_autofree char *their = g_str_has_suffix(one->name, name) ? folder_path(one->name) : NULL;
        if (their && g_str_equal(their, own)) {
            g_free(one->reason);
            one->reason = g_strdup(reason);
            return;
        }
    }
    unused_add(search->cohort->unused, path, g_strdup(reason));
}

/* Notes a file next to the slides of `slides_in`, or in a subfolder.  FALSE when it may belong to none of them. */
static gboolean note_file(Search *search, const char *slides_in, const char *path, FolderKind kind,
                          const char *reason)
{
    g_autofree char *name = g_path_get_basename(path);
    if (*name == '.' || folder_holds(search->named, path) || folder_holds(search->slides, path)) {
        return TRUE;
    }
    g_autoptr(GPtrArray) fit = may_be_of(search, slides_in, name, kind);
    for (guint i = 0; i < fit->len; i++) {
        SlideEntry *entry = fit->pdata[i];
        if (!entry->annotation) {
            g_hash_table_add(search->unread, entry);
        }
    }
    if (fit->len > 0) {
        set_reason(search, path, reason);
    }
    return fit->len > 0;
}

static gboolean list_folder(Search *search, const char *folder, GPtrArray **names, GError **error)
{
    g_autoptr(GError) why = NULL;
    *names = listing_read_if_there(folder, &why);
    if (g_error_matches(why, WSI_ERROR, WSI_ERROR_ABSENT)) {
        unused_add(search->cohort->unused, folder,
                   g_strdup_printf("not searched for annotations: %s", why->message));
    } else if (why) {
        g_propagate_error(error, g_steal_pointer(&why));
        return FALSE;
    }
    return TRUE;
}

static gboolean is_searched(const Search *search, const char *folder)
{
    gboolean found = folder_same(folder, search->config->slides_annotations);
    for (guint i = 0; i < search->folders->len && !found; i++) {
        found = folder_same(folder, search->folders->pdata[i]);
    }
    return found;
}

/* Notes the files of a folder next to slides, and of its subfolders when its name says that it holds masks. */
static gboolean note_folder(Search *search, const char *slides_in, const char *folder, FolderKind kind,
                            int depth, GError **error)
{
    enum { DEEPEST = 3 };
    static const char reason[] = "may be the annotation or mask of a slide in a parent folder, but "
                                 "slides.annotations is not this folder";
    g_autofree char *title = g_path_get_basename(folder);
    g_autoptr(GPtrArray) names = NULL;
    if (depth > DEEPEST || is_searched(search, folder)) {
        return TRUE;
    }
    if (!list_folder(search, folder, &names, error)) {
        return FALSE;
    }
    kind = file_names_say_masks(title) ? FOLDER_OF_MASKS : kind;
    for (guint i = 0; names && i < names->len; i++) {
        g_autofree char *path = g_build_filename(folder, names->pdata[i], NULL);
        if (!g_file_test(path, G_FILE_TEST_IS_DIR)) {
            note_file(search, slides_in, path, kind, reason);
        } else if (kind == FOLDER_OF_MASKS && !note_folder(search, slides_in, path, kind, depth + 1, error)) {
            return FALSE;
        }
    }
    return TRUE;
}

/* Notes everything in a folder of slides; in slides.annotations itself, what try_file skipped. */
static gboolean note_slide_folder(Search *search, const char *folder, const GPtrArray *names, GError **error)
{
    static const char *const reasons[] = {
        "may be the annotation or mask of the slide next to it, but slides.annotations is not this folder",
        "may be the mask of the slide next to it: if so, name it in the column annotation of "
        "slides.manifest"};
    gboolean own = folder_same(folder, search->config->slides_annotations);
    gboolean listed = folder_same(folder, search->config->slides_folder);
    for (guint i = 0; names && i < names->len; i++) {
        int suffix;
        const char *name = names->pdata[i];
        g_autofree char *path = g_build_filename(folder, name, NULL);
        size_t length = folder_annotation_stem(name, FALSE, &suffix);
        if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
            gboolean passed = *name == '.' || folder_is_data(names, name);
            if (!passed && !note_folder(search, folder, path, FOLDER_BELOW, 1, error)) {
                return FALSE;
            }
        } else if (!(own && length > 0) && !note_file(search, folder, path, FOLDER_OF_SLIDES, reasons[own]) &&
                   length > 0 && listed) {
            g_autofree char *base = g_strndup(name, length);
            unused_add(search->cohort->unused, path, fits_none(search, base));
        }
    }
    return TRUE;
}

/* The folders of the slides, each once. */
static GPtrArray *folders_of(const Cohort *cohort)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GPtrArray *folders = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < cohort->slides->len; i++) {
        char *folder = g_path_get_dirname(((const SlideEntry *)cohort->slides->pdata[i])->path);
        if (g_hash_table_add(seen, g_canonicalize_filename(folder, NULL))) {
            g_ptr_array_add(folders, folder);
        } else {
            g_free(folder);
        }
    }
    return folders;
}

/* Searches the folders of the slides.  A folder that may not be listed is noted as not searched. */
static gboolean search_slide_folders(Search *search, GError **error)
{
    for (guint f = 0; f < search->folders->len; f++) {
        g_autoptr(GPtrArray) names = NULL;
        if (!list_folder(search, search->folders->pdata[f], &names, error) ||
            !note_slide_folder(search, search->folders->pdata[f], names, error)) {
            return FALSE;
        }
    }
    return TRUE;
}

gboolean annotation_files_assign(const Config *config, Cohort *cohort, GHashTable *unread, GError **error)
{
    const char *own = config->slides_annotations;
    g_autoptr(GHashTable) index = index_slides(cohort), named = folder_paths(cohort, FALSE, TRUE);
    g_autoptr(GHashTable) slides = folder_paths(cohort, TRUE, FALSE), ranks = g_hash_table_new(NULL, NULL);
    g_autoptr(GArray) spares = g_array_new(FALSE, FALSE, sizeof(Spare));
    g_autoptr(GPtrArray) folders = folders_of(cohort);
    Search search = {config, cohort, index, named, slides, ranks, unread, spares, folders};
    g_autoptr(GPtrArray) names = *own ? folder_list("slides.annotations", own, error) : NULL;
    if (*own && !names) {
        return FALSE;
    }
    for (guint i = 0; names && i < names->len; i++) {
        if (!try_file(&search, own, names->pdata[i], error)) {
            return FALSE;
        }
    }
    list_spares(&search);
    return search_slide_folders(&search, error);
}
