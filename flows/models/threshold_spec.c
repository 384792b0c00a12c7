/* Settings of the threshold: names, defaults and ranges. */
#include "flows/models/threshold_spec.h"
#include "base/error.h"
#include <math.h>

/* Fewer draws say little about the worst one; more cost time only. */
#define FEWEST_DRAWS 8
#define MOST_DRAWS 256

const char *const threshold_modes[] = {[THRESHOLD_NORMAL_QUANTILE] = "normal-quantile",
                                       [THRESHOLD_F_BETA] = "f-beta",
                                       [THRESHOLD_ROBUST] = "robust",
                                       NULL};

ThresholdSpec threshold_default(void)
{
    /* eps: the fraction of normal tiles that may be above the threshold. */
    return (ThresholdSpec){.mode = THRESHOLD_NORMAL_QUANTILE, .eps = 0.05, .beta = 1};
}

gboolean threshold_needs_anomalies(const ThresholdSpec *spec)
{
    return spec->mode != THRESHOLD_NORMAL_QUANTILE;
}

gboolean threshold_has_few(int64_t tiles, double eps)
{
    return (double)tiles * eps < 1 - 1e-9; /* 20 * 0.05 is 1, whatever its last bit */
}

gboolean threshold_refuse(GError **error, const char *rule)
{
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "threshold: %s", rule);
    return FALSE;
}

gboolean threshold_check(const ThresholdSpec *s, GError **error)
{
    if (s->draws != 0 && (s->draws < FEWEST_DRAWS || s->draws > MOST_DRAWS)) {
        return threshold_refuse(error, "draws must be 0 or 8 to 256");
    }
    if (s->mode == THRESHOLD_ROBUST && s->draws == 0) {
        return threshold_refuse(error, "mode robust needs draws, 8 or more");
    }
    if (!(s->eps > 0 && s->eps < 1)) {
        return threshold_refuse(error, "eps must be above 0 and below 1");
    }
    return (s->beta > 0 && isfinite(s->beta)) || threshold_refuse(error, "beta must be above 0");
}
