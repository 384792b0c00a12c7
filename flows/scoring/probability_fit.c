/* Newton's method in two parameters.  The loss is convex, and halving a step that would raise it makes every step a descent.  Sums run in the
 * order of the scores. */
#include "flows/scoring/probability_fit.h"
#include "flows/models/calibration.h"
#include "flows/models/logistic.h"
#include <math.h>

enum { MOST_STEPS = 100, MOST_HALVINGS = 40 };
#define GRADIENT 1e-12 /* per tile: the minimum is reached */

typedef struct {
    const double *score;
    const uint8_t *label;
    int draws;
    int64_t tiles;
    double high, low; /* targets of anomalies and normals */
} Sample;

/* The mean cross-entropy per tile. */
static double loss(const Sample *s, double slope, double offset)
{
    double sum = 0;
    for (int64_t i = 0; i < s->draws * s->tiles; i++) {
        double logit = slope * s->score[i] + offset, target = s->label[i % s->tiles] ? s->high : s->low;
        /* -t ln p - (1 - t) ln(1 - p), which is softplus(logit) - t logit. */
        sum += logistic_softplus(logit) - target * logit;
    }
    return sum / s->draws / (double)s->tiles;
}

/* Its gradient (slope, offset) and Hessian (slope slope, slope offset, offset offset). */
static void derivatives(const Sample *s, double slope, double offset, double gradient[2], double hessian[3])
{
    double g[2] = {0}, h[3] = {0}, n = s->draws * (double)s->tiles;
    for (int64_t i = 0; i < s->draws * s->tiles; i++) {
        double x = s->score[i], p = logistic_sigmoid(slope * x + offset),
               error = p - (s->label[i % s->tiles] ? s->high : s->low), weight = p * (1 - p);
        g[0] += error * x;
        g[1] += error;
        h[0] += weight * x * x;
        h[1] += weight * x;
        h[2] += weight;
    }
    for (int i = 0; i < 2; i++) {
        gradient[i] = g[i] / n;
    }
    for (int i = 0; i < 3; i++) {
        hessian[i] = h[i] / n;
    }
}

/* One step; FALSE when there is none that lowers the loss. */
static gboolean step(const Sample *s, double *slope, double *offset, const double g[2], const double h[3])
{
    /* The ridge only matters where scores are all equal. */
    double a = h[0] + 1e-12, c = h[2] + 1e-12, determinant = a * c - h[1] * h[1];
    double down[2] = {-(c * g[0] - h[1] * g[1]) / determinant, -(a * g[1] - h[1] * g[0]) / determinant};
    double before = loss(s, *slope, *offset), length = 1;
    for (int i = 0; i < MOST_HALVINGS; i++, length /= 2) {
        if (loss(s, *slope + length * down[0], *offset + length * down[1]) < before) {
            *slope += length * down[0];
            *offset += length * down[1];
            return TRUE;
        }
    }
    return FALSE;
}

gboolean probability_fit(const double *score, int draws, int64_t tiles, const uint8_t *label, double *slope,
                         double *offset)
{
    int64_t anomalies = 0;
    for (int64_t i = 0; i < tiles; i++) {
        anomalies += label[i] != 0;
    }
    double positive = (double)anomalies, negative = (double)(tiles - anomalies);
    *slope = *offset = NAN;
    if (anomalies < PROBABILITY_TILES || tiles - anomalies < PROBABILITY_TILES) {
        return FALSE;
    }
    const Sample sample = {score, label, draws, tiles, (positive + 1) / (positive + 2), 1 / (negative + 2)};
    double a = 0, b = log((positive + 1) / (negative + 1)), gradient[2], hessian[3];
    for (int i = 0; i < MOST_STEPS; i++) {
        derivatives(&sample, a, b, gradient, hessian);
        if (hypot(gradient[0], gradient[1]) < GRADIENT || !step(&sample, &a, &b, gradient, hessian)) {
            break;
        }
    }
    if (!(isfinite(a) && isfinite(b) && a > 0)) {
        return FALSE;
    }
    *slope = a;
    *offset = b;
    return TRUE;
}
