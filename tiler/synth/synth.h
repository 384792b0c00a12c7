/* Synthetic slides for the demo and the tests: H&E-like tissue whose lesions differ in texture (density, size and clustering of
 * nuclei), not in mean colour. */
#pragma once
#include "tiler/synth/synth_spec.h"

/* Writes a tiled JPEG pyramid (generic TIFF with resolution tags).  Returns the outlines of the lesions (array of
 * SynthOutline*, owned), or NULL.  The same spec gives the same bytes for any number of threads.
 * Tissue covers 35 to 45 % of the slide in one to three pieces.  Lesions are inside the tissue, separate from each
 * other, with diameters of 1/6 to 0.38 of the slide's shorter side.  WSI_ERROR_INPUT when they do not
 * all fit, or when a side is not 512 .. 262144 px, mpp not 0.1 .. 4 or lesions not 0 .. 100, artefacts not 0 .. SYNTH_ARTEFACTS.  The
 * mean colour of each lesion is that of the normal tissue of its slide to about one grey level, so only the nuclei
 * distinguish them. */
GPtrArray *synth_slide(const char *path, const SynthSpec *spec, int threads, GError **error);
