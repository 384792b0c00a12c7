/* The ICC profile in a slide's file. */
#pragma once
#include <glib.h>

/* The profile of the slide `path` in *data (caller frees) and *bytes; NULL and 0 when it has none.  From tag 34675 of a TIFF's first
 * directory.  Other formats, such as DICOM, need OpenSlide 4.0 or later; earlier versions report no profile.  FALSE with WSI_ERROR_IO,
 * WSI_ERROR_MEMORY or WSI_ERROR_INPUT when the slide or the profile cannot be read.  Thread-safe. */
gboolean slide_icc_read(const char *path, void **data, gsize *bytes, GError **error);
