/* The threshold of a score: a tile at or above it is called anomalous.
 *
 * It is chosen on augmented held-out tiles, so that it holds for tiles that are stained, focused and turned a
 * little differently: each tile has a score in each of K draws.  Without draws, each tile has the score of its own pixels. */
#pragma once
#include "flows/models/threshold_spec.h"

/* The rank of the quantile among the draws x tiles scores of normals, ascending from 1: ceil(draws (tiles + 1)(1 - eps)), at most
 * draws x tiles. */
int64_t threshold_rank(int64_t tiles, int draws, double eps);
/* An upper bound of the expected fraction of fresh normals above the quantile, for any distribution. */
double threshold_expected(int64_t tiles, int draws, double eps);
/* Chooses tau; a score >= tau predicts "anomaly".  score: (draws, tiles), finite; draws >= 1.  label (tiles): 1 = anomaly; NULL = all
 * are normal.  tau is one of the scores, the smallest among equal maxima of F_beta; the quantile is a rounding error above a score.
 * f (may be NULL) receives the F_beta that was maximised, NAN for the quantile.  FALSE with WSI_ERROR_INPUT when there is no normal,
 * or no anomaly for a mode that needs one. */
gboolean threshold_choose(const ThresholdSpec *spec, const double *score, int draws, int64_t tiles,
                          const uint8_t *label, double *tau, double *f, GError **error);
