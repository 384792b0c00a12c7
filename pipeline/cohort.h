/* The slides of a run: which files, whose, in which split, with which annotation. */
#pragma once
#include "pipeline/camelyon.h"
#include "pipeline/config.h"

typedef struct {
    char *id;            /* unique in the run, of [A-Za-z0-9._-]: the file's stem */
    char *path;          /* of the slide */
    char *patient;       /* the id when no manifest says it */
    char *centre;        /* or "" */
    char *annotation;    /* path, or NULL: a normal slide */
    char *split;         /* "train", "valid" or "test" */
    int fold;            /* 1 .. dataset.folds; 0 = there are none */
    SlideUse use;        /* SLIDE_WHOLE or SLIDE_LESIONS_ONLY */
    double mpp_x, mpp_y; /* override, 0 = none */
} SlideEntry;

/* From slides.folder, slides.pattern, slides.manifest and slides.annotations: array of SlideEntry*, sorted by id, owned.
 *
 * Splits are those of splits.h: the manifest's, an official one, or dealt by patient or centre. */
GPtrArray *cohort_read(const Config *config, GError **error);

/* The name of a slide in runs and folders: its file's stem, of [A-Za-z0-9._-] only.  Caller frees. */
char *cohort_slide_id(const char *path);
