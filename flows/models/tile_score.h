/* The scores of a tile, and their names and order in tables. */
#pragma once
#include "flows/extractors/extractor.h"

/* Scores of a tile.  Higher = more anomalous, except for the log-determinant, which is for information.
 * M, A_mul and E are defined in flows/scoring/anomaly.h; D is the number of latent dimensions. */
typedef struct {
    /* The recommended one (model_spec_score_name): 0 = typical of held-out normal tiles, 1 = one standard deviation above. */
    double score;
    double contrast; /* top 3 % mean of A_mul: contrast within the tile */
    double absolute; /* the same with the constant M0 of the calibration instead of the tile's own maximum */
    double nll;      /* NLL / D */
    double logdet;   /* ld / D */
    double scale[SCALES]; /* what ModelSpec.measure says, per channel and position of each scale */
    double top;           /* top 3 % mean of -M */
    double maximum;       /* max of -M */
    double logit;   /* of the head of a model with labels; else the NLL in deviations of held-out normals */
    double readout; /* the part of the logit that is not from the NLL; 0 without labels; not a column */
} TileScore;

#define TILE_SCORES 11
/* Some of the columns, by number. */
enum { COLUMN_SCORE, COLUMN_NLL = 3, COLUMN_SCALE1 = 5, COLUMN_LOGIT = 10 };
/* The name of column i in CSV files; NULL for i = TILE_SCORES. */
const char *tile_score_column(int i);
double tile_score_value(const TileScore *score, int i);
