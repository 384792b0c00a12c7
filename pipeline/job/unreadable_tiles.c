/* What could not be read is no data: it is in no patch set and taught to no model, and how much that was is said. */
#include "pipeline/job/unreadable_tiles.h"
#include "tiler/cut/cut.h"

enum { MOST_NAMED = 5 };

json_t *unreadable_tiles_new(void)
{
    return json_pack("{s:i, s:[]}", "tiles", 0, "slides");
}

static int64_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

void unreadable_tiles_add(json_t *leftout, const char *slide, int64_t tiles)
{
    if (tiles > 0) {
        json_object_set_new(leftout, "tiles", json_integer(number(leftout, "tiles") + tiles));
        json_array_append_new(json_object_get(leftout, "slides"),
                              json_pack("{s:s, s:I}", "slide", slide, "tiles", (json_int_t)tiles));
    }
}

char *unreadable_tiles_text(const json_t *leftout)
{
    const json_t *slides = json_object_get(leftout, "slides"), *one;
    size_t i;
    if (number(leftout, "tiles") == 0) {
        return NULL;
    }
    GString *out = g_string_new(NULL);
    g_string_append_printf(
        out, "%" G_GINT64_FORMAT " tiles were left out because less than %.0f %% of each could be read: ",
        number(leftout, "tiles"), 100 * CUT_READABLE);
    json_array_foreach(slides, i, one)
    {
        if (i < MOST_NAMED) {
            g_string_append_printf(out, "%s%" G_GINT64_FORMAT " of %s", i ? ", " : "", number(one, "tiles"),
                                   json_string_value(json_object_get(one, "slide")));
        }
    }
    if (json_array_size(slides) > MOST_NAMED) {
        g_string_append_printf(out, " and more of %zu other slides", json_array_size(slides) - MOST_NAMED);
    }
    return g_string_free(out, FALSE);
}
