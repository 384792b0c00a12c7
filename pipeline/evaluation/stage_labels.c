/* Tables of stages. */
#include "pipeline/evaluation/stage_labels.h"
#include "base/csv.h"
#include "base/error.h"
#include <string.h>

static void unref_array(gpointer array)
{
    g_array_unref(array);
}

static StageLabels *labels_new(void)
{
    StageLabels *labels = g_new(StageLabels, 1);
    *labels = (StageLabels){g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                            g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                            g_hash_table_new_full(g_str_hash, g_str_equal, g_free, unref_array),
                            g_ptr_array_new_with_free_func(g_free)};
    return labels;
}

void stage_labels_free(StageLabels *labels)
{
    if (labels) {
        g_hash_table_unref(labels->stages);
        g_hash_table_unref(labels->nodes);
        g_hash_table_unref(labels->classes);
        g_ptr_array_unref(labels->patients);
        g_free(labels);
    }
}

static void note_patient(StageLabels *labels, const char *patient)
{
    if (!g_hash_table_contains(labels->stages, patient) && !g_hash_table_contains(labels->classes, patient)) {
        g_ptr_array_add(labels->patients, g_strdup(patient));
    }
}

/* A row PATIENT.zip.  FALSE for another word than a stage. */
static gboolean add_stage(StageLabels *labels, const char *patient, const char *word)
{
    PnStage stage;
    if (!staging_stage_parse(word, &stage)) {
        return FALSE;
    }
    note_patient(labels, patient);
    g_hash_table_insert(labels->stages, g_strdup(patient), GINT_TO_POINTER((int)stage + 1));
    return TRUE;
}

char *stage_labels_patient(const char *node)
{
    const char *end = strstr(node, "_node_");
    return end ? g_strndup(node, (size_t)(end - node)) : NULL;
}

/* A row PATIENT_node_N.tif. */
static gboolean add_node(StageLabels *labels, const char *name, const char *word)
{
    NodeClass node;
    g_autofree char *patient = stage_labels_patient(name);
    if (!patient || !staging_class_parse(word, &node)) {
        return FALSE;
    }
    note_patient(labels, patient);
    GArray *classes = g_hash_table_lookup(labels->classes, patient);
    if (!classes) {
        classes = g_array_new(FALSE, FALSE, sizeof(NodeClass));
        g_hash_table_insert(labels->classes, g_steal_pointer(&patient), classes);
    }
    g_array_append_val(classes, node);
    g_hash_table_insert(labels->nodes, g_strdup(name), GINT_TO_POINTER((int)node + 1));
    return TRUE;
}

StageLabels *stage_labels_read(const char *path, GError **error)
{
    g_autoptr(StageLabels) labels = labels_new();
    g_autoptr(Csv) csv = csv_read(path, error);
    int patient = csv ? csv_need(csv, "patient", error) : -1;
    int stage = patient >= 0 ? csv_need(csv, "stage", error) : -1;
    if (stage < 0) {
        return NULL;
    }
    csv_trim(csv);
    for (int row = 0; row < csv_rows(csv); row++) {
        g_autofree char *name = g_ascii_strdown(csv_get(csv, row, patient), -1);
        const char *word = csv_get(csv, row, stage);
        gboolean whole = g_str_has_suffix(name, ".zip");
        if (whole) {
            name[strlen(name) - 4] = '\0';
        }
        if (g_hash_table_contains(whole ? labels->stages : labels->nodes, name)) {
            wsi_error_input(error, "%s line %d: %s is there twice", path, csv_line(csv, row), name);
            return NULL;
        }
        if (!(whole ? add_stage(labels, name, word) : add_node(labels, name, word))) {
            wsi_error_input(error,
                            "%s line %d: \"%s\" of %s: expected pN0, pN0(i+), pN1mi, pN1 or pN2 for "
                            "PATIENT.zip, and negative, itc, micro or macro for PATIENT_node_N.tif",
                            path, csv_line(csv, row), word, name);
            return NULL;
        }
    }
    return g_steal_pointer(&labels);
}

int stage_labels_node(const StageLabels *labels, const char *node)
{
    return GPOINTER_TO_INT(g_hash_table_lookup(labels->nodes, node)) - 1;
}

SlideStage slide_stage_find(const StageLabels *labels, const char *id)
{
    g_autofree char *name = g_ascii_strdown(id, -1), *file = g_strconcat(name, ".tif", NULL);
    SlideStage out = {stage_labels_patient(name), stage_labels_node(labels, file)};
    if (out.patient && stage_labels_stage(labels, out.patient) < 0) {
        g_clear_pointer(&out.patient, g_free);
    }
    return out;
}

int stage_labels_nodes(const StageLabels *labels, const char *patient)
{
    const GArray *classes = g_hash_table_lookup(labels->classes, patient);
    return classes ? (int)classes->len : 0;
}

int stage_labels_derived(const StageLabels *labels, const char *patient)
{
    const GArray *classes = g_hash_table_lookup(labels->classes, patient);
    return classes ? (int)staging_stage((const NodeClass *)(void *)classes->data, (int)classes->len) : -1;
}

int stage_labels_stage(const StageLabels *labels, const char *patient)
{
    int stage = GPOINTER_TO_INT(g_hash_table_lookup(labels->stages, patient)) - 1;
    return stage >= 0 ? stage : stage_labels_derived(labels, patient);
}

GPtrArray *stage_labels_contradictions(const StageLabels *labels)
{
    GPtrArray *out = g_ptr_array_new();
    for (guint i = 0; i < labels->patients->len; i++) {
        const char *patient = labels->patients->pdata[i];
        int derived = stage_labels_derived(labels, patient);
        if (derived >= 0 && derived != stage_labels_stage(labels, patient)) {
            g_ptr_array_add(out, (gpointer)patient);
        }
    }
    return out;
}
