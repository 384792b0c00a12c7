/* Frozen feature extractors: from an RGB tile to three maps at strides 4, 8 and 16.
 *
 * Extractors: "scattering" (built in, needs no weights), "resnet18", "resnet50", "wide_resnet50_2" (ImageNet weights from a
 * safetensors file with torchvision's names, BatchNorm folded or not).  A new extractor is one file and one line in the table
 * of extractor.c. */
#pragma once
#include "flows/kernels/kernels.h"
#include "flows/layers/scales.h"
#include "base/image.h"

typedef struct {
    char *name;    /* one of extractor_names */
    char *weights; /* path of the safetensors file; NULL for built-in extractors */
    PadMode pad;   /* of all padded convolutions; MSFlow runs ImageNet weights with PAD_REFLECT */
} ExtractorSpec;

typedef struct Extractor Extractor; /* weights; shared by all threads, never changes */
typedef struct ExtractorRun
    ExtractorRun; /* prepared for a batch size and a tile size; belongs to one thread */

Extractor *extractor_new(const ExtractorSpec *spec, GError **error);
/* Frees weights that all runs have packed.  No further run can be made. */
void extractor_release(Extractor *extractor);
void extractor_free(Extractor *extractor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Extractor, extractor_free)
/* Whether the weights come from a file; FALSE for built-in extractors and unknown names. */
gboolean extractor_needs_weights(const char *name);
/* Names of all extractors for messages: "scattering, resnet18, ...". */
const char *extractor_names(void);
/* Channels of the three maps. */
void extractor_channels(const Extractor *extractor, int channels[SCALES]);
/* SHA-256 of the weights file, or of the name and version for built-in ones. */
const char *extractor_hash(const Extractor *extractor);

/* Tiles of size x size px (a multiple of 16, at least 32), `batch` at a time. */
ExtractorRun *extractor_run_new(const Extractor *extractor, const Kernels *kernels, int batch, int size,
                                GError **error);
void extractor_run_free(ExtractorRun *run);
/* rgb (batch, size, size, 3) bytes -> maps[l] (batch, size/4/2^l, size/4/2^l, channels[l]), borrowed until the next call.
 * Allocates nothing. */
void extractor_run(ExtractorRun *run, const uint8_t *rgb, const real *maps[SCALES]);
/* The same from x (batch, size, size, 3), which is normalised already; for parity tests of the CNNs. */
void extractor_run_normalised(ExtractorRun *run, const real *x, const real *maps[SCALES]);
