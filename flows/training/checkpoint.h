/* The state of a training between two epochs, as a safetensors file.
 *
 * Continuing from a checkpoint gives the same bits as never having stopped: everything that the next epoch depends on is here
 * or follows from the specification and the data, whose hash is the fingerprint. */
#pragma once
#include "flows/training/collapse.h"
#include <glib.h>
#include <stdint.h>

typedef struct {
    int epoch;         /* done, from 0 */
    int64_t step;      /* updates of the optimiser so far */
    int64_t head_step; /* those of the head */
    int best_epoch;    /* 0 = none yet */
    /* Of that epoch, what selection makes small: hold-out NLL / D, or a figure with labels, negated; NAN = none yet. */
    double best_value;
    Collapse start;  /* before the first epoch; NAN where nothing before the flows is trained */
    GArray *history; /* EpochReport */
    int64_t all, trainable;
    real *parameters;               /* all; the trainable ones first */
    real *moment1, *moment2, *best; /* trainable */
    /* The same for the head (flows/models/head.h): HEAD_VALUES and the best of them, HEAD_TRAINABLE moments. */
    real *head, *head_best, *head_moment1, *head_moment2;
} TrainState;

/* fingerprint: of specification and data.  The kernels' choices of algorithms (kernels_choices_get) are kept with it. */
gboolean checkpoint_write(const char *path, const char *fingerprint, const TrainState *state, GError **error);
/* Fills the arrays (allocated by the caller, with `all` and `trainable` set), counters and history.  FALSE with WSI_ERROR_INPUT when
 * the file is broken or belongs to another training; the state is then as before. */
gboolean checkpoint_read(const char *path, const char *fingerprint, TrainState *state, GError **error);
/* Imposes the choices of algorithms of a checkpoint on this process, beside those that it has made already: to be called before
 * anything is prepared, so that a resumed training computes what the first one would have.  Nothing happens without a file, or with one that is
 * broken; FALSE with the system's error when it cannot be read now. */
gboolean checkpoint_impose_choices(const char *path, GError **error);
