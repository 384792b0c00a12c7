/* tests/golden/metrics/more.json, written by tools/golden_metrics.py: arrays of numbers, masks as rows of "#" and ".". */
#pragma once
#include "base/image.h"
#include <jansson.h>
#include <math.h>
#include <string.h>

#define EXACT 1e-12

static inline void assert_same(double a, double b)
{
    g_assert_cmpfloat(fabs(a - b), <=, EXACT * fmax(1, fabs(b)));
}

/* The cases of a kind; caller decrefs. */
static inline json_t *golden_cases(const char *kind)
{
    json_error_t why;
    json_auto_t *all = json_load_file("tests/golden/metrics/more.json", 0, &why);
    g_assert_nonnull(all);
    json_t *cases = json_object_get(all, kind);
    g_assert_cmpuint(json_array_size(cases), >=, 1);
    return json_incref(cases);
}

static inline double golden_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    g_assert_true(json_is_number(value));
    return json_number_value(value);
}

/* Caller frees. */
static inline double *golden_numbers(const json_t *object, const char *key, int *n)
{
    const json_t *array = json_object_get(object, key);
    g_assert_true(json_is_array(array));
    *n = (int)json_array_size(array);
    double *out = g_new(double, *n + 1);
    for (int i = 0; i < *n; i++) {
        out[i] = json_number_value(json_array_get(array, (size_t)i));
    }
    return out;
}

static inline int *golden_ints(const json_t *object, const char *key, int *n)
{
    g_autofree double *values = golden_numbers(object, key, n);
    int *out = g_new(int, *n + 1);
    for (int i = 0; i < *n; i++) {
        out[i] = (int)values[i];
    }
    return out;
}

/* NULL for null. */
static inline Image *golden_mask(const json_t *object, const char *key)
{
    const json_t *rows = json_object_get(object, key);
    if (!json_is_array(rows)) {
        return NULL;
    }
    int width = (int)json_string_length(json_array_get(rows, 0)), height = (int)json_array_size(rows);
    Image *mask = image_new(width, height, 1, NULL);
    for (int y = 0; y < height; y++) {
        const char *row = json_string_value(json_array_get(rows, (size_t)y));
        for (int x = 0; x < width; x++) {
            mask->pixels[y * width + x] = row[x] == '#';
        }
    }
    return mask;
}
