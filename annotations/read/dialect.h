/* Inside annotations/: the dialects, and the text that they are read from. */
#pragma once
#include "annotations/read/source.h"

typedef struct {
    const char *name;
    const char *field; /* what the dialect calls an outline's own name, as GroupSpec.field has it */
    /* root: the root element's name; "{" or "[" for JSON.  text: the file. */
    gboolean (*detect)(const char *root, const char *text);
    gboolean (*read)(Source *source, GError **error);
} Dialect;

gboolean asap_detect(const char *root, const char *text);
gboolean asap_read(Source *source, GError **error);
gboolean geojson_detect(const char *root, const char *text);
gboolean geojson_read(Source *source, GError **error);
gboolean halo_detect(const char *root, const char *text);
gboolean halo_read(Source *source, GError **error);
gboolean imagescope_detect(const char *root, const char *text);
gboolean imagescope_read(Source *source, GError **error);
gboolean ndpa_detect(const char *root, const char *text);
gboolean ndpa_read(Source *source, GError **error);

/* Loads a text file (text_load.c): unpacks gzip, and converts UTF-16, UTF-32 or the encoding that the XML declaration names (any that iconv
 * knows); the declaration is blanked.  NUL-ended valid UTF-8 of at most TEXT_LIMIT bytes, without NULs inside.  Caller frees; NULL with
 * error. */
char *text_load(const char *path, size_t *length, GError **error);
