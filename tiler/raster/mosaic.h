/* An image whose rows are in several pieces, so that pixels can be used where they are, without a copy. */
#pragma once
#include "base/image.h"

/* Borrows all pixels. */
typedef struct {
    int width, height, channels;
    int parts;            /* side by side */
    const int *ends;      /* the column after the last one of each part */
    const uint8_t **rows; /* row y of part p starts at rows[p * height + y] */
} Mosaic;

/* A mosaic, and what keeps its pixels alive. */
typedef struct {
    Mosaic mosaic;
    void **held;
    int count;
} MosaicView;
