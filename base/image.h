/* Plain rasters and rectangles: the values that rooms pass to each other.
 *
 * Coordinates between rooms are level-0 pixels of the uncropped slide; rectangles are half open. */
#pragma once
#include <glib.h>
#include <stdint.h>

typedef struct {
    double x, y, width, height;
} Rect;

/* 8-bit raster, rows packed, samples interleaved: pixels[(y * width + x) * channels + c].
 * channels: 1 = grey, label or mask; 3 = RGB. */
typedef struct {
    int width, height, channels;
    uint8_t *pixels;
} Image;

/* Raster of values: values[y * width + x].  NaN = no data (no tissue, or not readable). */
typedef struct {
    int width, height;
    float *values;
} Map;

/* A raster of zeros.  Caller frees with image_free; NULL with WSI_ERROR_MEMORY. */
Image *image_new(int width, int height, int channels, GError **error);
void image_free(Image *image);
/* A raster of NaN.  Caller frees with map_free; NULL with WSI_ERROR_MEMORY. */
Map *map_new(int width, int height, GError **error);
void map_free(Map *map);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Image, image_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Map, map_free)

static inline size_t image_bytes(const Image *image)
{
    return (size_t)image->width * image->height * image->channels;
}
