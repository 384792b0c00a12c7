/* Settings of the loss: defaults and ranges. */
#include "flows/models/loss_spec.h"
#include "base/error.h"

LossSpec loss_spec_default(void)
{
    return (LossSpec){
        .normal = NORMAL_NLL,
        /* Weights of the terms that labels add to the loss. */
        .focal = 1,
        .centre = 0.01,
        .margin = 0.1,
        /* alpha and gamma as in Lin et al. 2017 */
        .focal_alpha = 0.25,
        .focal_gamma = 2,
        .margin_form = MARGIN_HINGE,
        .margin_width = 3,
        .start = 0.2,
        .anomaly_fraction = 0.125,
        .selection = SELECT_NLL,
        .beta = 1,
    };
}

gboolean loss_spec_check(const LossSpec *s, GError **error)
{
    /* Keys are those of the bundle, see model_spec.c. */
    const struct {
        const char *key, *rule;
        double value, low, high;
    } numbers[] = {
        {"loss_focal", "from 0 to 1e6", s->focal, 0, 1e6},
        {"loss_centre", "from 0 to 1e6", s->centre, 0, 1e6},
        {"loss_margin", "from 0 to 1e6", s->margin, 0, 1e6},
        {"loss_alpha", "from 0 to 1", s->focal_alpha, 0, 1},
        {"loss_gamma", "from 0 to 20", s->focal_gamma, 0, 20},
        {"loss_margin_width", "from 0 to 1000", s->margin_width, 0, 1000},
        {"loss_start", "from 0 to 1", s->start, 0, 1},
        {"loss_anomaly_fraction", "from 0.01 to 0.9", s->anomaly_fraction, 0.01, 0.9},
        {"loss_beta", "from 0.01 to 100", s->beta, 0.01, 100},
    };
    for (guint i = 0; i < G_N_ELEMENTS(numbers); i++) {
        /* Written so that NaN fails too. */
        if (!(numbers[i].value >= numbers[i].low && numbers[i].value <= numbers[i].high)) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "model: %s must be %s", numbers[i].key,
                        numbers[i].rule);
            return FALSE;
        }
    }
    return TRUE;
}
