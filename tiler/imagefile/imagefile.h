/* PNG and JPEG files. */
#pragma once
#include "base/image.h"

/* Reads a PNG or JPEG, decided by content, as 8-bit RGB: grey is expanded, alpha is composed on white, and 16 bits
 * are reduced to 8.  Images above 2^28 px are refused. */
Image *imagefile_read(const char *path, GError **error);
/* The same from memory; name is for messages. */
Image *imagefile_decode(const void *data, size_t bytes, const char *name, GError **error);
/* The size (px) of a PNG or JPEG from its first bytes.  FALSE when there are too few bytes, or they are of another format. */
gboolean imagefile_size(const void *data, size_t bytes, int *width, int *height);
/* Writes and publishes a PNG of 1 or 3 channels; the same bytes for the same pixels.  sha256 may be NULL. */
gboolean imagefile_write_png(const char *path, const Image *image, char sha256[65], GError **error);
/* The same with the resolution at which it is printed, dots per inch. */
gboolean imagefile_write_png_dpi(const char *path, const Image *image, int dpi, char sha256[65],
                                 GError **error);
/* Appends the encoded image to out.  quality: 1..100; 4:4:4 from 90 on, else 4:2:0. */
gboolean imagefile_encode_jpeg(const Image *rgb, int quality, GByteArray *out, GError **error);
gboolean imagefile_encode_png(const Image *image, GByteArray *out, GError **error);
/* Names of the .png, .jpg and .jpeg files in a folder, not in its subfolders, sorted by strcmp; NULL-terminated,
 * g_strfreev. */
char **imagefile_list(const char *folder, GError **error);
