/* The limit that both codecs put on an image before they allocate its pixels. */
#include "tiler/imagefile/imagefile_codec.h"
#include "base/error.h"

gboolean imagefile_codec_check_size(int64_t width, int64_t height, const char *name, GError **error)
{
    /* A division, so that the product cannot overflow. */
    if (width > 0 && height > 0 && width <= IMAGEFILE_MAX_PIXELS / height) {
        return TRUE;
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                "%s: %" G_GINT64_FORMAT " x %" G_GINT64_FORMAT " pixels; the limit is %d in total", name,
                width, height, IMAGEFILE_MAX_PIXELS);
    return FALSE;
}
