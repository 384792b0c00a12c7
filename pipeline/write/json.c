/* JSON out: durable, in the order of insertion, so that the same content gives the same bytes. */
#include "pipeline/write/json.h"
#include "base/durable.h"
#include "base/error.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLAGS (JSON_INDENT(2) | JSON_REAL_PRECISION(15))

gboolean json_write(const char *path, json_t *value, char sha256[65], GError **error)
{
    char *text = json_dumps(value, FLAGS);
    json_decref(value);
    if (!text) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "%s: a text is not UTF-8", path);
        return FALSE;
    }
    g_autofree char *line = g_strdup_printf("%s\n", text);
    free(text);
    return durable_write_file(path, line, strlen(line), sha256, error);
}

void json_print(json_t *value)
{
    json_dumpf(value, stdout, FLAGS);
    putchar('\n');
    json_decref(value);
}

json_t *json_texts(const GPtrArray *texts)
{
    json_t *out = json_array();
    for (guint i = 0; i < texts->len; i++) {
        json_array_append_new(out, json_string(texts->pdata[i]));
    }
    return out;
}

json_t *json_number_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *json_read(const char *path, GError **error)
{
    json_error_t why;
    g_autoptr(GError) unread = NULL;
    g_autofree char *text = NULL;
    gsize length;
    if (!g_file_get_contents(path, &text, &length, &unread)) {
        wsi_error_glib(error, unread);
        return NULL;
    }
    json_t *value = json_loadb(text, length, JSON_REJECT_DUPLICATES, &why);
    if (!value) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s line %d: %s", path, why.line, why.text);
    }
    return value;
}
