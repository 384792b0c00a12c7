/* Choosing a threshold.
 *
 * The quantile is that of conformal prediction (Vovk, Gammerman, Shafer: Algorithmic learning in a random world, 2005).  Among n
 * normals and a fresh one, each is equally likely to have any rank, whatever the distribution.  So the expected fraction of fresh
 * normals above the score of rank r, ascending, is 1 - r / (n + 1), and r = ceil((n + 1)(1 - eps)) keeps it at or below eps.  An
 * interpolated sample quantile does not: at n = 21 it gives 9 % for 5 %.  With fewer than 1/eps - 1 normals there is no such rank:
 * the largest score is taken, and the fraction is 1 / (n + 1).
 *
 * Tiles are independent, but the K draws of one tile are not.  So a fresh tile counts as one more tile, all of whose draws are above
 * everything: the rank is ceil(K (n + 1)(1 - eps)) among the K n scores (Lee, Barber, Willett: Distribution-free inference with
 * hierarchical data, 2023).
 *
 * For F-beta all scores are in one list, in descending order.  Going down the list, each draw counts its true and false positives.
 * After the last of equal scores the counts are those of "score >= this one", so ties enter together.  A maximum that is reached
 * again further down replaces the first, so the smallest threshold wins.  When the draws count together, there is one count. */
#include "flows/scoring/threshold_choice.h"
#include "base/error.h"
#include "base/order.h"
#include <math.h>
#include <stdlib.h>

typedef struct {
    double score;
    int draw;
    gboolean anomaly;
} Item;

typedef struct {
    int64_t hits, alarms; /* true and false positives */
} Counts;

static int descending(const void *a, const void *b)
{
    double x = ((const Item *)a)->score, y = ((const Item *)b)->score;
    return (x < y) - (x > y);
}

int64_t threshold_rank(int64_t tiles, int draws, double eps)
{
    double rank = (double)draws * (double)(tiles + 1) * (1 - eps);
    int64_t whole = (int64_t)ceil(rank - 1e-9 * fmax(rank, 1)); /* 60 * 0.95 must be 57, not 57 + an ulp */
    return CLAMP(whole, 1, draws * tiles);
}

double threshold_expected(int64_t tiles, int draws, double eps)
{
    return 1 - (double)threshold_rank(tiles, draws, eps) / ((double)draws * (double)(tiles + 1));
}

/* Just above the score of that rank, so that "score >= threshold" means "above that score" also for equal scores. */
static gboolean quantile(const ThresholdSpec *spec, const double *score, int64_t count, int64_t tiles,
                         const uint8_t *label, double *tau, GError **error)
{
    int64_t n = 0;
    g_autofree double *normal = wsi_try_alloc((size_t)count, sizeof(double), "scores", error);
    if (!normal) {
        return FALSE;
    }
    for (int64_t i = 0; i < count; i++) {
        if (!label || !label[i % tiles]) {
            normal[n++] = score[i];
        }
    }
    if (n == 0) {
        return threshold_refuse(error, "there is no normal tile to choose it from");
    }
    int draws = (int)(count / tiles);
    qsort(normal, (size_t)n, sizeof *normal, order_doubles);
    double last = normal[threshold_rank(n / draws, draws, spec->eps) - 1];
    *tau = last + 1e-12 * fmax(fabs(last), 1);
    return TRUE;
}

/* F_beta = (1 + b^2) TP / ((1 + b^2) TP + b^2 FN + FP), with TP + FN = positives >= 1. */
static double f_beta(double beta, const Counts *c, int64_t positives)
{
    double b = beta * beta;
    return (1 + b) * (double)c->hits / ((double)(c->hits + c->alarms) + b * (double)positives);
}

/* The smallest F_beta of all draws. */
static double worst(double beta, const Counts *counts, int draws, int64_t positives)
{
    double least = f_beta(beta, &counts[0], positives);
    for (int k = 1; k < draws; k++) {
        least = fmin(least, f_beta(beta, &counts[k], positives));
    }
    return least;
}

/* Goes down the list.  draws: how many are counted separately; positives: of each of them. */
static void descend(const ThresholdSpec *spec, const Item *item, int64_t count, int draws, int64_t positives,
                    double *tau, double *f)
{
    g_autofree Counts *counts = g_new0(Counts, draws);
    *f = -1;
    for (int64_t i = 0; i < count; i++) {
        Counts *own = &counts[item[i].draw];
        own->hits += item[i].anomaly;
        own->alarms += !item[i].anomaly;
        if (i + 1 == count || item[i + 1].score < item[i].score) {
            double now = worst(spec->beta, counts, draws, positives);
            if (now >= *f) {
                *f = now;
                *tau = item[i].score;
            }
        }
    }
}

static gboolean best_f(const ThresholdSpec *spec, const double *score, int draws, int64_t tiles,
                       const uint8_t *label, double *tau, double *f, GError **error)
{
    int64_t count = draws * tiles, anomalies = 0;
    gboolean apart = spec->mode == THRESHOLD_ROBUST;
    for (int64_t i = 0; label && i < tiles; i++) {
        anomalies += label[i] != 0;
    }
    if (anomalies == 0 || anomalies == tiles) {
        return threshold_refuse(
            error, anomalies ? "there is no normal tile to choose it from"
                             : "modes f-beta and robust need labelled anomalies among the held-out "
                               "tiles, and there is none");
    }
    g_autofree Item *item = wsi_try_alloc((size_t)count, sizeof(Item), "scores", error);
    if (!item) {
        return FALSE;
    }
    for (int64_t i = 0; i < count; i++) {
        item[i] = (Item){score[i], apart ? (int)(i / tiles) : 0, label[i % tiles] != 0};
    }
    qsort(item, (size_t)count, sizeof *item, descending);
    descend(spec, item, count, apart ? draws : 1, apart ? anomalies : anomalies * draws, tau, f);
    return TRUE;
}

gboolean threshold_choose(const ThresholdSpec *spec, const double *score, int draws, int64_t tiles,
                          const uint8_t *label, double *tau, double *f, GError **error)
{
    double metric = NAN;
    gboolean ok = threshold_needs_anomalies(spec)
                      ? best_f(spec, score, draws, tiles, label, tau, &metric, error)
                      : quantile(spec, score, draws * tiles, tiles, label, tau, error);
    if (f) {
        *f = metric;
    }
    return ok;
}
