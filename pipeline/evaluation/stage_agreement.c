/* Patient stages of two tables. */
#include "pipeline/evaluation/stage_agreement.h"
#include "base/error.h"
#include "pipeline/evaluation/stage_labels.h"
#include "pipeline/evaluation/stage_pairs.h"
#include "pipeline/write/json.h"

static void add_contradictions(json_t *out, const StageLabels *labels)
{
    g_autoptr(GPtrArray) patients = stage_labels_contradictions(labels);
    json_auto_t *names = json_texts(patients);
    json_array_extend(out, names);
}

static json_t *nodes_json(const StageLabels *reference, const StageLabels *submission)
{
    g_autoptr(StagePairs) pairs = stage_pairs_new(NODE_CLASSES);
    GHashTableIter iter;
    gpointer name, node;
    g_hash_table_iter_init(&iter, reference->nodes); /* counts do not depend on the order */
    while (g_hash_table_iter_next(&iter, &name, &node)) {
        int other = stage_labels_node(submission, name);
        if (other >= 0) {
            stage_pairs_add(pairs, GPOINTER_TO_INT(node) - 1, other, 0); /* without intervals */
        }
    }
    json_t *names = json_array(), *out = json_pack("{s:i}", "nodes", stage_pairs_count(pairs));
    for (int k = 0; k < NODE_CLASSES; k++) {
        json_array_append_new(names, json_string(staging_class_name((NodeClass)k)));
    }
    json_object_set_new(out, "classes", names);
    stage_pairs_add_agreement(pairs, out);
    return out;
}

static gboolean compare(const StageLabels *reference, const StageLabels *submission, const char *path,
                        StagePairs *pairs, int *derived, GError **error)
{
    for (guint i = 0; i < reference->patients->len; i++) {
        const char *patient = reference->patients->pdata[i];
        int said = stage_labels_stage(submission, patient);
        if (said < 0) {
            return wsi_error_input(error, "%s: patient %s of the reference is missing", path, patient);
        }
        *derived += !g_hash_table_contains(submission->stages, patient);
        stage_pairs_add(pairs, stage_labels_stage(reference, patient), said, (int)i);
    }
    return TRUE;
}

json_t *stage_agreement(const char *reference_path, const char *submission_path, GError **error)
{
    g_autoptr(StageLabels) reference = stage_labels_read(reference_path, error);
    g_autoptr(StageLabels) submission = reference ? stage_labels_read(submission_path, error) : NULL;
    g_autoptr(StagePairs) pairs = stage_pairs_new(PN_STAGES);
    int derived = 0;
    if (!submission || !compare(reference, submission, submission_path, pairs, &derived, error)) {
        return NULL;
    }
    json_t *names = json_array(), *wrong = json_array();
    for (int k = 0; k < PN_STAGES; k++) {
        json_array_append_new(names, json_string(staging_stage_name((PnStage)k)));
    }
    json_t *out = json_pack("{s:i, s:i, s:o}", "patients", stage_pairs_count(pairs), "derived", derived,
                            "stages", names);
    stage_pairs_add_agreement(pairs, out);
    stage_pairs_add_intervals(pairs, out);
    add_contradictions(wrong, reference);
    add_contradictions(wrong, submission);
    json_object_update_new(
        out, json_pack("{s:o, s:o}", "contradictions", wrong, "nodes", nodes_json(reference, submission)));
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
