/* mask: the lesion mask of an annotation, without a run. */
#include "base/error.h"
#include "base/pool.h"
#include "pipeline/cli/annotation_options.h"
#include "pipeline/cli/commands.h"
#include "pipeline/run/exit_codes.h"
#include "pipeline/slide/lesion_mask.h"
#include "pipeline/slide/lesions.h"
#include <math.h>
#include <stdio.h>

/* The pixels of the mask's first level, and the area of the polygons within the slide.  A pixel of a coarse level is the maximum of those below,
 * so its pixels would overestimate the area. */
static void print_areas(const LesionMaskSpec *spec, int64_t lesion_px, double lesion_area)
{
    int64_t width = (spec->width + spec->factor - 1) / spec->factor,
            height = (spec->height + spec->factor - 1) / spec->factor;
    double mm2 = spec->mpp_x * spec->mpp_y * 1e-6, all = (double)spec->width * (double)spec->height;
    const struct {
        const char *name;
        int64_t px;
        double area;
    } labels[] = {{"not lesion", width * height - lesion_px, all - lesion_area},
                  {"lesion", lesion_px, lesion_area}};
    printf("label\tname\tpx\tmm2\n");
    for (int i = 0; i < 2; i++) {
        printf("%d\t%s\t%" G_GINT64_FORMAT "\t%.6f\n", i, labels[i].name, labels[i].px, labels[i].area * mm2);
    }
}

/* Level-0 px per mask px: the whole number nearest to the requested one; 0 with an error. */
static int mask_factor(const SlideFrame *frame, double level_mpp, GError **error)
{
    double mpp = sqrt(frame->mpp_x * frame->mpp_y), factor = level_mpp > 0 ? round(level_mpp / mpp) : 1;
    if (level_mpp < 0 || factor < 1 || factor > fmin(frame->width, frame->height)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "--level-mpp is %g: allowed are %g (level 0) to %g (one pixel)", level_mpp, mpp,
                    mpp * fmin(frame->width, frame->height));
        return 0;
    }
    return (int)factor;
}

static gboolean write_mask(const char *path, const char *output, const AnnotationOptions *options,
                           double level_mpp, int threads, GError **error)
{
    SlideFrame frame;
    if (!annotation_options_frame(options, &frame, error)) {
        return FALSE;
    }
    if (frame.mpp_x <= 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "the resolution of %s (um/px) is unknown: give it with --mpp", options->slide);
        return FALSE;
    }
    LesionMaskSpec spec = {.width = (int64_t)frame.width,
                           .height = (int64_t)frame.height,
                           .mpp_x = frame.mpp_x,
                           .mpp_y = frame.mpp_y,
                           .factor = mask_factor(&frame, level_mpp, error),
                           .threads = threads};
    g_autoptr(Annotation) annotation =
        spec.factor ? lesions_load(path, options->groups, options->field, &frame, error) : NULL;
    g_autoptr(Raster) raster = annotation ? raster_build(annotation, error) : NULL;
    int64_t lesion_px;
    spec.raster = raster;
    if (!raster || !lesion_mask_write(output, &spec, &lesion_px, NULL, error)) {
        return FALSE;
    }
    annotation_options_print_warnings("mask", annotation, options);
    print_areas(&spec, lesion_px, lesions_area(raster, &frame));
    return TRUE;
}

static int mask(int argc, char **argv, GError **error)
{
    g_auto(AnnotationOptions) options = {0};
    g_autofree char *output = NULL;
    double level_mpp = 0;
    int threads = 0, code;
    GOptionEntry entries[] = {
        ANNOTATION_OPTIONS(options),
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "the TIFF pyramid to write", "MASK.tif"},
        {"level-mpp", 0, 0, G_OPTION_ARG_DOUBLE, &level_mpp,
         "um/px of the mask's first level, rounded to a whole multiple of level 0 (default: level 0)", "UM"},
        {"threads", 'j', 0, G_OPTION_ARG_INT, &threads, "threads (default: all processors)", "N"},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    if (!command_options(&command_mask, entries, &argc, &argv, &code, error)) {
        return code;
    }
    SlideFrame given;
    if (argc != 2 || !output || (options.slide != NULL) == (options.size != NULL)) {
        return command_misused(
            error,
            "required: an annotation, -o MASK.tif, and either --slide SLIDE or --size WxH with --mpp UM");
    }
    if (options.size && (!annotation_options_size(options.size, &given) || options.mpp <= 0)) {
        return command_misused(error, "--size is WIDTHxHEIGHT in px and needs --mpp UM");
    }
    if (!annotation_options_groups(&options, error)) {
        return EXIT_USAGE;
    }
    threads = threads > 0 ? threads : pool_processors();
    return annotation_options_output(output, argv[1], &options, error) &&
                   write_mask(argv[1], output, &options, level_mpp, threads, error)
               ? EXIT_DONE
               : EXIT_FAILED;
}

const Command command_mask = {"mask", "ANNOTATION (--slide SLIDE | --size WxH --mpp UM) -o MASK.tif",
                              "write the lesion mask of an annotation at the slide's full resolution",
                              "0 = not lesion, 1 = lesion. The area of each label is printed.", mask};
