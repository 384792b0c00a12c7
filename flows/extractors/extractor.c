/* The table of extractors, and what they share: checks, hashes, and the conversion from bytes to numbers.
 *
 * Every extractor begins with a function of single bytes (ImageNet normalisation, optical density), so this step is one table
 * of 256 values for each of R, G, B. */
#include "flows/extractors/extractor_private.h"
#include "base/durable.h"
#include "base/error.h"
#include <string.h>

static const ExtractorKind *const table[] = {
    &extractor_scattering,
    &extractor_resnet18,
    &extractor_resnet50,
    &extractor_wide_resnet50_2,
};

#define BATCH_LIMIT 1024
#define SIZE_LIMIT 4096 /* px */

static const ExtractorKind *find(const char *name)
{
    for (size_t i = 0; name && i < G_N_ELEMENTS(table); i++) {
        if (strcmp(table[i]->name, name) == 0) {
            return table[i];
        }
    }
    return NULL;
}

gboolean extractor_needs_weights(const char *name)
{
    /* A built-in extractor has a version, all others have a file. */
    return find(name) && !find(name)->version;
}

const char *extractor_names(void)
{
    static char *names;
    if (g_once_init_enter(&names)) {
        GString *text = g_string_new(NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
            g_string_append_printf(text, "%s%s", i ? ", " : "", table[i]->name);
        }
        g_once_init_leave(&names, g_string_free(text, FALSE));
    }
    return names;
}

/* The hash of the weights file or, for a built-in extractor, of its name and version. */
static gboolean find_hash(const ExtractorKind *kind, const ExtractorSpec *spec, char hash[65], GError **error)
{
    if (!kind->version) {
        return durable_hash_file(spec->weights, hash, NULL, error);
    }
    /* The version changes with the features, so models of another version are refused. */
    g_autofree char *identity = g_strdup_printf("%s %s", kind->name, kind->version);
    durable_hash_bytes(identity, strlen(identity), hash);
    return TRUE;
}

Extractor *extractor_new_kind(const ExtractorKind *kind, const ExtractorSpec *spec, GError **error)
{
    if (!kind->version && !spec->weights) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "extractor %s needs a file of weights (safetensors)",
                    kind->name);
        return NULL;
    }
    char hash[65];
    if (!find_hash(kind, spec, hash, error)) {
        return NULL;
    }
    Extractor *extractor = kind->create(kind, spec, error);
    if (extractor) {
        extractor->kind = kind;
        memcpy(extractor->hash, hash, sizeof hash);
    }
    return extractor;
}

Extractor *extractor_new(const ExtractorSpec *spec, GError **error)
{
    const ExtractorKind *kind = find(spec->name);
    if (!kind) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "no extractor is called \"%s\"; there are: %s",
                    spec->name ? spec->name : "", extractor_names());
        return NULL;
    }
    return extractor_new_kind(kind, spec, error);
}

void extractor_release(Extractor *extractor)
{
    if (extractor->kind->release && !extractor->released) {
        extractor->kind->release(extractor);
        extractor->released = TRUE;
    }
}

void extractor_free(Extractor *extractor)
{
    if (extractor) {
        extractor->kind->destroy(extractor);
    }
}

void extractor_channels(const Extractor *extractor, int channels[SCALES])
{
    memcpy(channels, extractor->channels, sizeof extractor->channels);
}

const char *extractor_hash(const Extractor *extractor)
{
    return extractor->hash;
}

static size_t input_count(int batch, int size)
{
    return (size_t)batch * size * size * 3;
}

ExtractorRun *extractor_run_new(const Extractor *extractor, const Kernels *kernels, int batch, int size,
                                GError **error)
{
    /* Strides 4, 8 and 16 must divide the side. */
    if (batch < 1 || batch > BATCH_LIMIT || size < 32 || size > SIZE_LIMIT || size % 16) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "extractor %s: %d tiles of %d px: the side must be a multiple of 16 from 32 to %d px, "
                    "and there must be 1 to %d tiles",
                    extractor->kind->name, batch, size, SIZE_LIMIT, BATCH_LIMIT);
        return NULL;
    }
    if (extractor->released) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "extractor %s: its weights were released",
                    extractor->kind->name);
        return NULL;
    }
    /* (batch, size, size, 3). */
    real *x = wsi_try_alloc(input_count(batch, size), sizeof(real), "a batch of tiles", error);
    if (!x) {
        return NULL;
    }
    ExtractorRun *run = extractor->kind->run_create(extractor, kernels, batch, size, error);
    if (!run) {
        g_free(x);
        return NULL;
    }
    run->extractor = extractor;
    run->batch = batch;
    run->size = size;
    run->x = x;
    /* The tables of all bytes in R, G, B. */
    for (int i = 0; i < 3 * 256; i++) {
        run->byte[i / 256][i % 256] = (real)extractor->kind->byte_value(i / 256, i % 256);
    }
    return run;
}

void extractor_run_free(ExtractorRun *run)
{
    if (run) {
        g_free(run->x);
        run->extractor->kind->run_destroy(run);
    }
}

void extractor_run(ExtractorRun *run, const uint8_t *rgb, const real *maps[SCALES])
{
    size_t count = input_count(run->batch, run->size);
    for (size_t i = 0; i < count; i += 3) {
        /* rgb (batch, size, size, 3) in bytes -> x, the same shape in numbers. */
        for (int c = 0; c < 3; c++) {
            run->x[i + c] = run->byte[c][rgb[i + c]];
        }
    }
    run->extractor->kind->run(run, run->x, maps);
}

void extractor_run_normalised(ExtractorRun *run, const real *x, const real *maps[SCALES])
{
    run->extractor->kind->run(run, x, maps);
}
