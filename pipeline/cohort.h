/* The slides of a run: which files, whose, in which split, with which annotation. */
#pragma once
#include "pipeline/camelyon.h"
#include "pipeline/config.h"

/* What is known of a slide as a whole. */
typedef enum {
    SLIDE_NORMAL,    /* all of its tissue is normal */
    SLIDE_ANNOTATED, /* its annotation says what is lesion */
    SLIDE_UNKNOWN    /* nobody said: neither trained on nor counted in figures, but scored */
} SlideLabel;
/* "normal", "annotated", "unknown" */
const char *slide_label_name(SlideLabel label);

typedef struct {
    char *id;      /* unique in the run, of [A-Za-z0-9._-]: the file's stem */
    char *path;    /* of the slide */
    char *patient; /* the id when no manifest says it */
    char *centre;  /* or "" */
    SlideLabel label;
    char *annotation;    /* path; NULL unless the label is SLIDE_ANNOTATED */
    char *split;         /* "train", "valid" or "test"; "none" of an unknown slide */
    int fold;            /* 1 .. dataset.folds; 0 = there are none */
    SlideUse use;        /* SLIDE_WHOLE or SLIDE_LESIONS_ONLY */
    double mpp_x, mpp_y; /* override, 0 = none */
} SlideEntry;

/* From slides.folder, slides.pattern, slides.manifest and slides.annotations: array of SlideEntry*, sorted by id, owned.
 *
 * A slide with an annotation is annotated.  Of one without, the manifest's column `label` decides, then slides.unannotated; when that
 * is auto, the slide is normal where no source of labels is given (neither slides.annotations nor a column annotation or label), else unknown.
 * Splits are those of splits.h: the manifest's, an official one, or dealt by patient or centre. */
GPtrArray *cohort_read(const Config *config, GError **error);

/* The name of a slide in runs and folders: its file's stem, of [A-Za-z0-9._-] only.  Caller frees. */
char *cohort_slide_id(const char *path);
