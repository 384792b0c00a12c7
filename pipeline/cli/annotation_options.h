/* Options of the commands that read an annotation without a run: the slide it belongs to, and what its groups mean. */
#pragma once
#include "pipeline/slide/lesions.h"

typedef struct {
    char *slide, *size, *groups_text, *field;
    char **group;      /* "NAME=KIND" each */
    GPtrArray *groups; /* GroupName*: those of groups_text and group */
    double mpp;
} AnnotationOptions;

void annotation_options_clear(AnnotationOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AnnotationOptions, annotation_options_clear)

/* Entries for a GOptionEntry table. */
#define ANNOTATION_OPTIONS(options)                                                                           \
    {"slide", 's', 0, G_OPTION_ARG_FILENAME, &(options).slide, "the slide of the annotation", "SLIDE"},       \
        {"size", 0, 0, G_OPTION_ARG_STRING, &(options).size, "size of the slide in px, instead of the slide", \
         "WxH"},                                                                                              \
        {"mpp", 0, 0, G_OPTION_ARG_DOUBLE, &(options).mpp, "um/px of level 0", "UM"},                         \
        {"group",                                                                                             \
         0,                                                                                                   \
         0,                                                                                                   \
         G_OPTION_ARG_STRING_ARRAY,                                                                           \
         &(options).group,                                                                                    \
         "what a group means: NAME=lesion, NAME=not, NAME=roi or NAME=ignore; \"*=ignore\" for all others; "  \
         "may be repeated",                                                                                   \
         "NAME=KIND"},                                                                                        \
        {"groups",                                                                                            \
         'g',                                                                                                 \
         0,                                                                                                   \
         G_OPTION_ARG_STRING,                                                                                 \
         &(options).groups_text,                                                                              \
         "the same for several names without blanks: \"name=lesion other=not\"",                              \
         "RULES"},                                                                                            \
    {                                                                                                         \
        "group-field", 0, 0, G_OPTION_ARG_STRING, &(options).field,                                           \
            "the field that names the group: auto (default), class, name, text or title", "FIELD"             \
    }

/* Sets `groups` from the options, and `field` to auto when it is not given. */
gboolean annotation_options_groups(AnnotationOptions *options, GError **error);
/* Reads "WIDTHxHEIGHT" into the frame; FALSE when the text is something else. */
gboolean annotation_options_size(const char *text, SlideFrame *frame);
/* The size and resolution of the slide; what is not given stays 0.  --size must have been checked. */
gboolean annotation_options_frame(const AnnotationOptions *options, SlideFrame *frame, GError **error);
/* Prints the warnings of the annotation, and the named groups that have no outline, to standard error. */
void annotation_options_print_warnings(const char *command, const Annotation *annotation,
                                       const AnnotationOptions *options);
/* FALSE with an error when the output cannot be written or is one of the inputs. */
gboolean annotation_options_output(const char *output, const char *annotation,
                                   const AnnotationOptions *options, GError **error);
