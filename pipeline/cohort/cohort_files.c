/* Files of slides and of annotations in folders.
 *
 * A folder is listed once, sorted by name.  Files named like annotations are not slides.  Every unused file is listed with a
 * reason.  With a manifest, unrelated files next to the slides are not listed, since the user did not name that folder. */
#include "pipeline/cohort/cohort_files.h"
#include "base/error.h"
#include "base/fold.h"
#include "base/listing.h"
#include "base/nearest.h"
#include "pipeline/cohort/cohort_names.h"
#include "tiler/slide/dicom.h"
#include "tiler/slide/notslide.h"
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
                                          [FILE_FOLDER] = "a folder: slides in it are not looked for",
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

/* Folded stems of the files that are slides by their names. */
static GHashTable *stems_of_slides(const Config *config, const GPtrArray *names)
{
    GHashTable *stems = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < names->len; i++) {
        const char *name = names->pdata[i];
        if (matches(config, name) && names_claim_slide(name)) {
            g_autofree char *stem = g_strndup(name, names_stem(name));
            g_hash_table_add(stems, name_fold(stem));
        }
    }
    return stems;
}

/* S_mask.tif or S.png beside S.tif, where both match. */
static gboolean is_mask_of(GHashTable *stems, const char *name)
{
    g_autofree char *stem = g_strndup(name, names_stem(name));
    for (size_t at = strlen(stem); at > 0; at--) {
        gboolean mask =
            stem[at] ? names_separator(stem[at]) && names_say_mask(stem + at) : names_companion(name);
        g_autofree char *front = g_strndup(stem, at), *key = name_fold(front);
        if (mask && g_hash_table_contains(stems, key)) {
            return TRUE;
        }
    }
    return FALSE;
}

/* A file by its name in a folder without links, so that one file has one place by whichever way it is named.  A link to a file
 * stays one: it is a name of its own.  Caller frees. */
static char *position_of(const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path), *name = g_path_get_basename(path);
    g_autofree char *real = realpath(folder, NULL);
    return real ? g_build_filename(real, name, NULL) : g_canonicalize_filename(path, NULL);
}

/* The set of the places of slides, of annotations that the manifest names, or of both. */
static GHashTable *paths_of(const Cohort *cohort, gboolean slides, gboolean annotations)
{
    GHashTable *paths = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < cohort->slides->len; i++) {
        const SlideEntry *entry = cohort->slides->pdata[i];
        if (slides) {
            g_hash_table_add(paths, position_of(entry->path));
        }
        if (annotations && entry->annotation) {
            g_hash_table_add(paths, position_of(entry->annotation));
        }
    }
    return paths;
}

static gboolean holds(GHashTable *paths, const char *path)
{
    g_autofree char *position = position_of(path);
    return g_hash_table_contains(paths, position);
}

/* A walk over slides.folder. */
typedef struct {
    const Config *config;
    Cohort *cohort;
    GHashTable *named; /* places of the files that the manifest names; NULL: there is none */
    const GPtrArray *names;
    GHashTable *stems;
    GPtrArray *series; /* DICOM slides whose files are in the folder itself */
} Walk;

/* The manifest may name a DICOM slide by any of its files. */
static gboolean names_series(const Walk *walk, const char *folder, const DicomSeries *series)
{
    for (guint i = 0; walk->named && i < series->names->len; i++) {
        g_autofree char *path = g_build_filename(folder, series->names->pdata[i], NULL);
        if (holds(walk->named, path)) {
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

/* A folder is a slide when its files are those of one DICOM slide: *why is then NULL.  *named: the manifest has all slides in it. */
static gboolean judge_folder(const Walk *walk, const char *path, const char *name, char **why,
                             gboolean *named, GError **error)
{
    g_autoptr(GError) unlisted = NULL;
    g_autoptr(GPtrArray) list = dicom_list(path, &unlisted);
    if (!list && !g_error_matches(unlisted, WSI_ERROR, WSI_ERROR_ABSENT)) {
        g_propagate_error(error, g_steal_pointer(&unlisted));
        return FALSE;
    }
    if (!list || list->len == 0) {
        return TRUE;
    }
    g_clear_pointer(why, g_free);
    *named = names_all(walk, path, list);
    const DicomSeries *first = list->pdata[0];
    if (list->len > 1) {
        *why = g_strdup_printf("a folder of %u DICOM slides: name it in slides.folder, or a file of each "
                               "slide in slides.manifest",
                               list->len);
    } else if (!matches(walk->config, name) && !matches(walk->config, first->lead)) {
        *why = g_strdup_printf("does not match slides.pattern \"%s\"", walk->config->slides_pattern);
    }
    return TRUE;
}

/* Why a file of the folder is not a slide (*why: owned), or NULL.  A file with a slide suffix, one that the pattern names, and the lead of a
 * DICOM slide, count as slides. */
static gboolean judge(const Walk *walk, const DicomSeries *series, const char *path, char **why,
                      GError **error)
{
    const Config *config = walk->config;
    g_autofree char *name = g_path_get_basename(path);
    const char *suffix = name + names_stem(name);
    g_autofree char *pattern = name_fold(config->slides_pattern), *folded = name_fold(suffix);
    if (!matches(config, name)) {
        *why = g_strdup_printf("does not match slides.pattern \"%s\"", config->slides_pattern);
    } else if (is_mask_of(walk->stems, name)) {
        *why = g_strdup("the mask or annotation of a slide by its name");
    } else if (!series && !names_claim_slide(name) && !(*suffix && g_str_has_suffix(pattern, folded))) {
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
    if (!look(path, name, &kind, &why, error)) {
        return FALSE;
    }
    const gboolean folder = kind == FILE_FOLDER;
    if (folder && (is_data_folder(walk->names, name) || same_folder(path, config->slides_annotations))) {
        return TRUE;
    }
    if ((annotation_stem(name, FALSE, &rank) > 0 && !folder) || (walk->named && holds(walk->named, path))) {
        return TRUE; /* of cohort_find_annotations, or named */
    }
    if (series && (strcmp(series->lead, name) != 0 || names_series(walk, config->slides_folder, series))) {
        return TRUE; /* part of a slide that is listed by its lead, or named */
    }
    gboolean named = FALSE;
    if (folder && *name != '.' && !judge_folder(walk, path, name, &why, &named, error)) {
        return FALSE;
    }
    if (named) {
        return TRUE;
    }
    if (!why && !folder && !judge(walk, series, path, &why, error)) {
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

/* Adds the slides of slides.folder; with `named` (places of the files that the manifest names) none is added.  The rest is listed. */
static gboolean walk_folder(const Config *config, Cohort *cohort, GHashTable *named, GError **error)
{
    g_autoptr(GPtrArray) names = list_key("slides.folder", config->slides_folder, error);
    g_autoptr(GHashTable) stems = names ? stems_of_slides(config, names) : NULL;
    g_autoptr(GPtrArray) series = names ? dicom_list(config->slides_folder, error) : NULL;
    const Walk walk = {config, cohort, named, names, stems, series};
    gboolean ok = series != NULL;
    for (guint i = 0; ok && i < names->len; i++) {
        ok = walk_name(&walk, names->pdata[i], error);
    }
    return ok;
}

gboolean cohort_list_folder(const Config *config, Cohort *cohort, GError **error)
{
    return walk_folder(config, cohort, NULL, error);
}

gboolean cohort_list_rest(const Config *config, Cohort *cohort, GError **error)
{
    g_autoptr(GHashTable) named = paths_of(cohort, TRUE, TRUE);
    return !*config->slides_folder || walk_folder(config, cohort, named, error);
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
        g_autofree char *name = g_path_get_basename(entry->path), *stem = cohort_stem(entry->path);
        index_slide(index, stem, entry);
        index_slide(index, name, entry);
        index_slide(index, entry->id, entry);
    }
    return index;
}

/* Lower is nearer: the very name before another case, STEM.xml before NAME.tif.xml, then the order of suffixes. */
static int rank_of(const SlideEntry *entry, const char *base, int suffix)
{
    g_autofree char *name = g_path_get_basename(entry->path), *stem = cohort_stem(entry->path);
    gboolean exact = g_str_equal(base, stem) || g_str_equal(base, name) || g_str_equal(base, entry->id);
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

/* Where a file is: in the folder of the slides, in one below it, or in one below that says by its name that it holds masks. */
typedef enum { PLACE_BESIDE, PLACE_BELOW, PLACE_MASKS } Position;

/* The slides of `slides_in` whose annotation or mask a file may be by its name. */
static GPtrArray *may_be_of(const Search *search, const char *slides_in, const char *name, Position position)
{
    int suffix;
    size_t length = annotation_stem(name, FALSE, &suffix);
    gboolean any = length > 0 || position == PLACE_MASKS;
    gboolean same = any || (position == PLACE_BESIDE && names_companion(name));
    g_autofree char *base = g_strndup(name, length > 0 ? length : names_stem(name));
    GPtrArray *fit = g_ptr_array_new();
    for (size_t at = strlen(base); at > 0 && fit->len == 0; at--) {
        const char *tail = base + at;
        gboolean wanted = *tail ? names_separator(*tail) && (any || names_say_mask(tail)) : same;
        g_autofree char *front = wanted ? g_strndup(base, at) : NULL;
        if (wanted) {
            g_ptr_array_unref(fit);
            fit = fitting(search, slides_in, front);
        }
    }
    return fit;
}

/* Puts a reason in the place of the one that the listing of the folder gave. */
static void tell(Search *search, const char *path, const char *reason)
{
    GPtrArray *unused = search->cohort->unused;
    g_autofree char *own = position_of(path), *name = g_path_get_basename(path);
    for (guint i = 0; i < unused->len; i++) {
        Unused *one = unused->pdata[i];
        g_autofree char *their = g_str_has_suffix(one->name, name) ? position_of(one->name) : NULL;
        if (their && g_str_equal(their, own)) {
            g_free(one->reason);
            one->reason = g_strdup(reason);
            return;
        }
    }
    unused_add(search->cohort->unused, path, g_strdup(reason));
}

/* A file beside the slides of `slides_in`, or in a folder there.  FALSE when it may belong to none of them. */
static gboolean note_file(Search *search, const char *slides_in, const char *path, Position position,
                          const char *reason)
{
    g_autofree char *name = g_path_get_basename(path);
    if (*name == '.' || holds(search->named, path) || holds(search->slides, path)) {
        return TRUE;
    }
    g_autoptr(GPtrArray) fit = may_be_of(search, slides_in, name, position);
    for (guint i = 0; i < fit->len; i++) {
        SlideEntry *entry = fit->pdata[i];
        if (!entry->annotation) {
            g_hash_table_add(search->beside, entry);
        }
    }
    if (fit->len > 0) {
        tell(search, path, reason);
    }
    return fit->len > 0;
}

static gboolean list_beside(Search *search, const char *folder, GPtrArray **names, GError **error)
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
    gboolean found = same_folder(folder, search->config->slides_annotations);
    for (guint i = 0; i < search->folders->len && !found; i++) {
        found = same_folder(folder, search->folders->pdata[i]);
    }
    return found;
}

/* A folder beside slides, and what is below it when it says that it holds masks. */
static gboolean note_folder(Search *search, const char *slides_in, const char *folder, Position position,
                            int depth, GError **error)
{
    enum { DEEPEST = 3 };
    static const char reason[] = "may be the annotation or mask of a slide in a folder above, but "
                                 "slides.annotations does not name this folder";
    g_autofree char *title = g_path_get_basename(folder);
    g_autoptr(GPtrArray) names = NULL;
    if (depth > DEEPEST || is_searched(search, folder)) {
        return TRUE;
    }
    if (!list_beside(search, folder, &names, error)) {
        return FALSE;
    }
    position = names_say_masks(title) ? PLACE_MASKS : position;
    for (guint i = 0; names && i < names->len; i++) {
        g_autofree char *path = g_build_filename(folder, names->pdata[i], NULL);
        if (!g_file_test(path, G_FILE_TEST_IS_DIR)) {
            note_file(search, slides_in, path, position, reason);
        } else if (position == PLACE_MASKS &&
                   !note_folder(search, slides_in, path, position, depth + 1, error)) {
            return FALSE;
        }
    }
    return TRUE;
}

/* Everything in a folder of slides; in slides.annotations itself what try_file passed over. */
static gboolean note_beside(Search *search, const char *folder, const GPtrArray *names, GError **error)
{
    static const char *const reasons[] = {
        "may be the annotation or mask of the slide beside it, but slides.annotations does not name this "
        "folder",
        "may be the mask of the slide beside it: if so, name it in the column annotation of slides.manifest"};
    gboolean own = same_folder(folder, search->config->slides_annotations);
    gboolean listed = same_folder(folder, search->config->slides_folder);
    for (guint i = 0; names && i < names->len; i++) {
        int suffix;
        const char *name = names->pdata[i];
        g_autofree char *path = g_build_filename(folder, name, NULL);
        size_t length = annotation_stem(name, FALSE, &suffix);
        if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
            gboolean passed = *name == '.' || is_data_folder(names, name);
            if (!passed && !note_folder(search, folder, path, PLACE_BELOW, 1, error)) {
                return FALSE;
            }
        } else if (!(own && length > 0) && !note_file(search, folder, path, PLACE_BESIDE, reasons[own]) &&
                   length > 0 && listed) {
            g_autofree char *base = g_strndup(name, length);
            unused_add(search->cohort->unused, path, fits_none(search, base));
        }
    }
    return TRUE;
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
    for (guint f = 0; f < search->folders->len; f++) {
        g_autoptr(GPtrArray) names = NULL;
        if (!list_beside(search, search->folders->pdata[f], &names, error) ||
            !note_beside(search, search->folders->pdata[f], names, error)) {
            return FALSE;
        }
    }
    return TRUE;
}

gboolean cohort_find_annotations(const Config *config, Cohort *cohort, GHashTable *beside, GError **error)
{
    const char *own = config->slides_annotations;
    g_autoptr(GHashTable) index = index_slides(cohort), named = paths_of(cohort, FALSE, TRUE);
    g_autoptr(GHashTable) slides = paths_of(cohort, TRUE, FALSE), ranks = g_hash_table_new(NULL, NULL);
    g_autoptr(GArray) spares = g_array_new(FALSE, FALSE, sizeof(Spare));
    g_autoptr(GPtrArray) folders = folders_of(cohort);
    Search search = {config, cohort, index, named, slides, ranks, beside, spares, folders};
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
