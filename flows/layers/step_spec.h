/* The configuration of a flow step. */
#pragma once
#include <glib.h>

typedef enum { STEP_AIO, STEP_GLOW } StepKind;

typedef struct {
    StepKind kind;
    gboolean se;        /* squeeze-excitation in the coupling subnet */
    int condition;      /* channels of the positional code */
    gboolean clamp_new; /* alpha tanh(r / alpha) instead of alpha tanh(r) */
    double alpha;       /* bound of the log-scale */
} StepSpec;
