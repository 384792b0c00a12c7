/* The records are read as they are: what is not there has no notes. */
#include "pipeline/slidenotes.h"
#include <jansson.h>

static json_t *load(const char *path)
{
    return path ? json_load_file(path, 0, NULL) : NULL;
}

static void add_texts(GPtrArray *out, const json_t *texts)
{
    size_t i;
    json_t *text;
    json_array_foreach(texts, i, text)
    {
        g_ptr_array_add(out, g_strdup(json_string_value(text)));
    }
}

GPtrArray *slidenotes_read(const char *slide_json, const char *tissue_json)
{
    GPtrArray *out = g_ptr_array_new_with_free_func(g_free);
    json_t *slide = load(slide_json), *tissue = load(tissue_json);
    const json_t *level = json_array_get(json_object_get(slide, "levels"), 0);
    json_int_t missing = json_integer_value(json_object_get(level, "missing_tiles"));
    add_texts(out, json_object_get(slide, "notes"));
    if (missing > 0) {
        g_ptr_array_add(out, g_strdup_printf("%" JSON_INTEGER_FORMAT " of the %" JSON_INTEGER_FORMAT
                                             " tiles of level 0 are missing: no data",
                                             missing, json_integer_value(json_object_get(level, "tiles"))));
    }
    add_texts(out, json_object_get(tissue, "warnings"));
    json_decref(slide);
    json_decref(tissue);
    return out;
}
