/* Explains what a file is that is not a slide, for error messages. */
#pragma once
#include <glib.h>

/* A reason such as "it is empty (0 bytes)", from the file's first bytes, and for a TIFF from its pages (array of TiffPage; may be NULL).
 * NULL with WSI_ERROR_IO when the file cannot be read.  Caller frees. */
char *notslide_reason(const char *path, const GArray *pages, GError **error);
/* The same for a file whose name has no known suffix, in *reason (caller frees); NULL for a TIFF, which may be a slide.  FALSE with error when
 * the file cannot be read. */
gboolean notslide_unclaimed(const char *path, char **reason, GError **error);
