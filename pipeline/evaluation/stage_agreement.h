/* Agreement of patient stages, as Camelyon17 scores it: quadratic weighted kappa over the five pN stages (flows/metrics/staging.h). */
#pragma once
#include <glib.h>
#include <jansson.h>

/* Both files are in the form of the challenge: columns patient and stage; a row PATIENT.zip has the stage of a patient, other rows
 * (PATIENT_node_N.tif) have the class of a node.  The stage of a patient that has rows of nodes only follows from them.  Each patient of
 * `reference` must be in `submission`.
 *
 * {"patients", "accuracy" and "kappa", or "absent": why, "confusion": 5 rows (reference) of 5 counts (submission), "stages": their names, "nodes": {"nodes",
 * "accuracy", "kappa", "confusion", "classes"} over the nodes that both have, "interval" of kappa and "accuracy_interval" over patients, or "intervals_absent", "derived": number
 * of patients whose stage came from their nodes, "contradictions": patients of either file whose stage does not follow from their nodes}.
 * NULL with error. */
json_t *stage_agreement(const char *reference, const char *submission, GError **error);
/* The same as lines of text.  Caller frees. */
char *stage_agreement_text(const json_t *metrics);
