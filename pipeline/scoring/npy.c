/* .npy version 1.0: "\x93NUMPY", 1, 0, header length, a Python dict padded to a multiple of 64 bytes, the raw values.
 * Source: NumPy Enhancement Proposal 1 and numpy.lib.format. */
#include "pipeline/scoring/npy.h"
#include "base/error.h"
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

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

static gboolean refuse(GError **error, const char *path)
{
    return wsi_error_input(
        error, "%s: not an array of little-endian float32 of two dimensions in .npy format", path);
}

/* Reads to the end of the header. */
static gboolean read_header(FILE *file, const char *path, int *height, int *width, GError **error)
{
    uint8_t start[10];
    char dict[65536] = "";
    size_t got = fread(start, 1, sizeof start, file),
           length = got == sizeof start ? start[8] + 256u * start[9] : 0;
    gboolean ours =
        length > 0 && memcmp(start, "\x93NUMPY\x01\x00", 8) == 0 && fread(dict, 1, length, file) == length;
    if (ferror(file)) {
        return wsi_error_errno(error, "cannot read", path);
    }
    const char *shape = ours ? strstr(dict, "'shape': (") : NULL;
    return (shape && strstr(dict, "'<f4'") && strstr(dict, "'fortran_order': False") &&
            sscanf(shape, "'shape': (%d, %d)", height, width) == 2 && *width > 0 && *height >= 0) ||
           refuse(error, path);
}

/* The values, and nothing after them.  Caller frees. */
static float *read_values(FILE *file, const char *path, size_t count, GError **error)
{
    struct stat all;
    if (fstat(fileno(file), &all) != 0) {
        wsi_error_errno(error, "cannot stat", path);
        return NULL;
    }
    /* Checked before memory is taken for what the header says. */
    if (all.st_size - ftello(file) != (off_t)(count * sizeof(float))) {
        refuse(error, path);
        return NULL;
    }
    g_autofree float *values = wsi_try_alloc(count + 1, sizeof(float), path, error);
    if (values && fread(values, sizeof(float), count, file) != count) {
        ferror(file) ? wsi_error_errno(error, "cannot read", path) : refuse(error, path);
        return NULL;
    }
    return g_steal_pointer(&values);
}

static float *read_array(const char *path, int *height, int *width, GError **error)
{
    FILE *file = g_fopen(path, "rbe");
    if (!file) {
        wsi_error_errno(error, "cannot open", path);
        return NULL;
    }
    float *values = read_header(file, path, height, width, error)
                        ? read_values(file, path, (size_t)*width * *height, error)
                        : NULL;
    fclose(file);
    return values;
}

Map *npy_read(const char *path, GError **error)
{
    int width = 0, height = 0;
    float *values = read_array(path, &height, &width, error);
    if (values && height == 0) {
        wsi_error_input(error, "%s: a map without rows", path);
        g_clear_pointer(&values, g_free);
    }
    Map *map = values ? g_new(Map, 1) : NULL;
    if (map) {
        *map = (Map){width, height, values};
    }
    return map;
}

float *npy_read_rows(const char *path, int columns, int *rows, GError **error)
{
    int width = 0;
    g_autofree float *values = read_array(path, rows, &width, error);
    if (values && width != columns) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: %d columns where %d were expected", path, width,
                    columns);
        return NULL;
    }
    return g_steal_pointer(&values);
}
