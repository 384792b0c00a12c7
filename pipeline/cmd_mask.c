/* mask, annotation: an annotation file by itself, as pixels or in another dialect.
 *
 * Neither needs a run.  What both must know is the place: the size of the slide and its resolution, from the slide or from the
 * command line, so that masks can be made where the slide itself is not at hand. */
#include "base/error.h"
#include "base/pool.h"
#include "pipeline/command.h"
#include "pipeline/lesions.h"
#include "pipeline/masks.h"
#include "pipeline/runner.h"
#include <math.h>
#include <stdio.h>

typedef struct {
    char *slide, *size, *groups;
    double mpp;
} Place;

static void place_clear(Place *place)
{
    g_free(place->slide);
    g_free(place->size);
    g_free(place->groups);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Place, place_clear)

#define PLACE_OPTIONS(place)                                                                                \
    {"slide", 's', 0, G_OPTION_ARG_FILENAME, &(place).slide, "the slide that it belongs to", "SLIDE"},      \
        {"size", 0, 0, G_OPTION_ARG_STRING, &(place).size, "size of the slide in px, instead of the slide", \
         "WxH"},                                                                                            \
        {"mpp", 0, 0, G_OPTION_ARG_DOUBLE, &(place).mpp, "um/px of level 0", "UM"},                         \
    {                                                                                                       \
        "groups", 'g', 0, G_OPTION_ARG_STRING, &(place).groups,                                             \
            "more groups, \"name=lesion other=not\"; Camelyon16/17 groups are known", "RULES"               \
    }

/* "WIDTHxHEIGHT" */
static gboolean parse_size(const char *text, SlideFrame *frame)
{
    g_auto(GStrv) parts = g_strsplit(text, "x", -1);
    guint64 size[2];
    if (g_strv_length(parts) != 2) {
        return FALSE;
    }
    for (int i = 0; i < 2; i++) {
        if (!g_ascii_string_to_unsigned(parts[i], 10, 1, G_MAXINT32, &size[i], NULL)) {
            return FALSE;
        }
    }
    frame->width = (double)size[0];
    frame->height = (double)size[1];
    return TRUE;
}

/* What is known of the slide; nothing given: nothing known. */
static gboolean place_frame(const Place *place, SlideFrame *frame, GError **error)
{
    *frame = (SlideFrame){.mpp_x = place->mpp, .mpp_y = place->mpp, .offset_x_nm = NAN, .offset_y_nm = NAN};
    if (!place->slide) {
        return TRUE;
    }
    SlideOptions options = {.mpp_x = place->mpp, .mpp_y = place->mpp};
    g_autoptr(Slide) slide = slide_open(place->slide, &options, error);
    if (!slide) {
        return FALSE;
    }
    *frame = lesions_frame(slide);
    return TRUE;
}

static void print_warnings(const char *command, const Annotation *annotation)
{
    for (guint i = 0; i < annotation->warnings->len; i++) {
        fprintf(stderr, "wsiflow %s: %s\n", command, (const char *)annotation->warnings->pdata[i]);
    }
}

/* ---- mask ---- */

static void print_areas(const MaskSpec *spec, int64_t lesion_px)
{
    int64_t width = (spec->width + spec->factor - 1) / spec->factor,
            height = (spec->height + spec->factor - 1) / spec->factor;
    double mm2 = spec->mpp_x * spec->mpp_y * spec->factor * spec->factor * 1e-6;
    const struct {
        const char *name;
        int64_t px;
    } labels[] = {{"not lesion", width * height - lesion_px}, {"lesion", lesion_px}};
    printf("label\tname\tpx\tmm2\n");
    for (int i = 0; i < 2; i++) {
        printf("%d\t%s\t%" G_GINT64_FORMAT "\t%.6f\n", i, labels[i].name, labels[i].px,
               (double)labels[i].px * mm2);
    }
}

/* Level-0 px a mask px: the whole number nearest to what was asked for; 0 with error. */
static int mask_factor(const SlideFrame *frame, double level_mpp, GError **error)
{
    double mpp = sqrt(frame->mpp_x * frame->mpp_y), factor = level_mpp > 0 ? round(level_mpp / mpp) : 1;
    if (level_mpp < 0 || factor < 1 || factor > fmin(frame->width, frame->height)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "a mask of %g um/px: from %g (level 0) to %g (one pixel) is possible", level_mpp, mpp,
                    mpp * fmin(frame->width, frame->height));
        return 0;
    }
    return (int)factor;
}

static gboolean write_mask(const char *path, const char *output, const Place *place, double level_mpp,
                           int threads, GError **error)
{
    SlideFrame frame;
    if (!place_frame(place, &frame, error)) {
        return FALSE;
    }
    if (place->size) {
        parse_size(place->size, &frame);
    }
    if (frame.mpp_x <= 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s does not say its resolution (um/px): give it as --mpp", place->slide);
        return FALSE;
    }
    MaskSpec spec = {.width = (int64_t)frame.width,
                     .height = (int64_t)frame.height,
                     .mpp_x = frame.mpp_x,
                     .mpp_y = frame.mpp_y,
                     .factor = mask_factor(&frame, level_mpp, error),
                     .threads = threads};
    g_autoptr(Annotation) annotation = spec.factor ? lesions_load(path, place->groups, &frame, error) : NULL;
    g_autoptr(Raster) raster = annotation ? raster_build(annotation, error) : NULL;
    int64_t lesion_px;
    spec.raster = raster;
    if (!raster || !masks_write(output, &spec, &lesion_px, NULL, error)) {
        return FALSE;
    }
    print_warnings("mask", annotation);
    print_areas(&spec, lesion_px);
    return TRUE;
}

int command_mask(int argc, char **argv, GError **error)
{
    g_auto(Place) place = {0};
    g_autofree char *output = NULL;
    double level_mpp = 0;
    int threads = 0, code;
    GOptionEntry entries[] = {
        PLACE_OPTIONS(place),
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "the TIFF pyramid to write", "MASK.tif"},
        {"level-mpp", 0, 0, G_OPTION_ARG_DOUBLE, &level_mpp,
         "um/px of the mask's first level (default: level 0); the nearest whole multiple is taken", "UM"},
        {"threads", 'j', 0, G_OPTION_ARG_INT, &threads, "threads (default: all processors)", "N"},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    if (!command_options("mask", entries, &argc, &argv, &code, error)) {
        return code;
    }
    SlideFrame given;
    if (argc != 2 || !output || (place.slide != NULL) == (place.size != NULL)) {
        return command_misused(error, "needed are an annotation, -o MASK.tif, and either --slide SLIDE or "
                                      "--size WxH with --mpp UM");
    }
    if (place.size && (!parse_size(place.size, &given) || place.mpp <= 0)) {
        return command_misused(error, "--size is WIDTHxHEIGHT in px and needs --mpp UM");
    }
    threads = threads > 0 ? threads : pool_processors();
    return write_mask(argv[1], output, &place, level_mpp, threads, error) ? EXIT_DONE : EXIT_FAILED;
}
