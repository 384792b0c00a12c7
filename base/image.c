/* Rasters are the largest objects in memory and files decide their size, so a failed allocation is an error, never an abort. */
#include "base/image.h"
#include "base/error.h"
#include <math.h>

static gboolean check_size(int width, int height, GError **error)
{
    if (width > 0 && height > 0) {
        return TRUE;
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "a raster cannot have %d x %d pixels", width, height);
    return FALSE;
}

Image *image_new(int width, int height, int channels, GError **error)
{
    if (!check_size(width, height, error)) {
        return NULL;
    }
    uint8_t *pixels = wsi_try_alloc((size_t)width * height, channels, "an image", error);
    if (!pixels) {
        return NULL;
    }
    Image *image = g_new(Image, 1);
    *image = (Image){width, height, channels, pixels};
    return image;
}

void image_free(Image *image)
{
    if (image) {
        g_free(image->pixels);
        g_free(image);
    }
}

Map *map_new(int width, int height, GError **error)
{
    if (!check_size(width, height, error)) {
        return NULL;
    }
    float *values = wsi_try_alloc((size_t)width * height, sizeof(float), "a map", error);
    if (!values) {
        return NULL;
    }
    for (size_t i = 0; i < (size_t)width * height; i++) {
        values[i] = NAN;
    }
    Map *map = g_new(Map, 1);
    *map = (Map){width, height, values};
    return map;
}

void map_free(Map *map)
{
    if (map) {
        g_free(map->values);
        g_free(map);
    }
}
