/* Tables of scores: the rows of CSV files, with labels of near-blank images from another table. */
#pragma once
#include "pipeline/scoring/near_blank.h"

typedef struct {
    int n;                   /* rows */
    double *score;           /* the column `name`; NAN = no score (nothing could be read) */
    int *label;              /* 0 normal, 1 anomaly, -1 unknown */
    const char **group;      /* slide of each row, "" = none */
    const char **split;      /* "" = unknown */
    const char **patient;    /* "" = unknown */
    double *lesion_fraction; /* how much of the tile is lesion, 0..1; NAN = unknown */
    NearBlank *blank;        /* whether it is near-blank; NULL when no labels were given */
    char *name;
    char **columns;   /* all columns of scores, NULL-ended */
    double **values;  /* values[c][i] for columns[c]; NAN = an empty cell */
    json_t *labels;   /* how the labels matched (near_blank_json); NULL when none were given */
    GPtrArray *notes; /* char*: what a reader of the metrics must know */
    GStringChunk *texts;
} ScoreTable;

/* Reads one or more CSV files with the columns `label` and `column` (usually "score").  All other columns of scores are read too, and `slide`,
 * `split`, `patient`,
 * `lesion_fraction` and `file` where they exist.  A row that repeats an earlier one (same split and `file`, or same slide, `column` and `row`) counts
 * once, and a note says so; with another label or score it is WSI_ERROR_INPUT.
 *
 * labels: CSV with the columns file and near_blank (0 or 1; true, false, yes, no); NULL = none.  The name of a row's image matches a name in
 * labels when they are equal or one ends with the other by whole folders, after "\\", "//", "./" and "x/../" are simplified; the file endings
 * may differ.  WSI_ERROR_INPUT when no row matches, when a name matches several lines that differ, or when a cell has another value. */
ScoreTable *score_table_read(const char *const *paths, const char *column, const char *labels,
                             GError **error);
void score_table_free(ScoreTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScoreTable, score_table_free)
