/* Ink whose colour is near a stain, by its flatness.  Not for other rooms. */
#pragma once
#include "base/image.h"

enum { PIXEL_PEN_MAYBE = 128 }; /* beside the flags of pixel_class.h: of such a colour */

/* Every pixel loses PIXEL_PEN_MAYBE, and gets PIXEL_PEN instead where the image is flat within 16 um each way: the density of the channel that
 * is absorbed more varies by less than a tenth of its mean. */
gboolean flatink_finish(const Image *rgb, Image *flags, double mpp, GError **error);
