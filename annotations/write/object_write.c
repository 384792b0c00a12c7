/* A feature is written when it is added, so memory does not depend on their number. */
#include "annotations/write/object_write.h"
#include "annotations/write/geojson_feature.h"
#include "base/error.h"
#include <math.h>
#include <stdlib.h>

struct ObjectWriter {
    GeojsonWriter geojson;
    char *slide;
    gboolean some; /* a feature was written */
};

ObjectWriter *object_writer_open(const ObjectFile *file, GError **error)
{
    g_autoptr(ObjectWriter) writer = g_new0(ObjectWriter, 1);
    TextWriter *out = &writer->geojson.out;
    out->text = g_string_new("{\"type\":\"FeatureCollection\",");
    out->file = durable_open(file->path, error);
    writer->geojson.identity = g_checksum_new(G_CHECKSUM_SHA1);
    writer->geojson.bounds_x = file->bounds_x;
    writer->geojson.bounds_y = file->bounds_y;
    writer->geojson.rounded = TRUE;
    writer->slide = g_strdup(file->slide);
    if (!out->file || (file->gzip && !text_writer_compress(out, error))) {
        return NULL;
    }
    if (file->facts) {
        char *facts = json_dumps(file->facts, JSON_COMPACT | JSON_REAL_PRECISION(15));
        g_string_append_printf(out->text, "\"wsiflow\":%s,", facts);
        free(facts);
    }
    g_string_append(out->text, "\"features\":[\n");
    return g_steal_pointer(&writer);
}

/* ,"measurements":{"NAME":VALUE,...} */
static void put_measurements(GString *text, const Object *object)
{
    gboolean some = FALSE;
    g_string_append(text, ",\"measurements\":{");
    for (int i = 0; i < object->measurement_count; i++) {
        const Measurement *one = &object->measurements[i];
        char value[G_ASCII_DTOSTR_BUF_SIZE];
        if (isfinite(one->value)) {
            /* Half of a file of tiles is this: no format, which would be several times slower. */
            g_string_append(text, some ? ",\"" : "\"");
            g_string_append(text, one->name);
            g_string_append(text, "\":");
            g_string_append(text, g_ascii_formatd(value, sizeof value, "%.9g", one->value));
            some = TRUE;
        }
    }
    g_string_append_c(text, '}');
}

/* "geometry":{...}: a MultiPolygon where the object has several polygons. */
static gboolean put_geometry(ObjectWriter *writer, const Object *object, GError **error)
{
    GString *text = writer->geojson.out.text;
    gboolean several = FALSE;
    for (int i = 1; i < object->ring_count; i++) {
        several = several || object->rings[i].outer;
    }
    g_string_append_printf(text, "\"geometry\":{\"type\":\"%s\",\"coordinates\":[%s",
                           several ? "MultiPolygon" : "Polygon", several ? "[" : "");
    for (int i = 0; i < object->ring_count; i++) {
        const ObjectRing *ring = &object->rings[i];
        g_string_append(text, i == 0 ? "" : ring->outer ? "],[" : ",");
        if (!geojson_feature_points(&writer->geojson, ring->xy, ring->points, TRUE, error)) {
            return FALSE;
        }
    }
    g_string_append(text, several ? "]]}" : "]}");
    return TRUE;
}

gboolean object_writer_add(ObjectWriter *writer, const Object *object, GError **error)
{
    GString *text = writer->geojson.out.text;
    g_autofree char *key = g_strdup_printf("%s:%s:", writer->slide, object->type);
    geojson_feature_begin_id(&writer->geojson, key);
    g_string_append_printf(text, "%s{\"type\":\"Feature\",", writer->some ? ",\n" : "");
    if (!put_geometry(writer, object, error)) {
        return FALSE;
    }
    /* The id comes after the geometry, since it is a hash of the coordinates. */
    g_string_append(text, ",\"id\":\"");
    geojson_feature_end_id(&writer->geojson);
    g_string_append_printf(text, "\",\"properties\":{\"objectType\":\"%s\"", object->type);
    if (object->name) {
        g_autofree char *name = geojson_feature_quoted(object->name);
        g_string_append_printf(text, ",\"name\":%s", name);
    }
    g_autofree char *class = geojson_feature_quoted(object->class);
    g_string_append_printf(text, ",\"classification\":{\"name\":%s,\"color\":[%d,%d,%d]}", class,
                           object->colour[0], object->colour[1], object->colour[2]);
    put_measurements(text, object);
    g_string_append(text, "}}");
    writer->some = TRUE;
    return text_writer_flush(&writer->geojson.out, TEXT_WRITER_BYTES, error);
}

gboolean object_writer_commit(ObjectWriter *writer, char sha256[65], GError **error)
{
    g_string_append(writer->geojson.out.text, "\n]}\n");
    return text_writer_end(&writer->geojson.out, error) &&
           durable_commit(writer->geojson.out.file, sha256, NULL, error);
}

void object_writer_free(ObjectWriter *writer)
{
    if (writer) {
        text_writer_clear(&writer->geojson.out);
        g_string_free(writer->geojson.out.text, TRUE);
        durable_free(writer->geojson.out.file);
        g_checksum_free(writer->geojson.identity);
        g_free(writer->slide);
        g_free(writer);
    }
}
