/* The card of a patch set.
 *
 * It is written for somebody who has only the folder: what the tiles show, how they were made and labelled, and by which hashes two copies
 * can be compared. */
#include "pipeline/patchset/patchset_card.h"
#include "pipeline/job/unreadable_tiles.h"
#include "pipeline/slide/annotation_notes.h"
#include "pipeline/slide/slide_json.h"
#include "pipeline/slide/slide_notes.h"
#include "pipeline/slide/unused_in_run.h"
#include "pipeline/write/markdown.h"
#include "pipeline/write/terminal.h"
#include "tiler/patches/patchset.h"
#include "tiler/tissue/quality.h"
#include <string.h>

static const char *const splits[] = {"train", "valid", "test"};

static const char *text_of(const json_t *facts, const char *name)
{
    const char *text = json_string_value(json_object_get(facts, name));
    return text ? text : "";
}

/* ---- counts ---- */

/* Takes ownership of the key. */
static void count_one(GHashTable *counts, char *key)
{
    int before = GPOINTER_TO_INT(g_hash_table_lookup(counts, key));
    g_hash_table_insert(counts, key, GINT_TO_POINTER(before + 1));
}

/* "good train", "Ungood slide/tumor_001", "good flag/pen"... -> number of patches.  One pass, as a set may have millions. */
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

/* Slides without tiles here, because one of their jobs failed. */
static int count_failed(const Work *work, const char *split)
{
    int n = 0;
    for (guint i = 0; i < work->run->slides->len; i++) {
        const SlideEntry *entry = work->run->slides->pdata[i];
        g_autofree char *facts = work_find(work, "cut", entry->id, "facts");
        n += g_str_equal(entry->split, split) && entry->label != SLIDE_UNKNOWN && !facts;
    }
    return n;
}

static void add_splits(GString *out, const Work *work, GHashTable *kept, const GPtrArray *dropped)
{
    static const char *const titles[] = {
        "split", "patients", "slides", "failed slides", "good", "Ungood", "left out by sampling", NULL};
    g_autoptr(GHashTable) left = count_all(dropped);
    markdown_table(out, titles);
    for (size_t s = 0; s < G_N_ELEMENTS(splits); s++) {
        markdown_cell(out, "%s", splits[s]);
        if (cohort_names_patients(work->run->slides)) {
            markdown_cell(out, "%d", count_patients(work->run->slides, splits[s]));
        } else {
            markdown_cell(out, "unknown");
        }
        markdown_cell(out, "%d", count_slides(work->run->slides, splits[s]));
        markdown_cell(out, "%d", count_failed(work, splits[s]));
        markdown_cell(out, "%d", count(kept, "good", "", splits[s]));
        markdown_cell(out, "%d", count(kept, "Ungood", "", splits[s]));
        markdown_cell(out, "%d", count(left, "good", "", splits[s]) + count(left, "Ungood", "", splits[s]));
        markdown_line(out);
    }
}

/* Splits and folds without metrics. */
static void add_missing_metrics(GString *out, const GPtrArray *missing)
{
    if (missing->len > 0) {
        markdown_heading(out, 2, "Warnings");
    }
    for (guint i = 0; i < missing->len; i++) {
        markdown_bullet(out);
        markdown_text(out, "%s", (const char *)missing->pdata[i]);
        markdown_line(out);
    }
}

/* How many of the patches have each flag (tiler/tissue/quality.h). */
static void add_flags(GString *out, GHashTable *kept, const json_t *unreadable_tiles, const Config *config)
{
    static const char *const titles[] = {"flag", "good", "Ungood", NULL};
    g_autofree char *all = quality_flags_text(~0U);
    g_auto(GStrv) names = g_strsplit(all, " ", -1);
    markdown_heading(out, 2, "Flags");
    markdown_table(out, titles);
    for (char **name = names; *name; name++) {
        markdown_cell(out, "%s", *name);
        markdown_cell(out, "%d", count(kept, "good", "flag/", *name));
        markdown_cell(out, "%d", count(kept, "Ungood", "flag/", *name));
        markdown_line(out);
    }
    markdown_line(out);
    if (*config->dataset_drop_flags) {
        markdown_text(out, "Tiles with these flags are left out: %s.", config->dataset_drop_flags);
    } else {
        markdown_text(out, "No flag leaves a tile out.");
    }
    g_autofree char *unreadable = unreadable_tiles_text(unreadable_tiles);
    if (unreadable) {
        markdown_text(out, " %s.", unreadable);
    }
    markdown_line(out);
}

/* ---- slides ---- */

static void add_slide(GString *out, const Work *work, const SlideEntry *entry, GHashTable *kept)
{
    char mpp[G_ASCII_DTOSTR_BUF_SIZE];
    const json_t *facts = slide_json_record(work->records, entry->id);
    g_autofree char *fold = entry->fold > 0 ? g_strdup_printf("%d", entry->fold) : g_strdup("");
    g_ascii_formatd(mpp, sizeof mpp, "%.6g", json_number_value(json_object_get(facts, "mpp_x")));
    g_autofree char *file = g_path_get_basename(entry->path);
    const char *const cells[] = {entry->id,
                                 file,
                                 entry->patient,
                                 entry->centre,
                                 slide_label_name(entry->label),
                                 entry->split,
                                 fold,
                                 facts ? text_of(facts, "vendor") : "failed",
                                 mpp,
                                 text_of(facts, "mpp_source")};
    for (size_t i = 0; i < G_N_ELEMENTS(cells); i++) {
        markdown_cell(out, "%s", cells[i]);
    }
    markdown_cell(out, "%d", count(kept, "good", "slide/", entry->id));
    markdown_cell(out, "%d", count(kept, "Ungood", "slide/", entry->id));
    markdown_cell(out, "%.16s", text_of(facts, "fingerprint"));
    markdown_line(out);
}

static void add_slides(GString *out, const Work *work, GHashTable *kept)
{
    static const char *const titles[] = {"slide", "file",   "patient",     "centre", "label",
                                         "split", "fold",   "vendor",      "um/px",  "um/px from",
                                         "good",  "Ungood", "fingerprint", NULL};
    markdown_heading(out, 2, "Slides");
    markdown_table(out, titles);
    for (guint i = 0; i < work->run->slides->len; i++) {
        add_slide(out, work, work->run->slides->pdata[i], kept);
    }
}

/* ---- notes on slides ---- */

static void add_note(GString *out, const SlideEntry *entry, const char *text)
{
    markdown_bullet(out);
    markdown_text(out, "%s: %s", entry->id, text);
    markdown_line(out);
}

/* Notes that the tiles of a slide are finer than its level 0. */
static void add_upsampling(GString *out, const Config *config, const SlideEntry *entry, const json_t *facts)
{
    double mpp = MAX(json_number_value(json_object_get(facts, "mpp_x")),
                     json_number_value(json_object_get(facts, "mpp_y")));
    if (mpp > config->tiles_mpp * (1 + 1e-3)) {
        g_autofree char *text =
            g_strdup_printf("its tiles (%g um/px) are %.3g times finer than level 0 (%g um/px)",
                            config->tiles_mpp, mpp / config->tiles_mpp, mpp);
        add_note(out, entry, text);
    }
}

static void add_notes(GString *out, const Work *work)
{
    g_autoptr(GString) notes = g_string_new(NULL);
    for (guint i = 0; i < work->run->slides->len; i++) {
        const SlideEntry *entry = work->run->slides->pdata[i];
        g_autoptr(GPtrArray) texts = slide_notes_of(work->records, entry->id);
        const json_t *facts = slide_json_record(work->records, entry->id);
        for (guint k = 0; k < texts->len; k++) {
            add_note(notes, entry, texts->pdata[k]);
        }
        add_upsampling(notes, work->run->config, entry, facts);
    }
    if (notes->len > 0) {
        markdown_heading(out, 2, "Notes on slides");
        g_string_append(out, notes->str);
    }
}

/* ---- rules ---- */

static void add_value(GString *out, const char *name, double value, const char *unit)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    markdown_text(out, "%s %s%s", name, g_ascii_formatd(text, sizeof text, "%.6g", value), unit);
}

static void add_tile_rules(GString *out, const Config *config)
{
    markdown_bullet(out);
    markdown_text(out, "tiles: %d x %d px", config->tiles_size, config->tiles_size);
    add_value(out, " at", config->tiles_mpp, " um/px");
    if (config->tiles_overlap > 0) {
        add_value(out, ", overlap", config->tiles_overlap,
                  config->tiles_overlap < 1 ? " of the tile side" : " px");
    } else {
        markdown_text(out, ", no overlap");
    }
    markdown_text(out, ", edge policy %s, filter %s", config->tiles_edge, config->tiles_filter);
    add_value(out, ", at least", config->tiles_min_tissue, " tissue");
    markdown_line(out);
    markdown_bullet(out);
    markdown_text(out, "images: %s", config->dataset_image);
    if (g_str_equal(config->dataset_image, "jpeg")) {
        markdown_text(out, ", quality %d", config->dataset_jpeg_quality);
    }
    gboolean shards = g_str_equal(config->dataset_format, "shards");
    markdown_text(out, ", %s",
                  shards ? "in tar shards (WebDataset)"
                         : "one file each; those of the valid split are in ../dataset_valid");
    markdown_line(out);
}

/* The rule with its own parameter only, and what it leaves out (tile_label.h). */
static void add_label_rule(GString *out, const Config *config)
{
    static const struct {
        const char *rule, *text;
    } rules[] = {{"any", ": tiles with any lesion"},
                 {"centre",
                  ": tiles with lesion in the middle half of their width and height; tiles with lesion "
                  "only outside of it are left out"}};
    markdown_bullet(out);
    markdown_text(out, "Ungood by rule %s", config->dataset_rule);
    for (size_t i = 0; i < G_N_ELEMENTS(rules); i++) {
        if (g_str_equal(config->dataset_rule, rules[i].rule)) {
            markdown_text(out, "%s", rules[i].text);
        }
    }
    if (g_str_equal(config->dataset_rule, "fraction")) {
        add_value(out, ": tiles of which at least", 100 * config->dataset_lesion_min,
                  " % are lesion; tiles with less lesion, but some, are left out");
    }
    markdown_line(out);
}

static void add_rules(GString *out, const Config *config)
{
    markdown_heading(out, 2, "Rules");
    add_tile_rules(out, config);
    add_label_rule(out, config);
    markdown_bullet(out);
    markdown_text(out, "lesion tiles of training patients: %s",
                  config->dataset_train_anomalies ? "kept as Ungood" : "left out");
    markdown_line(out);
    markdown_bullet(out);
    markdown_text(out, "splits: %s, by %s, seed %d", config->dataset_split, config->dataset_by,
                  config->run_seed);
    if (config->dataset_folds > 0) {
        markdown_text(out, ", fold %d of %d is the test split", config->dataset_fold, config->dataset_folds);
    }
    markdown_text(out, "; no patient and no slide is in two splits");
    markdown_line(out);
    if (config->dataset_balance) {
        markdown_bullet(out);
        markdown_text(out, "balanced: each label has as many tiles as the rarer one");
        markdown_line(out);
    }
    if (config->dataset_max_per_class > 0) {
        markdown_bullet(out);
        markdown_text(out, "at most %d tiles per label and split", config->dataset_max_per_class);
        markdown_line(out);
    }
}

static void add_exceptions(GString *out, const Config *config)
{
    if (!g_str_equal(config->dataset_split, "camelyon16")) {
        return;
    }
    markdown_heading(out, 2, "Known exceptions of Camelyon16");
    for (const CamelyonException *one = camelyon16_exceptions; one->slide; one++) {
        markdown_bullet(out);
        markdown_text(out, "%s: %s", one->slide, one->reason);
        markdown_line(out);
    }
}

/* Warnings from reading the annotations. */
static void add_annotations(GString *out, const Work *work)
{
    g_autoptr(GPtrArray) notes = annotation_notes(work->run->slides, work->records);
    if (notes->len > 0) {
        markdown_heading(out, 2, "Warnings about annotations");
    }
    for (guint i = 0; i < notes->len; i++) {
        markdown_bullet(out);
        markdown_text(out, "%s", (const char *)notes->pdata[i]);
        markdown_line(out);
    }
}

/* Names without folders, because a card is given to others. */
static void add_unused(GString *out, const Work *work)
{
    g_autoptr(GPtrArray) findings = unused_in_run(work->run->cohort, work->inputs);
    int unknown = 0;
    for (guint i = 0; i < work->run->slides->len; i++) {
        unknown += ((const SlideEntry *)work->run->slides->pdata[i])->label == SLIDE_UNKNOWN;
    }
    if (findings->len == 0 && unknown == 0) {
        return;
    }
    markdown_heading(out, 2, "Unused files");
    if (unknown > 0) {
        markdown_bullet(out);
        markdown_text(out, "slides of unknown label, which are not in the patch set: %d", unknown);
        markdown_line(out);
    }
    for (guint i = 0; i < findings->len; i++) {
        const Unused *unused = findings->pdata[i];
        g_autofree char *name = g_path_get_basename(unused->name);
        g_autofree char *shown = terminal_line(name), *reason = terminal_line(unused->reason);
        markdown_bullet(out);
        markdown_text(out, "%s: %s", shown, reason);
        markdown_line(out);
    }
}

static void add_hashes(GString *out, const char *manifest_sha256, const char *sums_sha256)
{
    markdown_heading(out, 2, "Hashes");
    markdown_text(out, "manifest.csv holds the SHA-256 of every image. The SHA-256 of manifest.csv is ");
    markdown_code(out, manifest_sha256);
    markdown_text(out, ". SHA256SUMS lists all files except this card (");
    markdown_code(out, "sha256sum -c SHA256SUMS");
    markdown_text(out, "); its own SHA-256 is ");
    markdown_code(out, sums_sha256);
    markdown_text(out, ". ");
    markdown_code(out, "wsiflow dataset --verify DIR");
    markdown_text(out, " checks all of them.");
    markdown_line(out);
}

/* What training on this set can hold out, since the calibration of the model depends on it. */
static void add_holdout(GString *out, const GPtrArray *patches)
{
    g_autoptr(GHashTable) patients = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) slides = g_hash_table_new(g_str_hash, g_str_equal);
    gboolean named = FALSE;
    for (guint i = 0; i < patches->len; i++) {
        const Patch *patch = patches->pdata[i];
        if (g_str_equal(patch->split, "train") && g_str_equal(patch->label, "good")) {
            named = named || !g_str_equal(patch_patient(patch), patch->slide);
            g_hash_table_add(patients, (gpointer)patch_patient(patch));
            g_hash_table_add(slides, patch->slide);
        }
    }
    guint n = g_hash_table_size(patients), m = g_hash_table_size(slides);
    if (n == 0) {
        return;
    }
    markdown_heading(out, 2, "Hold-out");
    if (named) {
        markdown_text(out, "The normal training tiles are from %u patient%s and %u slide%s. ", n,
                      n == 1 ? "" : "s", m, m == 1 ? "" : "s");
    } else {
        markdown_text(out, "The normal training tiles are from %u slide%s of unknown patients. ", m,
                      m == 1 ? "" : "s");
    }
    if (n > 1) {
        markdown_text(
            out, named ? "Training holds out whole patients."
                       : "Training holds out whole slides, so slides of one patient may be on both sides.");
    } else {
        markdown_text(out,
                      "Training can only hold out %s: the calibration of the model is not to be trusted.",
                      m > 1 ? "slides of the patient that it also trains on"
                            : "parts of the slide that it also trains on");
    }
    markdown_break(out);
}

static void add_repeats(GString *out, const RepeatedImages *repeats)
{
    g_autofree char *text = repeated_images_text(repeats);
    if (text) {
        markdown_heading(out, 2, "Repeated images");
        markdown_text(out, "%s.", text);
        markdown_break(out);
    }
}

char *card_text(const Work *work, const GPtrArray *patches, const GPtrArray *dropped,
                const GPtrArray *missing, const json_t *unreadable_tiles, const RepeatedImages *repeats,
                const char *manifest_sha256, const char *sums_sha256)
{
    const Config *config = work->run->config;
    g_autoptr(GHashTable) kept = count_all(patches);
    GString *out = g_string_new(NULL);
    markdown_heading(out, 1, "Patch set: %s", config->run_name);
    markdown_text(out, "For research use only.");
    markdown_break(out);
    add_splits(out, work, kept, dropped);
    add_missing_metrics(out, missing);
    add_rules(out, config);
    add_holdout(out, patches);
    add_repeats(out, repeats);
    add_exceptions(out, config);
    add_flags(out, kept, unreadable_tiles, config);
    add_slides(out, work, kept);
    add_annotations(out, work);
    add_notes(out, work);
    add_unused(out, work);
    add_hashes(out, manifest_sha256, sums_sha256);
    return g_string_free(out, FALSE);
}
