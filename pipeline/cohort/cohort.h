/* The slides of a run: which files, whose, in which split, with which annotation; and which files were found and are not used. */
#pragma once
#include "pipeline/cohort/camelyon.h"
#include "pipeline/config/config.h"

/* What is known of a slide as a whole. */
typedef enum {
    SLIDE_NORMAL,    /* all of its tissue is normal */
    SLIDE_ANNOTATED, /* its annotation says what is lesion */
    SLIDE_UNKNOWN    /* nobody said: neither trained on nor counted in figures, but scored */
} SlideLabel;
/* "normal", "annotated", "unknown" */
const char *slide_label_name(SlideLabel label);

typedef struct {
    char *id;                /* unique in the run, as cohort_slide_id makes it, or the manifest's column id */
    char *path;              /* of the slide */
    char *patient;           /* the id when nothing says it */
    char *centre;            /* or "" */
    SlideLabel label;        /* */
    gboolean label_given;    /* the manifest's column label says it */
    char *annotation;        /* path; NULL unless the label is SLIDE_ANNOTATED */
    char *split;             /* "train", "valid" or "test"; "none" of an unknown slide */
    int fold;                /* 1 .. dataset.folds; 0 = there are none */
    SlideUse use;            /* SLIDE_WHOLE or SLIDE_LESIONS_ONLY */
    gboolean scored;         /* by score.slides */
    double mpp_x, mpp_y;     /* override, 0 = none */
    int line;                /* of the manifest; 0 = there is none */
    int64_t bytes, mtime_us; /* of the slide's file when the run was planned; bytes -1 = unknown */
} SlideEntry;

/* A file that was found or named and that the run does not use. */
typedef struct {
    char *name, *reason;
} Unused;

typedef struct {
    GPtrArray *slides; /* SlideEntry*, sorted by id, owned */
    GPtrArray *unused; /* Unused*, in a fixed order, owned */
} Cohort;
void cohort_free(Cohort *cohort);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Cohort, cohort_free)
/* Whether any slide (SlideEntry*) has a patient of another name than its id; else nobody named patients, and each slide is dealt as one. */
gboolean cohort_names_patients(const GPtrArray *slides);

/* From slides.folder, slides.pattern, slides.manifest and slides.annotations; no slides when none of them is set.
 *
 * A slide with an annotation is annotated.  Of one without, the manifest's column `label` decides, then slides.unannotated; when that
 * is auto, the slide is normal where no source of labels is given (neither slides.annotations nor a column annotation or label), else unknown.
 * A slide is unknown, too, when a file that may be its annotation is found beside it and no key names it.
 * Names match without regard to case.  Splits are those of splits.h: the manifest's, an official one, or dealt by patient or centre.
 * What a run has planned is not read again: workers take it from cohort_parse. */
Cohort *cohort_read(const Config *config, GError **error);
/* A list of Unused; unused_add takes over the reason. */
GPtrArray *unused_new(void);
void unused_add(GPtrArray *list, const char *name, char *reason);

/* The cohort as text, and back: the same for every path and name.  Caller frees. */
char *cohort_text(const Cohort *cohort);
Cohort *cohort_parse(const char *text, GError **error);

/* A file's name without its folder and its ending; a dot at its beginning begins none.  Caller frees. */
char *cohort_stem(const char *path);
/* The name of a slide in runs and folders: its file's stem, of [A-Za-z0-9._-] only, never with a dot at its beginning.  Caller frees. */
char *cohort_slide_id(const char *path);
/* FALSE with an error that names both when two of the files would have one id, or that names the one whose id is too long. */
gboolean cohort_ids_differ(char *const *paths, int count, GError **error);
