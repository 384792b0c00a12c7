/* What a synthetic slide shows, and the outline of a lesion on it. */
#pragma once
#include "base/image.h"

enum { SYNTH_ARTEFACTS = 8 };

typedef struct {
    uint64_t seed;
    int64_t width, height; /* level-0 px */
    double mpp;            /* um/px */
    int lesions;           /* 0 = a normal slide */
    gboolean pen;          /* a pen mark near the tissue */
    gboolean black_corner; /* an unscanned black area */
    int artefacts;         /* pen strokes over the tissue, and as many folds of it; 0 .. SYNTH_ARTEFACTS */
} SynthSpec;

/* Closed outline of a lesion: xy (points, 2), level-0 px. */
typedef struct {
    int points;
    double *xy;
} SynthOutline;
