/* A threshold at which metrics are computed. */
#pragma once
#include "flows/models/calibration.h"

/* A threshold that was chosen elsewhere. */
typedef struct {
    const char *key;                /* member of the metrics: "calibrated", "given" */
    double value;                   /* NAN = none */
    const Calibration *calibration; /* where it comes from; NULL = given by the user */
    const char *absent;             /* why there is none; NULL: none was asked for */
} Threshold;
