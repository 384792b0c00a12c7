/* sample: draws from a trained model, and the check that its flow is invertible.
 *
 * The draws are feature maps (flows/models/sample.h), written as one array per scale, (sample, row, column, channel); samples.csv has one
 * line per sample.  Every draw is sent back through the flow, and real tiles are sent through it and back.  The differences are printed;
 * when they exceed the tolerance, the command fails after all files are written. */
#include "base/error.h"
#include "base/writable.h"
#include "flows/models/sample.h"
#include "pipeline/cli/commands.h"
#include "pipeline/scoring/npy.h"
#include "pipeline/patchset/image_sizes.h"
#include "tiler/imagefile/imagefile.h"
#include "pipeline/run/exit_codes.h"
#include "pipeline/patchset/image_fit.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    char *weights, *patches, *output;
    int samples;
    gint64 seed;
    double temperature, tolerance;
} SampleOptions;

/* ---- draws ---- */

static gboolean open_arrays(const Sampler *sampler, const SampleOptions *options, Durable *files[SCALES],
                            GError **error)
{
    for (int l = 0; l < SCALES; l++) {
        int side, channels;
        sampler_shape(sampler, l, &side, &channels);
        const int64_t shape[] = {options->samples, side, side, channels};
        g_autofree char *name = g_strdup_printf("scale%d.npy", l + 1);
        g_autofree char *path = g_build_filename(options->output, name, NULL);
        files[l] = npy_open(path, 4, shape, error);
        if (!files[l]) {
            return FALSE;
        }
    }
    return TRUE;
}

static void put_row(GString *table, int64_t number, const SampleLikelihood *likelihood)
{
    const double values[] = {likelihood->log_likelihood, likelihood->nll, likelihood->logdet};
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append_printf(table, "%" G_GINT64_FORMAT, number);
    for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
        g_string_append_printf(
            table, ",%s", isfinite(values[i]) ? g_ascii_formatd(text, sizeof text, "%.9g", values[i]) : "");
    }
    g_string_append_c(table, '\n');
}

static gboolean write_samples(Sampler *sampler, const SampleOptions *options, Durable *const files[SCALES],
                              RoundTrip *trip, GError **error)
{
    g_autoptr(GString) table = g_string_new("sample,log_likelihood,nll,logdet\n");
    g_autofree char *path = g_build_filename(options->output, "samples.csv", NULL);
    int batch = sampler_batch(sampler), count;
    g_autofree SampleLikelihood *likelihoods = g_new0(SampleLikelihood, batch);
    for (int first = 0; first < options->samples; first += count) {
        const float *y[SCALES];
        count = MIN(batch, options->samples - first);
        sampler_draw(sampler, first, count, y, likelihoods, trip);
        for (int l = 0; l < SCALES; l++) {
            int side, channels;
            sampler_shape(sampler, l, &side, &channels);
            size_t bytes = (size_t)count * side * side * channels * sizeof(float);
            if (!durable_write(files[l], y[l], bytes, error)) {
                return FALSE;
            }
        }
        for (int b = 0; b < count; b++) {
            put_row(table, first + b, &likelihoods[b]);
        }
    }
    for (int l = 0; l < SCALES; l++) {
        if (!durable_commit(files[l], NULL, NULL, error)) {
            return FALSE;
        }
    }
    return durable_write_file(path, table->str, table->len, NULL, error);
}

static gboolean draw(Sampler *sampler, const SampleOptions *options, RoundTrip *trip, GError **error)
{
    Durable *files[SCALES] = {NULL};
    gboolean ok =
        open_arrays(sampler, options, files, error) && write_samples(sampler, options, files, trip, error);
    for (int l = 0; l < SCALES; l++) {
        durable_free(files[l]);
    }
    return ok;
}

/* ---- real tiles ---- */

static gboolean check_tiles(Sampler *sampler, const Model *model, const char *folder, RoundTrip *trip,
                            int *tiles, GError **error)
{
    int size = model_spec(model)->tile_size, batch = sampler_batch(sampler), count;
    size_t bytes = (size_t)size * size * 3;
    g_auto(GStrv) names = imagefile_list(folder, error);
    g_autoptr(GArray) sizes = g_array_new(FALSE, FALSE, sizeof(ImageSize));
    g_autofree uint8_t *rgb = names ? wsi_try_alloc((size_t)batch, bytes, "a batch of tiles", error) : NULL;
    if (!rgb) {
        return FALSE;
    }
    *tiles = (int)g_strv_length(names);
    if (*tiles == 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s has no image", folder);
        return FALSE;
    }
    for (int first = 0; first < *tiles; first += count) {
        count = MIN(batch, *tiles - first);
        for (int b = 0; b < count; b++) {
            g_autofree char *path = g_build_filename(folder, names[first + b], NULL);
            g_autoptr(Image) image = imagefile_read(path, error);
            if (!image || !image_fit(image, size, rgb + (size_t)b * bytes, error)) {
                return FALSE;
            }
            image_sizes_add(sizes, image->width, image->height);
        }
        sampler_check(sampler, rgb, count, trip);
    }
    g_autofree char *reported = image_sizes_text(sizes, size);
    if (reported) {
        fprintf(stderr, "wsiflow sample: %s\n", reported);
    }
    return TRUE;
}

/* ---- the command ---- */

static void print_trip(const char *what, int count, const RoundTrip *trip)
{
    printf("%s (%d): largest difference %.3g, relative %.3g, log-determinant %.3g\n", what, count,
           trip->absolute, trip->relative, trip->logdet);
}

static gboolean draw_and_check(const Model *model, const SampleOptions *options, GError **error)
{
    g_autoptr(Sampler) sampler = sampler_new(model, (uint64_t)options->seed, options->temperature, error);
    RoundTrip latents = {0}, features = {0};
    int tiles = 0;
    if (!sampler || !draw(sampler, options, &latents, error) ||
        (options->patches && !check_tiles(sampler, model, options->patches, &features, &tiles, error))) {
        return FALSE;
    }
    print_trip("latents -> features -> latents", options->samples, &latents);
    if (options->patches) {
        print_trip("features of tiles -> latents -> features", tiles, &features);
    }
    RoundTrip worst = round_trip_worst(&latents, &features);
    if (!(worst.relative <= options->tolerance && worst.logdet <= options->tolerance)) {
        g_set_error(
            error, WSI_ERROR, WSI_ERROR_INPUT,
            "the flow is not invertible: relative difference %.3g, log-determinant %.3g, tolerance %.3g",
            worst.relative, worst.logdet, options->tolerance);
        return FALSE;
    }
    return TRUE;
}

static void options_clear(SampleOptions *options)
{
    g_free(options->weights);
    g_free(options->patches);
    g_free(options->output);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SampleOptions, options_clear)

static int sample(int argc, char **argv, GError **error)
{
    g_auto(SampleOptions) options = {.seed = 1, .temperature = 1, .tolerance = 1e-3};
    int code;
    GOptionEntry entries[] = {
        {"samples", 'n', 0, G_OPTION_ARG_INT, &options.samples, "number of draws", "N"},
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &options.output, "folder to write to", "DIR"},
        {"seed", 's', 0, G_OPTION_ARG_INT64, &options.seed, "seed of the random numbers (default: 1)", "S"},
        {"temperature", 't', 0, G_OPTION_ARG_DOUBLE, &options.temperature,
         "standard deviation of the latents (default: 1)", "T"},
        {"patches", 'p', 0, G_OPTION_ARG_FILENAME, &options.patches,
         "also check the round trip of the tiles in this folder", "DIR"},
        {"tolerance", 0, 0, G_OPTION_ARG_DOUBLE, &options.tolerance,
         "largest relative difference of a round trip (default: 0.001)", "E"},
        {"weights", 'w', 0, G_OPTION_ARG_FILENAME, &options.weights,
         "weights file of the extractor, if it has moved", "FILE"},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    if (!command_options(&command_sample, entries, &argc, &argv, &code, error)) {
        return code;
    }
    if (argc != 2 || !options.output || options.samples == 0) {
        return command_misused(
            error,
            "required: a model, a number of samples and an output folder: wsiflow sample MODEL -n N -o DIR");
    }
    static const char *const files[] = {"scale1.npy", "scale2.npy", "scale3.npy", "samples.csv", NULL};
    g_autoptr(Model) model = writable_folder(options.output, files, error)
                                 ? model_load(argv[1], options.weights, NULL, error)
                                 : NULL;
    return model && draw_and_check(model, &options, error) ? EXIT_DONE : EXIT_FAILED;
}

const Command command_sample = {
    "sample", "MODEL -n N -o DIR", "draw feature maps from a model, and check that its flow is invertible",
    "DIR gets scale1.npy, scale2.npy and scale3.npy, (sample, row, column, channel): the input of the flows, "
    "that is "
    "standardised features after the pyramid, not images; and samples.csv with the log-likelihoods (nats).\n"
    "The command fails when the largest difference of a round trip, relative to the largest value, is above "
    "the tolerance.",
    sample};
