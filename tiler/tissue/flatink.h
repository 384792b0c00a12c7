/* Recognises ink whose colour is near a stain, by its flatness.  For this folder only. */
#pragma once
#include "base/image.h"

/* Replaces PIXEL_PEN_MAYBE (pixel_flags.h) by PIXEL_PEN where the image is flat within 16 um in each direction: the density of the denser
 * channel, red or green, has a standard deviation below a tenth of its mean.  Elsewhere the flag is cleared. */
gboolean flatink_finish(const Image *rgb, Image *flags, double mpp, GError **error);
