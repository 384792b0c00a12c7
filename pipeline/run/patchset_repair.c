/* Repairing a patch set.
 *
 * There are too many patches to be artefacts of the job table, which holds only the slides' tables of them.  Checking that a file exists takes
 * some microseconds, but reading all would take as long as training.  So only files that are younger than their table are hashed.  Training
 * hashes what it reads, and finds a file that was replaced with an older time. */
#include "pipeline/run/patchset_repair.h"
#include "base/durable.h"
#include "base/error.h"
#include "base/listing.h"
#include "pipeline/patchset/reuse.h"
#include "tiler/patches/patchset.h"
#include "pipeline/run/stage_table.h"
#include "pipeline/cohort/slide_entry.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

typedef enum { IS_THERE, IS_GONE, IS_CHANGED } Found;

/* sha256 NULL: a mask, whose hash is not in the table.  FALSE with an error when the state of the file is unknown. */
static gboolean look(const char *path, const char *sha256, const struct stat *table, Found *found,
                     GError **error)
{
    struct stat file;
    char now[65];
    *found = IS_THERE;
    if (stat(path, &file) != 0) {
        FileKind kind;
        *found = IS_GONE;
        return listing_kind(path, &kind, error);
    }
    gboolean younger =
        file.st_mtim.tv_sec > table->st_mtim.tv_sec ||
        (file.st_mtim.tv_sec == table->st_mtim.tv_sec && file.st_mtim.tv_nsec > table->st_mtim.tv_nsec);
    if (sha256 && younger) {
        if (!durable_hash_file(path, now, NULL, error)) {
            return FALSE;
        }
        *found = g_str_equal(now, sha256) ? IS_THERE : IS_CHANGED;
    }
    return TRUE;
}

/* A file of the patch set, or of dataset_unused/, where patches outside of the sample are. */
static gboolean look_both(const char *root, const char *name, const char *sha256, const struct stat *table,
                          Found *found, GError **error)
{
    g_autofree char *unused = patchset_unused_name(name), *path = patchset_path(root, name),
                    *aside = patchset_path(root, unused);
    return look(path, sha256, table, found, error) &&
           (*found != IS_GONE || look(aside, sha256, table, found, error));
}

static gboolean look_at_patch(const Run *run, const Patch *patch, const struct stat *table, Found *found,
                              GError **error)
{
    g_autofree char *root = g_build_filename(run->folder, "dataset", NULL);
    gboolean masked = run->config->dataset_masks && g_str_equal(patch->label, "Ungood");
    if (!look_both(root, patch->file, patch->sha256, table, found, error)) {
        return FALSE;
    }
    g_autofree char *mask = masked ? patchset_mask_name(patch) : NULL;
    return !mask || *found != IS_THERE || look_both(root, mask, NULL, table, found, error);
}

/* counts: number of the slide's patches, by Found. */
static gboolean check_slide(const Run *run, const char *folder, int counts[3], GError **error)
{
    g_autofree char *path = g_build_filename(folder, PATCHES_TABLE, NULL);
    struct stat table;
    if (stat(path, &table) != 0) {
        FileKind kind;
        return listing_kind(path, &kind, error);
    }
    g_autoptr(GPtrArray) patches =
        patchset_read_manifest(path, NULL); /* the plan makes a damaged table again */
    for (guint i = 0; patches && i < patches->len; i++) {
        const Patch *patch = patches->pdata[i];
        Found found;
        if (strstr(patch->file, ".tar/")) {
            return TRUE; /* shards are artefacts */
        }
        if (!look_at_patch(run, patch, &table, &found, error)) {
            return FALSE;
        }
        counts[found]++;
    }
    return TRUE;
}

gboolean patch_set_repair(const Run *run, Store *store, GError **error)
{
    int slides = 0, gone = 0, changed = 0;
    if (!stage_find("dataset")->wanted(run, NULL)) {
        return TRUE;
    }
    for (guint i = 0; i < run->slides->len; i++) {
        const SlideEntry *entry = run->slides->pdata[i];
        g_autofree char *folder = g_build_filename(run->folder, "slides", entry->id, NULL);
        int counts[3] = {0};
        if (!check_slide(run, folder, counts, error)) {
            return FALSE;
        }
        gone += counts[IS_GONE];
        changed += counts[IS_CHANGED];
        if (counts[IS_GONE] + counts[IS_CHANGED] > 0) {
            slides++;
            if (!reuse_invalidate(folder, error)) {
                return FALSE;
            }
        }
    }
    if (slides == 0) {
        return TRUE;
    }
    fprintf(stderr,
            "patch set: %d patches are missing and %d have changed since they were cut; they are cut again "
            "(%d slide%s)\n",
            gone, changed, slides, slides == 1 ? "" : "s");
    return store_retry(store, COHORT, error) >= 0;
}
