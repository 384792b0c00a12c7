/* Tables of slide classes and patient stages, in the form of Camelyon17 (flows/metrics/staging.h).
 *
 * Columns patient and stage: a row PATIENT.zip has the stage of a patient, other rows (PATIENT_node_N.tif) have the class of a node.  Names are
 * compared in lower case. */
#pragma once
#include "flows/metrics/staging.h"

typedef struct {
    GHashTable *stages;  /* patient -> PnStage + 1 */
    GHashTable *nodes;   /* name of a node -> NodeClass + 1 */
    GHashTable *classes; /* patient -> GArray of NodeClass */
    GPtrArray *patients; /* names, in the order of the file */
} StageLabels;

/* Caller frees.  NULL with an error that names file and line: another word than a class or a stage, a name that is there twice. */
StageLabels *stage_labels_read(const char *path, GError **error);
void stage_labels_free(StageLabels *labels);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StageLabels, stage_labels_free)
/* What the table has of a slide of a run, by its id. */
typedef struct {
    char *patient; /* in lower case; NULL: the table has neither the slide nor its patient.  Caller frees. */
    int node;      /* the class of the slide; -1 = only its patient is in the table */
} SlideStage;
SlideStage slide_stage_find(const StageLabels *labels, const char *id);
/* The patient of a node by its name in lower case, PATIENT_node_...; NULL for another name.  Caller frees. */
char *stage_labels_patient(const char *node);
/* The class of a node (PATIENT_node_N.tif); -1 = not in the table. */
int stage_labels_node(const StageLabels *labels, const char *node);
/* How many nodes of a patient the table has. */
int stage_labels_nodes(const StageLabels *labels, const char *patient);
/* The stage that follows from a patient's nodes; -1 without nodes. */
int stage_labels_derived(const StageLabels *labels, const char *patient);
/* The stage of a patient: as the table says, else by the nodes; -1 = unknown. */
int stage_labels_stage(const StageLabels *labels, const char *patient);
/* The patients whose stage in the table does not follow from their nodes, in the order of the file: char*, borrowed.  Caller unrefs. */
GPtrArray *stage_labels_contradictions(const StageLabels *labels);
