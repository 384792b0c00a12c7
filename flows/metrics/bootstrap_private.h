/* Inside flows/metrics/: what all sweeps over bootstrap draws share. */
#pragma once
#include <stdint.h>

#define LANES 8 /* draws that share a sweep */

/* weight (units, LANES): that of the draws first .. first + LANES - 1; one (units): working memory. */
void bootstrap_lanes(uint64_t seed, int first, int units, int *one, double *weight);
