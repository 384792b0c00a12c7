/* The slides of a run: which files, whose, in which split, with which annotation. */
#pragma once
#include "pipeline/config.h"

typedef struct {
    char *id;            /* unique in the run, of [A-Za-z0-9._-]: the file's stem */
    char *path;          /* of the slide */
    char *patient;       /* the id when no manifest says it */
    char *centre;        /* or "" */
    char *annotation;    /* path, or NULL: a normal slide */
    char *split;         /* "train", "valid" or "test" */
    double mpp_x, mpp_y; /* override, 0 = none */
} SlideEntry;

/* From slides.folder, slides.pattern, slides.manifest and slides.annotations: array of SlideEntry*, sorted by id, owned.
 *
 * Split: the manifest's column when it has one; otherwise patients are dealt, those with lesions and those without apart, in an
 * order that run.seed and the patient's name decide: the first dataset.test_share of each go to test, the next
 * dataset.valid_share to valid, the rest to train.  All slides of a patient are in one split, or it is an error. */
GPtrArray *cohort_read(const Config *config, GError **error);

/* The name of a slide in runs and folders: its file's stem, of [A-Za-z0-9._-] only.  Caller frees. */
char *cohort_slide_id(const char *path);
