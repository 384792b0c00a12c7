/* A closed outline as a plain value. */
#pragma once

/* In the coordinates of its owner. */
typedef struct {
    const double *xy; /* vertices, x, y interleaved; the last one is joined to the first */
    int points;
} Ring;
