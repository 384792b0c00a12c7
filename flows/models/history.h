/* What happened in each epoch of a training: kept in the bundle, in checkpoints and as curve.csv. */
#pragma once
#include "flows/extractors/extractor.h"
#include <jansson.h>

/* Signs that something trained before a flow collapses: see flows/training/collapse.h. */
typedef struct {
    double rank[SCALES];      /* effective rank of the flows' input */
    double deviation[SCALES]; /* smallest standard deviation of one of its channels */
    double singular[SCALES];  /* smallest singular value of the laterals */
} Collapse;

typedef struct {
    int epoch;
    double train_nll, holdout_nll; /* per dimension, without 0.5 ln 2 pi */
    double gradient_norm, learning_rate, seconds;
    int skipped_steps;
    Collapse collapse; /* after the epoch; NAN where nothing before the flows is trained */
    /* Means of the terms that use labels, without their weights; NAN while they do not count. */
    double focal, centre, margin;
    /* How well the recommended score separates held-out anomalies from held-out normals; NAN without anomalies. */
    double holdout_auroc, holdout_ap, holdout_f;
} EpochReport;

/* history: array of EpochReport.  An array of JSON objects, without seconds: they differ between runs that give the same
 * model.  Caller owns it. */
json_t *history_write(const GArray *history);
/* Reads what history_write wrote.  NULL with WSI_ERROR_INPUT. */
GArray *history_read(const json_t *array, GError **error);
/* The columns epoch, train_nll, holdout_nll, gradient_norm, learning_rate, skipped_steps; then effective_rank, smallest_deviation
 * and smallest_singular of each scale (empty where nothing before the flows is trained); then focal, centre, margin,
 * holdout_auroc, holdout_ap, holdout_f (empty without labels).  No seconds.  Caller frees. */
char *history_csv(const GArray *history);
