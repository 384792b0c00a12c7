/* Slide classes and patient stages of a run, as Camelyon17 has them, against a table of the truth (evaluate.stages). */
#pragma once
#include "pipeline/job/work.h"

/* A slide's class follows from the largest of its regions at the threshold (stage `regions`): its major axis as FROC has it (flows/metrics/froc.h:
 * regions within 75 um joined, the 75 um taken off again); cells are not counted.  A patient's stage follows from the classes of its slides
 * (flows/metrics/staging.h).  Slides of the test split count, and those without a label, which no training sees; the truth is in the table.
 *
 * {"slides": {"slides", "classes", "confusion", ...}, "patients": {"patients", "stages", "confusion", ...} with the agreement of stage_pairs.h,
 *  "incomplete": patients that the run has fewer nodes of than the table (of which five are expected when it has no nodes), and then
 *  "complete": the agreement of the others,
 *  "unlabelled": how many of the slides have no label in the run, "threshold",
 *  "by_slide": [{"slide", "patient", "regions", "diameter_um", "class", "truth" or null}],
 *  "by_patient": [{"patient", "slides", "nodes", "stage", "truth"}],
 *  not compared: "not_in_table": ids of slides that would count, "without_regions": ids, a job of them failed, "not_counted": ids of slides of the
 *  table that are in another split or are not scored; "slides_not_in_run", "patients_not_in_run": how many of the table;
 *  "contradictions": patients of the table whose stage does not follow from their nodes};
 * "absent": why, when no slide is compared.  NULL with error. */
json_t *slide_stages(const Work *work, GError **error);
