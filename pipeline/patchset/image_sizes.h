/* How many images have which size, where a model wants them all of one. */
#pragma once
#include <glib.h>
#include <jansson.h>
#include <stdint.h>

typedef struct {
    int width, height; /* px */
    int64_t count;
} ImageSize;

/* Counts one more in an array of ImageSize. */
void image_sizes_add(GArray *sizes, int width, int height);
/* The side of the images when all are square and of one size, else 0. */
int image_sizes_side(const GArray *sizes);
/* Images that are not size x size px. */
int64_t image_sizes_resampled(const GArray *sizes, int size);
/* One sentence about those that are not size x size px, most frequent size first; NULL when all are.  Caller frees. */
char *image_sizes_text(const GArray *sizes, int size);
/* The same sentence of image_sizes_json; NULL when all fit, and when json is NULL. */
char *image_sizes_text_of_json(const json_t *json);
/* {"size", "images", "resampled", "sizes": [{"width", "height", "images"}]}, new reference; most frequent first. */
json_t *image_sizes_json(GArray *sizes, int size);
