/* annotation: an annotation in another dialect, without a run. */
#include "annotations/write/annotation_write.h"
#include "base/error.h"
#include "pipeline/cli/annotation_options.h"
#include "pipeline/cli/commands.h"
#include "pipeline/run/exit_codes.h"
#include "pipeline/slide/lesions.h"
#include <stdio.h>
#include <string.h>

/* The writers, by suffix of the file. */
static gboolean write_xml(const char *path, const Annotation *annotation, const SlideFrame *frame,
                          GError **error)
{
    return asap_write(path, annotation, NULL, error);
}

static gboolean write_geojson(const char *path, const Annotation *annotation, const SlideFrame *frame,
                              GError **error)
{
    return geojson_write_in_frame(path, annotation, frame, NULL, error);
}

typedef struct {
    const char *suffix;
    gboolean (*write)(const char *path, const Annotation *annotation, const SlideFrame *frame,
                      GError **error);
} AnnotationWriter;

static const AnnotationWriter *find_writer(const char *path)
{
    static const AnnotationWriter writers[] = {
        {".xml", write_xml}, {".geojson", write_geojson}, {".json", write_geojson}};
    for (guint i = 0; i < G_N_ELEMENTS(writers); i++) {
        size_t length = strlen(path), end = strlen(writers[i].suffix);
        if (length > end && g_ascii_strcasecmp(path + length - end, writers[i].suffix) == 0) {
            return &writers[i];
        }
    }
    return NULL;
}

static gboolean convert(const char *path, const char *output, const AnnotationOptions *options,
                        const AnnotationWriter *writer, GError **error)
{
    SlideFrame frame;
    g_autoptr(Annotation) annotation =
        annotation_options_frame(options, &frame, error)
            ? lesions_load(path, options->groups, options->field, &frame, error)
            : NULL;
    g_autoptr(Raster) raster = annotation ? raster_build(annotation, error) : NULL;
    if (!raster || !writer->write(output, annotation, &frame, error)) {
        return FALSE;
    }
    annotation_options_print_warnings("annotation", annotation, options);
    printf("dialect\t%s\noutlines\t%u\nlesion px\t%.15g\n", annotation->dialect, annotation->outlines->len,
           lesions_area(raster, &frame));
    return TRUE;
}

static int annotation(int argc, char **argv, GError **error)
{
    g_auto(AnnotationOptions) options = {0};
    g_autofree char *output = NULL;
    int code;
    GOptionEntry entries[] = {ANNOTATION_OPTIONS(options),
                              {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output,
                               "the file to write: .xml for ASAP, .geojson for QuPath", "OUT"},
                              {NULL, 0, 0, 0, NULL, NULL, NULL}};
    if (!command_options(&command_annotation, entries, &argc, &argv, &code, error)) {
        return code;
    }
    SlideFrame given;
    if (argc != 3 || !g_str_equal(argv[1], "convert") || !output) {
        return command_misused(
            error, "required: an annotation and an output file: wsiflow annotation convert IN -o OUT");
    }
    if ((options.slide && options.size) || (options.size && !annotation_options_size(options.size, &given))) {
        return command_misused(error, "--size is WIDTHxHEIGHT in px, and excludes --slide");
    }
    const AnnotationWriter *writer = find_writer(output);
    if (!writer) {
        return command_misused(error, "%s: the output file must end in .xml or .geojson", output);
    }
    if (!annotation_options_groups(&options, error)) {
        return EXIT_USAGE;
    }
    return annotation_options_output(output, argv[2], &options, error) &&
                   convert(argv[2], output, &options, writer, error)
               ? EXIT_DONE
               : EXIT_FAILED;
}

const Command command_annotation = {"annotation",
                                    "convert IN -o OUT.(xml|geojson) [--slide SLIDE | --size WxH]",
                                    "convert an annotation or a label mask to ASAP XML or GeoJSON",
                                    "IN is an annotation in any supported dialect, or a label mask, TIFF or "
                                    "PNG (0: nothing; 1 and 255: lesion; name "
                                    "other values with --group).",
                                    annotation};
