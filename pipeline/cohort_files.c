/* Files of slides and of annotations in folders.
 *
 * A folder is listed once, in the order of names.  What has the name of an annotation is no slide.  Every file that is left over gets a
 * reason; only with a manifest are neighbours of the slides that look like nothing of the run's passed over, since nobody gave them. */
#include "pipeline/cohort_files.h"
#include "base/error.h"
#include "base/fold.h"
#include "base/listing.h"
#include "base/nearest.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* In the order in which they are taken when a slide has several.  The last ones are label masks, which have the names of slides: only
 * in a folder that holds none. */
static const char *const suffixes[] = {".xml",         ".geojson", ".geojson.gz", ".json", ".ndpa",
                                       ".annotations", ".png",     ".tif",        ".tiff", NULL};
enum { MASKS = 6 }; /* the first of those */

/* ---- folders ---- */

/* The folder that a key names; when it is not there, the error offers the nearest one beside it. */
static GPtrArray *list_key(const char *key, const char *folder, GError **error)
{
    g_autoptr(GError) why = NULL;
    GPtrArray *names = listing_read(folder, &why);
    if (names) {
        return names;
    }
    FileKind kind;
    if (!listing_kind(folder, &kind, NULL) || kind == FILE_FOLDER) { /* it is there, but cannot be read */
        g_propagate_prefixed_error(error, g_steal_pointer(&why), "%s: ", key);
        return NULL;
    }
    g_autofree char *parent = g_path_get_dirname(folder), *own = g_path_get_basename(folder);
    g_autoptr(GPtrArray) others = listing_read(parent, NULL), folders = g_ptr_array_new();
    for (guint i = 0; others && i < others->len; i++) {
        g_autofree char *path = g_build_filename(parent, others->pdata[i], NULL);
        if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
            g_ptr_array_add(folders, others->pdata[i]);
        }
    }
    g_ptr_array_add(folders, NULL);
    g_autofree char *hint = nearest_hint(own, (const char *const *)folders->pdata);
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: %s%s", key, why->message, hint);
    return NULL;
}

/* By what they are: a link to the slides' folder is that folder. */
static gboolean same_folder(const char *a, const char *b)
{
    struct stat p, q;
    if (!*a || !*b || stat(a, &p) != 0 || stat(b, &q) != 0) {
        g_autofree char *one = g_canonicalize_filename(a, NULL), *other = g_canonicalize_filename(b, NULL);
        return *a && *b && g_str_equal(one, other);
    }
    return p.st_dev == q.st_dev && p.st_ino == q.st_ino;
}

/* What something of a folder is, and why it is not a file that can be read (*why: owned), or NULL.  FALSE with error when the system
 * does not say: that is no reason to go on without the file. */
static gboolean look(const char *path, const char *name, FileKind *kind, char **why, GError **error)
{
    static const char *const reasons[] = {[FILE_ABSENT] = "gone since the folder was listed",
                                          [FILE_FOLDER] = "a folder, not searched",
                                          [FILE_OTHER] = "not a file"};
    *why = NULL;
    *kind = FILE_OTHER;
    if (*name == '.') {
        *why = g_strdup("hidden");
        return TRUE;
    }
    if (!listing_kind(path, kind, error)) {
        return FALSE;
    }
    g_autofree char *target = *kind == FILE_ABSENT ? g_file_read_link(path, NULL) : NULL;
    *why = target ? g_strdup_printf("dangling link to %s", target) : g_strdup(reasons[*kind]);
    return TRUE;
}

/* ---- slides ---- */

/* Length of the name without the suffix of an annotation, of a mask only when they are asked for, or 0; *rank: of the suffix. */
static size_t annotation_stem(const char *name, gboolean masks, int *rank)
{
    size_t length = strlen(name), best = 0;
    for (size_t i = 0; suffixes[i] && (masks || i < MASKS); i++) {
        size_t suffix = strlen(suffixes[i]);
        if (length > suffix && g_ascii_strcasecmp(name + length - suffix, suffixes[i]) == 0) {
            best = length - suffix;
            *rank = (int)i;
        }
    }
    return best;
}

/* Slides of MIRAX have a folder of their name. */
static gboolean is_data_folder(const GPtrArray *names, const char *name)
{
    g_autofree char *slide = g_strconcat(name, ".mrxs", NULL);
    for (guint i = 0; i < names->len; i++) {
        if (g_ascii_strcasecmp(names->pdata[i], slide) == 0) {
            return TRUE;
        }
    }
    return FALSE;
}

static gboolean matches(const Config *config, const char *name)
{
    g_autofree char *pattern = name_fold(config->slides_pattern), *folded = name_fold(name);
    return g_pattern_match_simple(pattern, folded);
}

typedef void (*FoundSlide)(const Config *config, Cohort *cohort, const char *path, gpointer data);

/* Calls `found` for every file of slides.folder that is a slide by its name; the rest is listed. */
static gboolean walk_folder(const Config *config, Cohort *cohort, FoundSlide found, gpointer data,
                            GError **error)
{
    g_autoptr(GPtrArray) names = list_key("slides.folder", config->slides_folder, error);
    for (guint i = 0; names && i < names->len; i++) {
        const char *name = names->pdata[i];
        int rank;
        g_autofree char *path = g_build_filename(config->slides_folder, name, NULL), *why = NULL;
        FileKind kind;
        if (!look(path, name, &kind, &why, error)) {
            return FALSE;
        }
        gboolean folder = kind == FILE_FOLDER;
        if (folder && (is_data_folder(names, name) || same_folder(path, config->slides_annotations))) {
            continue;
        }
        if (annotation_stem(name, FALSE, &rank) > 0 && !folder) {
            continue; /* of cohort_find_annotations */
        }
        if (!why && !matches(config, name)) {
            why = g_strdup_printf("does not match slides.pattern \"%s\"", config->slides_pattern);
        }
        if (why) {
            unused_add(cohort->unused, path, g_steal_pointer(&why));
        } else {
            found(config, cohort, path, data);
        }
    }
    return names != NULL;
}

static void add_slide(const Config *config, Cohort *cohort, const char *path, gpointer data)
{
    g_ptr_array_add(cohort->slides, slide_entry_new(config, path));
}

gboolean cohort_list_folder(const Config *config, Cohort *cohort, GError **error)
{
    return walk_folder(config, cohort, add_slide, NULL, error);
}

/* A file by its name in a folder without links, so that one file has one place by whichever way it is named.  A link to a file
 * stays one: it is a name of its own.  Caller frees. */
static char *place_of(const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path), *name = g_path_get_basename(path);
    g_autofree char *real = realpath(folder, NULL);
    return real ? g_build_filename(real, name, NULL) : g_canonicalize_filename(path, NULL);
}

/* The set of the places of slides, or of annotations that the manifest names. */
static GHashTable *paths_of(const Cohort *cohort, gboolean annotations)
{
    GHashTable *paths = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < cohort->slides->len; i++) {
        const SlideEntry *entry = cohort->slides->pdata[i];
        const char *path = annotations ? entry->annotation : entry->path;
        if (path) {
            g_hash_table_add(paths, place_of(path));
        }
    }
    return paths;
}

static gboolean holds(GHashTable *paths, const char *path)
{
    g_autofree char *place = place_of(path);
    return g_hash_table_contains(paths, place);
}

static void add_rest(const Config *config, Cohort *cohort, const char *path, gpointer data)
{
    if (!holds(data, path)) {
        unused_add(cohort->unused, path, g_strdup("not in slides.manifest"));
    }
}

gboolean cohort_list_rest(const Config *config, Cohort *cohort, GError **error)
{
    g_autoptr(GHashTable) named = paths_of(cohort, FALSE);
    return !*config->slides_folder || walk_folder(config, cohort, add_rest, named, error);
}

/* ---- annotations ---- */

typedef struct {
    const Config *config;
    Cohort *cohort;
    GHashTable *index;  /* folded name or stem of a slide -> GPtrArray of SlideEntry* */
    GHashTable *named;  /* canonical paths of the manifest's annotations */
    GHashTable *slides; /* canonical paths of slides */
    GHashTable *ranks;  /* SlideEntry* -> rank of the file that it has from the folder, + 1 */
    GHashTable *beside; /* of cohort_find_annotations */
    GArray *spares;     /* Spare */
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
        g_autofree char *name = g_path_get_basename(entry->path), *stem = cohort_stem(entry->path);
        index_slide(index, stem, entry);
        index_slide(index, name, entry);
    }
    return index;
}

/* Lower is nearer: the very name before another case, STEM.xml before NAME.tif.xml, then the order of suffixes. */
static int rank_of(const SlideEntry *entry, const char *base, int suffix)
{
    g_autofree char *name = g_path_get_basename(entry->path), *stem = cohort_stem(entry->path);
    gboolean exact = g_str_equal(base, stem) || g_str_equal(base, name);
    g_autofree char *folded = name_fold(base), *folded_stem = name_fold(stem);
    return (exact ? 0 : 200) + (g_str_equal(folded, folded_stem) ? 0 : 100) + suffix;
}

/* The slides that fit best, in the folder when one is given. */
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
        if (inexact > least || (folder && !same_folder(own, folder))) {
            continue;
        }
        g_ptr_array_set_size(best, inexact < least ? 0 : (gint)best->len);
        least = inexact;
        g_ptr_array_add(best, (gpointer)entry);
    }
    return best;
}

/* A file that fits a slide which has a nearer one. */
typedef struct {
    char *path;
    const SlideEntry *entry;
} Spare;

static void add_spare(Search *search, char *path, const SlideEntry *entry)
{
    Spare spare = {path, entry};
    g_array_append_val(search->spares, spare);
}

/* The file to the slide that it fits, unless the slide has a nearer one or the manifest names it. */
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
    enum { MOST = 2000 }; /* names that are compared; a hint is not worth more */
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < MIN(search->cohort->slides->len, MOST); i++) {
        g_ptr_array_add(names, cohort_stem(((const SlideEntry *)search->cohort->slides->pdata[i])->path));
    }
    g_ptr_array_add(names, NULL);
    const char *near = nearest_name(base, (const char *const *)names->pdata);
    return near ? g_strdup_printf("fits no slide by its name; the nearest is %s", near)
                : g_strdup("fits no slide by its name");
}

/* One file of slides.annotations. */
static gboolean try_file(Search *search, const char *folder, const char *name, GError **error)
{
    int suffix = 0;
    FileKind kind;
    g_autofree char *path = g_build_filename(folder, name, NULL), *why = NULL;
    if (!look(path, name, &kind, &why, error)) {
        return FALSE;
    }
    gboolean among_slides = same_folder(folder, search->config->slides_folder);
    size_t length = annotation_stem(name, !among_slides, &suffix);
    if (holds(search->named, path) || holds(search->slides, path)) {
        return TRUE;
    }
    if (length == 0 && among_slides) {
        return TRUE; /* a slide, or listed with the slides */
    }
    if (!why && length == 0) {
        g_autofree char *all = g_strjoinv(" ", (char **)suffixes);
        why = g_strdup_printf("no annotation by its name (%s)", all);
    }
    if (!why) {
        g_autofree char *base = g_strndup(name, length);
        g_autoptr(GPtrArray) fit = fitting(search, NULL, base);
        if (fit->len == 1) {
            give(search, fit->pdata[0], path, rank_of(fit->pdata[0], base, suffix));
        } else if (fit->len > 1) {
            const SlideEntry *one = fit->pdata[0], *other = fit->pdata[1];
            why = g_strdup_printf(
                "fits %u slides, %s and %s: name it in the column annotation of slides.manifest", fit->len,
                one->id, other->id);
        } else {
            why = fits_none(search, base);
        }
    }
    if (why) {
        unused_add(search->cohort->unused, path, g_steal_pointer(&why));
    }
    return TRUE;
}

/* One file of a folder of slides that is not slides.annotations. */
static void note_beside(Search *search, const char *folder, const char *name)
{
    int suffix;
    size_t length = annotation_stem(name, FALSE, &suffix);
    g_autofree char *path = g_build_filename(folder, name, NULL);
    if (length == 0 || holds(search->named, path) || holds(search->slides, path)) {
        return;
    }
    g_autofree char *base = g_strndup(name, length);
    g_autoptr(GPtrArray) fit = fitting(search, folder, base);
    for (guint i = 0; i < fit->len; i++) {
        SlideEntry *entry = fit->pdata[i];
        if (!entry->annotation) {
            g_hash_table_add(search->beside, entry);
        }
    }
    if (fit->len > 0) {
        unused_add(search->cohort->unused, path,
                   g_strdup("may be the annotation of the slide beside it, but slides.annotations does not "
                            "name this folder"));
    } else if (same_folder(folder, search->config->slides_folder)) {
        unused_add(search->cohort->unused, path, fits_none(search, base));
    }
}

/* The folders in which slides are, each once. */
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

/* Folders without the right to list them cannot be searched, which is noted. */
static gboolean look_beside(Search *search, GError **error)
{
    g_autoptr(GPtrArray) folders = folders_of(search->cohort);
    for (guint f = 0; f < folders->len; f++) {
        const char *folder = folders->pdata[f];
        if (same_folder(folder, search->config->slides_annotations)) {
            continue;
        }
        g_autoptr(GError) why = NULL;
        g_autoptr(GPtrArray) neighbours = listing_read_if_there(folder, &why);
        if (g_error_matches(why, WSI_ERROR, WSI_ERROR_ABSENT)) {
            unused_add(search->cohort->unused, folder,
                       g_strdup_printf("not searched for annotations: %s", why->message));
        } else if (why) {
            g_propagate_error(error, g_steal_pointer(&why));
            return FALSE;
        }
        for (guint i = 0; neighbours && i < neighbours->len; i++) {
            note_beside(search, folder, neighbours->pdata[i]);
        }
    }
    return TRUE;
}

gboolean cohort_find_annotations(const Config *config, Cohort *cohort, GHashTable *beside, GError **error)
{
    const char *own = config->slides_annotations;
    g_autoptr(GHashTable) index = index_slides(cohort), named = paths_of(cohort, TRUE);
    g_autoptr(GHashTable) slides = paths_of(cohort, FALSE), ranks = g_hash_table_new(NULL, NULL);
    g_autoptr(GArray) spares = g_array_new(FALSE, FALSE, sizeof(Spare));
    Search search = {config, cohort, index, named, slides, ranks, beside, spares};
    g_autoptr(GPtrArray) names = *own ? list_key("slides.annotations", own, error) : NULL;
    if (*own && !names) {
        return FALSE;
    }
    for (guint i = 0; names && i < names->len; i++) {
        if (!try_file(&search, own, names->pdata[i], error)) {
            return FALSE;
        }
    }
    list_spares(&search);
    return look_beside(&search, error);
}
