/* The card.
 *
 * Somebody who is given the folder alone should be able to tell what the tiles show, how they were made and labelled, and whether two
 * copies are of the same data. */
#include "pipeline/card.h"
#include "base/error.h"
#include "pipeline/splits.h"
#include "tiler/patchset.h"
#include "tiler/quality.h"
#include <string.h>

static const char *const splits[] = {"train", "valid", "test"};

json_t *card_slide_facts(const Work *work, const SlideEntry *entry)
{
    g_autofree char *path = work_find(work, "ingest", entry->id, "slide");
    return path ? json_load_file(path, 0, NULL) : NULL;
}

static const char *text_of(const json_t *facts, const char *name)
{
    const char *text = json_string_value(json_object_get(facts, name));
    return text ? text : "";
}

gboolean card_check_leak(const Work *work, GError **error)
{
    g_autoptr(GArray) contents = g_array_new(FALSE, TRUE, sizeof(SplitContent));
    for (guint i = 0; i < work->run->slides->len; i++) {
        SplitContent content = {.entry = work->run->slides->pdata[i]};
        json_t *facts = card_slide_facts(work, content.entry);
        g_strlcpy(content.fingerprint, text_of(facts, "fingerprint"), sizeof content.fingerprint);
        json_decref(facts);
        g_array_append_val(contents, content);
    }
    return splits_check_leak(contents, error);
}

/* ---- counts ---- */

/* Takes over the key. */
static void count_one(GHashTable *counts, char *key)
{
    int before = GPOINTER_TO_INT(g_hash_table_lookup(counts, key));
    g_hash_table_insert(counts, key, GINT_TO_POINTER(before + 1));
}

/* "good train", "Ungood slide/tumor_001"... -> how many; one pass, since a set may have millions of patches. */
static GHashTable *count_all(const GPtrArray *patches)
{
    GHashTable *counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < patches->len; i++) {
        const Patch *patch = patches->pdata[i];
        count_one(counts, g_strdup_printf("%s %s", patch->label, patch->split));
        count_one(counts, g_strdup_printf("%s slide/%s", patch->label, patch->slide));
        g_autofree char *flags = quality_flags_text(patch->flags);
        g_auto(GStrv) words = g_strsplit(flags, " ", -1);
        for (char **word = words; *word; word++) {
            count_one(counts, g_strdup_printf("%s flag/%s", patch->label, *word));
        }
    }
    return counts;
}

static int count(GHashTable *counts, const char *label, const char *prefix, const char *what)
{
    g_autofree char *key = g_strdup_printf("%s %s%s", label, prefix, what);
    return GPOINTER_TO_INT(g_hash_table_lookup(counts, key));
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

static int count_slides(const GPtrArray *slides, const char *split)
{
    int n = 0;
    for (guint i = 0; i < slides->len; i++) {
        n += g_str_equal(((const SlideEntry *)slides->pdata[i])->split, split);
    }
    return n;
}

static void add_splits(GString *out, const Work *work, GHashTable *kept, const GPtrArray *dropped)
{
    g_autoptr(GHashTable) left = count_all(dropped);
    g_string_append(
        out, "| split | patients | slides | good | Ungood | not sampled |\n|---|---|---|---|---|---|\n");
    for (size_t s = 0; s < G_N_ELEMENTS(splits); s++) {
        g_string_append_printf(out, "| %s | %d | %d | %d | %d | %d |\n", splits[s],
                               count_patients(work->run->slides, splits[s]),
                               count_slides(work->run->slides, splits[s]), count(kept, "good", "", splits[s]),
                               count(kept, "Ungood", "", splits[s]),
                               count(left, "good", "", splits[s]) + count(left, "Ungood", "", splits[s]));
    }
}

/* What the tiles that were kept are flagged with (tiler/quality.h). */
static void add_flags(GString *out, GHashTable *kept, const Config *config)
{
    g_autofree char *all = quality_flags_text(~0U);
    g_auto(GStrv) names = g_strsplit(all, " ", -1);
    g_string_append(out, "\n## Flags\n\n| flag | good | Ungood |\n|---|---|---|\n");
    for (char **name = names; *name; name++) {
        g_string_append_printf(out, "| %s | %d | %d |\n", *name, count(kept, "good", "flag/", *name),
                               count(kept, "Ungood", "flag/", *name));
    }
    g_string_append_printf(out, "\nLeft out: %s.\n",
                           *config->dataset_drop_flags ? config->dataset_drop_flags : "none");
}

/* ---- slides ---- */

/* A cell: what would end it is replaced. */
static void add_cell(GString *out, const char *text)
{
    g_autofree char *safe = g_strdelimit(g_strdup(text), "|\n\r", ' ');
    g_string_append_printf(out, " %s |", safe);
}

static void add_number(GString *out, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append_printf(out, " %s |", g_ascii_formatd(text, sizeof text, "%.6g", value));
}

static void add_slides(GString *out, const Work *work, GHashTable *kept)
{
    g_string_append(
        out,
        "\n## Slides\n\n| slide | patient | centre | label | split | fold | vendor | um/px | from | good | "
        "Ungood | fingerprint |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    for (guint i = 0; i < work->run->slides->len; i++) {
        const SlideEntry *entry = work->run->slides->pdata[i];
        json_t *facts = card_slide_facts(work, entry);
        g_autofree char *fold = g_strdup_printf(entry->fold > 0 ? "%d" : "", entry->fold);
        g_string_append_c(out, '|');
        add_cell(out, entry->id);
        add_cell(out, entry->patient);
        add_cell(out, entry->centre);
        add_cell(out, slide_label_name(entry->label));
        add_cell(out, entry->split);
        add_cell(out, fold);
        add_cell(out, facts ? text_of(facts, "vendor") : "failed");
        add_number(out, json_number_value(json_object_get(facts, "mpp_x")));
        add_cell(out, text_of(facts, "mpp_source"));
        g_string_append_printf(out, " %d | %d | %.16s |\n", count(kept, "good", "slide/", entry->id),
                               count(kept, "Ungood", "slide/", entry->id), text_of(facts, "fingerprint"));
        json_decref(facts);
    }
}

/* ---- rules ---- */

static void add_bullet(GString *out, const char *name, double value, const char *unit)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append_printf(out, "%s %s%s", name, g_ascii_formatd(text, sizeof text, "%.6g", value), unit);
}

static void add_rules(GString *out, const Config *config)
{
    g_string_append_printf(out, "\n## Rules\n\n- tiles: %d x %d px", config->tiles_size, config->tiles_size);
    add_bullet(out, " at", config->tiles_mpp, " um/px");
    add_bullet(out, ", overlap", config->tiles_overlap, config->tiles_overlap < 1 ? " of the size" : " px");
    g_string_append_printf(out, ", edge %s, filter %s", config->tiles_edge, config->tiles_filter);
    add_bullet(out, ", tissue >=", config->tiles_min_tissue, "\n");
    g_string_append_printf(out, "- pictures: %s", config->dataset_picture);
    if (g_str_equal(config->dataset_picture, "jpeg")) {
        g_string_append_printf(out, ", quality %d", config->dataset_jpeg_quality);
    }
    g_string_append_printf(out, ", %s\n- Ungood: rule %s",
                           g_str_equal(config->dataset_format, "shards") ? "in tar shards (WebDataset)"
                                                                         : "a file each",
                           config->dataset_rule);
    add_bullet(out, ", lesion >=", config->dataset_lesion_min, "; tiles with less, but some, are left out\n");
    g_string_append_printf(out, "- lesion tiles of training patients: %s\n",
                           config->dataset_train_anomalies ? "kept as Ungood" : "left out");
    g_string_append_printf(out, "- splits: %s, by %s, seed %d", config->dataset_split, config->dataset_by,
                           config->run_seed);
    if (config->dataset_folds > 0) {
        g_string_append_printf(out, ", fold %d of %d tests", config->dataset_fold, config->dataset_folds);
    }
    g_string_append(out, "; no patient and no slide's content is in two splits\n");
    if (config->dataset_balance) {
        g_string_append(out, "- balanced: as many tiles of each label as of the rarer one\n");
    }
    if (config->dataset_max_per_class > 0) {
        g_string_append_printf(out, "- at most %d tiles of a label in a split\n",
                               config->dataset_max_per_class);
    }
}

static void add_exceptions(GString *out, const Config *config)
{
    if (!g_str_equal(config->dataset_split, "camelyon16")) {
        return;
    }
    g_string_append(out, "\n## Known exceptions of Camelyon16\n\n");
    for (const CamelyonException *one = camelyon16_exceptions; one->slide; one++) {
        g_string_append_printf(out, "- %s: %s\n", one->slide, one->reason);
    }
}

char *card_text(const Work *work, const GPtrArray *patches, const GPtrArray *dropped,
                const char *manifest_sha256, const char *sums_sha256)
{
    const Config *config = work->run->config;
    g_autoptr(GHashTable) kept = count_all(patches);
    GString *out = g_string_new(NULL);
    g_string_append_printf(out, "# Patch set %s\n\nFor research use only.\n\n", config->run_name);
    add_splits(out, work, kept, dropped);
    add_rules(out, config);
    add_exceptions(out, config);
    add_flags(out, kept, config);
    add_slides(out, work, kept);
    g_string_append_printf(
        out,
        "\n## Hashes\n\nmanifest.csv holds the SHA-256 of every picture; its own is\n`%s`.\n"
        "SHA256SUMS has those of all files (`sha256sum -c SHA256SUMS`); its own is\n`%s`.\n"
        "`wsiflow dataset --verify DIR` checks them all.\n",
        manifest_sha256, sums_sha256);
    return g_string_free(out, FALSE);
}
