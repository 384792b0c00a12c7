/* Hatching. */
#include "tiler/imagefile/image_draw.h"

void image_draw_hatch(Image *rgb, const Image *readable)
{
    enum { STRIPE = 4 };
    for (int y = 0; y < rgb->height; y++) {
        for (int x = 0; x < rgb->width; x++) {
            size_t at = (size_t)y * (size_t)rgb->width + (size_t)x;
            if (!readable->pixels[at]) {
                image_draw_hatched(rgb->pixels + 3 * at, x, y, STRIPE);
            }
        }
    }
}
