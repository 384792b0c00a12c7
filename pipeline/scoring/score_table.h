/* Tables of scores: rows of CSV files, with what labels elsewhere say of them. */
#pragma once
#include <glib.h>
#include <jansson.h>

typedef enum { NEAR_BLANK_UNKNOWN, NEAR_BLANK_NO, NEAR_BLANK_YES } NearBlank;

typedef struct {
    int n;              /* rows */
    double *score;      /* of the column `name`; NAN = none (nothing could be read) */
    int *label;         /* 0 normal, 1 anomaly, -1 unknown */
    const char **group; /* slide of each row, "" = none */
    const char **split; /* "" = unknown */
    NearBlank *blank;   /* near-blank; NULL when no labels were given */
    char *name;
    char **columns;      /* all columns of scores, NULL-ended */
    double **values;     /* values[c][i] for columns[c]; NAN = an empty cell */
    json_t *labels;      /* how the labels joined, for the figures; NULL when none were given */
    GPtrArray *reported; /* char*: what a reader of the figures has to know */
    GStringChunk *texts;
} ScoreTable;

/* Reads one or more CSV files with the columns `label` and `column` ("score"); all further columns of scores are read too, and `slide`,
 * `split` and `file` where they are.  A row that is there again (the same split and `file`, or slide, `column` and `row`) counts once, and
 * told says so; with another label or score it is WSI_ERROR_INPUT.
 *
 * labels: CSV with the columns file and near_blank (0 or 1; true, false, yes, no); NULL = none.  The name of a row's image and one of
 * labels join when they are the same or one is the end of the other, by whole folders, after "\\", "//", "./" and "x/../" are made plain; the ending
 * of an image may differ.  WSI_ERROR_INPUT when no row joins, when a name fits several lines that differ, or when a cell has another
 * value. */
ScoreTable *score_table_read(const char *const *paths, const char *column, const char *labels,
                             GError **error);
void score_table_free(ScoreTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScoreTable, score_table_free)
