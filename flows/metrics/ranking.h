/* Items in the order of their scores: what all metrics over thresholds start from.  Pure functions; any thread may call them. */
#pragma once
#include <glib.h>

typedef struct {
    double score; /* -0 becomes 0 */
    int item;     /* its index before sorting */
} Ranked;

/* The n scores (none of them NaN) in descending order; equal scores stay in the order of their indices.  A radix sort: time is linear in n.
 * Caller frees; NULL with WSI_ERROR_MEMORY. */
Ranked *ranking_descending(const double *score, int n, GError **error);
/* The end (exclusive) of the run of equal scores that begins at `start`. */
int ranking_run_end(const Ranked *ranked, int start, int n);
/* The ranks 1..n of the scores in ascending order; equal scores get the mean of their ranks.  Caller frees; NULL with WSI_ERROR_MEMORY. */
double *ranking_mid_ranks(const double *score, int n, GError **error);
