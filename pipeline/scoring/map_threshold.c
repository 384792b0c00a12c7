/* One function for all, so that the outline on an overlay, the mark on its colour bar and the regions never differ. */
#include "pipeline/scoring/map_threshold.h"
#include "flows/models/model.h"
#include <math.h>

MapThreshold map_threshold(const Config *config, const Calibration *calibration)
{
    if (*config->regions_threshold) {
        return (MapThreshold){g_ascii_strtod(config->regions_threshold, NULL), "regions.threshold"};
    }
    return calibration ? (MapThreshold){calibration->threshold, "model"} : (MapThreshold){NAN, NULL};
}

gboolean map_threshold_calibration(const Work *work, Calibration *out, GError **error)
{
    g_autofree char *own = work_find(work, "train", COHORT, "model");
    ModelSpec spec;
    if (!model_describe(own ? own : work->run->config->score_model, &spec, out, error)) {
        return FALSE;
    }
    model_spec_clear(&spec);
    return TRUE;
}

gboolean map_threshold_of_run(const Work *work, MapThreshold *out, GError **error)
{
    *out = map_threshold(work->run->config, NULL);
    if (out->source) {
        return TRUE;
    }
    Calibration calibration;
    if (!map_threshold_calibration(work, &calibration, error)) {
        return FALSE;
    }
    *out = map_threshold(work->run->config, &calibration);
    return TRUE;
}
