/* Synthetic slides, for the demo and the tests: H&E-like tissue whose lesions differ in texture (nuclei:
 * density, size, clustering), not in mean colour. */
#pragma once
#include "base/image.h"

typedef struct {
    uint64_t seed;
    int64_t width, height; /* level-0 px */
    double mpp;            /* um/px */
    int lesions;           /* 0 = a normal slide */
    gboolean pen;          /* a pen mark beside the tissue */
    gboolean black_corner; /* an unscanned black area */
} SynthSpec;

/* Closed outline of a lesion; level-0 px: n points, xy interleaved. */
typedef struct {
    int points;
    double *xy;
} SynthOutline;

/* Writes a tiled JPEG pyramid (generic TIFF with resolution tags); returns the lesion outlines (array of
 * SynthOutline*, owned), or NULL.  The same bytes for the same spec whatever the number of threads.
 * Tissue covers 35 - 45 % of the slide in one to three pieces.  Lesions lie inside of it, apart from each
 * other, with diameters of 1/6 to 0.38 of the slide's shorter side; WSI_ERROR_INPUT when as many do not
 * fit, or when a side is not 512 .. 262144 px, mpp not 0.1 .. 4 or lesions not 0 .. 100.  Every lesion's
 * mean colour is that of its slide's normal tissue to about a grey level, so only the nuclei tell them
 * apart. */
GPtrArray *synth_slide(const char *path, const SynthSpec *spec, int threads, GError **error);
