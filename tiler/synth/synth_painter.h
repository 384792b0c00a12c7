/* The square that is being painted: shared by the files that paint it. */
#pragma once
#include "tiler/synth/synth_plan.h"
#include <math.h>

enum { SYNTH_SHADES = 2048 };

struct SynthPainter {
    const SynthPlan *plan;
    int size, width, height; /* size: largest side; width, height: of the current square, px */
    int64_t x, y;
    float *depth, *eosin, *haem, *grain, *blotch, *stroma, *cover;
    float *row;                            /* two rows of the square */
    uint16_t shade_eosin[SYNTH_SHADES][3]; /* transmission by density; 2^15 = 1 */
    uint16_t shade_haem[SYNTH_SHADES][3];  /* glass seen through the stain, grey levels x 2^8 */
    int8_t *sensor;                        /* noise (size, size, 3), repeated over the slide */
};

/* The pixels [*first, *end) of [centre - reach, centre + reach] inside the square. */
static inline void synth_clip(double centre, double reach, int64_t origin, int size, int *first, int *end)
{
    *first = (int)CLAMP(floor(centre - reach) - (double)origin, 0, size);
    *end = (int)CLAMP(ceil(centre + reach) + 1 - (double)origin, 0, size);
}

/* Draws the nuclei of all cells that reach into the square into the layer `haem`; needs `grain`. */
void synth_paint_nuclei(SynthPainter *painter);
