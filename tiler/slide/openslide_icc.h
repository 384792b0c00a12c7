/* ICC profiles that OpenSlide 4 reads from formats that are not TIFF, such as DICOM.  OpenSlide 3 reads none. */
#pragma once
#include <glib.h>

/* The profile of the slide `path` in *data (caller frees), *bytes 0 when it has none.  FALSE with WSI_ERROR_IO, WSI_ERROR_MEMORY or
 * WSI_ERROR_INPUT when the slide or the profile cannot be read. */
gboolean openslide_icc_read(const char *path, void **data, gsize *bytes, GError **error);
