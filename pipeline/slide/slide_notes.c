/* Notes are collected from the records of the stages; a stage that failed has no record. */
#include "pipeline/slide/slide_notes.h"

static void add_texts(GPtrArray *out, const json_t *texts)
{
    size_t i;
    json_t *text;
    json_array_foreach(texts, i, text)
    {
        g_ptr_array_add(out, g_strdup(json_string_value(text)));
    }
}

GPtrArray *slide_notes_of(const Records *records, const char *id)
{
    GPtrArray *out = g_ptr_array_new_with_free_func(g_free);
    const json_t *slide = records_get(records, "ingest", id, "content");
    const json_t *tissue = records_get(records, "tissue", id, "facts");
    const json_t *level = json_array_get(json_object_get(slide, "levels"), 0);
    json_int_t missing = json_integer_value(json_object_get(level, "missing_tiles"));
    add_texts(out, json_object_get(slide, "notes"));
    if (missing > 0) {
        g_ptr_array_add(out, g_strdup_printf("%" JSON_INTEGER_FORMAT " of the %" JSON_INTEGER_FORMAT
                                             " tiles of level 0 are missing (no data)",
                                             missing, json_integer_value(json_object_get(level, "tiles"))));
    }
    add_texts(out, json_object_get(tissue, "warnings"));
    add_texts(out, json_object_get(records_get(records, "clam", id, "notes"), "notes"));
    return out;
}
