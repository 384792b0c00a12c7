/* Ids are hashes, so the same outline has the same id in every file, and importing it again replaces the object. */
#include "annotations/write/geojson_feature.h"
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

void geojson_feature_begin_id(GeojsonWriter *writer, const char *key)
{
    static const guint8 name_space[16] = {0x6f, 0x0b, 0x5d, 0x52, 0x9c, 0x1e, 0x4a, 0x77,
                                          0x8d, 0x33, 0x21, 0xe4, 0x70, 0xc9, 0x5a, 0x16};
    g_checksum_reset(writer->identity);
    g_checksum_update(writer->identity, name_space, sizeof name_space);
    g_checksum_update(writer->identity, (const guchar *)key, -1);
}

gboolean geojson_feature_points(GeojsonWriter *writer, const double *xy, int points, gboolean closed,
                                GError **error)
{
    const char *(*number)(char[32], double) = writer->rounded ? text_writer_rounded : text_writer_number;
    g_string_append_c(writer->out.text, '[');
    for (int i = 0; i < points + closed; i++) {
        char x[32], y[32], pair[72];
        const double *at = &xy[2 * (i % points)];
        g_snprintf(pair, sizeof pair, "%s[%s,%s]", i ? "," : "", number(x, at[0] - writer->bounds_x),
                   number(y, at[1] - writer->bounds_y));
        g_checksum_update(writer->identity, (const guchar *)pair, -1);
        g_string_append(writer->out.text, pair);
        if (!text_writer_flush(&writer->out, TEXT_WRITER_BYTES, error)) {
            return FALSE;
        }
    }
    g_string_append_c(writer->out.text, ']');
    return TRUE;
}

void geojson_feature_end_id(GeojsonWriter *writer)
{
    guint8 digest[20];
    gsize size = sizeof digest;
    g_checksum_get_digest(writer->identity, digest, &size);
    /* The version (5) and the variant (10 in binary) replace six bits of the hash. */
    digest[6] = (guint8)((digest[6] & 0x0F) | 0x50);
    digest[8] = (guint8)((digest[8] & 0x3F) | 0x80);
    for (int i = 0; i < 16; i++) {
        g_string_append_printf(writer->out.text, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
                               digest[i]);
    }
}

char *geojson_feature_quoted(const char *text)
{
    json_auto_t *value = json_string(text && g_utf8_validate(text, -1, NULL) ? text : "");
    char *dumped = json_dumps(value, JSON_ENCODE_ANY);
    char *copy = g_strdup(dumped);
    free(dumped);
    return copy;
}
