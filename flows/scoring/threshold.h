/* The threshold of a score: from which value on a tile is called anomalous.
 *
 * It is chosen on held-out tiles under augmentation (models.md D.8), so that it holds for tiles that are stained, focused and
 * turned a little differently: each tile has a score in each of K draws.  With no draw, each tile counts as it is. */
#pragma once
#include "flows/models/threshold_spec.h"

/* Which of draws x tiles scores of normals, ascending from 1, is the quantile: ceil(draws (tiles + 1)(1 - eps)), the largest where that is more
 * than there are. */
int64_t threshold_rank(int64_t tiles, int draws, double eps);
/* The fraction of fresh normals above the quantile, in expectation and at most, whatever the distribution. */
double threshold_expected(int64_t tiles, int draws, double eps);
/* Predict "anomaly" for score >= tau.  score: (draws, tiles), row by row, finite; draws: rows, at least 1.  label: 1 = anomaly, one a
 * tile; NULL = all are normal.  Among equal maxima the smallest tau, always one of the scores; the quantile is a
 * rounding error above one of them.  f (may be NULL) receives the F_beta that was maximised, NAN for the quantile.  FALSE with WSI_ERROR_INPUT
 * when there is no normal, or no anomaly for a mode that needs them. */
gboolean threshold_choose(const ThresholdSpec *spec, const double *score, int draws, int64_t tiles,
                          const uint8_t *label, double *tau, double *f, GError **error);
