/* Drawing on images for people: text and hatching. */
#pragma once
#include "base/image.h"

/* Draws text (printable ASCII in a built-in 5 x 7 font) with its top-left corner at (x, y), each dot zoom x zoom px.  A character of
 * any other kind shows as '?'.  What reaches beyond the image is cut off. */
void image_draw_text(Image *rgb, int x, int y, int zoom, const uint8_t colour[3], const char *text);
/* The grey of a hatched pixel at (x, y): stripes of `stripe` px. */
static inline void image_draw_hatched(uint8_t rgb[3], int64_t x, int64_t y, int stripe)
{
    rgb[0] = rgb[1] = rgb[2] = (x + y) / stripe % 2 ? 96 : 160;
}
/* Covers unreadable pixels (readable is 0; 1 channel, the size of rgb) with stripes in two greys, so that nobody takes them for glass. */
void image_draw_hatch(Image *rgb, const Image *readable);
