/* ICC profiles: libtiff reads those of TIFF files, OpenSlide those of all others.
 *
 * This is the only file that depends on OpenSlide's version: the functions for profiles came with 4.0. */
#include "tiler/slide/slide_icc.h"
#include "tiler/slide/dicom.h"
#include "tiler/slide/slide_private.h"
#include "tiler/tiff/tiffcheck.h"
#include "tiler/tiff/tiffsource.h"
#include "base/error.h"

/* The profile of the first directory. */
static gboolean read_tiff(const char *path, void **data, gsize *bytes, GError **error)
{
    g_autoptr(TiffSource) source = tiffsource_open(path, error);
    uint32_t count = 0;
    void *profile = NULL; /* libtiff's */
    if (!source) {
        return FALSE;
    }
    /* A copy, since the memory is libtiff's and goes with the source. */
    if (TIFFGetField(tiffsource_tiff(source), TIFFTAG_ICCPROFILE, &count, &profile) && count > 0) {
        *data = g_memdup2(profile, count);
        *bytes = count;
        return TRUE;
    }
    return tiffsource_check(source, error);
}

#ifdef OPENSLIDE_PROPERTY_NAME_ICC_SIZE
enum { PROFILE_LIMIT = 1 << 30 }; /* bytes, far above any profile */

/* The profile of an open slide; reading it may fail with OpenSlide's sticky error. */
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

static gboolean read_openslide(const char *path, void **data, gsize *bytes, GError **error)
{
    openslide_t *handle = NULL;
    gboolean dicom;
    g_autofree char *source = dicom_source(path, &dicom, error);
    if (!source || !slide_openslide_open(source, &handle, error)) {
        return FALSE;
    }
    /* No handle: OpenSlide does not know the file, so there is no profile. */
    const gboolean ok = !handle || read_profile(path, handle, data, bytes, error);
    g_clear_pointer(&handle, openslide_close);
    return ok;
}
#else
static gboolean read_openslide(const char *path, void **data, gsize *bytes, GError **error)
{
    return TRUE;
}
#endif

gboolean slide_icc_read(const char *path, void **data, gsize *bytes, GError **error)
{
    gboolean is_tiff = FALSE;
    *data = NULL;
    *bytes = 0;
    if (!g_file_test(path, G_FILE_TEST_IS_DIR) && !tiffcheck_file(path, &is_tiff, error)) {
        return FALSE;
    }
    return is_tiff ? read_tiff(path, data, bytes, error) : read_openslide(path, data, bytes, error);
}
