/* Adam and the clipping of gradients in double, compared with torch (tests/golden/adam, written by tools/golden_adam.py). */
#include "flows/training/adam.h"
#include "flows/kernels/squares.h"
#include "base/csv.h"
#include <math.h>

#define N 11
#define EXACT 1e-13

static Csv *golden;

static double cell(int row, const char *column)
{
    double value = 0;
    g_assert_true(csv_number(golden, row, csv_column(golden, column), &value, NULL));
    return value;
}

static void assert_close(double a, double b)
{
    g_assert_cmpfloat(fabs(a - b), <=, EXACT * fmax(fabs(a), fabs(b)));
}

/* All steps of the file; the arrays are updated in two parts, split at `cut`. */
static void run_in_parts(int cut)
{
    real parameter[N], gradient[N], moment1[N] = {0}, moment2[N] = {0};
    Adam adam = adam_default();
    for (int i = 0; i < N; i++) {
        parameter[i] = cell(i, "parameter");
    }
    for (int step = 1; step < csv_rows(golden) / N; step++) {
        int row = step * N;
        for (int i = 0; i < N; i++) {
            gradient[i] = cell(row + i, "gradient");
        }
        double norm = sqrt(squares_sum(gradient, N));
        double scale = adam_clip(norm, cell(row, "clip"));
        assert_close(norm, cell(row, "norm"));
        adam.learning_rate = cell(row, "learning_rate");
        adam_step(&adam, step, cut, gradient, scale, parameter, moment1, moment2);
        adam_step(&adam, step, N - cut, gradient + cut, scale, parameter + cut, moment1 + cut, moment2 + cut);
        for (int i = 0; i < N; i++) {
            assert_close(parameter[i], cell(row + i, "parameter"));
        }
    }
}

static void test_steps_as_torch(void)
{
    g_assert_cmpint(csv_rows(golden), ==, 9 * N);
    run_in_parts(N);
}

static void test_parts_give_the_same(void)
{
    run_in_parts(0);
    run_in_parts(4);
}

static void test_clip(void)
{
    g_assert_cmpfloat(adam_clip(1.0, 2.0), ==, 1.0);
    g_assert_cmpfloat(adam_clip(8.0, 2.0), ==, 2.0 / (8.0 + 1e-6));
    g_assert_cmpfloat(adam_clip(8.0, 0.0), ==, 1.0);
}

static void test_sum_covers_every_element(void)
{
    for (int n = 0; n <= N; n++) {
        real ones[N];
        for (int i = 0; i < N; i++) {
            ones[i] = i < n ? 2 : 1e6;
        }
        g_assert_cmpfloat(squares_sum(ones, n), ==, 4.0 * n);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_autoptr(GError) error = NULL;
    golden = csv_read("tests/golden/adam/steps.csv", &error);
    g_assert_no_error(error);
    g_test_add_func("/adam/torch", test_steps_as_torch);
    g_test_add_func("/adam/parts", test_parts_give_the_same);
    g_test_add_func("/adam/clip", test_clip);
    g_test_add_func("/adam/sum", test_sum_covers_every_element);
    int status = g_test_run();
    csv_free(golden);
    return status;
}
