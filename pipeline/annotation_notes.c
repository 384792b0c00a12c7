/* Warnings of annotations, where people look: at the end of a run, in the card, in the report.
 *
 * mask.json has them, slide by slide, and nobody opens that without a reason.  Folders are left out of the messages: a card is given
 * away. */
#include "pipeline/annotation_notes.h"
#include "pipeline/plan.h"
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { TOLD = 10 };

static void add_notes(GPtrArray *notes, const SlideEntry *entry, const char *path)
{
    json_t *facts = path && entry->annotation ? json_load_file(path, 0, NULL) : NULL;
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
    json_decref(facts);
}

GPtrArray *annotation_notes(const Work *work)
{
    GPtrArray *notes = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < work->run->slides->len; i++) {
        const SlideEntry *entry = work->run->slides->pdata[i];
        g_autofree char *path = work_find(work, "mask", entry->id, "facts");
        add_notes(notes, entry, path);
    }
    return notes;
}

void annotation_notes_tell(const char *folder)
{
    g_autoptr(Store) store = store_open_existing(folder, NULL);
    g_autoptr(Cohort) cohort = store ? plan_cohort(store, NULL) : NULL;
    g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; cohort && i < cohort->slides->len; i++) {
        const SlideEntry *entry = cohort->slides->pdata[i];
        g_autofree char *path = g_build_filename(folder, "slides", entry->id, "mask.json", NULL);
        add_notes(notes, entry, path);
    }
    for (guint i = 0; i < notes->len && i < TOLD; i++) {
        fprintf(stderr, "annotation %s\n", (const char *)notes->pdata[i]);
    }
    if (notes->len > TOLD) {
        fprintf(stderr, "annotations: %u more warnings; slides/ID/mask.json has those of each slide\n",
                notes->len - TOLD);
    }
}
