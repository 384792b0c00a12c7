/* Resampling of images to tiles. */
#include "pipeline/patchset/image_fit.h"
#include "tiler/imagefile/imagefile.h"
#include "tiler/raster/resample.h"
#include <string.h>

gboolean image_fit(const Image *image, int size, uint8_t *rgb, GError **error)
{
    if (image->width == size && image->height == size) {
        memcpy(rgb, image->pixels, image_bytes(image));
        return TRUE;
    }
    Image tile = {size, size, 3, rgb};
    Rect whole = {0, 0, image->width, image->height};
    return resample(image, &whole, FILTER_LANCZOS3, &tile, error);
}

gboolean image_fit_file(const char *file, int size, uint8_t *rgb, GError **error)
{
    g_autoptr(Image) image = imagefile_read(file, error);
    return image && image_fit(image, size, rgb, error);
}
