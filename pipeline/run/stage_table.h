/* The stage table: the path of the data, one line per stage.  Adding a stage is one file and one line. */
#pragma once
#include "pipeline/job/work.h"
#include "pipeline/cohort/slide_entry.h"

typedef enum { SCOPE_SLIDE, SCOPE_COHORT } Scope;

typedef struct {
    const char *name, *summary;
    Scope scope;          /* one job for each slide, or one for the cohort */
    const char *sections; /* "section" or "section.key" that it reads: its configuration hash covers them */
    const char *needs;    /* stage names; ?name: soft (goes on when some slides have no result) */
    int version;          /* raised when the same inputs would give other bytes */
    gboolean (*wanted)(const Run *run, const SlideEntry *slide); /* slide NULL for the cohort */
    gboolean (*run)(Work *work, GError **error);
} Stage;

extern const Stage stages[]; /* in the order of the data; ends with name NULL */
const Stage *stage_find(const char *name);
