/* Warnings of annotations, collected for the end of a run, the card and the report.
 *
 * Without this they would only be in the mask.json of each slide.  Folders are removed from the messages, because a card is given to
 * others. */
#include "pipeline/slide/annotation_notes.h"
#include <string.h>

static void add_notes(GPtrArray *notes, const SlideEntry *entry, const json_t *facts)
{
    const json_t *warning;
    size_t i;
    json_array_foreach(json_object_get(facts, "warnings"), i, warning)
    {
        const char *text = json_string_value(warning);
        g_autofree char *file = g_path_get_basename(entry->annotation);
        gboolean named = text && g_str_has_prefix(text, entry->annotation);
        if (text) {
            g_ptr_array_add(notes, g_strdup_printf("%s: %s%s", entry->id, named ? file : "",
                                                   text + (named ? strlen(entry->annotation) : 0)));
        }
    }
}

GPtrArray *annotation_notes(const GPtrArray *slides, const Records *records)
{
    GPtrArray *notes = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < slides->len; i++) {
        const SlideEntry *entry = slides->pdata[i];
        const json_t *facts = records_get(records, "mask", entry->id, "facts");
        if (entry->annotation) {
            add_notes(notes, entry, facts);
        }
    }
    return notes;
}

gboolean annotation_notes_has_unknown(const Records *records, const char *id)
{
    return json_real_value(json_object_get(records_get(records, "mask", id, "facts"), "unknown_area_px")) > 0;
}
