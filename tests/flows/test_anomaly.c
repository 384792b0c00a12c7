/* Maps and scores from latents, compared with torch (tests/golden/anomaly, written by tools/golden_anomaly.py); selection and
 * quantiles, compared with sorting. */
#include "flows/scoring/anomaly.h"
#include "base/csv.h"
#include "base/rng.h"
#include <math.h>
#include <stdlib.h>

static Csv *golden;

/* Values of one kind, in the order of the file; index (may be NULL) receives the second column. */
static GArray *values_of(const char *name, const char *kind, GArray *index)
{
    GArray *values = g_array_new(FALSE, FALSE, sizeof(double));
    for (int row = 0; row < csv_rows(golden); row++) {
        if (g_str_equal(csv_get(golden, row, 0), name) && g_str_equal(csv_get(golden, row, 1), kind)) {
            double value, at;
            g_assert_true(csv_number(golden, row, 3, &value, NULL));
            g_assert_true(csv_number(golden, row, 2, &at, NULL));
            g_array_append_val(values, value);
            if (index) {
                g_array_append_val(index, at);
            }
        }
    }
    return values;
}

static void assert_close(double a, double b, double tolerance)
{
    g_assert_cmpfloat(fabs(a - b), <=, tolerance * fmax(1, fabs(b)));
}

static void check_case(int size)
{
    const char *const kinds[SCALES] = {"z0", "z1", "z2"};
    const int channels[SCALES] = {3, 4, 5}, side[SCALES] = {size / 8, size / 16, MAX(1, size / 32)};
    g_autofree char *name = g_strdup_printf("%d", size);
    g_autoptr(GArray) figure = values_of(name, "figure", NULL);
    g_assert_cmpuint(figure->len, ==, 8);
    const double *want = (const double *)figure->data;
    float *energy[SCALES];
    for (int l = 0; l < SCALES; l++) {
        g_autoptr(GArray) z = values_of(name, kinds[l], NULL);
        int positions = side[l] * side[l];
        g_assert_cmpuint(z->len, ==, positions * channels[l]);
        g_autofree real *latent = g_new(real, z->len);
        for (guint i = 0; i < z->len; i++) {
            latent[i] = (real)g_array_index(z, double, i);
        }
        energy[l] = g_new(float, positions);
        double half_sum = anomaly_energy(latent, positions, channels[l], energy[l]);
        assert_close(half_sum / positions / channels[l], want[4 + l], 1e-7);
    }
    g_autoptr(Upsampler) up = upsampler_new(side, size);
    g_autofree float *E = g_new(float, size *size);
    upsampler_sum(up, energy, E);
    g_autoptr(GArray) at = g_array_new(FALSE, FALSE, sizeof(double));
    g_autoptr(GArray) map = values_of(name, "map", at);
    for (guint i = 0; i < map->len; i++) {
        assert_close(E[(int)g_array_index(at, double, i)], g_array_index(map, double, i), 1e-6);
    }
    AnomalyTop top = anomaly_top(E, size * size, want[7]);
    assert_close(top.contrast, want[0], 1e-6);
    assert_close(top.absolute, want[1], 1e-6);
    assert_close(top.top, want[2], 1e-6);
    assert_close(top.maximum, want[3], 1e-6);
    for (int l = 0; l < SCALES; l++) {
        g_free(energy[l]);
    }
}

static void test_against_torch(void)
{
    check_case(32); /* coarsest map has one position */
    check_case(48); /* sizes that do not halve evenly */
    check_case(64);
}

/* The centre of mass of a spot in a coarse map stays where it was: a coarse scale leans nowhere.  With aligned corners the spot of position 1 of 8
 * would come out 1.4 px further out on a map of 32. */
static void test_scales_do_not_lean(void)
{
    enum { SIZE = 32, SIDE = 8 };
    const int side[SCALES] = {SIDE, SIDE, SIDE};
    g_autoptr(Upsampler) up = upsampler_new(side, SIZE);
    for (int spot = 1; spot < SIDE - 1; spot++) {
        float maps[SCALES][SIDE * SIDE] = {{0}}, out[SIZE * SIZE],
                                  *energy[SCALES] = {maps[0], maps[1], maps[2]};
        double mass = 0, x = 0, y = 0;
        maps[1][spot * SIDE + (SIDE - 1 - spot)] = 1;
        upsampler_sum(up, energy, out);
        for (int i = 0; i < SIZE * SIZE; i++) {
            mass += out[i];
            x += out[i] * (i % SIZE + 0.5);
            y += out[i] * ((double)(i / SIZE) + 0.5);
        }
        assert_close(x / mass / SIZE, (SIDE - 1 - spot + 0.5) / SIDE, 1e-6);
        assert_close(y / mass / SIZE, (spot + 0.5) / SIDE, 1e-6);
    }
}

/* A constant added to the whole map does not change MSFlow's contrast, but it changes the absolute scores. */
static void test_contrast_is_blind_to_an_offset(void)
{
    float a[400], b[400];
    for (int i = 0; i < 400; i++) {
        a[i] = (float)(i * 37 % 400) / 64; /* exact in binary */
        b[i] = a[i] + 2;
    }
    AnomalyTop x = anomaly_top(a, 400, -3), y = anomaly_top(b, 400, -3);
    g_assert_cmpfloat(x.contrast, ==, y.contrast);
    g_assert_cmpfloat(y.top, ==, x.top + 2);
    g_assert_cmpfloat(y.maximum, ==, x.maximum + 2);
    g_assert_cmpfloat(y.absolute, >, x.absolute);
}

static int ascending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void test_quantiles_as_by_sorting(void)
{
    const double q[] = {0, 0.005, 0.25, 0.5, 0.95, 0.995, 1};
    Rng rng = rng_at(5, 0, 0);
    for (int n = 1; n <= 200; n += 1 + n / 9) {
        float values[200], sorted[200];
        for (int i = 0; i < n; i++) {
            sorted[i] = values[i] =
                (float)rng_below(&rng, n < 100 ? 1000 : 5); /* the long ones are full of ties */
        }
        qsort(sorted, n, sizeof(float), ascending);
        for (guint k = 0; k < G_N_ELEMENTS(q); k++) {
            double at = q[k] * (n - 1);
            int below = (int)at, above = MIN(below + 1, n - 1);
            double want = sorted[below] + (at - below) * (sorted[above] - sorted[below]);
            g_assert_cmpfloat(anomaly_quantile(values, n, q[k]), ==, want);
        }
    }
}

/* Columns of a map differ as borders of tiles do.  However many values are taken, each is of its own run, all of them can come, and the
 * mean is that of the map. */
static void test_samples_are_of_all_columns(void)
{
    enum { SIDE = 96, N = SIDE * SIDE };
    const int takes[] = {16, 96, 192, 48, 1000, N};
    g_autofree float *map = g_new(float, N), *out = g_new(float, N);
    g_autofree float *position = g_new(float, N);
    for (int i = 0; i < N; i++) {
        map[i] = (float)(i % SIDE);
        position[i] = (float)i;
    }
    for (size_t t = 0; t < G_N_ELEMENTS(takes); t++) {
        int take = takes[t], columns = 0, tiles = 1 + 9600 / take;
        double sum = 0;
        gboolean seen[SIDE] = {FALSE};
        for (int tile = 0; tile < tiles; tile++) {
            Rng rng = rng_at(3, (uint64_t)tile, 0), same = rng;
            anomaly_sample(map, N, &rng, take, out);
            for (int i = 0; i < take; i++) {
                columns += !seen[(int)out[i]];
                seen[(int)out[i]] = TRUE;
                sum += out[i] / take / tiles;
            }
            anomaly_sample(position, N, &same, take, out);
            for (int64_t i = 0; i < take; i++) {
                g_assert_cmpfloat(out[i], >=, (float)(i * N / take));
                g_assert_cmpfloat(out[i], <, (float)((i + 1) * N / take));
            }
        }
        g_assert_cmpint(columns, ==, SIDE);
        g_assert_cmpfloat(fabs(sum - (SIDE - 1) / 2.0), <, 1.5);
    }
}

static void test_top_takes_three_percent(void)
{
    Rng rng = rng_at(6, 0, 0);
    for (int n = 1; n < 700; n += 31) {
        float values[700], sorted[700];
        for (int i = 0; i < n; i++) {
            sorted[i] = values[i] = (float)rng_below(&rng, 50) / 8;
        }
        qsort(sorted, n, sizeof(float), ascending);
        int k = MAX(3 * n / 100, 1);
        double mean = 0;
        for (int i = 0; i < k; i++) {
            mean += sorted[n - 1 - i];
        }
        AnomalyTop top = anomaly_top(values, n, 0);
        assert_close(top.top, mean / k, 1e-12);
        g_assert_cmpfloat(top.maximum, ==, sorted[n - 1]);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_autoptr(GError) error = NULL;
    golden = csv_read("tests/golden/anomaly/cases.csv", &error);
    g_assert_no_error(error);
    g_test_add_func("/anomaly/centres", test_scales_do_not_lean);
    g_test_add_func("/anomaly/torch", test_against_torch);
    g_test_add_func("/anomaly/offset", test_contrast_is_blind_to_an_offset);
    g_test_add_func("/anomaly/quantiles", test_quantiles_as_by_sorting);
    g_test_add_func("/anomaly/sample", test_samples_are_of_all_columns);
    g_test_add_func("/anomaly/top", test_top_takes_three_percent);
    int status = g_test_run();
    csv_free(golden);
    return status;
}
