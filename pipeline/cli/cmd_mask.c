/* mask, annotation: an annotation file by itself, as pixels or in another dialect.
 *
 * Neither needs a run.  What both must know is the place: the size of the slide and its resolution, from the slide or from the
 * command line, so that masks can be made where the slide itself is not at hand. */
#include "annotations/annotation_write.h"
#include "base/error.h"
#include "base/nearest.h"
#include "base/pool.h"
#include "base/writable.h"
#include "pipeline/cli/command.h"
#include "pipeline/slide/lesions.h"
#include "pipeline/slide/lesion_mask.h"
#include "pipeline/slide/group_survey.h"
#include "pipeline/run/exit_codes.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    char *slide, *size, *groups_text, *field;
    char **group;      /* "NAME=KIND" each */
    GPtrArray *groups; /* of both */
    double mpp;
} Position;

static void place_clear(Position *position)
{
    g_free(position->slide);
    g_free(position->size);
    g_free(position->groups_text);
    g_free(position->field);
    g_strfreev(position->group);
    g_clear_pointer(&position->groups, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Position, place_clear)

#define PLACE_OPTIONS(position)                                                                                \
    {"slide", 's', 0, G_OPTION_ARG_FILENAME, &(position).slide, "the slide that it belongs to", "SLIDE"},      \
        {"size", 0, 0, G_OPTION_ARG_STRING, &(position).size, "size of the slide in px, instead of the slide", \
         "WxH"},                                                                                               \
        {"mpp", 0, 0, G_OPTION_ARG_DOUBLE, &(position).mpp, "um/px of level 0", "UM"},                         \
        {"group",                                                                                              \
         0,                                                                                                    \
         0,                                                                                                    \
         G_OPTION_ARG_STRING_ARRAY,                                                                            \
         &(position).group,                                                                                    \
         "what a group means: NAME=lesion, NAME=not, NAME=roi or NAME=ignore; \"*=ignore\" for all others; "   \
         "may be repeated",                                                                                    \
         "NAME=KIND"},                                                                                         \
        {"groups",                                                                                             \
         'g',                                                                                                  \
         0,                                                                                                    \
         G_OPTION_ARG_STRING,                                                                                  \
         &(position).groups_text,                                                                              \
         "the same for several names without blanks: \"name=lesion other=not\"",                               \
         "RULES"},                                                                                             \
    {                                                                                                          \
        "group-field", 0, 0, G_OPTION_ARG_STRING, &(position).field,                                           \
            "which field is the group: auto (default), class, name, text or title", "FIELD"                    \
    }

/* What the options say of groups; nothing said of the field: auto. */
static gboolean place_groups(Position *position, GError **error)
{
    static const char *const fields[] = {"auto", "class", "name", "text", "title", NULL};
    position->groups = groups_new();
    if (position->groups_text && !groups_add_text(position->groups, position->groups_text, error)) {
        return FALSE;
    }
    for (char **pair = position->group; pair && *pair; pair++) {
        if (!groups_add_pair(position->groups, *pair, error)) {
            return FALSE;
        }
    }
    position->field = position->field ? position->field : g_strdup("auto");
    if (!g_strv_contains(fields, position->field)) {
        g_autofree char *hint = nearest_hint(position->field, fields);
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "--group-field %s: allowed are auto, class, name, text and title%s", position->field,
                    hint);
        return FALSE;
    }
    return TRUE;
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

/* What is known of the slide; nothing given: nothing known.  A size has been checked before. */
static gboolean place_frame(const Position *position, SlideFrame *frame, GError **error)
{
    *frame =
        (SlideFrame){.mpp_x = position->mpp, .mpp_y = position->mpp, .offset_x_nm = NAN, .offset_y_nm = NAN};
    if (!position->slide) {
        return !position->size || parse_size(position->size, frame);
    }
    SlideOptions options = {.mpp_x = position->mpp, .mpp_y = position->mpp};
    g_autoptr(Slide) slide = slide_open(position->slide, &options, error);
    if (!slide) {
        return FALSE;
    }
    *frame = lesions_frame(slide);
    return TRUE;
}

static void print_warnings(const char *command, const Annotation *annotation, const Position *position)
{
    g_autofree char *idle =
        group_survey_idle(annotation->path, position->groups, position->field, annotation);
    for (guint i = 0; i < annotation->warnings->len; i++) {
        fprintf(stderr, "wsiflow %s: %s\n", command, (const char *)annotation->warnings->pdata[i]);
    }
    if (idle) {
        fprintf(stderr, "wsiflow %s: %s: no outline is in these groups that are named: %s\n", command,
                annotation->path, idle);
    }
}

static gboolean output_writable(const char *output, const char *annotation, const Position *position,
                                GError **error)
{
    return writable_file(output, error) && writable_differs(output, annotation, error) &&
           writable_differs(output, position->slide, error);
}

/* ---- mask ---- */

/* The pixels of the mask's first level, and the area of the polygons within the slide: levels are maxima, so that pixels of a coarse mask
 * would tell more than there is. */
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

static gboolean write_mask(const char *path, const char *output, const Position *position, double level_mpp,
                           int threads, GError **error)
{
    SlideFrame frame;
    if (!place_frame(position, &frame, error)) {
        return FALSE;
    }
    if (frame.mpp_x <= 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s does not say its resolution (um/px): give it as --mpp", position->slide);
        return FALSE;
    }
    LesionMaskSpec spec = {.width = (int64_t)frame.width,
                           .height = (int64_t)frame.height,
                           .mpp_x = frame.mpp_x,
                           .mpp_y = frame.mpp_y,
                           .factor = mask_factor(&frame, level_mpp, error),
                           .threads = threads};
    g_autoptr(Annotation) annotation =
        spec.factor ? lesions_load(path, position->groups, position->field, &frame, error) : NULL;
    g_autoptr(Raster) raster = annotation ? raster_build(annotation, error) : NULL;
    int64_t lesion_px;
    spec.raster = raster;
    if (!raster || !lesion_mask_write(output, &spec, &lesion_px, NULL, error)) {
        return FALSE;
    }
    print_warnings("mask", annotation, position);
    print_areas(&spec, lesion_px, lesions_area(raster, &frame));
    return TRUE;
}

int command_mask(int argc, char **argv, GError **error)
{
    g_auto(Position) position = {0};
    g_autofree char *output = NULL;
    double level_mpp = 0;
    int threads = 0, code;
    GOptionEntry entries[] = {
        PLACE_OPTIONS(position),
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "the TIFF pyramid to write", "MASK.tif"},
        {"level-mpp", 0, 0, G_OPTION_ARG_DOUBLE, &level_mpp,
         "um/px of the mask's first level (default: level 0); the nearest whole multiple is taken", "UM"},
        {"threads", 'j', 0, G_OPTION_ARG_INT, &threads, "threads (default: all processors)", "N"},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    if (!command_options("mask", entries, &argc, &argv, &code, error)) {
        return code;
    }
    SlideFrame given;
    if (argc != 2 || !output || (position.slide != NULL) == (position.size != NULL)) {
        return command_misused(error, "needed are an annotation, -o MASK.tif, and either --slide SLIDE or "
                                      "--size WxH with --mpp UM");
    }
    if (position.size && (!parse_size(position.size, &given) || position.mpp <= 0)) {
        return command_misused(error, "--size is WIDTHxHEIGHT in px and needs --mpp UM");
    }
    if (!place_groups(&position, error)) {
        return EXIT_USAGE;
    }
    threads = threads > 0 ? threads : pool_processors();
    return output_writable(output, argv[1], &position, error) &&
                   write_mask(argv[1], output, &position, level_mpp, threads, error)
               ? EXIT_DONE
               : EXIT_FAILED;
}

/* ---- annotation ---- */

/* The writers, by the ending of the file. */
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

static gboolean convert(const char *path, const char *output, const Position *position,
                        const AnnotationWriter *writer, GError **error)
{
    SlideFrame frame;
    g_autoptr(Annotation) annotation =
        place_frame(position, &frame, error)
            ? lesions_load(path, position->groups, position->field, &frame, error)
            : NULL;
    g_autoptr(Raster) raster = annotation ? raster_build(annotation, error) : NULL;
    if (!raster || !writer->write(output, annotation, &frame, error)) {
        return FALSE;
    }
    print_warnings("annotation", annotation, position);
    printf("dialect\t%s\noutlines\t%u\nlesion px\t%.15g\n", annotation->dialect, annotation->outlines->len,
           lesions_area(raster, &frame));
    return TRUE;
}

int command_annotation(int argc, char **argv, GError **error)
{
    g_auto(Position) position = {0};
    g_autofree char *output = NULL;
    int code;
    GOptionEntry entries[] = {PLACE_OPTIONS(position),
                              {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output,
                               "the file to write: .xml for ASAP, .geojson for QuPath", "OUT"},
                              {NULL, 0, 0, 0, NULL, NULL, NULL}};
    if (!command_options("annotation", entries, &argc, &argv, &code, error)) {
        return code;
    }
    SlideFrame given;
    if (argc != 3 || !g_str_equal(argv[1], "convert") || !output) {
        return command_misused(error,
                               "needed are an annotation and a file: wsiflow annotation convert IN -o OUT");
    }
    if ((position.slide && position.size) || (position.size && !parse_size(position.size, &given))) {
        return command_misused(error, "--size is WIDTHxHEIGHT in px, and instead of --slide");
    }
    const AnnotationWriter *writer = find_writer(output);
    if (!writer) {
        return command_misused(error, "%s: the file to write ends in .xml or .geojson", output);
    }
    if (!place_groups(&position, error)) {
        return EXIT_USAGE;
    }
    return output_writable(output, argv[2], &position, error) &&
                   convert(argv[2], output, &position, writer, error)
               ? EXIT_DONE
               : EXIT_FAILED;
}
