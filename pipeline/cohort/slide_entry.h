/* One slide of a run: its file, patient, split, label and annotation. */
#pragma once
#include "pipeline/cohort/camelyon.h"
#include "pipeline/config/config.h"
#include "tiler/slide/slide.h"

/* What is known of a slide as a whole. */
typedef enum {
    SLIDE_NORMAL,    /* all of its tissue is normal */
    SLIDE_ANNOTATED, /* its annotation says what is lesion */
    SLIDE_UNKNOWN    /* no source gives a label: not trained on and not counted in metrics, but scored */
} SlideLabel;
/* "normal", "annotated", "unknown" */
const char *slide_label_name(SlideLabel label);

typedef struct {
    char *id;      /* unique in the run: slide_id_of the path, or the manifest's column id */
    char *path;    /* of the slide */
    char *patient; /* the id when no patient is given */
    char *centre;  /* or "" */
    SlideLabel label;
    gboolean label_given;    /* by the manifest's column label */
    char *annotation;        /* path; NULL unless the label is SLIDE_ANNOTATED */
    char *split;             /* "train", "valid" or "test"; "none" for an unknown slide */
    int fold;                /* 1 .. dataset.folds; 0 = no folds */
    SlideUse use;            /* SLIDE_WHOLE or SLIDE_LESIONS_ONLY */
    gboolean scored;         /* by score.slides */
    double mpp_x, mpp_y;     /* override, um/px; 0 = none */
    int line;                /* of the manifest; 0 = no manifest */
    int64_t bytes, mtime_us; /* of the slide's file when the run was planned; bytes -1 = unknown */
} SlideEntry;

/* A slide with the path and the defaults of the configuration; label, split and annotation are still to be set. */
SlideEntry *slide_entry_new(const Config *config, const char *path);
void slide_entry_free(SlideEntry *entry);

/* Opens the slide with its mpp override, in the colours of its file. */
Slide *slide_entry_open(const Config *config, const SlideEntry *entry, GError **error);
/* Sets bytes and mtime_us to those of the file as it is now. */
void slide_entry_record_file(SlideEntry *entry);
/* FALSE with WSI_ERROR_INPUT when the file has changed since slide_entry_record_file.  A file that is missing passes: opening it
 * gives the error. */
gboolean slide_entry_check_unchanged(const SlideEntry *entry, GError **error);
