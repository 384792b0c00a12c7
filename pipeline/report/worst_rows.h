/* Which tiles a model is most wrong about: of the test split, the normal tiles with the highest scores and the lesion tiles with the lowest. */
#pragma once
#include "pipeline/job/work.h"

typedef enum { WORST_NORMAL, WORST_LESION, WORST_KINDS } WorstKind;

typedef struct {
    char *slide, *file;            /* of a tile, and of an image; "" = none */
    double x, y, width, height;    /* of a tile: level-0 px; NAN for an image */
    double lesion_fraction, score; /* NAN = unknown */
    int table, row;                /* where it is, to order equal scores */
} WorstRow;

typedef struct {
    GArray *rows[WORST_KINDS];     /* WorstRow, the worst first; texts are owned */
    int64_t labelled[WORST_KINDS]; /* tiles of the test split with this label and a score */
    int per_slide;                 /* at most so many are of one slide */
} WorstRows;

/* At most evaluate.worst of each kind by the column evaluate.score.  Of a slide at most evaluate.worst_per_slide, or an equal share (rounded up) when
 * there are too few slides to fill the list; a tile that overlaps a worse one that is listed is left out.  NULL with error. */
WorstRows *worst_rows_read(const Work *work, GError **error);
void worst_rows_free(WorstRows *rows);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WorstRows, worst_rows_free)
