/* Terms of the training loss for single tiles, with their gradients, in double.
 *
 * S is the negative log-likelihood of a tile per latent dimension, NLL / D without 0.5 ln 2 pi: the higher, the less likely.
 * Each term of an anomaly is bounded below, so a training cannot gain without end by making anomalies less likely.
 * The caller takes means over a batch: it divides value and gradient by the number of tiles.
 *
 * Pure functions; any thread may call them. */
#pragma once
#include "flows/models/loss_spec.h"
#include <stdint.h>

/* Term of one normal; *slope = dL/dS. */
double loss_normal(NormalTerm term, double s, double *slope);
/* Focal loss (Lin et al. 2017) of a logit for label y (0, 1): -a_t (1 - p_t)^gamma ln p_t.  *slope = dL/dlogit.
 * gamma = 0 and alpha = 0.5 is half the binary cross-entropy. */
double loss_focal(double logit, int y, double alpha, double gamma, double *slope);
/* Centre loss (Wen et al. 2016): 0.5 |e - c|^2; slope[0..n) = e - c. */
double loss_centre(const double *e, const double *c, int n, double *slope);
/* Margin around the mean and sd of the normals, which get no gradient.  With m1 = mean + sd and m2 = m1 + width sd:
 *   hinge        max(0, S - m1) of a normal, max(0, m2 - S) of an anomaly;
 *   log-sigmoid  0 of a normal, sd softplus((m2 - S) / sd) of an anomaly.
 * |dL/dS| <= 1. */
double loss_margin(MarginForm form, double s, int y, double mean, double sd, double width, double *slope);

/* Moves the centre of a class towards its members in a batch (Wen et al. 2016, equation 4): c becomes
 * c - beta sum(c - e_i) / (1 + count).  sum: of the e_i. */
void loss_centre_move(double *c, const double *sum, int64_t count, double beta, int n);
