/* What a file is that is no slide, in words for the person who took it for one. */
#pragma once
#include <glib.h>

/* A reason such as "it is empty (0 bytes)", from the file's first bytes, and of a TIFF from its pages (TiffPage; may be NULL).  NULL with
 * WSI_ERROR_IO when the file cannot be read.  Caller frees. */
char *notslide_reason(const char *path, const GArray *pages, GError **error);
/* The same of a file whose name claims nothing, in *reason; NULL when it is a TIFF, which may be a slide.  FALSE with error when it cannot
 * be read. */
gboolean notslide_unclaimed(const char *path, char **reason, GError **error);
