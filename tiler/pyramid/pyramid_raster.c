/* Pyramids of images and maps that are in memory. */
#include "tiler/pyramid/pyramid.h"
#include "tiler/pyramid/tile_codec.h"
#include "base/error.h"
#include <string.h>

typedef struct {
    const uint8_t *pixels;
    size_t row_bytes;
} Raster;

/* The PyramidSource of a whole image. */
static gboolean raster_rows(void *data, int64_t y, int rows, void *pixels, GError **error)
{
    const Raster *raster = data;
    memcpy(pixels, raster->pixels + (size_t)y * raster->row_bytes, (size_t)rows * raster->row_bytes);
    return TRUE;
}

/* Whether the raster is the one that was specified. */
static gboolean matches(const char *path, const PyramidSpec *spec, int width, int height, int pixel_bytes,
                        GError **error)
{
    if (spec->width != width || spec->height != height || spec->part ||
        tile_codec_pixel_bytes(spec->pixels) != pixel_bytes) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL,
                    "%s: an image of %d x %d px does not match the pyramid", path, width, height);
        return FALSE;
    }
    return TRUE;
}

gboolean pyramid_write_image(const char *path, const PyramidSpec *spec, const Image *image, char sha256[65],
                             GError **error)
{
    Raster raster = {image->pixels, (size_t)image->width * image->channels};
    return matches(path, spec, image->width, image->height, image->channels, error) &&
           pyramid_write(path, spec, raster_rows, &raster, sha256, error);
}

gboolean pyramid_write_maps(const char *path, const PyramidSpec *spec, const Map *const *maps, int count,
                            char sha256[65], GError **error)
{
    g_autofree Raster *rasters = g_new(Raster, count);
    g_autofree void **data = g_new(void *, count);
    for (int p = 0; p < count; p++) {
        if (!matches(path, spec, maps[p]->width, maps[p]->height, sizeof(float), error)) {
            return FALSE;
        }
        rasters[p] = (Raster){(const uint8_t *)maps[p]->values, (size_t)maps[p]->width * sizeof(float)};
        data[p] = &rasters[p];
    }
    return pyramid_write_planes(path, spec, raster_rows, data, count, sha256, error);
}

gboolean pyramid_write_map(const char *path, const PyramidSpec *spec, const Map *map, char sha256[65],
                           GError **error)
{
    return pyramid_write_maps(path, spec, &map, 1, sha256, error);
}
