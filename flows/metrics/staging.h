/* Slide classes and patient stages of Camelyon17.  Pure; any thread.
 *
 * Source: Bandi et al.: From detection of individual metastases to classification of lymph node status at the patient level: the CAMELYON17
 * challenge (IEEE Transactions on Medical Imaging 38, 2019), and the evaluation of the challenge. */
#pragma once
#include <glib.h>

/* By the diameter of the largest metastasis: none; below 0.2 mm (isolated tumour cells); up to 2 mm; larger. */
typedef enum { NODE_NEGATIVE, NODE_ITC, NODE_MICRO, NODE_MACRO, NODE_CLASSES } NodeClass;
NodeClass staging_class(double diameter_um);
/* "negative", "itc", "micro", "macro" */
const char *staging_class_name(NodeClass node);
/* In any case; FALSE for another word. */
gboolean staging_class_parse(const char *text, NodeClass *out);

typedef enum { STAGE_PN0, STAGE_PN0_ITC, STAGE_PN1MI, STAGE_PN1, STAGE_PN2, PN_STAGES } PnStage;
/* The stage of a patient whose nodes are these (n).  ITC are not positive nodes.  Nodes of micro-metastases alone are pN1mi, however many. */
PnStage staging_stage(const NodeClass *nodes, int n);
/* "pN0", "pN0(i+)", "pN1mi", "pN1", "pN2" */
const char *staging_stage_name(PnStage stage);
gboolean staging_stage_parse(const char *text, PnStage *out);
