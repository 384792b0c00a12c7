/* The sections of the report.
 *
 * A section is a function that writes its heading and what is below it, or nothing when it has nothing to show; the table in report.c gives their
 * order.  A new section is a file section_NAME.c, a line here and a line there.  One thread. */
#pragma once
#include "pipeline/job/work.h"
#include "pipeline/report/slide_table.h"
#include "pipeline/scoring/score_table.h"
#include "pipeline/write/page.h"

/* What a section may show.  Nothing in it is the section's to free. */
typedef struct {
    const Work *work;
    const ScoreTable *table; /* the evaluated rows; NULL when nothing was scored */
    const json_t *metrics;   /* as in metrics.json */
    const GPtrArray *slides; /* SlideRow*, the highest score first; NULL when the run has no slides */
} ReportInput;

/* FALSE with error when something that was published cannot be read. */
typedef gboolean ReportSection(const ReportInput *input, Page *page, GError **error);

ReportSection section_answer, section_slides, section_tiles, section_curves, section_histograms,
    section_embedding, section_worst, section_whole_slides, section_lesions, section_stages, section_pixels,
    section_quality, section_unreadable, section_notes, section_annotations, section_unused, section_training,
    section_provenance;
