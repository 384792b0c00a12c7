/* What an extractor provides for the table in extractor.c.  Only the extractors include this. */
#pragma once
#include "flows/extractors/extractor.h"

typedef struct ExtractorKind ExtractorKind;

/* Each extractor has its own structs that begin with these. */
struct Extractor {
    const ExtractorKind *kind;
    int channels[SCALES];
    char hash[65];
    gboolean released;
};

struct ExtractorRun {
    const Extractor *extractor;
    int batch, size;
    real *x;           /* (batch, size, size, 3): the converted bytes */
    real byte[3][256]; /* value of a byte in R, G, B */
};

struct ExtractorKind {
    const char *name;
    const char
        *version; /* built-in extractors: changes whenever their results do; NULL: needs a weights file */
    const void *shape; /* for families of networks: which one */
    Extractor *(*create)(const ExtractorKind *kind, const ExtractorSpec *spec, GError **error);
    void (*destroy)(Extractor *extractor);
    void (*release)(Extractor *extractor); /* see extractor_release; NULL where nothing can be freed */
    /* Value of a byte in channel 0, 1, 2 (R, G, B). */
    double (*byte_value)(int channel, int byte);
    ExtractorRun *(*run_create)(const Extractor *extractor, const Kernels *kernels, int batch, int size,
                                GError **error);
    void (*run_destroy)(ExtractorRun *run);
    /* run->x or another input of that shape -> maps. */
    void (*run)(ExtractorRun *run, const real *x, const real *maps[SCALES]);
};

extern const ExtractorKind extractor_resnet18, extractor_resnet50, extractor_wide_resnet50_2,
    extractor_scattering;

/* extractor_new for a kind that is not in the table, for tests of small networks. */
Extractor *extractor_new_kind(const ExtractorKind *kind, const ExtractorSpec *spec, GError **error);

/* A ResNet of any width and depth. */
typedef struct {
    int stem; /* channels after the first convolution: 64 */
    int blocks[SCALES];
    int chain;     /* convolutions of a block: 2 basic, 3 bottleneck */
    int inner;     /* channels inside the blocks of stage 1; doubles in each stage */
    int expansion; /* output channels of a stage = stem * expansion * 2^stage */
} ResnetShape;
ExtractorKind resnet_kind(const char *name, const ResnetShape *shape);
