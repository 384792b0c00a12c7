/* How many images have which size; a model needs all of one size. */
#pragma once
#include <glib.h>
#include <jansson.h>
#include <stdint.h>

typedef struct {
    int width, height; /* px */
    int64_t count;
} ImageSize;

/* Counts an image in an array of ImageSize. */
void image_sizes_add(GArray *sizes, int width, int height);
/* The side of the images when all are squares of one size; otherwise 0. */
int image_sizes_side(const GArray *sizes);
/* One sentence about the images that are not size x size px, most frequent size first; NULL when there are none.  Caller frees. */
char *image_sizes_text(const GArray *sizes, int size);
/* The same sentence, from image_sizes_json; NULL also when json is NULL. */
char *image_sizes_text_of_json(const json_t *json);
/* {"size", "images", "resampled", "sizes": [{"width", "height", "images"}]}, new reference; most frequent first. */
json_t *image_sizes_json(GArray *sizes, int size);
