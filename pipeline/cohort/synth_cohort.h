/* A synthetic cohort on disk, for the demo and the tests. */
#pragma once
#include <glib.h>

typedef struct {
    int slides, with_lesions; /* the last `with_lesions` slides have lesions */
    int width, height;        /* px at 0.5 um/px */
    int seed;
    int artefacts; /* pen strokes over the tissue of each slide, and as many folds */
} SynthCohort;
extern const SynthCohort synth_cohort_default;

/* Writes DIR/slides/synth_NN.tif, DIR/annotations/synth_NN.xml (ASAP) and DIR/manifest.csv, with one patient per slide.  The slides with lesions
 * and a quarter of the normal ones (at least one) are in the test split, the others in train. */
gboolean synth_cohort_write(const char *folder, const SynthCohort *cohort, int threads, GError **error);
