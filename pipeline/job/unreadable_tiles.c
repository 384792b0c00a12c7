/* Tiles that could not be read are "no data": they are in no patch set and in no training, and their number is reported. */
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

void unreadable_tiles_add(json_t *unreadable, const char *slide, int64_t tiles)
{
    if (tiles > 0) {
        json_object_set_new(unreadable, "tiles", json_integer(number(unreadable, "tiles") + tiles));
        json_array_append_new(json_object_get(unreadable, "slides"),
                              json_pack("{s:s, s:I}", "slide", slide, "tiles", (json_int_t)tiles));
    }
}

char *unreadable_tiles_text(const json_t *unreadable)
{
    const json_t *slides = json_object_get(unreadable, "slides"), *one;
    size_t i;
    if (number(unreadable, "tiles") == 0) {
        return NULL;
    }
    GString *out = g_string_new(NULL);
    g_string_append_printf(
        out, "%" G_GINT64_FORMAT " tiles were left out because less than %.0f %% of each could be read: ",
        number(unreadable, "tiles"), 100 * CUT_READABLE);
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
