/* Images at the size of a model's tiles. */
#pragma once
#include "base/image.h"

/* Writes an RGB image as size x size x 3 bytes, resampled (Lanczos) and stretched when it has another size. */
gboolean image_fit(const Image *image, int size, uint8_t *rgb, GError **error);
/* The same for a PNG or JPEG file. */
gboolean image_fit_file(const char *file, int size, uint8_t *rgb, GError **error);
