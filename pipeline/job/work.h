/* What a stage gets: the run, its slide, its inputs, and where its outputs go.
 *
 * A stage is a function `gboolean stage_NAME(Work *work, GError **error)`.  It runs in a worker process on its own Store, reads what earlier
 * stages published (work_input), publishes its own files (work_publish), and gives the same bytes for every number of threads. */
#pragma once
#include "db/store.h"
#include "pipeline/cohort/cohort.h"
#include "pipeline/job/records.h"

typedef struct {
    const Config *config;
    const GPtrArray *slides; /* SlideEntry*; empty when working on patches */
    const char *folder;      /* of the run, absolute */
    const Cohort *cohort;    /* the slides, and the unused files */
} Run;

/* One job in progress. */
typedef struct {
    const Run *run;
    const SlideEntry *slide; /* NULL for stages of the cohort */
    Store *store;            /* may be NULL: no job table (single commands) */
    const Job *job;
    const GPtrArray *inputs; /* JobInput*: artefacts of the needed jobs */
    const Records *records;  /* those among the inputs; NULL: none */
    GPtrArray *outputs;      /* Artefact*: what it published */
    int threads;
    const gint *stop;  /* atomic; not 0: end at the next safe point with WSI_ERROR_CANCELLED (or _LOST) */
    int64_t last_tick; /* of work_tick, monotonic us */
} Work;

/* Unit of the jobs of the cohort. */
#define COHORT "cohort"

/* Absolute path of the artefact that `stage` published as `name` for this slide or for the cohort; an error when there is none.  Caller
 * frees. */
char *work_input(const Work *work, const char *stage, const char *name, GError **error);
/* The same for any unit; NULL without an error when there is none. */
char *work_find(const Work *work, const char *stage, const char *unit, const char *name);
/* Absolute path of an output: slides/ID/NAME, or NAME for the cohort, in the run's folder.  Caller frees. */
char *work_output(const Work *work, const char *name);
/* Publishes the file at the absolute path as `name`.  sha256 NULL: it is hashed now. */
gboolean work_publish(Work *work, const char *name, const char *path, const char *sha256, GError **error);
/* The same for a file that lacks what could not be read at this time: this run uses it, and the next plan repeats the job. */
gboolean work_publish_for_now(Work *work, const char *name, const char *path, const char *sha256,
                              GError **error);
/* Reports progress, at most four times a second, and notices a stop: FALSE with WSI_ERROR_CANCELLED. */
gboolean work_tick(Work *work, int64_t done, int64_t total, const char *what, GError **error);
/* FALSE with WSI_ERROR_INPUT when a slide that the job reads is not the file that the run was planned with.  The next plan sees another
 * input and repeats the job. */
gboolean work_check_slides(const Work *work, GError **error);
