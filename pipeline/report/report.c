/* The report page.
 *
 * Images are embedded in the page, so it can be sent as one file.  pipeline/write/page.h keeps markup and text apart. */
#include "pipeline/report/report.h"
#include "base/durable.h"
#include "pipeline/report/report_section.h"
#include "pipeline/write/page.h"
#include <string.h>

/* In the order of the page. */
static ReportSection *const sections[] = {
    section_answer,    section_slides,   section_tiles,        section_curves,  section_histograms,
    section_embedding, section_worst,    section_whole_slides, section_lesions, section_stages,
    section_pixels,    section_quality,  section_unreadable,   section_notes,   section_annotations,
    section_unused,    section_training, section_provenance,
};

/* The slides by score; *slides stays NULL when there is no table of them. */
static gboolean read_slides(const Work *work, GPtrArray **slides, GError **error)
{
    g_autofree char *path = work_find(work, "slides", COHORT, "slides");
    *slides = path ? slide_table_read(path, error) : NULL;
    if (*slides) {
        g_ptr_array_sort(*slides, slide_row_by_score);
    }
    return !path || *slides;
}

gboolean report_write(Work *work, const ScoreTable *table, const json_t *metrics, GError **error)
{
    g_autoptr(GPtrArray) slides = NULL;
    if (!read_slides(work, &slides, error)) {
        return FALSE;
    }
    const ReportInput input = {work, table, metrics, slides};
    g_autoptr(Page) page = page_new(work->run->config->run_name);
    page_put(page, PAGE_H1, "%s", work->run->config->run_name);
    page_put(page, PAGE_NOTICE,
             "For research use only. Not for use in diagnostic procedures. Scores are anomaly scores, not "
             "diagnoses.");
    for (size_t s = 0; s < G_N_ELEMENTS(sections); s++) {
        if (!sections[s](&input, page, error)) {
            return FALSE;
        }
    }
    char sha256[65];
    g_autofree char *html = page_finish(page), *path = work_output(work, "report.html");
    return durable_write_file(path, html, strlen(html), sha256, error) &&
           work_publish(work, "report", path, sha256, error);
}
