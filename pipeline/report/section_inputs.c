/* Warnings about annotations, and files that were not used. */
#include "pipeline/report/report_section.h"
#include "pipeline/slide/annotation_notes.h"
#include "pipeline/slide/unused_in_run.h"

/* Warnings from reading the annotations. */
gboolean section_annotations(const ReportInput *input, Page *page, GError **error)
{
    const Work *work = input->work;
    g_autoptr(GPtrArray) notes = annotation_notes(work->run->slides, work->records);
    if (notes->len == 0) {
        return TRUE;
    }
    page_put(page, PAGE_H2, "Warnings about annotations");
    page_open(page, PAGE_UL);
    for (guint i = 0; i < notes->len; i++) {
        page_put(page, PAGE_LI, "%s", (const char *)notes->pdata[i]);
    }
    page_close(page);
    return TRUE;
}

/* Files that were found but not used, by name without folders. */
gboolean section_unused(const ReportInput *input, Page *page, GError **error)
{
    const Work *work = input->work;
    g_autoptr(GPtrArray) findings = unused_in_run(work->run->cohort, work->inputs);
    if (findings->len == 0) {
        return TRUE;
    }
    page_put(page, PAGE_H2, "Unused files");
    page_open(page, PAGE_UL);
    for (guint i = 0; i < findings->len; i++) {
        const Unused *unused = findings->pdata[i];
        g_autofree char *name = g_path_get_basename(unused->name);
        page_put(page, PAGE_LI, "%s: %s", name, unused->reason);
    }
    page_close(page);
    return TRUE;
}
