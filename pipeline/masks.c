/* Lesion masks as pyramids.
 *
 * The raster gives rows of bytes, the pyramid takes them: a mask of 97,792 x 221,184 px needs memory for some rows of tiles only.
 * Pixels are counted on the way, by searching for the ends of runs, as nearly all of them are of one kind. */
#include "pipeline/masks.h"
#include "tiler/pyramid.h"
#include <string.h>

typedef struct {
    const MaskSpec *spec;
    int64_t width, height, set;
} MaskRows;

/* How many bytes are 1; the others are 0. */
static int64_t count_set(const uint8_t *bytes, size_t length)
{
    const uint8_t *end = bytes + length, *from;
    int64_t set = 0;
    while (bytes < end && (from = memchr(bytes, 1, (size_t)(end - bytes)))) {
        bytes = memchr(from, 0, (size_t)(end - from));
        bytes = bytes ? bytes : end;
        set += bytes - from;
    }
    return set;
}

static gboolean mask_rows(void *data, int64_t y, int rows, void *pixels, GError **error)
{
    MaskRows *mask = data;
    const MaskSpec *spec = mask->spec;
    raster_rows_max(spec->raster, spec->factor, y, rows, mask->width, pixels);
    mask->set += count_set(pixels, (size_t)rows * (size_t)mask->width);
    return !spec->tick || spec->tick(spec->data, y, mask->height, error);
}

gboolean masks_write(const char *path, const MaskSpec *spec, int64_t *lesion_px, char sha256[65],
                     GError **error)
{
    int factor = spec->factor;
    MaskRows mask = {spec, (spec->width + factor - 1) / factor, (spec->height + factor - 1) / factor, 0};
    PyramidSpec pyramid = {.layout = PYRAMID_MULTI_IFD,
                           .pixels = PYRAMID_LABEL,
                           .width = mask.width,
                           .height = mask.height,
                           .mpp_x = spec->mpp_x * factor,
                           .mpp_y = spec->mpp_y * factor,
                           .threads = spec->threads,
                           .description = "lesion mask: 0 not lesion, 1 lesion; for research use only"};
    gboolean ok = pyramid_write(path, &pyramid, mask_rows, &mask, sha256, error);
    if (lesion_px) {
        *lesion_px = mask.set;
    }
    return ok;
}
