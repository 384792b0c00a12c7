/* Agreement of classes. */
#include "pipeline/evaluation/stage_pairs.h"
#include "flows/metrics/bootstrap.h"
#include "flows/metrics/correlation.h"
#include "flows/metrics/staging.h"
#include "pipeline/evaluation/evaluation_intervals.h"
#include <math.h>

typedef struct {
    int truth, said, unit;
} Pair;

struct StagePairs {
    GArray *pairs;     /* Pair */
    GHashTable *units; /* patient -> unit, 0 .. in the order in which they were added */
    int classes;
};

StagePairs *stage_pairs_new(int classes)
{
    StagePairs *pairs = g_new(StagePairs, 1);
    *pairs = (StagePairs){g_array_new(FALSE, FALSE, sizeof(Pair)), g_hash_table_new(NULL, NULL), classes};
    return pairs;
}

void stage_pairs_free(StagePairs *pairs)
{
    if (pairs) {
        g_array_unref(pairs->pairs);
        g_hash_table_unref(pairs->units);
        g_free(pairs);
    }
}

void stage_pairs_add(StagePairs *pairs, int truth, int said, int patient)
{
    gpointer unit, key = GINT_TO_POINTER(patient);
    if (!g_hash_table_lookup_extended(pairs->units, key, NULL, &unit)) {
        unit = GINT_TO_POINTER((int)g_hash_table_size(pairs->units));
        g_hash_table_insert(pairs->units, key, unit);
    }
    Pair pair = {truth, said, GPOINTER_TO_INT(unit)};
    g_array_append_val(pairs->pairs, pair);
}

int stage_pairs_count(const StagePairs *pairs)
{
    return (int)pairs->pairs->len;
}

/* counts (classes, classes) */
static void count(const StagePairs *pairs, const int *weight, int *counts)
{
    for (guint i = 0; i < pairs->pairs->len; i++) {
        const Pair *pair = &g_array_index(pairs->pairs, Pair, i);
        counts[pair->truth * pairs->classes + pair->said] += weight ? weight[pair->unit] : 1;
    }
}

static double kappa_of(const int *weight, void *data)
{
    const StagePairs *pairs = data;
    int counts[PN_STAGES * PN_STAGES] = {0};
    count(pairs, weight, counts);
    return correlation_kappa(counts, pairs->classes);
}

static double accuracy_of(const int *weight, void *data)
{
    const StagePairs *pairs = data;
    int counts[PN_STAGES * PN_STAGES] = {0}, right = 0, all = 0;
    count(pairs, weight, counts);
    for (int i = 0; i < pairs->classes * pairs->classes; i++) {
        all += counts[i];
        right += i % (pairs->classes + 1) == 0 ? counts[i] : 0; /* the diagonal */
    }
    return all > 0 ? (double)right / all : NAN;
}

void stage_pairs_add_agreement(const StagePairs *pairs, json_t *out)
{
    int counts[PN_STAGES * PN_STAGES] = {0};
    json_t *rows = json_array();
    count(pairs, NULL, counts);
    for (int truth = 0; truth < pairs->classes; truth++) {
        json_t *row = json_array();
        for (int said = 0; said < pairs->classes; said++) {
            json_array_append_new(row, json_integer(counts[truth * pairs->classes + said]));
        }
        json_array_append_new(rows, row);
    }
    json_object_set_new(out, "confusion", rows);
    if (pairs->pairs->len == 0) {
        json_object_set_new(out, "absent", json_string("there is nothing to compare"));
        return;
    }
    json_object_set_new(out, "accuracy", json_real(accuracy_of(NULL, (void *)pairs)));
    json_object_set_new(out, "kappa", json_real(correlation_kappa(counts, pairs->classes)));
}

void stage_pairs_add_intervals(StagePairs *pairs, json_t *out)
{
    int units = (int)g_hash_table_size(pairs->units);
    g_autofree char *refusal = bootstrap_refusal(units, "patients");
    if (refusal) {
        json_object_set_new(out, "intervals_absent", json_string(refusal));
        return;
    }
    Interval kappa = bootstrap_any(kappa_of, pairs, units, EVALUATION_SEED),
             accuracy = bootstrap_any(accuracy_of, pairs, units, EVALUATION_SEED);
    json_object_set_new(out, "interval", evaluation_interval(&kappa));
    json_object_set_new(out, "accuracy_interval", evaluation_interval(&accuracy));
}
