/* The leak check of a run.
 *
 * Patches are checked as well as slides: a patch that was cut for an earlier split would otherwise pass. */
#include "pipeline/patchset/split_check.h"
#include "pipeline/cohort/leak_check.h"
#include "pipeline/slide/slide_json.h"
#include "tiler/patches/patchset.h"
#include <string.h>

/* Adds the slides, patients and splits that the patches name, each combination once. */
static void add_patches(GArray *contents, const GPtrArray *patches)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    guint entries = contents->len;
    for (guint i = 0; i < patches->len; i++) {
        const Patch *patch = patches->pdata[i];
        LeakContent content = {patch->slide, patch->patient, patch->split, ""};
        if (!g_hash_table_add(seen, g_strjoin("\n", patch->slide, patch->patient, patch->split, NULL))) {
            continue;
        }
        for (guint e = 0; e < entries; e++) {
            const LeakContent *entry = &g_array_index(contents, LeakContent, e);
            if (g_str_equal(entry->slide, patch->slide)) {
                memcpy(content.fingerprint, entry->fingerprint, sizeof content.fingerprint);
            }
        }
        g_array_append_val(contents, content);
    }
}

gboolean split_check(const Work *work, const GPtrArray *patches, GError **error)
{
    g_autoptr(GArray) contents = g_array_new(FALSE, TRUE, sizeof(LeakContent));
    for (guint i = 0; i < work->run->slides->len; i++) {
        const SlideEntry *entry = work->run->slides->pdata[i];
        LeakContent content = {entry->id, entry->patient, entry->split, ""};
        const json_t *facts = slide_json_record(work->records, entry->id);
        const char *fingerprint = json_string_value(json_object_get(facts, "fingerprint"));
        g_strlcpy(content.fingerprint, fingerprint ? fingerprint : "", sizeof content.fingerprint);
        if (entry->label != SLIDE_UNKNOWN) { /* an unknown slide is in no split */
            g_array_append_val(contents, content);
        }
    }
    if (patches) {
        add_patches(contents, patches);
    }
    return leak_check(contents, error);
}
