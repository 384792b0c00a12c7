/* Duplicate slides.
 *
 * When one copy of a slide is annotated and the other counts as normal, lesions of the second are among the normal tiles.  Annotations are
 * compared by the border of their lesions, so two files of different dialects with the same outlines agree. */
#include "pipeline/patchset/duplicate_slides.h"
#include "base/durable.h"
#include "base/error.h"
#include "pipeline/slide/slide_json.h"
#include <string.h>

/* The hash of the slide's lesions in `out`; "" when there are none, or when they are not known. */
static gboolean hash_lesions(const Work *work, const SlideEntry *entry, char out[65], GError **error)
{
    g_autofree char *path = entry->annotation ? work_find(work, "mask", entry->id, "border") : NULL;
    *out = 0;
    return !path || durable_hash_file(path, out, NULL, error);
}

static gboolean contradiction(const SlideEntry *a, const SlideEntry *b, const char *what, GError **error)
{
    g_set_error(
        error, WSI_ERROR, WSI_ERROR_INPUT,
        "slides %s (%s) and %s (%s) have the same content, but %s: remove one of them, or give both the same "
        "annotation and label",
        a->id, slide_label_name(a->label), b->id, slide_label_name(b->label), what);
    return FALSE;
}

static gboolean agree(const Work *work, const SlideEntry *a, const SlideEntry *b, GError **error)
{
    if (a->label != b->label) {
        return (a->label != SLIDE_NORMAL && b->label != SLIDE_NORMAL) ||
               contradiction(a, b, "only one of them is normal", error);
    }
    char one[65], other[65];
    if (!hash_lesions(work, a, one, error) || !hash_lesions(work, b, other, error)) {
        return FALSE;
    }
    return !*one || !*other || g_str_equal(one, other) ||
           contradiction(a, b, "their annotations outline different lesions", error);
}

gboolean duplicate_slides_check(const Work *work, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < work->run->slides->len; i++) {
        const SlideEntry *entry = work->run->slides->pdata[i];
        const json_t *facts = slide_json_record(work->records, entry->id);
        const char *content = json_string_value(json_object_get(facts, "fingerprint"));
        const SlideEntry *first = content ? g_hash_table_lookup(seen, content) : NULL;
        if (first && !agree(work, first, entry, error)) {
            return FALSE;
        }
        if (content && *content && !first) {
            g_hash_table_insert(seen, g_strdup(content), (gpointer)entry);
        }
    }
    return TRUE;
}
