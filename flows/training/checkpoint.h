/* The state of a training between two epochs, as a safetensors file.
 *
 * A training that resumes from a checkpoint gives the same bits as one that never stopped: everything that the next epoch
 * depends on is in the file, or follows from specification and data, whose hash is the fingerprint. */
#pragma once
#include "flows/training/collapse.h"
#include <glib.h>
#include <stdint.h>

typedef struct {
    int epoch;         /* epochs that are done */
    int64_t step;      /* updates of the optimiser so far */
    int64_t head_step; /* those of the head */
    int best_epoch;    /* 0 = none yet */
    /* What the selection minimises, of that epoch: hold-out NLL / D, or a negated metric with labels.  NAN = none yet. */
    double best_value;
    Collapse start;  /* before the first epoch; NAN where nothing before the flows is trained */
    GArray *history; /* EpochReport */
    int64_t all, trainable;
    real *parameters;               /* (all), the trainable ones first */
    real *moment1, *moment2, *best; /* (trainable) */
    /* The same for the head (flows/models/head.h): values and best (HEAD_VALUES), moments (HEAD_TRAINABLE). */
    real *head, *head_best, *head_moment1, *head_moment2;
} TrainState;

/* fingerprint: of specification and data.  The file also holds the kernels' choices of algorithms (kernels_choices_get). */
gboolean checkpoint_write(const char *path, const char *fingerprint, const TrainState *state, GError **error);
/* Fills arrays, counters and history.  The caller allocates the arrays and sets `all` and `trainable`.  FALSE with WSI_ERROR_INPUT
 * when the file is broken or belongs to another training; the state is then as before. */
gboolean checkpoint_read(const char *path, const char *fingerprint, TrainState *state, GError **error);
/* Makes this process use the checkpoint's choices of algorithms, in addition to those that it has already made, so that a resumed training
 * computes what the first one would have.  To be called before anything is prepared.  A file that is absent or broken has no
 * effect; FALSE with the system's error when it cannot be read now. */
gboolean checkpoint_impose_choices(const char *path, GError **error);
