/* Inside flows/metrics/: what all sweeps over bootstrap draws share. */
#pragma once
#include <glib.h>
#include <stdint.h>

#define LANES 8 /* draws that share a sweep */

/* A scored item in descending order of the scores. */
typedef struct {
    int unit;
    gboolean positive, last; /* last: the last one of equal scores */
} Item;

/* Caller frees; NULL with WSI_ERROR_MEMORY. */
Item *bootstrap_items(const double *score, const int *label, const int *unit, int n, GError **error);
/* weight (units, LANES): that of the draws first .. first + LANES - 1; one (units): working memory. */
void bootstrap_lanes(uint64_t seed, int first, int units, int *one, double *weight);
