/* dataset: the patches of all slides become one patch set, with manifest, hashes and card, and without any other patch.
 *
 * Patches that an earlier configuration left under other names are removed here, because only here all slides are known.  Only files with the
 * name of a patch of one of the run's slides are touched.  Patches left out by sampling are kept in dataset_unused/: another slide or limit
 * may need them, and moving is cheaper than cutting. */
#include "base/durable.h"
#include "base/error.h"
#include "base/listing.h"
#include "pipeline/cohort/missing_metrics.h"
#include "pipeline/job/stages.h"
#include "pipeline/job/unreadable_tiles.h"
#include "pipeline/patchset/patchset_card.h"
#include "pipeline/patchset/duplicate_slides.h"
#include "pipeline/patchset/packing.h"
#include "pipeline/patchset/reuse.h"
#include "pipeline/patchset/sampling.h"
#include "pipeline/patchset/sha256sums.h"
#include "pipeline/patchset/split_check.h"
#include "pipeline/slide/tile_recipe.h"
#include "pipeline/write/json.h"
#include <string.h>

/* All patches, slides in the order of the run. */
static GPtrArray *gather(const Work *work, GError **error)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)patch_free);
    int cut = 0;
    for (guint i = 0; i < work->run->slides->len; i++) {
        const SlideEntry *entry = work->run->slides->pdata[i];
        g_autofree char *path = work_find(work, "cut", entry->id, "patches");
        if (!path) {
            continue; /* this slide failed; `wsiflow status` shows why */
        }
        cut++;
        g_autoptr(GPtrArray) part = patchset_read_manifest(path, error);
        if (!part) {
            return NULL;
        }
        g_ptr_array_extend_and_steal(all, g_steal_pointer(&part));
    }
    if (cut == 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "there is no patch set, because cutting failed for all %u slides; `wsiflow status` shows "
                    "why",
                    work->run->slides->len);
        return NULL;
    }
    if (all->len == 0) {
        g_set_error(
            error, WSI_ERROR, WSI_ERROR_INPUT,
            "no patch was cut from %u slides: is there tissue, and is tiles.min_tissue (%g) too high?",
            work->run->slides->len, work->run->config->tiles_min_tissue);
        return NULL;
    }
    return g_steal_pointer(&all);
}

/* ---- patches of other configurations ---- */

/* How the names of patches begin (set of char*, owned), for every slide that this run ever had by the job table or a folder in slides/. */
static GHashTable *own_stems(const Work *work, GError **error)
{
    g_autoptr(GHashTable) units = store_units(work->store, error);
    g_autofree char *root = g_build_filename(work->run->folder, "slides", NULL);
    g_autoptr(GPtrArray) names = units ? listing_read_if_there(root, error) : NULL;
    GHashTable *stems = names ? g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL) : NULL;
    for (guint i = 0; names && i < names->len; i++) {
        g_hash_table_add(units, g_strdup(names->pdata[i]));
    }
    GHashTableIter iter;
    gpointer unit;
    for (g_hash_table_iter_init(&iter, units); stems && g_hash_table_iter_next(&iter, &unit, NULL);) {
        g_autofree char *any = patchset_name("test", "good", unit, 0, "png"),
                        *base = g_path_get_basename(any);
        g_hash_table_add(stems, g_strndup(base, strlen(base) - strlen("_000000.png")));
    }
    return stems;
}

/* Whether the name is STEM_NNNNNN.png, .jpg or STEM_NNNNNN_mask.png of a slide of this run.  Other files are never removed. */
static gboolean is_patch_name(const char *name, GHashTable *stems)
{
    static const char *const ends[] = {"_mask.png", ".png", ".jpg"};
    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
        if (g_str_has_suffix(name, ends[i])) {
            g_autofree char *stem = g_strndup(name, strlen(name) - strlen(ends[i]));
            char *at = strrchr(stem, '_');
            if (!at || strlen(at) < strlen("_000000") || strspn(at + 1, "0123456789") != strlen(at + 1)) {
                return FALSE;
            }
            *at = 0;
            return g_hash_table_contains(stems, stem);
        }
    }
    return FALSE;
}

/* A folder that cannot be listed is an error, because its patches would stay in the patch set. */
static gboolean sweep(const char *folder, GHashTable *stems, GHashTable *wanted, GError **error)
{
    g_autoptr(GPtrArray) names = listing_read_if_there(folder, error);
    for (guint i = 0; names && i < names->len; i++) {
        const char *name = names->pdata[i];
        g_autofree char *path = g_build_filename(folder, name, NULL);
        if (is_patch_name(name,
                          stems)) { /* decided by the name: to stat a million patches would take seconds */
            if (!g_hash_table_contains(wanted, path)) {
                durable_discard(path);
            }
        } else if (!g_file_test(path, G_FILE_TEST_IS_SYMLINK)) {
            FileKind kind;
            if (!listing_kind(path, &kind, error) ||
                (kind == FILE_FOLDER && !sweep(path, stems, wanted, error))) {
                return FALSE;
            }
        }
    }
    return names != NULL;
}

static gboolean has_mask(const Work *work, const Patch *patch)
{
    return work->run->config->dataset_masks && g_str_equal(patch->label, "Ungood");
}

/* The files of a patch (array of char*): the image and its mask, if any; in the patch set or, with `unused`, in dataset_unused/. */
static GPtrArray *files_of(const Work *work, const Patch *patch, gboolean unused)
{
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *root = g_build_filename(work->run->folder, "dataset", NULL);
    g_autofree char *mask = has_mask(work, patch) ? patchset_mask_name(patch) : NULL;
    const char *const names[] = {patch->file, mask};
    for (size_t i = 0; i < G_N_ELEMENTS(names) && names[i]; i++) {
        g_autofree char *name = unused ? patchset_unused_name(names[i]) : g_strdup(names[i]);
        g_ptr_array_add(paths, patchset_path(root, name));
    }
    return paths;
}

static void add_files(const Work *work, const GPtrArray *patches, gboolean unused, GHashTable *wanted)
{
    for (guint i = 0; patches && i < patches->len; i++) {
        g_autoptr(GPtrArray) paths = files_of(work, patches->pdata[i], unused);
        for (guint p = 0; p < paths->len; p++) {
            g_hash_table_add(wanted, g_strdup(paths->pdata[p]));
        }
    }
}

/* Removes all patches of the run's slides except these; patches and dropped may be NULL. */
static gboolean sweep_all(const Work *work, const GPtrArray *patches, const GPtrArray *dropped,
                          GError **error)
{
    static const char *const folders[] = {"dataset", "dataset_valid", "dataset_train", "dataset_unused"};
    g_autoptr(GHashTable) wanted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) stems = own_stems(work, error);
    add_files(work, patches, FALSE, wanted);
    add_files(work, dropped, TRUE, wanted);
    for (size_t i = 0; stems && i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *folder =
            patchset_path(work->run->folder, folders[i]); /* the same form as in `wanted` */
        if (!sweep(folder, stems, wanted, error)) {
            return FALSE;
        }
    }
    return stems != NULL;
}

/* ---- the sample ---- */

/* Moves the files of a patch to where they belong, unless they are there. */
static gboolean move_files(const Work *work, const Patch *patch, gboolean unused, GError **error)
{
    g_autoptr(GPtrArray) from = files_of(work, patch, !unused), to = files_of(work, patch, unused);
    for (guint i = 0; i < from->len; i++) {
        FileKind here, there;
        if (!listing_kind(to->pdata[i], &there, error) || !listing_kind(from->pdata[i], &here, error) ||
            (there == FILE_ABSENT && here != FILE_ABSENT &&
             !durable_move(from->pdata[i], to->pdata[i], error))) {
            return FALSE;
        }
    }
    return TRUE;
}

/* Whether the files of a patch are where they belong.  When one is missing, the table of its slide is invalidated. */
static gboolean check_files(const Work *work, const Patch *patch, gboolean unused, GError **error)
{
    g_autoptr(GPtrArray) paths = files_of(work, patch, unused);
    for (guint i = 0; i < paths->len; i++) {
        const char *path = paths->pdata[i];
        g_autofree char *folder = g_build_filename(work->run->folder, "slides", patch->slide, NULL);
        FileKind kind;
        if (!listing_kind(path, &kind, error)) {
            return FALSE;
        }
        if (kind != FILE_ABSENT) {
            continue;
        }
        if (reuse_invalidate(folder, error)) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                        "%s is missing: after `wsiflow retry`, the next run cuts slide %s again",
                        g_str_has_prefix(path, work->run->folder) ? path + strlen(work->run->folder) + 1
                                                                  : path,
                        patch->slide);
        }
        return FALSE;
    }
    return TRUE;
}

/* Slides that left the run or failed lose their images to the sweep.  Their tables are invalidated, so that they are cut again when they
 * come back. */
static gboolean invalidate_others(const Work *work, GError **error)
{
    g_autofree char *root = g_build_filename(work->run->folder, "slides", NULL);
    g_autoptr(GPtrArray) names = listing_read_if_there(root, error);
    for (guint i = 0; names && i < names->len; i++) {
        g_autofree char *cut = work_find(work, "cut", names->pdata[i], "patches");
        g_autofree char *folder = g_build_filename(root, names->pdata[i], NULL);
        if (!cut && !reuse_invalidate(folder, error)) {
            return FALSE;
        }
    }
    return names != NULL;
}

/* The hashes of images are known from cutting.  Masks are hashed here; they are few and small. */
static gboolean sum_files(const Work *work, const GPtrArray *patches, GString *sums, GError **error)
{
    for (guint i = 0; i < patches->len; i++) {
        const Patch *patch = patches->pdata[i];
        sha256sums_add(sums, patch->sha256, patch->file);
        if (has_mask(work, patch)) {
            char sha256[65];
            g_autofree char *mask = patchset_mask_name(patch);
            g_autofree char *root = g_build_filename(work->run->folder, "dataset", NULL),
                            *path = patchset_path(root, mask);
            if (!durable_hash_file(path, sha256, NULL, error)) {
                return FALSE;
            }
            sha256sums_add(sums, sha256, mask);
        }
    }
    return TRUE;
}

static gboolean place_all(const Work *work, const GPtrArray *patches, gboolean unused, GError **error)
{
    for (guint i = 0; i < patches->len; i++) {
        if (!move_files(work, patches->pdata[i], unused, error) ||
            !check_files(work, patches->pdata[i], unused, error)) {
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean place_files(const Work *work, const GPtrArray *patches, const GPtrArray *dropped,
                            GError **error)
{
    if (!place_all(work, patches, FALSE, error) || !place_all(work, dropped, TRUE, error)) {
        return FALSE;
    }
    packing_remove(work);
    return sweep_all(work, patches, dropped, error);
}

/* ---- records, tables, card ---- */

/* The tiles that `cut` left out because they could not be read. */
static json_t *count_unreadable(const Work *work)
{
    json_t *unreadable_tiles = unreadable_tiles_new();
    for (guint i = 0; i < work->run->slides->len; i++) {
        const SlideEntry *entry = work->run->slides->pdata[i];
        const json_t *facts = records_get(work->records, "cut", entry->id, "facts");
        unreadable_tiles_add(unreadable_tiles, entry->id,
                             json_integer_value(json_object_get(facts, "unreadable")));
    }
    return unreadable_tiles;
}

static gboolean write_recipe(Work *work, GString *sums, GError **error)
{
    char sha256[65];
    TileRecipe recipe;
    g_autofree char *path = work_output(work, "dataset/" TILE_RECIPE_FILE);
    if (!tile_recipe_of_config(work->run->config, &recipe, error) ||
        !json_write(path, tile_recipe_json(&recipe), sha256, error) ||
        !work_publish(work, "recipe", path, sha256, error)) {
        return FALSE;
    }
    sha256sums_add(sums, sha256, TILE_RECIPE_FILE);
    return TRUE;
}

/* For the end of the run and the report. */
static gboolean write_missing_metrics(Work *work, const GPtrArray *missing, GError **error)
{
    char sha256[65];
    g_autofree char *path = work_output(work, MISSING_METRICS_FILE);
    return json_write(path, json_pack("{s:o}", "notes", json_texts(missing)), sha256, error) &&
           work_publish(work, "missing_metrics", path, sha256, error);
}

static gboolean write_card(Work *work, const GPtrArray *patches, const GPtrArray *dropped,
                           const char *manifest_sha, const char *sums_sha, GError **error)
{
    char sha256[65];
    RepeatedImages repeats;
    if (!repeated_images_of_patches(patches, &repeats, error)) {
        return FALSE;
    }
    json_auto_t *unreadable_tiles = count_unreadable(work);
    g_autofree char *repeated = work_output(work, REPEATED_IMAGES_FILE);
    g_autofree char *unreadable = work_output(work, UNREADABLE_TILES_FILE),
                    *card = work_output(work, "dataset/CARD.md");
    g_autoptr(GPtrArray) missing = missing_metrics_find(work->run->slides, patches, work->run->config);
    g_autofree char *text =
        card_text(work, patches, dropped, missing, unreadable_tiles, &repeats, manifest_sha, sums_sha);
    return write_missing_metrics(work, missing, error) &&
           json_write(unreadable, json_incref(unreadable_tiles), sha256, error) &&
           work_publish(work, "unreadable", unreadable, sha256, error) &&
           json_write(repeated, repeated_images_json(&repeats), sha256, error) &&
           work_publish(work, "repeated_images", repeated, sha256, error) &&
           durable_write_file(card, text, strlen(text), sha256, error) &&
           work_publish(work, ".card", card, sha256, error);
}

static gboolean write_tables(Work *work, const GPtrArray *patches, const GPtrArray *dropped, GString *sums,
                             GError **error)
{
    char manifest_sha[65], sums_sha[65];
    g_autofree char *manifest = work_output(work, "dataset/manifest.csv");
    if (!patchset_write_manifest(manifest, patches, manifest_sha, error) ||
        !work_publish(work, "manifest", manifest, manifest_sha, error) || !write_recipe(work, sums, error)) {
        return FALSE;
    }
    g_autofree char *list = work_output(work, "dataset/" SHA256SUMS_FILE);
    sha256sums_add(sums, manifest_sha, "manifest.csv");
    if (!durable_write_file(list, sums->str, sums->len, sums_sha, error) ||
        !work_publish(work, "sums", list, sums_sha, error)) {
        return FALSE;
    }
    return write_card(work, patches, dropped, manifest_sha, sums_sha, error);
}

gboolean stage_dataset(Work *work, GError **error)
{
    g_autoptr(GPtrArray) patches = gather(work, error);
    if (!patches || !duplicate_slides_check(work, error) || !split_check(work, patches, error) ||
        !work_tick(work, patches->len, patches->len, "patches", error)) {
        return FALSE;
    }
    g_autoptr(GPtrArray) dropped = sampling_choose(work->run->config, patches);
    RepeatedImages repeats;
    if (!repeated_images_of_patches(patches, &repeats, error)) { /* report a leak before any file moves */
        return FALSE;
    }
    /* Files move from here on, so the former manifest must go: it would be wrong if this process is killed. */
    g_autofree char *manifest = work_output(work, "dataset/manifest.csv");
    g_autoptr(GString) sums = g_string_new(NULL);
    if (!durable_remove(manifest, error) || !invalidate_others(work, error)) {
        return FALSE;
    }
    if (!g_str_equal(work->run->config->dataset_format, "shards")) {
        return place_files(work, patches, dropped, error) && sum_files(work, patches, sums, error) &&
               write_tables(work, patches, dropped, sums, error);
    }
    if (!packing_shards(work, patches, dropped, sums, error) ||
        !write_tables(work, patches, dropped, sums, error)) {
        return FALSE;
    }
    return sweep_all(work, NULL, NULL, error);
}
