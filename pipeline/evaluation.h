/* Figures from tables of scores. */
#pragma once
#include "flows/metrics.h"
#include <glib.h>
#include <jansson.h>

typedef struct {
    int n; /* rows with a label and a score */
    double *score;
    int *label;
    char *name;               /* of the column of scores */
    char **columns;           /* all columns of scores, NULL-ended */
    double **values;          /* values[c][i] for columns[c] */
    gboolean *flagged;        /* near-blank; NULL when unknown */
    char **group;             /* slide of each row, or NULL */
    int unlabelled, unscored; /* rows left out */
} ScoreTable;

/* Reads one or more CSV files with the columns `label` and `column` ("score"); all further columns of scores are read too.  Rows
 * without label or score are counted and left out.  labels: CSV with the columns file and near_blank for the rows' file
 * names; NULL = none. */
ScoreTable *score_table_read(const char *const *paths, const char *column, const char *labels,
                             GError **error);
void score_table_free(ScoreTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScoreTable, score_table_free)
/* The rows that are not near-blank. */
ScoreTable *score_table_without_flagged(const ScoreTable *table);

/* The figures as JSON (new reference): of the chosen column (best F1), of all columns (AUROC, AP), without near-blank rows when
 * known, and by slide.  threshold: of the model's calibration, NAN = none. */
json_t *evaluation_json(const ScoreTable *table, double threshold, GError **error);
/* The same for people. Caller frees. */
char *evaluation_text(const json_t *figures);
