/* The one place that depends on OpenSlide's version: the functions for profiles are there from version 4.0 on. */
#include "tiler/slide/openslide_icc.h"
#include "tiler/slide/dicom.h"
#include "tiler/slide/slide_private.h"
#include "base/error.h"

#ifdef OPENSLIDE_PROPERTY_NAME_ICC_SIZE
enum { PROFILE_LIMIT = 1 << 30 }; /* far above any; colour.c refuses what is too large to be one */

static gboolean read_profile(const char *path, openslide_t *handle, void **data, gsize *bytes, GError **error)
{
    const gint64 size = openslide_get_icc_profile_size(handle);
    if (size > 0 && size <= PROFILE_LIMIT) {
        *data = g_malloc((gsize)size);
        *bytes = (gsize)size;
        openslide_read_icc_profile(handle, *data);
    }
    const char *message = openslide_get_error(handle);
    if (message) {
        g_clear_pointer(data, g_free);
        *bytes = 0;
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: ICC profile: OpenSlide: %s", path, message);
    }
    return !message;
}

gboolean openslide_icc_read(const char *path, void **data, gsize *bytes, GError **error)
{
    openslide_t *handle = NULL;
    gboolean dicom;
    *data = NULL;
    *bytes = 0;
    g_autofree char *source = dicom_source(path, &dicom, error);
    if (!source || !slide_openslide(source, &handle, error)) {
        return FALSE;
    }
    const gboolean ok = !handle || read_profile(path, handle, data, bytes, error);
    g_clear_pointer(&handle, openslide_close);
    return ok;
}
#else
gboolean openslide_icc_read(const char *path, void **data, gsize *bytes, GError **error)
{
    *data = NULL;
    *bytes = 0;
    return TRUE;
}
#endif
