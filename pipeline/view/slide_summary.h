/* What the list of slides says of each. */
#pragma once
#include "pipeline/view/run_view.h"

typedef struct {
    double maximum, top, area_mm2; /* scores of the tiles and the area of the regions; NAN = not known yet */
    int regions;                   /* -1 = not known yet */
    const char *state;             /* "done", "running", "waiting", "failed", "cancelled"; static */
    char *reason;                  /* of a failed one: "STAGE: why", otherwise what runs; may be NULL */
} SlideSummary;

/* Of all slides of the run: array of SlideSummary, in order.  From the table of the stage `slides`, or while there is none from the tables of
 * scores of the slides.  Caller unrefs; NULL with error when a table cannot be read.  Thread-safe. */
GArray *slide_summaries(const RunView *run, const RunState *state, GError **error);
