/* libtiff on a file for reading, which separates failures of the system from damage of the file.
 *
 * libtiff reports only that something went wrong.  Here its reads go through functions that record errno, so an I/O error is reported
 * as an error and not as a file without further directories.  One thread at a time. */
#pragma once
#include <glib.h>
#include <tiffio.h>

typedef struct TiffSource TiffSource;

/* NULL with WSI_ERROR_IO when the file cannot be opened or read, with WSI_ERROR_INPUT when it is not a TIFF. */
TiffSource *tiffsource_open(const char *path, GError **error);
void tiffsource_free(TiffSource *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TiffSource, tiffsource_free)
/* Borrowed. */
TIFF *tiffsource_tiff(TiffSource *source);
/* FALSE with WSI_ERROR_IO when a read has failed since the last call: libtiff's answers since then mean nothing. */
gboolean tiffsource_check(TiffSource *source, GError **error);
