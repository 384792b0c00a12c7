/* dataset: the patches of all slides become one patch set: manifest, card, and nothing that is not in the manifest.
 *
 * Patches that an earlier configuration left under other names are removed here, since only here all slides are known. Only files
 * that carry a patch's name are touched. */
#include "base/durable.h"
#include "base/error.h"
#include "pipeline/stage.h"
#include "tiler/patchset.h"
#include <glib/gstdio.h>
#include <string.h>

static void patch_free(Patch *patch)
{
    patch_clear(patch);
    g_free(patch);
}

/* All patches, slides in the order of the run. */
static GPtrArray *gather(const Work *work, GError **error)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)patch_free);
    for (guint i = 0; i < work->run->slides->len; i++) {
        const SlideEntry *entry = work->run->slides->pdata[i];
        g_autofree char *path = work_find(work, "cut", entry->id, "patches");
        if (!path) {
            continue; /* this slide failed: the status says why */
        }
        g_autoptr(GPtrArray) part = patchset_read_manifest(path, error);
        if (!part) {
            return NULL;
        }
        g_ptr_array_extend_and_steal(all, g_steal_pointer(&part));
    }
    if (all->len == 0) {
        g_set_error(
            error, WSI_ERROR, WSI_ERROR_INPUT,
            "no patch was cut from %u slides: is there tissue, and is tiles.min_tissue (%g) not too high?",
            work->run->slides->len, work->run->config->tiles_min_tissue);
        return NULL;
    }
    return g_steal_pointer(&all);
}

/* ---- what is left over from other configurations ---- */

static gboolean is_patch_name(const char *name)
{
    size_t n = strlen(name);
    const char *stem_end = g_str_has_suffix(name, "_mask.png") ? name + n - 9
                           : g_str_has_suffix(name, ".png")    ? name + n - 4
                                                               : NULL;
    if (!stem_end || stem_end - name < 8) {
        return FALSE;
    }
    for (const char *at = stem_end - 6; at < stem_end; at++) {
        if (!g_ascii_isdigit(*at)) {
            return FALSE;
        }
    }
    return stem_end[-7] == '_';
}

static void sweep(const char *root, const char *below, GHashTable *wanted)
{
    g_autofree char *folder = g_build_filename(root, below, NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *relative = *below ? g_strdup_printf("%s/%s", below, name) : g_strdup(name);
        g_autofree char *path = g_build_filename(root, relative, NULL);
        if (g_file_test(path, G_FILE_TEST_IS_DIR) && !g_file_test(path, G_FILE_TEST_IS_SYMLINK)) {
            sweep(root, relative, wanted);
        } else if (is_patch_name(name) && !g_hash_table_contains(wanted, relative)) {
            g_unlink(path);
        }
    }
}

static void sweep_all(const Work *work, const GPtrArray *patches)
{
    g_autoptr(GHashTable) wanted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    gboolean masks = work->run->config->dataset_masks;
    for (guint i = 0; i < patches->len; i++) {
        const Patch *patch = patches->pdata[i];
        g_hash_table_add(wanted, g_strdup(patch->file));
        if (masks && g_str_equal(patch->label, "Ungood")) {
            g_autofree char *stem = g_path_get_basename(patch->file);
            stem[strlen(stem) - 4] = 0;
            g_hash_table_add(wanted, g_strdup_printf("ground_truth/Ungood/%s_mask.png", stem));
        }
    }
    g_autofree char *root = g_build_filename(work->run->folder, "dataset", NULL);
    sweep(root, "", wanted);
}

/* ---- the card ---- */

static int count(const GPtrArray *patches, const char *split, const char *label)
{
    int n = 0;
    for (guint i = 0; i < patches->len; i++) {
        const Patch *patch = patches->pdata[i];
        n += g_str_equal(patch->split, split) && g_str_equal(patch->label, label);
    }
    return n;
}

static int count_patients(const GPtrArray *slides, const char *split)
{
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < slides->len; i++) {
        const SlideEntry *entry = slides->pdata[i];
        if (g_str_equal(entry->split, split)) {
            g_hash_table_add(names, entry->patient);
        }
    }
    return (int)g_hash_table_size(names);
}

static gboolean write_card(Work *work, const GPtrArray *patches, GError **error)
{
    static const char *const splits[] = {"train", "valid", "test"};
    const Config *config = work->run->config;
    g_autoptr(GString) out = g_string_new(NULL);
    g_string_append_printf(out,
                           "# Patch set %s\n\nFor research use only.\n\n| split | patients | good | Ungood "
                           "|\n|---|---|---|---|\n",
                           config->run_name);
    for (size_t s = 0; s < G_N_ELEMENTS(splits); s++) {
        g_string_append_printf(out, "| %s | %d | %d | %d |\n", splits[s],
                               count_patients(work->run->slides, splits[s]),
                               count(patches, splits[s], "good"), count(patches, splits[s], "Ungood"));
    }
    g_string_append_printf(
        out,
        "\n- tiles: %d x %d px at %g um/px, overlap %g px, edge %s, filter %s, tissue >= %g\n"
        "- Ungood: rule %s, lesion >= %g; tiles with less lesion are left out\n"
        "- lesion tiles of training patients: %s\n- splits: by patient\n- slides: %u\n",
        config->tiles_size, config->tiles_size, config->tiles_mpp, config->tiles_overlap, config->tiles_edge,
        config->tiles_filter, config->tiles_min_tissue, config->dataset_rule, config->dataset_lesion_min,
        config->dataset_train_anomalies ? "in train/Ungood" : "left out", work->run->slides->len);
    char sha256[65];
    g_autofree char *path = work_output(work, "dataset/CARD.md");
    return durable_write_file(path, out->str, out->len, sha256, error) &&
           work_publish(work, "card", path, sha256, error);
}

gboolean stage_dataset(Work *work, GError **error)
{
    g_autoptr(GPtrArray) patches = gather(work, error);
    if (!patches || !work_tick(work, patches->len, patches->len, "patches", error)) {
        return FALSE;
    }
    sweep_all(work, patches);
    char sha256[65];
    g_autofree char *path = work_output(work, "dataset/manifest.csv");
    return patchset_write_manifest(path, patches, sha256, error) &&
           work_publish(work, "manifest", path, sha256, error) && write_card(work, patches, error);
}
