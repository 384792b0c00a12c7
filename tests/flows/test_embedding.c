/* PCA and t-SNE, compared with scikit-learn (tests/golden/embedding, written by tools/golden_embedding.py). */
#include "flows/embedding/pca.h"
#include "flows/embedding/tsne.h"
#include "base/error.h"
#include "base/rng.h"
#include <jansson.h>
#include <math.h>
#include <string.h>

#define EXACT 1e-10
#define DIVERGENCES 12

typedef struct {
    int n, d;
    double perplexity;
    double *divergences; /* DIVERGENCES that scikit-learn reached from nearly equal starts, ascending */
    double *x, *plane, *fraction, *pairs; /* pairs: i < j, row by row */
} Case;

static double *numbers(const json_t *object, const char *key)
{
    const json_t *array = json_object_get(object, key);
    g_assert_true(json_is_array(array));
    double *out = g_new(double, json_array_size(array));
    for (size_t i = 0; i < json_array_size(array); i++) {
        out[i] = json_number_value(json_array_get(array, i));
    }
    return out;
}

static Case case_of(const json_t *golden)
{
    return (Case){.n = (int)json_integer_value(json_object_get(golden, "n")),
                  .d = (int)json_integer_value(json_object_get(golden, "d")),
                  .perplexity = json_number_value(json_object_get(golden, "perplexity")),
                  .divergences = numbers(golden, "divergences"),
                  .x = numbers(golden, "x"),
                  .plane = numbers(golden, "plane"),
                  .fraction = numbers(golden, "fraction"),
                  .pairs = numbers(golden, "p")};
}

static void case_clear(Case *c)
{
    g_free(c->x);
    g_free(c->plane);
    g_free(c->fraction);
    g_free(c->pairs);
    g_free(c->divergences);
}

/* Calls `check` for every case of the file. */
static void each_case(void (*check)(const Case *c))
{
    json_error_t why;
    json_auto_t *all = json_load_file("tests/golden/embedding/cases.json", 0, &why);
    g_assert_nonnull(all);
    g_assert_cmpuint(json_object_size(all), >=, 4);
    const char *name;
    json_t *golden;
    json_object_foreach(all, name, golden)
    {
        Case c = case_of(golden);
        g_test_message("%s", name);
        check(&c);
        case_clear(&c);
    }
}

static double *neighbours_of(const double *x, int n, int d, double perplexity, int threads)
{
    double *p = g_new(double, n *n);
    g_assert_true(tsne_neighbours(x, n, d, perplexity, threads, p, NULL));
    return p;
}

/* As scikit-learn's init="pca". */
static double *start_of(const double *x, int n, int d)
{
    double *plane = g_new(double, 2 * n), fraction[2], squares = 0;
    g_assert_true(pca_project(x, n, d, 2, plane, fraction, NULL));
    for (int i = 0; i < n; i++) {
        squares += plane[2 * i] * plane[2 * i];
    }
    for (int i = 0; i < 2 * n; i++) {
        plane[i] *= 1e-4 / sqrt(squares / n);
    }
    return plane;
}

/* ---- PCA ---- */

static void check_pca(const Case *c)
{
    g_autofree double *plane = g_new(double, 2 * c->n);
    double fraction[2], largest = 0;
    g_assert_true(pca_project(c->x, c->n, c->d, 2, plane, fraction, NULL));
    for (int k = 0; k < 2; k++) {
        double along = 0;
        for (int i = 0; i < c->n; i++) {
            along += plane[2 * i + k] * c->plane[2 * i + k];
            largest = fmax(largest, fabs(c->plane[2 * i + k]));
        }
        for (int i = 0; i < c->n; i++) {
            double golden = c->plane[2 * i + k] * (along < 0 ? -1 : 1);
            g_assert_cmpfloat(fabs(plane[2 * i + k] - golden), <=, EXACT * largest);
        }
        g_assert_cmpfloat(fabs(fraction[k] - c->fraction[k]), <=, EXACT);
    }
}

static void test_pca(void)
{
    each_case(check_pca);
}

static void test_pca_of_one_point(void)
{
    const double x[] = {1, 2, 3, 1, 2, 3, 1, 2, 3};
    double plane[6], fraction[2];
    g_assert_true(pca_project(x, 3, 3, 2, plane, fraction, NULL));
    for (int i = 0; i < 6; i++) {
        g_assert_cmpfloat(plane[i], ==, 0);
    }
    g_assert_cmpfloat(fraction[0], ==, 0);
}

/* ---- neighbours ---- */

static void check_neighbours(const Case *c)
{
    int n = c->n, at = 0;
    g_autofree double *p = neighbours_of(c->x, n, c->d, c->perplexity, 2);
    double sum = 0;
    for (int i = 0; i < n; i++) {
        g_assert_cmpfloat(p[i * n + i], ==, 0);
        for (int j = i + 1; j < n; j++, at++) {
            g_assert_cmpfloat(p[i * n + j], ==, p[j * n + i]);
            g_assert_cmpfloat(fabs(p[i * n + j] - c->pairs[at]), <=, EXACT);
            sum += 2 * p[i * n + j];
        }
    }
    g_assert_cmpfloat(fabs(sum - 1), <, 1e-12);
}

static void test_neighbours(void)
{
    each_case(check_neighbours);
}

/* Distances whose Gaussians are 0 in double, and a perplexity that so few points do not have. */
static void test_neighbours_far_apart(void)
{
    const double x[] = {0, 1e6, 3e6, 7e6, 1.5e7, 3.1e7, 1e9};
    g_autofree double *p = neighbours_of(x, 7, 1, 1000, 1);
    double sum = 0;
    for (int i = 0; i < 49; i++) {
        g_assert_true(isfinite(p[i]));
        sum += p[i];
    }
    g_assert_cmpfloat(fabs(sum - 1), <, 1e-12);
    g_assert_cmpfloat(p[1], >, p[2]);
    g_assert_cmpfloat(tsne_perplexity_limit(7), ==, 2);
}

/* ---- descent ---- */

/* The divergence by its definition. */
static double divergence_of(const double *p, int n, const double *y)
{
    double z = 0, sum = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < n * n; i++) {
            double dx = y[2 * (i / n)] - y[2 * (i % n)], dy = y[2 * (i / n) + 1] - y[2 * (i % n) + 1];
            double k = i / n == i % n ? 0 : 1 / (1 + dx * dx + dy * dy);
            z += pass == 0 ? k : 0;
            sum += pass == 1 && p[i] > 0 ? p[i] * log(p[i] / (k / z)) : 0;
        }
    }
    return sum;
}

static void check_descent(const Case *c)
{
    int n = c->n;
    g_autofree double *p = neighbours_of(c->x, n, c->d, c->perplexity, 1), *y = start_of(c->x, n, c->d);
    g_assert_true(tsne_descend(p, n, y, 1, NULL, NULL, NULL));
    double reached = tsne_divergence(p, n, y), centre[2] = {0};
    const double *of_sklearn = c->divergences;
    g_test_message("divergence %.6f, scikit-learn %.6f to %.6f", reached, of_sklearn[0],
                   of_sklearn[DIVERGENCES - 1]);
    g_assert_cmpfloat(fabs(reached - divergence_of(p, n, y)), <, 1e-12);
    g_assert_cmpfloat(reached, <=, of_sklearn[DIVERGENCES - 1]);
    g_assert_cmpfloat(reached, >=, 0.9 * of_sklearn[0]);
    /* Where the descent ends, the divergence hardly changes in any direction. */
    for (int i = 0; i < 2 * n; i++) {
        double h = 1e-4, at = y[i];
        centre[i % 2] += at / n;
        y[i] = at + h;
        double more = divergence_of(p, n, y);
        y[i] = at - h;
        double less = divergence_of(p, n, y);
        y[i] = at;
        g_assert_cmpfloat(fabs(more - less) / (2 * h), <, 1e-3);
    }
    g_assert_cmpfloat(fabs(centre[0]) + fabs(centre[1]), <, 1e-9);
}

static void test_descent(void)
{
    each_case(check_descent);
}

/* Two groups that are far apart stay apart. */
static void test_groups(void)
{
    enum { N = 200, D = 8 };
    g_autofree double *x = g_new(double, N *D);
    Rng rng = rng_at(7, 0, 0);
    for (int i = 0; i < N * D; i++) {
        x[i] = rng_normal(&rng) + (i / D % 2 ? 20 : 0);
    }
    g_autofree double *p = neighbours_of(x, N, D, 30, 1), *y = start_of(x, N, D);
    g_assert_true(tsne_descend(p, N, y, 2, NULL, NULL, NULL));
    double within = 0, between = INFINITY;
    for (int i = 0; i < N; i++) {
        double nearest = INFINITY;
        for (int j = 0; j < N; j++) {
            double distance = hypot(y[2 * i] - y[2 * j], y[2 * i + 1] - y[2 * j + 1]);
            if (i % 2 != j % 2) {
                between = fmin(between, distance);
            } else if (i != j) {
                nearest = fmin(nearest, distance);
            }
        }
        within = fmax(within, nearest);
    }
    g_assert_cmpfloat(between, >, 3 * within);
}

static void test_threads(void)
{
    enum { N = 101, D = 5 };
    double *y[2];
    g_autofree double *x = g_new(double, N *D);
    Rng rng = rng_at(8, 0, 0);
    for (int i = 0; i < N * D; i++) {
        x[i] = rng_normal(&rng);
    }
    for (int t = 0; t < 2; t++) {
        g_autofree double *p = neighbours_of(x, N, D, 20, 1 + 3 * t);
        y[t] = start_of(x, N, D);
        g_assert_true(tsne_descend(p, N, y[t], 1 + 3 * t, NULL, NULL, NULL));
    }
    g_assert_cmpmem(y[0], 2 * N * sizeof(double), y[1], 2 * N * sizeof(double));
    g_free(y[0]);
    g_free(y[1]);
}

static gboolean stop(void *data, int64_t done, int64_t total, GError **error)
{
    if (done == 3) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_CANCELLED, "stopped");
    }
    return done < 3;
}

static void test_stop(void)
{
    const double x[] = {0, 1, 2, 5, 6};
    g_autofree double *p = neighbours_of(x, 5, 1, 1.2, 1), *y = g_new0(double, 10);
    g_autoptr(GError) error = NULL;
    g_assert_false(tsne_descend(p, 5, y, 1, stop, NULL, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_CANCELLED);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/embedding/pca", test_pca);
    g_test_add_func("/embedding/pca_of_one_point", test_pca_of_one_point);
    g_test_add_func("/embedding/neighbours", test_neighbours);
    g_test_add_func("/embedding/neighbours_far_apart", test_neighbours_far_apart);
    g_test_add_func("/embedding/descent", test_descent);
    g_test_add_func("/embedding/groups", test_groups);
    g_test_add_func("/embedding/threads", test_threads);
    g_test_add_func("/embedding/stop", test_stop);
    return g_test_run();
}
