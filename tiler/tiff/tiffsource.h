/* libtiff on a file for reading, with failures of the system kept apart from damage of the file.
 *
 * libtiff says only that something went wrong.  Here its reads go through functions that note errno, so that an I/O error is an error
 * and not a file that happens to have no further directory.  One thread at a time. */
#pragma once
#include <glib.h>
#include <tiffio.h>

typedef struct TiffSource TiffSource;

/* NULL with WSI_ERROR_IO when the file cannot be opened or read, with WSI_ERROR_INPUT when it is no TIFF. */
TiffSource *tiffsource_open(const char *path, GError **error);
void tiffsource_free(TiffSource *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TiffSource, tiffsource_free)
/* Borrowed. */
TIFF *tiffsource_tiff(TiffSource *source);
/* FALSE with WSI_ERROR_IO when a read has failed since the last call: what libtiff said meanwhile means nothing. */
gboolean tiffsource_check(TiffSource *source, GError **error);
