/* How the threshold of a model's score is chosen: the settings.  flows/scoring/threshold_choice.h chooses it. */
#pragma once
#include <glib.h>
#include <stdint.h>

typedef enum {
    THRESHOLD_NORMAL_QUANTILE, /* at most eps of fresh normals are above it, in expectation; needs no label */
    THRESHOLD_F_BETA,          /* the largest F_beta over the scores of all draws together */
    THRESHOLD_ROBUST           /* the largest F_beta of the worst draw */
} ThresholdMode;
/* By ThresholdMode, ended by NULL. */
extern const char *const threshold_modes[];

typedef struct {
    ThresholdMode mode;
    int draws;   /* augmented copies of each tile: 0 (the tile itself), or 8 to 256 */
    double eps;  /* fraction of normals above the threshold, at most */
    double beta; /* weight of recall: 1 = F1, 2 counts recall four times as much */
} ThresholdSpec;

/* Normal quantile of the tiles as they are, eps 0.05, beta 1. */
ThresholdSpec threshold_default(void);
/* FALSE with WSI_ERROR_INPUT naming the first value out of its range. */
gboolean threshold_check(const ThresholdSpec *spec, GError **error);
/* Sets WSI_ERROR_INPUT, "threshold: RULE"; returns FALSE. */
gboolean threshold_refuse(GError **error, const char *rule);
/* Whether the mode needs scores of labelled anomalies. */
gboolean threshold_needs_anomalies(const ThresholdSpec *spec);
/* Fewer than 1/eps tiles: the quantile is then the largest score, whatever eps is. */
gboolean threshold_has_few(int64_t tiles, double eps);
