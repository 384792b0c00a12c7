/* evaluate: the figures of all scored tiles, as JSON and as a page.
 *
 * Figures that cannot be had, of a cohort without lesions or of no scored slide at all, are no failure: they are absent, with the reason,
 * and the page shows the rest. */
#include "base/error.h"
#include "flows/model.h"
#include "pipeline/evaluation.h"
#include "pipeline/gaps.h"
#include "pipeline/json.h"
#include "pipeline/models.h"
#include "pipeline/report.h"
#include "pipeline/stage.h"
#include <math.h>

/* Of whichever model scored: the run's own, or score.model.  The value stays NAN where there is none. */
static gboolean calibrated_threshold(const Work *work, const char *column, Calibration *calibration,
                                     Threshold *out, GError **error)
{
    g_autofree char *own = work_find(work, "train", COHORT, "model");
    const char *path = own ? own : work->run->config->score_model;
    if (*path && !g_str_equal(column, "score")) {
        out->absent =
            "the calibration's threshold is a value of the column score, and evaluate.score names another";
        return TRUE;
    }
    return !*path || models_threshold(path, calibration, out, error);
}

/* What figures cannot be had from, now or in another fold. */
static void add_gaps(const Work *work, json_t *figures)
{
    const json_t *of_set = records_get(work->records, "dataset", COHORT, "gaps");
    json_t *told = json_object_get(figures, "told");
    if (of_set) {
        json_array_extend(told, json_object_get(of_set, "told"));
        return;
    }
    g_autoptr(GPtrArray) gaps = gaps_find(work->run->slides, NULL, work->run->config); /* no patch set */
    json_auto_t *texts = json_texts(gaps);
    json_array_extend(told, texts);
}

/* The tables of scores there are, ended by NULL. */
static GPtrArray *score_paths(const Work *work)
{
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
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
    g_ptr_array_add(paths, NULL);
    return paths;
}

/* Takes over the figures. */
static gboolean publish(Work *work, const ScoreTable *table, json_t *figures, GError **error)
{
    char sha256[65];
    g_autofree char *path = work_output(work, "metrics.json");
    add_gaps(work, figures);
    gboolean ok = report_write(work, table, figures, error) &&
                  json_write(path, json_incref(figures), sha256, error) &&
                  work_publish(work, "metrics", path, sha256, error);
    json_decref(figures);
    return ok;
}

gboolean stage_evaluate(Work *work, GError **error)
{
    const Config *config = work->run->config;
    g_autoptr(GPtrArray) paths = score_paths(work);
    if (!paths->pdata[0]) {
        g_autofree char *why = g_strdup_printf(
            "nothing was scored: no slide that score.slides (%s) asks for has scores", config->score_slides);
        return publish(work, NULL, json_pack("{s:s, s:[]}", "absent", why, "told"), error);
    }
    g_autoptr(ScoreTable) table =
        score_table_read((const char *const *)paths->pdata, config->evaluate_score,
                         *config->evaluate_labels ? config->evaluate_labels : NULL, error);
    if (!table) {
        return FALSE;
    }
    Calibration calibration;
    Threshold threshold = {.key = "calibrated", .value = NAN};
    return calibrated_threshold(work, table->name, &calibration, &threshold, error) &&
           publish(work, table, evaluation_json(table, &threshold, 1), error);
}
