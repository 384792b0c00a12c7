/* Hatching, for what has no data. */
#pragma once
#include "base/image.h"

/* The grey of a hatched pixel at (x, y): stripes of `stripe` px. */
static inline void image_draw_hatched(uint8_t rgb[3], int64_t x, int64_t y, int stripe)
{
    rgb[0] = rgb[1] = rgb[2] = (x + y) / stripe % 2 ? 96 : 160;
}
/* Covers unreadable pixels (readable is 0; 1 channel, the size of rgb) with stripes in two greys, so that nobody takes them for glass. */
void image_draw_hatch(Image *rgb, const Image *readable);
