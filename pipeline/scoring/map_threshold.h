/* The threshold at which a score map is read.
 *
 * Regions, contours, predicted masks, the range of the colours and their mark all use this one value: the key regions.threshold, or else the
 * threshold of the model that scored (flows/models/calibration.h). */
#pragma once
#include "flows/models/calibration.h"
#include "pipeline/job/work.h"

typedef struct {
    double value; /* NAN: there is none */
    const char *
        source; /* where it is from, for files: "regions.threshold", "model", "--threshold"; static.  NULL: nowhere */
} MapThreshold;

/* calibration: of the model that scored; NULL when it is not known, so that only the key can give a threshold. */
MapThreshold map_threshold(const Config *config, const Calibration *calibration);
/* The calibration of the model that scored: the run's own, or score.model.  Without map_mean.  The calling stage needs `train` and reads
 * score.model. */
gboolean map_threshold_calibration(const Work *work, Calibration *out, GError **error);
/* The same in a run, with the run's own model or score.model.  The calling stage needs `train`, and reads regions.threshold and score.model.
 * The model is only read when the key does not give the value. */
gboolean map_threshold_of_run(const Work *work, MapThreshold *out, GError **error);
