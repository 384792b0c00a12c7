/* The writer of safetensors.
 *
 * The header has its entries in the order in which they were added, without blanks.  It is padded with spaces so that the data
 * begins at a multiple of 8 bytes.  Tensors follow each other without gaps.  What the reader refuses (duplicate names, values
 * that are not finite, names that are not UTF-8) is refused here too. */
#include "flows/files/safetensors.h"
#include "base/durable.h"
#include "base/error.h"
#include <jansson.h>
#include <math.h>
#include <string.h>

struct SafetensorsWriter {
    json_t *header;
    json_t *metadata;
    GArray *tensors; /* of Pending */
    int64_t bytes;   /* of data, so far */
    char *problem;   /* the first error, reported by commit */
};

typedef struct {
    const real *values;
    int64_t count;
} Pending;

SafetensorsWriter *safetensors_writer_new(void)
{
    SafetensorsWriter *writer = g_new0(SafetensorsWriter, 1);
    writer->header = json_object();
    writer->metadata = json_object();
    writer->tensors = g_array_new(FALSE, FALSE, sizeof(Pending));
    return writer;
}

void safetensors_writer_free(SafetensorsWriter *writer)
{
    if (!writer) {
        return;
    }
    json_decref(writer->header);
    json_decref(writer->metadata);
    g_array_unref(writer->tensors);
    g_free(writer->problem);
    g_free(writer);
}

/* Keeps the first problem; functions that add cannot fail. */
static void remember_problem(SafetensorsWriter *writer, const char *name, const char *what)
{
    if (!writer->problem) {
        g_autofree char *escaped = g_strescape(name, NULL);
        writer->problem = g_strdup_printf("\"%s\": %s", escaped, what);
    }
}

/* Adds a member to a JSON object that must not have it yet; steals value. */
static void add_new(SafetensorsWriter *writer, json_t *object, const char *name, json_t *value)
{
    /* Jansson would replace the first value silently. */
    if (json_object_get(object, name)) {
        remember_problem(writer, name, "added twice");
        json_decref(value);
    } else if (object == writer->header && strcmp(name, "__metadata__") == 0) {
        remember_problem(writer, name, "a tensor may not have this name");
        json_decref(value);
    } else if (!value || json_object_set_new(object, name, value) != 0) {
        remember_problem(writer, name, "the name or the string is not UTF-8");
    }
}

void safetensors_writer_metadata(SafetensorsWriter *writer, const char *key, const char *value)
{
    add_new(writer, writer->metadata, key, json_string(value));
}

void safetensors_writer_add(SafetensorsWriter *writer, const char *name, int rank, const int64_t *shape,
                            const real *values)
{
    /* The numbers are not copied; they must stay until commit. */
    Pending pending = {values, 1};
    json_t *sizes = json_array();
    for (int i = 0; i < rank; i++) {
        json_array_append_new(sizes, json_integer(shape[i]));
        pending.count *= shape[i];
    }
    /* data_offsets are [begin, end) in bytes from the start of the data. */
    int64_t end = writer->bytes + pending.count * (int64_t)sizeof(float);
    json_t *entry = json_pack("{s:s, s:o, s:[I, I]}", "dtype", "F32", "shape", sizes, "data_offsets",
                              (json_int_t)writer->bytes, (json_int_t)end);
    add_new(writer, writer->header, name, entry);
    g_array_append_val(writer->tensors, pending);
    writer->bytes = end;
    for (int64_t i = 0; i < pending.count; i++) {
        /* As float, because a double may be too large for one. */
        if (!isfinite((float)values[i])) {
            remember_problem(writer, name, "holds a value that is not a finite float");
            break;
        }
    }
}

/* The JSON text, padded.  Metadata come first, as in the reference implementation. */
static GString *header_text(const SafetensorsWriter *writer)
{
    /* Objects keep the order of insertion, which is part of the bytes. */
    json_t *all = json_object();
    if (json_object_size(writer->metadata) > 0) {
        json_object_set(all, "__metadata__", writer->metadata);
    }
    json_object_update(all, writer->header);
    char *text = json_dumps(all, JSON_COMPACT);
    GString *out = g_string_new(text);
    free(text);
    json_decref(all);
    /* N itself has 8 bytes, so this aligns the data. */
    while (out->len % 8) {
        g_string_append_c(out, ' ');
    }
    return out;
}

/* In chunks, because `real` may have to be converted to float. */
static gboolean write_values(Durable *file, const Pending *pending, GError **error)
{
    float chunk[4096];
    for (int64_t i = 0; i < pending->count; i += G_N_ELEMENTS(chunk)) {
        int64_t count = MIN(pending->count - i, (int64_t)G_N_ELEMENTS(chunk));
        for (int64_t j = 0; j < count; j++) {
            chunk[j] = (float)pending->values[i + j];
        }
        if (!durable_write(file, chunk, sizeof(float) * (size_t)count, error)) {
            return FALSE;
        }
    }
    return TRUE;
}

gboolean safetensors_writer_commit(SafetensorsWriter *writer, const char *path, char sha256[65],
                                   GError **error)
{
    if (writer->problem) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "%s: %s", path, writer->problem);
        return FALSE;
    }
    g_autoptr(Durable) file = durable_open(path, error);
    if (!file) {
        return FALSE;
    }
    /* N, the header, the data of each tensor in the order of the header. */
    GString *header = header_text(writer);
    uint64_t length = header->len;
    gboolean ok = durable_write(file, &length, sizeof length, error) &&
                  durable_write(file, header->str, header->len, error);
    g_string_free(header, TRUE);
    for (guint i = 0; ok && i < writer->tensors->len; i++) {
        ok = write_values(file, &g_array_index(writer->tensors, Pending, i), error);
    }
    return ok && durable_commit(file, sha256, NULL, error);
}
