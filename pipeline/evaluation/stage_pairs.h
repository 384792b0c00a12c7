/* Pairs of classes, and how well they agree: confusion matrix, accuracy, quadratic weighted kappa, intervals by patient. */
#pragma once
#include <glib.h>
#include <jansson.h>

typedef struct StagePairs StagePairs;
/* Classes are 0..classes-1, at most PN_STAGES (flows/metrics/staging.h).  Caller frees. */
StagePairs *stage_pairs_new(int classes);
void stage_pairs_free(StagePairs *pairs);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StagePairs, stage_pairs_free)
/* patient: any number; pairs of one number are drawn together. */
void stage_pairs_add(StagePairs *pairs, int truth, int said, int patient);
int stage_pairs_count(const StagePairs *pairs);
/* Sets "confusion" (rows truth), and "accuracy" and "kappa", or "absent": why. */
void stage_pairs_add_agreement(const StagePairs *pairs, json_t *out);
/* Sets "interval" of kappa and "accuracy_interval", or "intervals_absent": why. */
void stage_pairs_add_intervals(StagePairs *pairs, json_t *out);
