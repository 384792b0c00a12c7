/* evaluate: the figures of all scored tiles, as JSON and as a page.
 *
 * A cohort without lesions (or a slide set of one label) has no AUROC: the page then shows the slides and says so by dashes. */
#include "base/error.h"
#include "flows/model.h"
#include "pipeline/evaluation.h"
#include "pipeline/json.h"
#include "pipeline/report.h"
#include "pipeline/stage.h"
#include <math.h>

/* Of whichever model scored: the run's own, or score.model. */
static gboolean calibrated_threshold(const Work *work, const char *column, double *threshold, GError **error)
{
    g_autofree char *own = work_find(work, "train", COHORT, "model");
    const char *path = own ? own : work->run->config->score_model;
    ModelSpec spec;
    Calibration calibration;
    *threshold = NAN;
    if (!*path || !g_str_equal(column, "score")) { /* it is a value of that column only */
        return TRUE;
    }
    if (!model_describe(path, &spec, &calibration, error)) {
        return FALSE;
    }
    model_spec_clear(&spec);
    *threshold = calibration.threshold;
    return TRUE;
}

gboolean stage_evaluate(Work *work, GError **error)
{
    const Config *config = work->run->config;
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < work->run->slides->len; i++) {
        const SlideEntry *entry = work->run->slides->pdata[i];
        char *path = work_find(work, "score", entry->id, "scores");
        if (path) {
            g_ptr_array_add(paths, path);
        }
    }
    char *patches = work_find(work, "scorepatches", COHORT, "scores");
    if (patches) {
        g_ptr_array_add(paths, patches);
    }
    if (paths->len == 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "nothing was scored (score.slides is \"%s\")",
                    config->score_slides);
        return FALSE;
    }
    g_ptr_array_add(paths, NULL);
    g_autoptr(ScoreTable) table =
        score_table_read((const char *const *)paths->pdata, config->evaluate_score,
                         *config->evaluate_labels ? config->evaluate_labels : NULL, error);
    double threshold;
    json_t *figures = table && calibrated_threshold(work, table->name, &threshold, error)
                          ? evaluation_json(table, threshold, error)
                          : NULL;
    if (!figures) {
        return FALSE;
    }
    char sha256[65];
    g_autofree char *path = work_output(work, "metrics.json");
    gboolean ok = report_write(work, table, figures, error) &&
                  json_write(path, json_incref(figures), sha256, error) &&
                  work_publish(work, "metrics", path, sha256, error);
    json_decref(figures);
    return ok;
}
