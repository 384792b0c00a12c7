/* The leak check.
 *
 * The splits of slides and of patches come from several sources: the manifest, official lists, the seed.  So the check looks at what is
 * in the patch set and in training, not at how it was assigned. */
#include "pipeline/cohort/leak_check.h"
#include "base/error.h"

/* FALSE when `key` was seen in another split; *other: where. */
static gboolean same_side(GHashTable *seen, const char *key, const LeakContent *content,
                          const LeakContent **other)
{
    *other = *key ? g_hash_table_lookup(seen, key) : NULL;
    if (!*other && *key) {
        g_hash_table_insert(seen, (gpointer)key, (gpointer)content);
    }
    return !*other || g_str_equal((*other)->split, content->split);
}

gboolean leak_check(const GArray *contents, GError **error)
{
    g_autoptr(GHashTable) patients = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) slides = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < contents->len; i++) {
        const LeakContent *content = &g_array_index(contents, LeakContent, i), *other;
        if (!same_side(patients, content->patient, content, &other)) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                        "leak: patient %s is in %s (slide %s) and in %s (slide %s)", content->patient,
                        other->split, other->slide, content->split, content->slide);
            return FALSE;
        }
        if (!same_side(slides, content->fingerprint, content, &other)) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                        "leak: slides %s (%s) and %s (%s) have the same content: remove one, or give them "
                        "the same patient",
                        other->slide, other->split, content->slide, content->split);
            return FALSE;
        }
    }
    return TRUE;
}
