/* From scores to probabilities: a logistic function of the score, fitted to labelled tiles.
 *
 * Source: Platt, Probabilistic outputs for support vector machines (1999), with his targets (n+ + 1)/(n+ + 2) and 1/(n- + 2) instead of 1 and 0, so
 * that the fit is finite when the classes do not overlap; minimised by Newton's method as in Lin, Lin and Weng, A note on Platt's
 * probabilistic outputs (2007).  Pure; any thread. */
#pragma once
#include <glib.h>
#include <stdint.h>

/* P(anomaly) = 1 / (1 + exp(-(slope score + offset))), for tiles of which as many are anomalies as of these.  score: (draws, tiles), finite,
 * draws >= 1; each tile counts once, whatever the draws.  label (tiles): 1 = anomaly.  FALSE, with slope and offset NAN, when a class has less than
 * PROBABILITY_TILES tiles, or when anomalies do not have the higher scores. */
gboolean probability_fit(const double *score, int draws, int64_t tiles, const uint8_t *label, double *slope,
                         double *offset);
