/* The size of the slide comes from the slide or from the command line, so that masks can be made where the slide itself is not
 * available. */
#include "pipeline/cli/annotation_options.h"
#include "base/error.h"
#include "base/nearest.h"
#include "base/writable.h"
#include "pipeline/config/groups.h"
#include "pipeline/slide/group_survey.h"
#include <math.h>
#include <stdio.h>

void annotation_options_clear(AnnotationOptions *options)
{
    g_free(options->slide);
    g_free(options->size);
    g_free(options->groups_text);
    g_free(options->field);
    g_strfreev(options->group);
    g_clear_pointer(&options->groups, g_ptr_array_unref);
}

gboolean annotation_options_groups(AnnotationOptions *options, GError **error)
{
    static const char *const fields[] = {"auto", "class", "name", "text", "title", NULL};
    options->groups = groups_new();
    if (options->groups_text && !groups_add_text(options->groups, options->groups_text, error)) {
        return FALSE;
    }
    for (char **pair = options->group; pair && *pair; pair++) {
        if (!groups_add_pair(options->groups, *pair, error)) {
            return FALSE;
        }
    }
    options->field = options->field ? options->field : g_strdup("auto");
    if (!g_strv_contains(fields, options->field)) {
        g_autofree char *hint = nearest_hint(options->field, fields);
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "--group-field %s: allowed are auto, class, name, text and title%s", options->field,
                    hint);
        return FALSE;
    }
    return TRUE;
}

gboolean annotation_options_size(const char *text, SlideFrame *frame)
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

gboolean annotation_options_frame(const AnnotationOptions *options, SlideFrame *frame, GError **error)
{
    *frame =
        (SlideFrame){.mpp_x = options->mpp, .mpp_y = options->mpp, .offset_x_nm = NAN, .offset_y_nm = NAN};
    if (!options->slide) {
        return !options->size || annotation_options_size(options->size, frame);
    }
    SlideOptions slide_options = {.mpp_x = options->mpp, .mpp_y = options->mpp};
    g_autoptr(Slide) slide = slide_open(options->slide, &slide_options, error);
    if (!slide) {
        return FALSE;
    }
    *frame = lesions_frame(slide);
    return TRUE;
}

void annotation_options_print_warnings(const char *command, const Annotation *annotation,
                                       const AnnotationOptions *options)
{
    g_autofree char *idle = group_survey_idle(annotation->path, options->groups, options->field, annotation);
    for (guint i = 0; i < annotation->warnings->len; i++) {
        fprintf(stderr, "wsiflow %s: %s\n", command, (const char *)annotation->warnings->pdata[i]);
    }
    if (idle) {
        fprintf(stderr, "wsiflow %s: %s: these named groups have no outline: %s\n", command, annotation->path,
                idle);
    }
}

gboolean annotation_options_output(const char *output, const char *annotation,
                                   const AnnotationOptions *options, GError **error)
{
    return writable_file(output, error) && writable_differs(output, annotation, error) &&
           writable_differs(output, options->slide, error);
}
