/* The two codecs behind imagefile.h.  For picture*.c only. */
#pragma once
#include "base/durable.h"
#include "base/image.h"

enum { PICTURE_MAX_PIXELS = 1 << 28 };

/* FALSE with WSI_ERROR_INPUT when the size is zero or above the limit. */
gboolean picture_check_size(int64_t width, int64_t height, const char *name, GError **error);
Image *picture_decode_png(const void *data, size_t bytes, const char *name, GError **error);
Image *picture_decode_jpeg(const void *data, size_t bytes, const char *name, GError **error);
/* To the file; the caller commits. */
gboolean picture_stream_png(Durable *file, const Image *image, GError **error);
