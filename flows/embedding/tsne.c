/* The gradient at y_i is 4 sum_j (p_ij - q_ij) k_ij (y_i - y_j), with k_ij = 1 / (1 + |y_i - y_j|^2), q_ij = k_ij / Z, and Z the sum of all k.
 * One pass over the pairs gives sum_j p_ij k_ij (y_i - y_j), sum_j k_ij^2 (y_i - y_j) and the row's part of Z; q is never stored.
 *
 * The descent has momentum and gains (Jacobs, 1988) as in the authors' program.  The learning rate is n / 12 / 4, at least 50 (Belkina et
 * al., Nature Communications 10, 2019, with the factor 4 of the gradient), as in scikit-learn. */
#include "flows/embedding/tsne.h"
#include "base/error.h"
#include "base/pool.h"
#include <math.h>

#define EXAGGERATION 12.0
#define ENTROPY_TOLERANCE 1e-5
#define MOST_BISECTIONS 100
#define ROWS 16 /* of an item of work */
#define LANES 4 /* partial sums of a row, so that the compiler may vectorise them; their order is fixed */

/* ---- neighbours ---- */

typedef struct {
    const double *x;
    int n, d;
    double perplexity;
    double *p;
} Neighbours;

static double distance2(const double *a, const double *b, int d)
{
    double sum[LANES] = {0};
    int j = 0;
    for (; j + LANES <= d; j += LANES) {
        for (int l = 0; l < LANES; l++) {
            double difference = a[j + l] - b[j + l];
            sum[l] += difference * difference;
        }
    }
    for (; j < d; j++) {
        sum[0] += (a[j] - b[j]) * (a[j] - b[j]);
    }
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* row: squared distances of point i to all, becomes its conditional probabilities. */
static void bisect_row(double *row, int n, int i, double perplexity, double *out)
{
    double beta = 1, low = -INFINITY, high = INFINITY, nearest = INFINITY;
    for (int j = 0; j < n; j++) {
        nearest = j == i ? nearest : fmin(nearest, row[j]);
    }
    for (int step = 0; step < MOST_BISECTIONS; step++) {
        double sum = 0, mean = 0;
        for (int j = 0; j < n; j++) {
            /* The factor exp(beta nearest) cancels out; without it all could be 0. */
            out[j] = j == i ? 0 : exp(-beta * (row[j] - nearest));
            sum += out[j];
            mean += out[j] * (row[j] - nearest);
        }
        for (int j = 0; j < n; j++) {
            out[j] /= sum;
        }
        double excess = log(sum) + beta * mean / sum - log(perplexity);
        if (fabs(excess) <= ENTROPY_TOLERANCE) {
            break;
        }
        if (excess > 0) { /* too many neighbours: narrower */
            low = beta;
            beta = isinf(high) ? beta * 2 : (beta + high) / 2;
        } else {
            high = beta;
            beta = isinf(low) ? beta / 2 : (beta + low) / 2;
        }
    }
}

static gboolean neighbour_rows(int64_t item, int worker, void *data, GError **error)
{
    const Neighbours *job = data;
    g_autofree double *row = g_new(double, job->n);
    for (int i = (int)item * ROWS; i < MIN(((int)item + 1) * ROWS, job->n); i++) {
        for (int j = 0; j < job->n; j++) {
            row[j] = distance2(job->x + (size_t)i * job->d, job->x + (size_t)j * job->d, job->d);
        }
        bisect_row(row, job->n, i, job->perplexity, job->p + (size_t)i * job->n);
    }
    return TRUE;
}

double tsne_perplexity_limit(int n)
{
    return (n - 1) / 3.0;
}

gboolean tsne_neighbours(const double *x, int n, int d, double perplexity, int threads, double *p,
                         GError **error)
{
    Neighbours job = {x, n, d, fmin(perplexity, tsne_perplexity_limit(n)), p};
    if (!pool_run(threads, FALSE, (n + ROWS - 1) / ROWS, neighbour_rows, &job, error)) {
        return FALSE;
    }
    /* p_ij = (p_j|i + p_i|j) / 2n */
    for (int i = 0; i < n; i++) {
        for (int j = i + 1; j < n; j++) {
            double *one = &p[(size_t)i * n + j], *other = &p[(size_t)j * n + i];
            *one = *other = (*one + *other) / (2.0 * n);
        }
    }
    return TRUE;
}

/* ---- descent ---- */

typedef struct {
    const double *p;
    int n;
    double *x, *y;                 /* the points: (n) each */
    double *pull[2], *push[2], *z; /* of each row: sums of p k (y_i - y_j), of k^2 (y_i - y_j), and of k */
} Descent;

static double sum_of(const double lane[LANES])
{
    return (lane[0] + lane[1]) + (lane[2] + lane[3]);
}

static void gradient_row(const Descent *job, int i)
{
    const double *p = job->p + (size_t)i * job->n, *xs = job->x, *ys = job->y, x = xs[i], y = ys[i];
    double pull_x[LANES] = {0}, pull_y[LANES] = {0}, push_x[LANES] = {0}, push_y[LANES] = {0}, z[LANES] = {0};
    int whole = job->n / LANES * LANES;
    for (int j = 0; j < job->n; j += LANES) {
        int lanes = j < whole ? LANES : job->n - whole;
        for (int l = 0; l < lanes; l++) {
            double dx = x - xs[j + l], dy = y - ys[j + l];
            double k = 1 / (1 + dx * dx + dy * dy), pull = p[j + l] * k, push = k * k;
            pull_x[l] += pull * dx;
            pull_y[l] += pull * dy;
            push_x[l] += push * dx;
            push_y[l] += push * dy;
            z[l] += k;
        }
    }
    job->pull[0][i] = sum_of(pull_x);
    job->pull[1][i] = sum_of(pull_y);
    job->push[0][i] = sum_of(push_x);
    job->push[1][i] = sum_of(push_y);
    job->z[i] = sum_of(z) - 1; /* without k_ii */
}

static gboolean gradient_rows(int64_t item, int worker, void *data, GError **error)
{
    const Descent *job = data;
    for (int i = (int)item * ROWS; i < MIN(((int)item + 1) * ROWS, job->n); i++) {
        gradient_row(job, i);
    }
    return TRUE;
}

/* One step along one coordinate of all points. */
static void step(const Descent *job, int axis, double exaggeration, double momentum, double rate, double z,
                 double *velocity, double *gain)
{
    double *at = axis ? job->y : job->x, mean = 0;
    for (int i = 0; i < job->n; i++) {
        double gradient = 4 * (exaggeration * job->pull[axis][i] - job->push[axis][i] / z);
        gain[i] = fmax(gradient * velocity[i] < 0 ? gain[i] + 0.2 : gain[i] * 0.8, 0.01);
        velocity[i] = momentum * velocity[i] - rate * gain[i] * gradient;
        at[i] += velocity[i];
        mean += at[i];
    }
    for (int i = 0; i < job->n; i++) {
        at[i] -= mean / job->n;
    }
}

static gboolean descend(const Descent *job, double *velocity, double *gain, int threads, TsneTick tick,
                        void *tick_data, GError **error)
{
    const double rate = fmax(job->n / EXAGGERATION / 4, 50);
    for (int t = 0; t < TSNE_ITERATIONS; t++) {
        gboolean early = t < TSNE_EXAGGERATED;
        double z = 0;
        if ((tick && !tick(tick_data, t, TSNE_ITERATIONS, error)) ||
            !pool_run(threads, FALSE, (job->n + ROWS - 1) / ROWS, gradient_rows, (void *)job, error)) {
            return FALSE;
        }
        for (int i = 0; i < job->n; i++) {
            z += job->z[i];
        }
        for (int axis = 0; axis < 2; axis++) {
            step(job, axis, early ? EXAGGERATION : 1, early ? 0.5 : 0.8, rate, z, velocity + axis * job->n,
                 gain + axis * job->n);
        }
    }
    return TRUE;
}

gboolean tsne_descend(const double *p, int n, double *y, int threads, TsneTick tick, void *tick_data,
                      GError **error)
{
    g_autofree double *memory = g_new0(double, (gsize)n * 11);
    double *velocity = memory, *gain = memory + 2 * n;
    Descent job = {.p = p, .n = n};
    double **const parts[] = {&job.x, &job.y, &job.pull[0], &job.pull[1], &job.push[0], &job.push[1], &job.z};
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        *parts[i] = memory + (4 + i) * n;
    }
    for (int i = 0; i < n; i++) {
        job.x[i] = y[2 * i];
        job.y[i] = y[2 * i + 1];
        gain[i] = gain[n + i] = 1;
    }
    gboolean good = descend(&job, velocity, gain, threads, tick, tick_data, error);
    for (int i = 0; i < n; i++) {
        y[2 * i] = job.x[i];
        y[2 * i + 1] = job.y[i];
    }
    return good;
}

double tsne_divergence(const double *p, int n, const double *y)
{
    double z = 0, sum = 0;
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            double d = i == j ? 0 : distance2(y + 2 * (size_t)i, y + 2 * (size_t)j, 2);
            double pair = p[(size_t)i * n + j];
            z += i == j ? 0 : 1 / (1 + d);
            sum += pair > 0 ? pair * log(pair * (1 + d)) : 0;
        }
    }
    /* sum p ln(p / q), with q = k / Z and sum p = 1 */
    return sum + log(z);
}
