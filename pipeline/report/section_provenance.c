/* Versions, inputs and configuration. */
#include "pipeline/report/report_section.h"
#include "base/durable.h"
#include "flows/models/model.h"
#include "pipeline/write/versions.h"

/* The model of another training, which is no artefact of this run: its file may be replaced, its hash and what it is may not. */
static gboolean put_foreign_model(Page *page, const char *path, GError **error)
{
    ModelSpec spec;
    Calibration calibration;
    char sha256[65];
    if (!durable_hash_file(path, sha256, NULL, error) || !model_describe(path, &spec, &calibration, error)) {
        return FALSE;
    }
    json_t *written = model_spec_write(&spec);
    char *text = json_dumps(written, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    g_autofree char *name = g_path_get_basename(path);
    page_put(page, PAGE_H3, "Model");
    page_put(page, PAGE_PRE, "%s  %s (score.model)\n%s", sha256, name, text ? text : "");
    free(text);
    json_decref(written);
    model_spec_clear(&spec);
    return TRUE;
}

gboolean section_provenance(const ReportInput *input, Page *page, GError **error)
{
    const Work *work = input->work;
    g_autofree char *versions = versions_text();
    g_autofree char *config = config_text(work->run->config, FALSE);
    page_put(page, PAGE_H2, "Provenance");
    page_open(page, PAGE_DETAILS);
    page_put(page, PAGE_SUMMARY, "Versions, inputs and configuration");
    page_put(page, PAGE_PRE, "%s", versions);
    if (*work->run->config->score_model && !put_foreign_model(page, work->run->config->score_model, error)) {
        return FALSE;
    }
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
