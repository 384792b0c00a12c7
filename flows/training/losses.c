/* Loss terms.
 *
 * All logarithms of probabilities are computed by softplus, so logits of any size give finite values and slopes. */
#include "flows/training/losses.h"
#include "flows/models/logistic.h"
#include <math.h>

double loss_normal(NormalTerm term, double s, double *slope)
{
    *slope = term == NORMAL_NLL ? 1 : logistic_sigmoid(s);
    return term == NORMAL_NLL ? s : logistic_softplus(s);
}

double loss_focal(double logit, int y, double alpha, double gamma, double *slope)
{
    /* p = p_t, the probability of the right class; weight = a_t. */
    double sign = y ? 1 : -1, weight = y ? alpha : 1 - alpha;
    double log_p = -logistic_softplus(-sign * logit), p = logistic_sigmoid(sign * logit);
    double rest = logistic_sigmoid(-sign * logit); /* 1 - p, without its cancellation */
    double power = pow(rest, gamma);
    /* d/dx of -w (1 - p)^g ln p, with dp/dx = sign p (1 - p). */
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
    double low = mean + sd, over = s - low, below = low + width * sd - s; /* S - m1, m2 - S */
    *slope = 0;
    if (form == MARGIN_LOG_SIGMOID) {
        *slope = y ? -logistic_sigmoid(below / sd) : 0;
        return y ? sd * logistic_softplus(below / sd) : 0;
    }
    double beyond = y ? below : over; /* the hinge, with slope 1 or -1 beyond the margin */
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
