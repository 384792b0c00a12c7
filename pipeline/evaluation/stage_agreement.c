/* Patient stages of two tables. */
#include "pipeline/evaluation/stage_agreement.h"
#include "base/csv.h"
#include "base/error.h"
#include "flows/metrics/bootstrap.h"
#include "flows/metrics/correlation.h"
#include "flows/metrics/staging.h"
#include "pipeline/evaluation/evaluation_intervals.h"
#include "pipeline/write/json.h"
#include <math.h>
#include <string.h>

/* A table of stages. */
typedef struct {
    GHashTable *stages;  /* patient -> PnStage + 1 */
    GHashTable *nodes;   /* name of a node -> NodeClass + 1 */
    GHashTable *classes; /* patient -> GArray of NodeClass */
    GPtrArray *patients; /* names, in the order of the file; borrowed from `stages` or `classes` */
} StageTable;

static void unref_array(gpointer array)
{
    g_array_unref(array);
}

static StageTable stage_table_new(void)
{
    return (StageTable){g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, unref_array),
                        g_ptr_array_new_with_free_func(g_free)};
}

static void stage_table_clear(StageTable *table)
{
    g_hash_table_unref(table->stages);
    g_hash_table_unref(table->nodes);
    g_hash_table_unref(table->classes);
    g_ptr_array_unref(table->patients);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StageTable, stage_table_clear)

static void note_patient(StageTable *table, const char *patient)
{
    if (!g_hash_table_contains(table->stages, patient) && !g_hash_table_contains(table->classes, patient)) {
        g_ptr_array_add(table->patients, g_strdup(patient));
    }
}

/* A row PATIENT.zip.  FALSE for another word than a stage. */
static gboolean add_stage(StageTable *table, const char *patient, const char *word)
{
    PnStage stage;
    if (!staging_stage_parse(word, &stage)) {
        return FALSE;
    }
    note_patient(table, patient);
    g_hash_table_insert(table->stages, g_strdup(patient), GINT_TO_POINTER((int)stage + 1));
    return TRUE;
}

/* A row PATIENT_node_N.tif. */
static gboolean add_node(StageTable *table, const char *name, const char *word)
{
    NodeClass node;
    const char *end = strstr(name, "_node_");
    if (!end || !staging_class_parse(word, &node)) {
        return FALSE;
    }
    g_autofree char *patient = g_strndup(name, (size_t)(end - name));
    note_patient(table, patient);
    GArray *classes = g_hash_table_lookup(table->classes, patient);
    if (!classes) {
        classes = g_array_new(FALSE, FALSE, sizeof(NodeClass));
        g_hash_table_insert(table->classes, g_steal_pointer(&patient), classes);
    }
    g_array_append_val(classes, node);
    g_hash_table_insert(table->nodes, g_strdup(name), GINT_TO_POINTER((int)node + 1));
    return TRUE;
}

static gboolean read_table(const char *path, StageTable *table, GError **error)
{
    g_autoptr(Csv) csv = csv_read(path, error);
    int patient = csv ? csv_need(csv, "patient", error) : -1;
    int stage = patient >= 0 ? csv_need(csv, "stage", error) : -1;
    if (stage < 0) {
        return FALSE;
    }
    csv_trim(csv);
    for (int row = 0; row < csv_rows(csv); row++) {
        g_autofree char *name = g_ascii_strdown(csv_get(csv, row, patient), -1);
        const char *word = csv_get(csv, row, stage);
        gboolean whole = g_str_has_suffix(name, ".zip");
        if (whole) {
            name[strlen(name) - 4] = '\0';
        }
        if (g_hash_table_contains(whole ? table->stages : table->nodes, name)) {
            return wsi_error_input(error, "%s line %d: %s is there twice", path, csv_line(csv, row), name);
        }
        if (!(whole ? add_stage(table, name, word) : add_node(table, name, word))) {
            return wsi_error_input(error,
                                   "%s line %d: \"%s\" of %s: expected pN0, pN0(i+), pN1mi, pN1 or pN2 for "
                                   "PATIENT.zip, and negative, itc, micro or macro for PATIENT_node_N.tif",
                                   path, csv_line(csv, row), word, name);
        }
    }
    return TRUE;
}

/* The stage that follows from a patient's nodes; -1 without nodes. */
static int derived_stage(const StageTable *table, const char *patient)
{
    const GArray *classes = g_hash_table_lookup(table->classes, patient);
    return classes ? (int)staging_stage((const NodeClass *)(void *)classes->data, (int)classes->len) : -1;
}

/* The stage of a patient: as the table says, else by the nodes; -1 = unknown. */
static int stage_of(const StageTable *table, const char *patient)
{
    int stage = GPOINTER_TO_INT(g_hash_table_lookup(table->stages, patient)) - 1;
    return stage >= 0 ? stage : derived_stage(table, patient);
}

static void add_contradictions(json_t *out, const StageTable *table)
{
    for (guint i = 0; i < table->patients->len; i++) {
        const char *patient = table->patients->pdata[i];
        int derived = derived_stage(table, patient);
        if (derived >= 0 && derived != stage_of(table, patient)) {
            json_array_append_new(out, json_string(patient));
        }
    }
}

/* ---- agreement ---- */

/* Pairs of numbers of classes. */
typedef struct {
    GArray *truth, *said; /* int */
    int classes;
} Pairs;

static double kappa_of(const int *weight, void *data)
{
    const Pairs *pairs = data;
    int counts[PN_STAGES * PN_STAGES] = {0};
    for (guint i = 0; i < pairs->truth->len; i++) {
        counts[g_array_index(pairs->truth, int, i) * pairs->classes + g_array_index(pairs->said, int, i)] +=
            weight ? weight[i] : 1;
    }
    return correlation_kappa(counts, pairs->classes);
}

static void add_agreement(json_t *out, Pairs *pairs)
{
    json_t *rows = json_array();
    double kappa = kappa_of(NULL, pairs);
    for (int truth = 0; truth < pairs->classes; truth++) {
        json_t *row = json_array();
        for (int said = 0; said < pairs->classes; said++) {
            int count = 0;
            for (guint i = 0; i < pairs->truth->len; i++) {
                count += g_array_index(pairs->truth, int, i) == truth &&
                         g_array_index(pairs->said, int, i) == said;
            }
            json_array_append_new(row, json_integer(count));
        }
        json_array_append_new(rows, row);
    }
    json_object_set_new(out, "confusion", rows);
    if (isnan(kappa)) {
        json_object_set_new(out, "absent", json_string("there is nothing to compare"));
    } else {
        json_object_set_new(out, "kappa", json_real(kappa));
    }
}

static void add_pair(Pairs *pairs, int truth, int said)
{
    g_array_append_val(pairs->truth, truth);
    g_array_append_val(pairs->said, said);
}

static json_t *nodes_json(const StageTable *reference, const StageTable *submission)
{
    g_autoptr(GArray) truth = g_array_new(FALSE, FALSE, sizeof(int));
    g_autoptr(GArray) said = g_array_new(FALSE, FALSE, sizeof(int));
    Pairs pairs = {truth, said, NODE_CLASSES};
    GHashTableIter iter;
    gpointer name, node;
    g_hash_table_iter_init(&iter, reference->nodes); /* counts do not depend on the order */
    while (g_hash_table_iter_next(&iter, &name, &node)) {
        int other = GPOINTER_TO_INT(g_hash_table_lookup(submission->nodes, name)) - 1;
        if (other >= 0) {
            add_pair(&pairs, GPOINTER_TO_INT(node) - 1, other);
        }
    }
    json_t *names = json_array(), *out = json_pack("{s:i}", "nodes", (int)truth->len);
    for (int k = 0; k < NODE_CLASSES; k++) {
        json_array_append_new(names, json_string(staging_class_name((NodeClass)k)));
    }
    json_object_set_new(out, "classes", names);
    add_agreement(out, &pairs);
    return out;
}

static gboolean compare(const StageTable *reference, const StageTable *submission, const char *path,
                        Pairs *pairs, int *derived, GError **error)
{
    for (guint i = 0; i < reference->patients->len; i++) {
        const char *patient = reference->patients->pdata[i];
        int said = stage_of(submission, patient);
        if (said < 0) {
            return wsi_error_input(error, "%s: patient %s of the reference is missing", path, patient);
        }
        *derived += !g_hash_table_contains(submission->stages, patient);
        add_pair(pairs, stage_of(reference, patient), said);
    }
    return TRUE;
}

json_t *stage_agreement(const char *reference_path, const char *submission_path, GError **error)
{
    g_auto(StageTable) reference = stage_table_new(), submission = stage_table_new();
    g_autoptr(GArray) truth = g_array_new(FALSE, FALSE, sizeof(int));
    g_autoptr(GArray) said = g_array_new(FALSE, FALSE, sizeof(int));
    Pairs pairs = {truth, said, PN_STAGES};
    int derived = 0;
    if (!read_table(reference_path, &reference, error) || !read_table(submission_path, &submission, error) ||
        !compare(&reference, &submission, submission_path, &pairs, &derived, error)) {
        return NULL;
    }
    json_t *names = json_array(), *wrong = json_array();
    for (int k = 0; k < PN_STAGES; k++) {
        json_array_append_new(names, json_string(staging_stage_name((PnStage)k)));
    }
    json_t *out =
        json_pack("{s:i, s:i, s:o}", "patients", (int)truth->len, "derived", derived, "stages", names);
    add_agreement(out, &pairs);
    g_autofree char *refusal = bootstrap_refusal((int)truth->len, "patients");
    if (refusal) {
        json_object_set_new(out, "intervals_absent", json_string(refusal));
    } else {
        Interval interval = bootstrap_any(kappa_of, &pairs, (int)truth->len, EVALUATION_SEED);
        json_object_set_new(out, "interval", evaluation_interval(&interval));
    }
    add_contradictions(wrong, &reference);
    add_contradictions(wrong, &submission);
    json_object_update_new(
        out, json_pack("{s:o, s:o}", "contradictions", wrong, "nodes", nodes_json(&reference, &submission)));
    return out;
}

/* ---- text ---- */

/* "WHAT: N, quadratic weighted kappa K" and the confusion matrix. */
static void put_agreement(GString *out, const json_t *object, const char *key, const char *names_key)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    const json_t *kappa = json_object_get(object, "kappa");
    json_t *row, *cell;
    size_t i, j;
    g_string_append_printf(out, "%s: %d, quadratic weighted kappa %s\n  confusion (rows reference):\n", key,
                           (int)json_integer_value(json_object_get(object, key)),
                           kappa ? g_ascii_formatd(text, sizeof text, "%.4f", json_number_value(kappa))
                                 : json_string_value(json_object_get(object, "absent")));
    json_array_foreach(json_object_get(object, "confusion"), i, row)
    {
        g_string_append_printf(out, "  %-10s",
                               json_string_value(json_array_get(json_object_get(object, names_key), i)));
        json_array_foreach(row, j, cell)
        {
            g_string_append_printf(out, " %4d", (int)json_integer_value(cell));
        }
        g_string_append_c(out, '\n');
    }
}

char *stage_agreement_text(const json_t *metrics)
{
    GString *out = g_string_new(NULL);
    const json_t *interval = json_object_get(metrics, "interval");
    const char *few = json_string_value(json_object_get(metrics, "intervals_absent"));
    char low[G_ASCII_DTOSTR_BUF_SIZE], high[G_ASCII_DTOSTR_BUF_SIZE];
    json_t *one;
    size_t i;
    put_agreement(out, metrics, "patients", "stages");
    if (interval) {
        g_string_append_printf(
            out, "  95 %% interval of kappa: %s to %s\n",
            g_ascii_formatd(low, sizeof low, "%.4f", json_number_value(json_object_get(interval, "low"))),
            g_ascii_formatd(high, sizeof high, "%.4f", json_number_value(json_object_get(interval, "high"))));
    }
    g_string_append_printf(out, "%s%s%s", few ? "  no interval: " : "", few ? few : "", few ? "\n" : "");
    if (json_integer_value(json_object_get(json_object_get(metrics, "nodes"), "nodes")) > 0) {
        put_agreement(out, json_object_get(metrics, "nodes"), "nodes", "classes");
    }
    json_array_foreach(json_object_get(metrics, "contradictions"), i, one)
    {
        g_string_append_printf(out, "note: the stage of %s does not follow from its nodes\n",
                               json_string_value(one));
    }
    return g_string_free(out, FALSE);
}
