/* Rows of a table of scores: those that a metric counts.  Lists of rows are arrays of int, so the order of the rows does not matter. */
#pragma once
#include "flows/metrics/metrics.h"
#include "pipeline/scoring/score_table.h"

/* Rows of one split, or of all. */
typedef struct {
    const char *split; /* NULL = all */
    GArray *rows;      /* int: rows with a score and a label; owned by the caller */
    int unlabelled, unscored, without, tiles, slides; /* without: rows without a score, labelled or not */
} ScorePart;

ScorePart score_part(const ScoreTable *table, const char *split);
/* The values of some rows, of `size` bytes each.  Caller unrefs. */
GArray *score_gather(const GArray *rows, const void *values, size_t size);
/* Metrics of some rows and one column; threshold NAN: at the threshold of the best F1.  FALSE when there are none. */
gboolean score_metrics(const ScoreTable *table, const GArray *rows, const double *values, double threshold,
                       Metrics *out);
/* The order in which splits (const char **) are reported: test first. */
gint score_by_split(gconstpointer a, gconstpointer b);
/* The splits of a table (char*, borrowed), in order; empty when no row has one.  Caller unrefs. */
GPtrArray *score_splits(const ScoreTable *table);
/* The split of the headline; NULL = all rows. */
const char *score_headline_split(const ScoreTable *table);

/* The scores of a slide's tiles. */
typedef struct {
    int n, top; /* tiles with a score; the 1 % of them that is highest, rounded up */
    double median, top_mean, maximum;
} SlideTiles;
/* Of the rows (of int) of one slide; all 0 when none has a score. */
SlideTiles score_slide_tiles(const ScoreTable *table, const GArray *rows);
/* The rows of each slide and split: array of GArray* of int, by split and name.  Rows without a slide are in none.  Caller unrefs. */
GPtrArray *score_slides(const ScoreTable *table);
