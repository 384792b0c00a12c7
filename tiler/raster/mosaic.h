/* An image whose rows lie in pieces, so that pixels need not be copied together to be read. */
#pragma once
#include "base/image.h"

/* Borrows all pixels. */
typedef struct {
    int width, height, channels;
    int parts;            /* side by side */
    const int *ends;      /* of each part: the column after its last one */
    const uint8_t **rows; /* row y of part p begins at rows[p * height + y] */
} Mosaic;

/* A mosaic with what keeps its pixels from going. */
typedef struct {
    Mosaic mosaic;
    void **held;
    int count;
} MosaicView;
