/* Exact t-SNE (van der Maaten, Hinton: Visualizing data using t-SNE; JMLR 9, 2008) into the plane.
 *
 * Points are neighbours with probabilities p_ij that follow from their distances; in the plane, with the heavier tails of Student's
 * distribution, they have q_ij, and gradient descent makes the Kullback-Leibler divergence of q from p small.  Distances between groups
 * and their sizes in the plane mean little.  Every row of the sums is computed by one thread in a fixed order, so the bytes do not depend on the
 * number of threads. */
#pragma once
#include <glib.h>
#include <stdint.h>

/* FALSE with error ends the descent. */
typedef gboolean (*TsneTick)(void *data, int64_t done, int64_t total, GError **error);

#define TSNE_ITERATIONS 1000
#define TSNE_EXAGGERATED 250 /* of these, with p_ij times 12 and momentum 0.5 instead of 0.8 */

/* The largest perplexity that n points allow: a third of the others. */
double tsne_perplexity_limit(int n);
/* x: (n, d), n >= 4.  p: (n, n), symmetric, with diagonal 0 and sum 1.  For each point the width of its Gaussian is found by bisection so that
 * the entropy of its neighbours is ln(perplexity) to 1e-5. */
gboolean tsne_neighbours(const double *x, int n, int d, double perplexity, int threads, double *p,
                         GError **error);
/* y: (n, 2), receives the points, with mean 0, from where they are.  tick may be NULL. */
gboolean tsne_descend(const double *p, int n, double *y, int threads, TsneTick tick, void *tick_data,
                      GError **error);
/* The divergence of the points' q from p, in nats. */
double tsne_divergence(const double *p, int n, const double *y);
