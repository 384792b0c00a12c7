/* PNG and JPEG images. */
#pragma once
#include "base/image.h"

/* Reads PNG or JPEG (decided by content) as RGB 8 bit; grey is expanded, alpha is composed on white, 16 bit
 * is reduced. Refuses images above 2^28 px. */
Image *imagefile_read(const char *path, GError **error);
/* The same from memory; name is for messages. */
Image *imagefile_decode(const void *data, size_t bytes, const char *name, GError **error);
/* The size of a PNG or JPEG image from its first bytes; FALSE when they do not reach that far, or are of something else. */
gboolean imagefile_size(const void *data, size_t bytes, int *width, int *height);
/* 1 or 3 channels; durable; the same bytes for the same pixels.  sha256 may be NULL. */
gboolean imagefile_write_png(const char *path, const Image *image, char sha256[65], GError **error);
/* Appends the encoded image to out. quality 1..100, 4:4:4 when quality >= 90, else 4:2:0. */
gboolean imagefile_encode_jpeg(const Image *rgb, int quality, GByteArray *out, GError **error);
gboolean imagefile_encode_png(const Image *image, GByteArray *out, GError **error);
/* Names of the .png, .jpg, .jpeg files of a folder (not below), sorted by strcmp; NULL-terminated,
 * g_strfreev. */
char **imagefile_list(const char *folder, GError **error);
