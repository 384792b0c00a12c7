/* Versions, inputs and configuration. */
#include "pipeline/report/report_section.h"
#include "pipeline/write/versions.h"

gboolean section_provenance(const ReportInput *input, Page *page, GError **error)
{
    const Work *work = input->work;
    g_autofree char *versions = versions_text();
    g_autofree char *config = config_text(work->run->config, FALSE);
    page_put(page, PAGE_H2, "Provenance");
    page_open(page, PAGE_DETAILS);
    page_put(page, PAGE_SUMMARY, "Versions, inputs and configuration");
    page_put(page, PAGE_PRE, "%s", versions);
    page_put(page, PAGE_H3, "Inputs");
    page_open(page, PAGE_PRE);
    for (guint i = 0; i < work->inputs->len; i++) {
        const JobInput *one = work->inputs->pdata[i];
        page_text(page, "%s  %s\n", one->artefact->sha256, one->artefact->path);
    }
    page_close(page);
    page_put(page, PAGE_H3, "Configuration");
    page_put(page, PAGE_PRE, "%s", config);
    page_close(page);
    return TRUE;
}
