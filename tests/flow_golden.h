/* Reads the cases of tests/golden/flows (written by tools/golden_flows.py, which describes the format). */
#pragma once
#include "base/rng.h"
#include "flows/models/msflow.h"
#include <math.h>
#include <string.h>

#define GOLDEN_SEED 20

typedef struct {
    char *folder;
    GPtrArray *lines;   /* of words (char **) */
    GHashTable *arrays; /* name -> double *, read once */
} Golden;

static inline Golden *golden_open(const char *name)
{
    Golden *golden = g_new0(Golden, 1);
    g_autofree char *path = NULL, *text = NULL;
    golden->folder = g_build_filename("tests", "golden", "flows", name, NULL);
    golden->lines = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    golden->arrays = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    path = g_build_filename(golden->folder, "manifest.txt", NULL);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (int i = 0; lines[i]; i++) {
        if (lines[i][0] && lines[i][0] != '#') {
            g_ptr_array_add(golden->lines, g_strsplit(lines[i], " ", -1));
        }
    }
    return golden;
}

static inline void golden_free(Golden *golden)
{
    g_ptr_array_unref(golden->lines);
    g_hash_table_unref(golden->arrays);
    g_free(golden->folder);
    g_free(golden);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Golden, golden_free)

/* The words of the line of a name; NULL when there is none. */
static inline char **golden_line(const Golden *golden, const char *name)
{
    for (guint i = 0; i < golden->lines->len; i++) {
        char **words = g_ptr_array_index(golden->lines, i);
        if (strcmp(words[1], name) == 0) {
            return words;
        }
    }
    return NULL;
}

static inline int64_t product_of(char **dims)
{
    int64_t count = 1;
    for (; *dims; dims++) {
        count *= g_ascii_strtoll(*dims, NULL, 10);
    }
    return count;
}

/* Borrowed; *count may be NULL. */
static inline const double *golden_array(Golden *golden, const char *name, int64_t *count)
{
    char **words = golden_line(golden, name);
    g_assert_nonnull(words);
    int64_t number = product_of(words + 3);
    gboolean single = strcmp(words[2], "f32") == 0;
    double *values = g_hash_table_lookup(golden->arrays, name);
    if (!values) {
        g_autofree char *file = g_strdup_printf("%s/%s.bin", golden->folder, name);
        g_autofree char *bytes = NULL;
        gsize size = 0;
        g_assert_true(g_file_get_contents(file, &bytes, &size, NULL));
        g_assert_cmpuint(size, ==, (gsize)number * (single ? 4 : 8));
        values = g_new(double, number);
        for (int64_t i = 0; i < number; i++) {
            values[i] = single ? (double)((float *)(void *)bytes)[i] : ((double *)(void *)bytes)[i];
        }
        g_hash_table_insert(golden->arrays, g_strdup(name), values);
    }
    if (count) {
        *count = number;
    }
    return values;
}

/* A copy in the engine's number type.  Caller frees. */
static inline real *golden_real(Golden *golden, const char *name)
{
    int64_t count;
    const double *values = golden_array(golden, name, &count);
    real *copy = g_new(real, count);
    for (int64_t i = 0; i < count; i++) {
        copy[i] = (real)values[i];
    }
    return copy;
}

/* Sets the tensors of the table that the case has; the others keep their values. */
static inline void golden_parameters(Golden *golden, const Parameter *table, int tensors, real *parameters)
{
    for (int t = 0; t < tensors; t++) {
        char **words = golden_line(golden, table[t].name);
        gboolean made = words && strcmp(words[0], "parameter") == 0;
        Rng rng = rng_at(GOLDEN_SEED, rng_name(table[t].name), 0);
        if (!words || strcmp(words[0], "array") == 0) {
            continue;
        }
        g_assert_cmpint(product_of(words + (made ? 5 : 3)), ==, table[t].count);
        const double *given = made ? NULL : golden_array(golden, table[t].name, NULL);
        double centre = made ? g_ascii_strtod(words[3], NULL) : 0,
               spread = made ? g_ascii_strtod(words[4], NULL) : 0;
        for (int64_t i = 0; i < table[t].count; i++) {
            double v = made ? centre + spread * (2 * rng_uniform(&rng) - 1) : given[i];
            parameters[table[t].offset + i] = (real)v;
        }
    }
}

/* max |a - b| relative to max |b|, or to 1e-3 if that is larger. */
static inline double difference(const real *a, const double *b, int64_t count)
{
    double worst = 0, largest = 0;
    for (int64_t i = 0; i < count; i++) {
        double d = fabs((double)a[i] - b[i]);
        g_assert_true(isfinite((double)a[i]));
        worst = fmax(worst, d);
        largest = fmax(largest, fabs(b[i]));
    }
    return worst / fmax(largest, 1e-3);
}

static inline void assert_golden(Golden *golden, const char *name, const real *values, double tolerance)
{
    int64_t count;
    const double *expected = golden_array(golden, name, &count);
    double d = difference(values, expected, count);
    g_test_message("%s: relative difference %.2e", name, d);
    if (d > tolerance) {
        g_error("%s: %s differs by %g of its largest value, limit %g", golden->folder, name, d, tolerance);
    }
}

/* Compares `values`, in our layout, with the array `name`, whose tensors are in the order of the case `order`. */
static inline void assert_golden_flat(Golden *golden, const char *name, const Golden *order,
                                      const Parameter *table, int tensors, const real *values,
                                      double tolerance)
{
    int64_t count, at = 0;
    const double *expected = golden_array(golden, name, &count);
    for (guint i = 0; i < order->lines->len; i++) {
        char **words = g_ptr_array_index(order->lines, i);
        for (int t = 0; t < tensors; t++) {
            if (table[t].trainable && strcmp(table[t].name, words[1]) == 0 &&
                strcmp(words[0], "array") != 0) {
                double d = difference(values + table[t].offset, expected + at, table[t].count);
                if (d > tolerance) {
                    g_error("%s: %s of %s differs by %g, limit %g", golden->folder, name, words[1], d,
                            tolerance);
                }
                at += table[t].count;
            }
        }
    }
    g_assert_cmpint(at, ==, count);
}
