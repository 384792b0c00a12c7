/* .npy version 1.0: "\x93NUMPY", 1, 0, header length, a Python dict padded to a multiple of 64 bytes, the raw values.
 * Source: NumPy Enhancement Proposal 1 and numpy.lib.format. */
#include "pipeline/scoring/npy.h"
#include "base/error.h"
#include <stdio.h>
#include <string.h>

Durable *npy_open(const char *path, int rank, const int64_t *shape, GError **error)
{
    g_autoptr(GString) dict = g_string_new("{'descr': '<f4', 'fortran_order': False, 'shape': (");
    for (int i = 0; i < rank; i++) {
        g_string_append_printf(dict, "%s%" G_GINT64_FORMAT, i ? ", " : "", shape[i]);
    }
    g_string_append(dict, rank == 1 ? ",), }" : "), }");
    size_t length = (10 + dict->len + 1 + 63) / 64 * 64 - 10;
    g_autofree char *header = g_strdup_printf("%-*s\n", (int)length - 1, dict->str);
    uint8_t start[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (uint8_t)length, (uint8_t)(length >> 8)};
    g_autoptr(Durable) file = durable_open(path, error);
    gboolean ok =
        file && durable_write(file, start, sizeof start, error) && durable_write(file, header, length, error);
    return ok ? g_steal_pointer(&file) : NULL;
}

gboolean npy_write(const char *path, const Map *map, char sha256[65], GError **error)
{
    const int64_t shape[] = {map->height, map->width};
    g_autoptr(Durable) file = npy_open(path, 2, shape, error);
    return file &&
           durable_write(file, map->values, (size_t)map->width * map->height * sizeof(float), error) &&
           durable_commit(file, sha256, NULL, error);
}

/* The content of a file of float32 in two dimensions.  *values is in the text, which the caller frees; NULL with error. */
static char *read_values(const char *path, int *height, int *width, const char **values, GError **error)
{
    g_autofree char *text = NULL;
    gsize bytes;
    g_autoptr(GError) why = NULL;
    if (!g_file_get_contents(path, &text, &bytes, &why)) {
        wsi_error_glib(error, why);
        return NULL;
    }
    size_t header = bytes >= 10 ? (uint8_t)text[8] + 256u * (uint8_t)text[9] : 0;
    gboolean ours = bytes >= 10 + header && header > 0 && memcmp(text, "\x93NUMPY\x01\x00", 8) == 0;
    g_autofree char *dict = ours ? g_strndup(text + 10, header) : g_strdup("");
    const char *shape = strstr(dict, "'shape': (");
    ours = ours && strstr(dict, "'<f4'") && strstr(dict, "'fortran_order': False") && shape &&
           sscanf(shape, "'shape': (%d, %d)", height, width) == 2 && *width > 0 && *height >= 0 &&
           (size_t)*width * *height * sizeof(float) == bytes - 10 - header;
    if (!ours) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s: not an array of little-endian float32 of two dimensions in .npy format", path);
        return NULL;
    }
    *values = text + 10 + header;
    return g_steal_pointer(&text);
}

Map *npy_read(const char *path, GError **error)
{
    int width = 0, height = 0;
    const char *values = NULL;
    g_autofree char *text = read_values(path, &height, &width, &values, error);
    if (text && height == 0) {
        wsi_error_input(error, "%s: a map without rows", path);
        return NULL;
    }
    Map *map = text ? map_new(width, height, error) : NULL;
    if (map) {
        memcpy(map->values, values, (size_t)width * height * sizeof(float));
    }
    return map;
}

static float *copy_values(const char *values, size_t count)
{
    float *copy = g_new(float, count + 1);
    memcpy(copy, values, count * sizeof(float));
    return copy;
}

float *npy_read_rows(const char *path, int columns, int *rows, GError **error)
{
    int width = 0;
    const char *values = NULL;
    g_autofree char *text = read_values(path, rows, &width, &values, error);
    if (text && width != columns) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: %d columns where %d were expected", path, width,
                    columns);
        return NULL;
    }
    return text ? copy_values(values, (size_t)width * *rows) : NULL;
}
