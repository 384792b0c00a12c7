/* Loss terms.
 *
 * All logarithms of probabilities go through softplus, so that logits of any size give finite values and slopes. */
#include "flows/training/losses.h"
#include <math.h>

double loss_softplus(double x)
{
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

double loss_sigmoid(double x)
{
    double e = exp(-fabs(x));
    return (x < 0 ? e : 1) / (1 + e);
}

double loss_normal(NormalTerm term, double s, double *slope)
{
    *slope = term == NORMAL_NLL ? 1 : loss_sigmoid(s);
    return term == NORMAL_NLL ? s : loss_softplus(s);
}

double loss_focal(double logit, int y, double alpha, double gamma, double *slope)
{
    double sign = y ? 1 : -1, weight = y ? alpha : 1 - alpha;
    double log_p = -loss_softplus(-sign * logit), p = loss_sigmoid(sign * logit);
    double rest = loss_sigmoid(-sign * logit); /* 1 - p, without its cancellation */
    double power = pow(rest, gamma);
    *slope = weight * sign * power * (gamma * p * log_p - rest);
    return -weight * power * log_p;
}

double loss_centre(const double *e, const double *c, int n, double *slope)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        slope[i] = e[i] - c[i];
        sum += slope[i] * slope[i];
    }
    return 0.5 * sum;
}

double loss_margin(MarginForm form, double s, int y, double mean, double sd, double width, double *slope)
{
    double low = mean + sd, over = s - low, below = low + width * sd - s;
    *slope = 0;
    if (form == MARGIN_LOG_SIGMOID) {
        *slope = y ? -loss_sigmoid(below / sd) : 0;
        return y ? sd * loss_softplus(below / sd) : 0;
    }
    double beyond = y ? below : over;
    if (beyond <= 0) {
        return 0;
    }
    *slope = y ? -1 : 1;
    return beyond;
}

void loss_centre_move(double *c, const double *sum, int64_t count, double beta, int n)
{
    for (int i = 0; i < n; i++) {
        c[i] -= beta * ((double)count * c[i] - sum[i]) / (1 + (double)count);
    }
}

LossSpec loss_spec_default(void)
{
    return (LossSpec){
        .normal = NORMAL_NLL,
        .focal = 1,
        .centre = 0.01,
        .margin = 0.1,
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
