/* Stages of a run. */
#include "pipeline/evaluation/slide_stages.h"
#include "pipeline/evaluation/slide_extent.h"
#include "pipeline/evaluation/stage_labels.h"
#include "pipeline/evaluation/stage_pairs.h"
#include "pipeline/write/json.h"

#define NODES 5 /* of a patient of Camelyon17 */

/* A patient of the table of whom the run has a slide that counts. */
typedef struct {
    char *name;
    GArray *classes; /* NodeClass, of the slides */
    int in_table;    /* slides whose own class the table has */
} Patient;

typedef struct {
    const Work *work;
    const StageLabels *labels;
    GPtrArray *patients;   /* Patient*, in the order of their first slides */
    GHashTable *seen;      /* patients of the table of whom the run has any slide */
    GHashTable *seen_rows; /* ids in lower case of the slides that the table has */
    StagePairs *slides;
    json_t *by_slide, *not_in_table, *without_regions, *not_counted;
    int unlabelled;
} Staging;

static void patient_free(gpointer data)
{
    Patient *patient = data;
    g_free(patient->name);
    g_array_unref(patient->classes);
    g_free(patient);
}

static void staging_clear(Staging *s)
{
    g_ptr_array_unref(s->patients);
    g_hash_table_unref(s->seen);
    g_hash_table_unref(s->seen_rows);
    stage_pairs_free(s->slides);
    json_decref(s->by_slide);
    json_decref(s->not_in_table);
    json_decref(s->without_regions);
    json_decref(s->not_counted);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Staging, staging_clear)

/* ---- slides ---- */

/* The number of a patient, who is added when needed. */
static int patient_number(Staging *s, const char *name)
{
    for (guint i = s->patients->len; i > 0; i--) { /* slides are sorted: it is nearly always the last one */
        if (g_str_equal(((Patient *)s->patients->pdata[i - 1])->name, name)) {
            return (int)i - 1;
        }
    }
    Patient *patient = g_new(Patient, 1);
    *patient = (Patient){g_strdup(name), g_array_new(FALSE, FALSE, sizeof(NodeClass)), 0};
    g_ptr_array_add(s->patients, patient);
    return (int)s->patients->len - 1;
}

static gboolean compare_slide(Staging *s, const SlideEntry *entry, const SlideStage *truth, GError **error)
{
    int regions, number = patient_number(s, truth->patient);
    double diameter;
    if (!slide_extent(s->work, entry, &regions, &diameter, error)) {
        return FALSE;
    }
    NodeClass said = staging_class(diameter);
    Patient *patient = s->patients->pdata[number];
    g_array_append_val(patient->classes, said);
    json_t *known = json_null();
    if (truth->node >= 0) {
        patient->in_table++;
        stage_pairs_add(s->slides, truth->node, (int)said, number);
        known = json_string(staging_class_name((NodeClass)truth->node));
    }
    s->unlabelled += entry->label == SLIDE_UNKNOWN;
    json_array_append_new(s->by_slide,
                          json_pack("{s:s, s:s, s:i, s:f, s:s, s:o}", "slide", entry->id, "patient",
                                    truth->patient, "regions", regions, "diameter_um", diameter, "class",
                                    staging_class_name(said), "truth", known));
    return TRUE;
}

static gboolean add_slide(Staging *s, const SlideEntry *entry, GError **error)
{
    SlideStage truth = slide_stage_find(s->labels, entry->id);
    g_autofree char *patient = truth.patient;
    g_autofree char *regions = work_find(s->work, "regions", entry->id, "facts");
    gboolean counts = entry->scored && (g_str_equal(entry->split, "test") || entry->label == SLIDE_UNKNOWN);
    if (patient) {
        g_hash_table_add(s->seen, g_strdup(patient));
    }
    if (truth.node >= 0) {
        g_hash_table_add(s->seen_rows, g_ascii_strdown(entry->id, -1));
    }
    if (patient && counts && regions) {
        return compare_slide(s, entry, &truth, error);
    }
    if (patient || counts) {
        json_array_append_new(!patient ? s->not_in_table
                              : counts ? s->without_regions
                                       : s->not_counted,
                              json_string(entry->id));
    }
    return TRUE;
}

/* ---- patients ---- */

static json_t *agreement(StagePairs *pairs, const char *counted, const char *names, int classes,
                         const char *(*name)(int))
{
    json_t *texts = json_array();
    for (int k = 0; k < classes; k++) {
        json_array_append_new(texts, json_string(name(k)));
    }
    json_t *out = json_pack("{s:i, s:o}", counted, stage_pairs_count(pairs), names, texts);
    stage_pairs_add_agreement(pairs, out);
    stage_pairs_add_intervals(pairs, out);
    return out;
}

static const char *class_name(int k)
{
    return staging_class_name((NodeClass)k);
}

static const char *stage_name(int k)
{
    return staging_stage_name((PnStage)k);
}

/* Whether the run has all slides of a patient. */
static gboolean is_complete(const StageLabels *labels, const Patient *patient)
{
    int nodes = stage_labels_nodes(labels, patient->name);
    return nodes > 0 ? patient->in_table >= nodes : patient->classes->len >= NODES;
}

static void add_patients(const Staging *s, json_t *out)
{
    g_autoptr(StagePairs) all = stage_pairs_new(PN_STAGES), complete = stage_pairs_new(PN_STAGES);
    json_t *by_patient = json_array();
    for (guint i = 0; i < s->patients->len; i++) {
        const Patient *patient = s->patients->pdata[i];
        int truth = stage_labels_stage(s->labels, patient->name);
        int nodes = stage_labels_nodes(s->labels, patient->name);
        PnStage said =
            staging_stage((const NodeClass *)(void *)patient->classes->data, (int)patient->classes->len);
        stage_pairs_add(all, truth, (int)said, (int)i);
        if (is_complete(s->labels, patient)) {
            stage_pairs_add(complete, truth, (int)said, (int)i);
        }
        json_array_append_new(by_patient,
                              json_pack("{s:s, s:i, s:i, s:s, s:s}", "patient", patient->name, "slides",
                                        (int)patient->classes->len, "nodes", nodes > 0 ? nodes : NODES,
                                        "stage", staging_stage_name(said), "truth", stage_name(truth)));
    }
    int incomplete = stage_pairs_count(all) - stage_pairs_count(complete);
    json_object_set_new(out, "patients", agreement(all, "patients", "stages", PN_STAGES, stage_name));
    json_object_set_new(out, "incomplete", json_integer(incomplete));
    json_object_set_new(out, "by_patient", by_patient);
    if (incomplete > 0) {
        json_object_set_new(out, "complete",
                            agreement(complete, "patients", "stages", PN_STAGES, stage_name));
    }
}

/* ---- the whole ---- */

static json_t *result(const Staging *s)
{
    const StageLabels *labels = s->labels;
    g_autoptr(GPtrArray) wrong = stage_labels_contradictions(labels);
    json_t *out = json_pack("{s:O, s:O, s:O, s:O, s:i, s:i, s:i, s:o}", "by_slide", s->by_slide,
                            "not_in_table", s->not_in_table, "without_regions", s->without_regions,
                            "not_counted", s->not_counted, "unlabelled", s->unlabelled, "slides_not_in_run",
                            (int)(g_hash_table_size(labels->nodes) - g_hash_table_size(s->seen_rows)),
                            "patients_not_in_run", (int)(labels->patients->len - g_hash_table_size(s->seen)),
                            "contradictions", json_texts(wrong));
    if (s->patients->len == 0) {
        json_object_set_new(out, "absent",
                            json_string("no slide of the test split, and none without a label, has regions "
                                        "and is in the table"));
        return out;
    }
    const char *first = json_string_value(json_object_get(json_array_get(s->by_slide, 0), "slide"));
    const json_t *facts = records_get(s->work->records, "regions", first, "facts");
    json_object_set(out, "threshold", json_object_get(facts, "threshold"));
    json_object_set_new(out, "slides", agreement(s->slides, "slides", "classes", NODE_CLASSES, class_name));
    add_patients(s, out);
    return out;
}

json_t *slide_stages(const Work *work, GError **error)
{
    g_autoptr(StageLabels) labels = stage_labels_read(work->run->config->evaluate_stages, error);
    if (!labels) {
        return NULL;
    }
    g_auto(Staging) s = {.work = work,
                         .labels = labels,
                         .patients = g_ptr_array_new_with_free_func(patient_free),
                         .seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                         .seen_rows = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                         .slides = stage_pairs_new(NODE_CLASSES),
                         .by_slide = json_array(),
                         .not_in_table = json_array(),
                         .without_regions = json_array(),
                         .not_counted = json_array()};
    for (guint i = 0; i < work->run->slides->len; i++) {
        if (!add_slide(&s, work->run->slides->pdata[i], error)) {
            return NULL;
        }
    }
    return result(&s);
}
