/* The PNG and JPEG codecs behind imagefile.h, and the limit that they share.  For imagefile*.c only. */
#pragma once
#include "base/durable.h"
#include "base/image.h"

enum { IMAGEFILE_MAX_PIXELS = 1 << 28 };

/* FALSE with WSI_ERROR_INPUT when a side is not positive, or the image is above the limit. */
gboolean imagefile_codec_check_size(int64_t width, int64_t height, const char *name, GError **error);
Image *imagefile_decode_png(const void *data, size_t bytes, const char *name, GError **error);
Image *imagefile_decode_jpeg(const void *data, size_t bytes, const char *name, GError **error);
/* Writes the encoded image to the file, with its resolution in print unless dpi is 0; the caller commits. */
gboolean imagefile_stream_png(Durable *file, const Image *image, int dpi, GError **error);
