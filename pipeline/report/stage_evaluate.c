/* evaluate: the metrics of all scored tiles, as JSON and as a page.
 *
 * That metrics cannot be computed is not a failure, whether the cohort has no lesion or no slide was scored: they are absent with the reason,
 * and the page shows the rest. */
#include "pipeline/cohort/missing_metrics.h"
#include "pipeline/job/stages.h"
#include "pipeline/job/training_failure.h"
#include "pipeline/job/unreadable_tiles.h"
#include "pipeline/evaluation/evaluation.h"
#include "pipeline/report/report.h"
#include "pipeline/evaluation/slide_lesions.h"
#include "pipeline/evaluation/slide_pixels.h"
#include "pipeline/evaluation/slide_stages.h"
#include "pipeline/write/json.h"
#include <math.h>

/* The threshold of the model that scored: the run's own or score.model.  The value stays NAN when there is none. */
static gboolean calibrated_threshold(const Work *work, const char *column, Calibration *calibration,
                                     Threshold *out, GError **error)
{
    g_autofree char *own = work_find(work, "train", COHORT, "model");
    const char *path = own ? own : work->run->config->score_model;
    if (*path && !g_str_equal(column, "score")) {
        out->absent =
            "the calibrated threshold is a value of the column score, but evaluate.score is another column";
        return TRUE;
    }
    return !*path || evaluation_model_threshold(path, calibration, out, error);
}

/* Splits and folds without metrics. */
static void add_missing_metrics(const Work *work, json_t *metrics)
{
    const json_t *of_set = records_get(work->records, "dataset", COHORT, "missing_metrics");
    json_t *reported = json_object_get(metrics, "notes");
    if (of_set) {
        json_array_extend(reported, json_object_get(of_set, "notes"));
        return;
    }
    g_autoptr(GPtrArray) sentences =
        missing_metrics_find(work->run->slides, NULL, work->run->config); /* no patch set */
    json_auto_t *texts = json_texts(sentences);
    json_array_extend(reported, texts);
}

/* The paths of all tables of scores, ended by NULL. */
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

/* Names the slides that have no scores because one of their jobs failed, since no metric counts them.  Without a model no slide has scores, and the
 * reason is that of the training.
 *   slides_wanted, slides_failed: of the test split, which the headline counts; notes: of every split. */
static void add_failed(const Work *work, json_t *metrics)
{
    static const char *const splits[] = {"test", "valid", "train", "none"};
    for (size_t s = 0; s < G_N_ELEMENTS(splits); s++) {
        json_t *failed = json_array();
        g_autoptr(GString) names = g_string_new(NULL);
        int wanted = 0;
        for (guint i = 0; i < work->run->slides->len; i++) {
            const SlideEntry *entry = work->run->slides->pdata[i];
            g_autofree char *path = work_find(work, "score", entry->id, "scores");
            if (!entry->scored || !g_str_equal(entry->split, splits[s])) {
                continue;
            }
            wanted++;
            if (!path) {
                json_array_append_new(failed, json_string(entry->id));
                g_string_append_printf(names, "%s%s", names->len ? ", " : "", entry->id);
            }
        }
        if (names->len > 0 && !json_object_get(metrics, "training_failed")) {
            g_autofree char *text = g_strdup_printf("%zu of %d slides of the %s split failed and are in no "
                                                    "metric: %s (`wsiflow status` shows why)",
                                                    json_array_size(failed), wanted, splits[s], names->str);
            json_array_append_new(json_object_get(metrics, "notes"), json_string(text));
        }
        if (s == 0 && wanted > 0) {
            json_object_set_new(metrics, "slides_wanted", json_integer(wanted));
            json_object_set(metrics, "slides_failed", failed);
        }
        json_decref(failed);
    }
}

/* A bundle does not hold which slides it was trained on, so the headline may count such slides. */
static void add_foreign_model(const Work *work, json_t *metrics)
{
    if (*work->run->config->score_model) {
        json_array_append_new(json_object_get(metrics, "notes"),
                              json_string("the model comes from another training (score.model), and this run "
                                          "does not know which slides it "
                                          "was trained on: for such slides the metrics are too good"));
    }
}

/* Tiles without scores, by slide. */
static void add_unreadable(json_t *metrics)
{
    json_t *unreadable_tiles = unreadable_tiles_new(), *slide;
    size_t i;
    json_array_foreach(json_object_get(metrics, "slides"), i, slide)
    {
        unreadable_tiles_add(unreadable_tiles, json_string_value(json_object_get(slide, "slide")),
                             json_integer_value(json_object_get(slide, "without_score")));
    }
    json_object_set_new(metrics, "unreadable", unreadable_tiles);
}

/* Tables of scores have no patients; the run knows those of its slides. */
static void set_patients(const Work *work, ScoreTable *table)
{
    g_autoptr(GHashTable) patients = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < work->run->slides->len; i++) {
        const SlideEntry *entry = work->run->slides->pdata[i];
        g_hash_table_insert(patients, entry->id, entry->patient);
    }
    for (int i = 0; i < table->n; i++) {
        const char *patient = g_hash_table_lookup(patients, table->group[i]);
        if (patient && !*table->patient[i]) {
            table->patient[i] = g_string_chunk_insert_const(table->texts, patient);
        }
    }
}

/* Takes ownership of the metrics. */
static gboolean publish(Work *work, const ScoreTable *table, json_t *metrics, GError **error)
{
    char sha256[65];
    g_autofree char *path = work_output(work, "metrics.json");
    add_failed(work, metrics);
    add_foreign_model(work, metrics);
    add_unreadable(metrics);
    add_missing_metrics(work, metrics);
    gboolean ok = report_write(work, table, metrics, error) &&
                  json_write(path, json_incref(metrics), sha256, error) &&
                  work_publish(work, "metrics", path, sha256, error);
    json_decref(metrics);
    return ok;
}

/* The metrics of a run in which nothing has scores: why.  NULL with error. */
static json_t *nothing_scored(const Work *work, GError **error)
{
    g_autoptr(GPtrArray) jobs = store_jobs(work->store, error);
    g_autofree char *failure = jobs ? training_failure(jobs) : NULL;
    g_autofree char *why =
        failure ? g_strdup_printf("nothing was scored: the model could not be trained: %s", failure)
                : g_strdup_printf("nothing was scored: no slide selected by score.slides (%s) has scores",
                                  work->run->config->score_slides);
    json_t *metrics = jobs ? json_pack("{s:s, s:[]}", "absent", why, "notes") : NULL;
    if (failure) {
        json_object_set_new(metrics, "training_failed", json_string(failure));
    }
    return metrics;
}

gboolean stage_evaluate(Work *work, GError **error)
{
    const Config *config = work->run->config;
    g_autoptr(GPtrArray) paths = score_paths(work);
    if (!paths->pdata[0]) {
        json_t *nothing = nothing_scored(work, error);
        return nothing && publish(work, NULL, nothing, error);
    }
    g_autoptr(ScoreTable) table =
        score_table_read((const char *const *)paths->pdata, config->evaluate_score,
                         *config->evaluate_labels ? config->evaluate_labels : NULL, error);
    if (!table) {
        return FALSE;
    }
    set_patients(work, table);
    Calibration calibration;
    Threshold threshold = {.key = "calibrated", .value = NAN};
    if (!calibrated_threshold(work, table->name, &calibration, &threshold, error)) {
        return FALSE;
    }
    json_auto_t *pixels = NULL, *lesions = NULL, *stages = NULL;
    if (work->run->slides->len > 0 &&
        (!(pixels = slide_pixels(work, error)) || !(lesions = slide_lesions(work, error)) ||
         (*config->evaluate_stages && !(stages = slide_stages(work, error))))) {
        return FALSE;
    }
    json_t *metrics = evaluation_json(table, &threshold, 1);
    if (pixels) {
        json_object_set(metrics, "pixels", pixels);
        json_object_set(metrics, "lesions", lesions);
    }
    if (stages) {
        json_object_set(metrics, "stages", stages);
    }
    return publish(work, table, metrics, error);
}
