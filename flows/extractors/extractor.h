/* Frozen feature extractors: an RGB tile to three maps at strides 4, 8 and 16.
 *
 * Table of extractors: "scattering" (built in, no download), "resnet18", "resnet50", "wide_resnet50_2" (ImageNet weights from a
 * safetensors file: torchvision names, BatchNorm folded or not).  A new extractor is one file and one line. */
#pragma once
#include "flows/kernels/kernels.h"
#include "flows/layers/scales.h"
#include "base/image.h"

typedef struct {
    char *name;    /* of the table */
    char *weights; /* path of the safetensors file; NULL for the built-in ones */
    PadMode pad;   /* of the 3x3 and stem convolutions; MSFlow runs ImageNet weights with PAD_REFLECT */
} ExtractorSpec;

typedef struct Extractor Extractor; /* weights; shared by all threads, never changes */
typedef struct ExtractorRun
    ExtractorRun; /* prepared for a batch size and a tile size; belongs to one thread */

Extractor *extractor_new(const ExtractorSpec *spec, GError **error);
/* Gives back weights that all runs have packed: no further run can be made. */
void extractor_release(Extractor *extractor);
void extractor_free(Extractor *extractor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Extractor, extractor_free)
/* Whether it is not built in but read from a file. */
gboolean extractor_needs_weights(const char *name);
/* "resnet18, scattering, ..." for messages. */
const char *extractor_names(void);
/* Channels of the three maps. */
void extractor_channels(const Extractor *extractor, int channels[SCALES]);
/* SHA-256 of the weights file, or of the name and version for built-in ones. */
const char *extractor_hash(const Extractor *extractor);

/* Tiles of size x size px (multiple of 16, >= 32), `batch` at a time. */
ExtractorRun *extractor_run_new(const Extractor *extractor, const Kernels *kernels, int batch, int size,
                                GError **error);
void extractor_run_free(ExtractorRun *run);
/* rgb: batch tiles of size x size x 3 bytes, packed one after the other.  maps: three borrowed pointers, valid until the
 * next call: (batch, size/4/2^l, size/4/2^l, channels[l]) NHWC. No allocation. */
void extractor_run(ExtractorRun *run, const uint8_t *rgb, const real *maps[SCALES]);
/* The same from float planes already normalised: x (batch, size, size, 3) NHWC; for parity tests of the CNNs. */
void extractor_run_normalised(ExtractorRun *run, const real *x, const real *maps[SCALES]);
