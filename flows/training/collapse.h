/* Signs that something trained before a flow collapses directions.
 *
 * The negative log-likelihood of y = A(x) has no lower bound when A is trained with it: it falls as y becomes narrow, and anomalies
 * show in exactly the directions that are lost.  The loss does not reveal this; these measures of y, over the same tiles each
 * time, do. */
#pragma once
#include "flows/layers/arena.h"
#include "flows/models/history.h"
#include "flows/models/msflow.h"

/* All NAN: not measured. */
Collapse collapse_none(void);
/* (sum lambda)^2 / sum lambda^2 over the eigenvalues of a covariance (c, c), row-major, upper triangle: from 1 (one direction) to
 * c (all equal).  0 for a matrix of zeros. */
double collapse_effective_rank(int c, const double *covariance);
/* Standard deviation of the channel with the smallest. */
double collapse_smallest_deviation(int c, const double *covariance);
/* FALSE with WSI_ERROR_INPUT when an effective rank is more than 20 % below that of the start, a deviation is below 0.1, or either is
 * NAN.  Deviations are meaningful for the standardised output of a pyramid only. */
gboolean collapse_check(const Collapse *start, const Collapse *now, GError **error);

/* Sums over the flows' input, in double, in the order in which it is added. */
typedef struct CollapseSums CollapseSums;
CollapseSums *collapse_sums_new(const Msflow *flow, GError **error);
void collapse_sums_free(CollapseSums *sums);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CollapseSums, collapse_sums_free)
/* y[l]: `count` maps as msflow_flow_input gives them. */
void collapse_sums_add(CollapseSums *sums, int count, const real *const y[SCALES]);
/* The measures of everything added so far, and of the current laterals (NAN with FPN_NONE). */
Collapse collapse_sums_end(CollapseSums *sums, Msflow *flow);
