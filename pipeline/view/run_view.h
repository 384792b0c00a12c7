/* A run as the page shows it: its slides, and what its job table says now.  Reads only; the run may be going on. */
#pragma once
#include "pipeline/cohort/cohort.h"
#include "db/review.h"
#include "pipeline/job/records.h"
#include "pipeline/scoring/heatmap_look.h"

typedef struct RunView RunView;

/* NULL with error when the folder has no run, or a run that was never planned. */
RunView *run_view_open(const char *folder, GError **error);
void run_view_free(RunView *run);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RunView, run_view_free)

/* These stay the same while the page is open, so the number of a slide does too. */
const char *run_view_folder(const RunView *run);
const Config *run_view_config(const RunView *run);
const GPtrArray *run_view_slides(const RunView *run); /* SlideEntry*, by name */
/* The number of the slide of this name, or -1. */
int run_view_find(const RunView *run, const char *id);

/* The job table at one moment. */
typedef struct {
    GPtrArray *rows;       /* JobRow* */
    GPtrArray *artefacts;  /* JobInput* */
    Records *records;      /* facts of slides and regions */
    GPtrArray *reviews;    /* ReviewCounts*, by name of the slide */
    GHashTable *names;     /* "STAGE/UNIT/NAME" -> Artefact* */
    HeatmapLook look;      /* colours, their range and the threshold, as in the run's heatmaps */
    gboolean other_cohort; /* the run was planned again with other slides: the page shows the earlier ones */
} RunState;
/* The state of the last second.  When the table cannot be read now, the state before.  NULL with error when there is none.  Thread-safe. */
const RunState *run_view_state(RunView *run, GError **error);
void run_state_free(const RunState *state);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RunState, run_state_free)

/* What people said of a slide; NULL: nothing. */
const ReviewCounts *run_state_review(const RunState *state, const char *slide);
/* What a stage published; NULL when it has not. */
const Artefact *run_state_find(const RunState *state, const char *stage, const char *unit, const char *name);
