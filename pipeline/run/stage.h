/* The stage table: the way of the data, one line a stage.  Adding a stage is one file and one line.
 *
 * A stage is planned for each slide or once for the cohort, needs the artefacts of earlier stages, and publishes its own.
 * It runs in a worker process, on its own Store, and must give the same bytes whatever `threads` is. */
#pragma once
#include "base/image.h"
#include "db/store.h"
#include "pipeline/cohort/cohort.h"
#include "pipeline/config/config.h"
#include "pipeline/run/records.h"
#include "tiler/slide/slide.h"

typedef struct {
    const Config *config;
    const GPtrArray *slides; /* SlideEntry*; empty when working on patches */
    const char *folder;      /* of the run, absolute */
    const Cohort *cohort;    /* the slides, and what is not used */
} Run;

/* One job being done. */
typedef struct {
    const Run *run;
    const SlideEntry *slide; /* NULL for stages of the cohort */
    Store *store;            /* may be NULL: no job table (single commands) */
    const Job *job;
    const GPtrArray *inputs; /* JobInput*: artefacts of the needed jobs */
    const Records *records;  /* those among the inputs; NULL: none */
    GPtrArray *outputs;      /* Artefact*: what it published */
    int threads;
    const gint *stop;  /* atomic; not 0: end at the next safe place with WSI_ERROR_CANCELLED (or _LOST) */
    int64_t last_tick; /* of work_tick, monotonic us */
} Work;

typedef enum { SCOPE_SLIDE, SCOPE_COHORT } Scope;

typedef struct {
    const char *name, *summary;
    Scope scope;
    const char *sections; /* "section" or "section.key" it reads: they are its configuration hash */
    const char *needs;    /* stage names; ?name: soft (goes on when some slides have no result) */
    int version;          /* raised when the same inputs would give other bytes */
    gboolean (*wanted)(const Run *run, const SlideEntry *slide); /* slide NULL for the cohort */
    gboolean (*run)(Work *work, GError **error);
} Stage;

extern const Stage stages[]; /* in the order of the data; ends with name NULL */
const Stage *stage_find(const char *name);
/* Unit of jobs of the cohort. */
#define COHORT "cohort"

/* ---- what stages use ---- */
/* Absolute path of the artefact that `stage` published as `name` for this slide (or the cohort); an error when there is none. Caller frees. */
char *work_input(const Work *work, const char *stage, const char *name, GError **error);
/* The same, or NULL without error. */
char *work_find(const Work *work, const char *stage, const char *unit, const char *name);
/* Path of an output: slides/ID/NAME or NAME, below the run's folder; absolute. Caller frees. */
char *work_output(const Work *work, const char *name);
/* Tells that the file at the absolute path is published.  sha256 NULL: it is hashed now. */
gboolean work_publish(Work *work, const char *name, const char *path, const char *sha256, GError **error);
/* Progress, at most four times a second, and the place where a stop is noticed: FALSE with WSI_ERROR_CANCELLED. */
gboolean work_tick(Work *work, int64_t done, int64_t total, const char *what, GError **error);
/* FALSE with WSI_ERROR_INPUT when a slide that the job reads is not the file that the run was planned with: the next plan, which
 * sees another input, does the job again. */
gboolean work_check_slides(const Work *work, GError **error);
/* Opens the slide of the job with its mpp override; its tiles are cut in the colours of the configuration, with the stain normalised in
 * stages that need `stain`. */
Slide *work_open_slide(const Work *work, GError **error);
/* The same for any slide of the run, in stages of the cohort. */
Slide *work_open_coloured(const Work *work, const SlideEntry *entry, GError **error);
/* Any slide of the run with its mpp override, in the colours of its file. */
Slide *work_open_entry(const Config *config, const SlideEntry *entry, GError **error);

/* The stages. */
gboolean stage_ingest(Work *work, GError **error);
gboolean stage_tissue(Work *work, GError **error);
gboolean stage_stain(Work *work, GError **error);
gboolean stage_grid(Work *work, GError **error);
gboolean stage_clam(Work *work, GError **error);
gboolean stage_mask(Work *work, GError **error);
gboolean stage_cut(Work *work, GError **error);
gboolean stage_dataset(Work *work, GError **error);
gboolean stage_normals(Work *work, GError **error);
gboolean stage_train(Work *work, GError **error);
gboolean stage_score(Work *work, GError **error);
gboolean stage_scorepatches(Work *work, GError **error);
gboolean stage_heatmap(Work *work, GError **error);
gboolean stage_evaluate(Work *work, GError **error);
