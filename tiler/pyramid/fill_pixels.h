/* Fills pixels of any size.  For this folder only. */
#pragma once
#include <stdint.h>
#include <string.h>

/* Fills `count` pixels at `out` with the pixel `value`, which must not overlap them. */
static inline void fill_pixels(uint8_t *out, const void *value, int pixel_bytes, size_t count)
{
    if (pixel_bytes == 1) {
        memset(out, *(const uint8_t *)value, count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(out + i * pixel_bytes, value, pixel_bytes);
    }
}
