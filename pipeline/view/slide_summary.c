/* States from the job table, areas from the records of the regions, scores from tables.  While a run is going on, the same table of scores would be read
 * with each look at the list, so its two figures are kept under the hash of the file. */
#include "pipeline/view/slide_summary.h"
#include "base/csv.h"
#include "flows/models/tile_score.h"
#include "pipeline/job/work.h"
#include "pipeline/evaluation/score_rows.h"
#include <math.h>

typedef struct {
    double maximum, top;
} Scores;

static GMutex scores_lock;       /* guards scores_known */
static GHashTable *scores_known; /* SHA-256 -> Scores* */

static gboolean read_scores(const char *path, Scores *scores, GError **error)
{
    const char *const paths[] = {path, NULL};
    g_autoptr(ScoreTable) table = score_table_read(paths, tile_score_column(COLUMN_SCORE), NULL, error);
    if (!table) {
        return FALSE;
    }
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(int));
    for (int i = 0; i < table->n; i++) {
        g_array_append_val(rows, i);
    }
    SlideTiles tiles = score_slide_tiles(table, rows);
    *scores = tiles.n > 0 ? (Scores){tiles.maximum, tiles.top_mean} : (Scores){NAN, NAN};
    return TRUE;
}

static gboolean find_scores(const RunView *run, const Artefact *file, Scores *scores, GError **error)
{
    g_mutex_lock(&scores_lock);
    const Scores *known = scores_known ? g_hash_table_lookup(scores_known, file->sha256) : NULL;
    if (known) {
        *scores = *known;
    }
    g_mutex_unlock(&scores_lock);
    if (known) {
        return TRUE;
    }
    g_autofree char *path = g_build_filename(run_view_folder(run), file->path, NULL);
    if (!read_scores(path, scores, error)) {
        return FALSE;
    }
    g_mutex_lock(&scores_lock);
    if (!scores_known) {
        scores_known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    }
    g_hash_table_insert(scores_known, g_strdup(file->sha256), g_memdup2(scores, sizeof *scores));
    g_mutex_unlock(&scores_lock);
    return TRUE;
}

/* ---- states ---- */

static void add_reason(SlideSummary *summary, const JobRow *row)
{
    char *text = row->error ? g_strdup_printf("%s%s%s: %s", summary->reason ? summary->reason : "",
                                              summary->reason ? "; " : "", row->stage, row->error)
                            : g_strdup(row->stage);
    g_free(summary->reason);
    summary->reason = text;
}

/* The state of a slide is that of its job that says most. */
static void add_states(const RunState *state, const GPtrArray *slides, GArray *all)
{
    static const struct {
        JobState job;
        const char *name;
        gboolean reason;
    } order[] = {{JOB_PARKED, "failed", TRUE},        {JOB_LEASED, "running", TRUE},
                 {JOB_READY, "waiting", FALSE},       {JOB_WAITING, "waiting", FALSE},
                 {JOB_CANCELLED, "cancelled", FALSE}, {JOB_DONE, "done", FALSE}};
    g_autoptr(GHashTable) index = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < slides->len; i++) {
        g_hash_table_insert(index, ((const SlideEntry *)slides->pdata[i])->id,
                            &g_array_index(all, SlideSummary, i));
    }
    for (size_t k = 0; k < G_N_ELEMENTS(order); k++) {
        for (guint i = 0; i < state->rows->len; i++) {
            const JobRow *row = state->rows->pdata[i];
            SlideSummary *summary = g_hash_table_lookup(index, row->unit);
            if (summary && row->state == order[k].job &&
                (!summary->state || summary->state == order[k].name)) {
                summary->state = order[k].name;
                if (order[k].reason) {
                    add_reason(summary, row);
                }
            }
        }
    }
}

/* ---- figures ---- */

static gboolean add_figures(const RunView *run, const RunState *state, const char *id, SlideSummary *summary,
                            GError **error)
{
    const json_t *regions = records_get(state->records, "regions", id, "facts");
    if (regions) {
        summary->area_mm2 = json_number_value(json_object_get(regions, "area_um2")) / 1e6;
        summary->regions = (int)json_integer_value(json_object_get(regions, "regions"));
    }
    const Artefact *file = isnan(summary->maximum) ? run_state_find(state, "score", id, "scores") : NULL;
    Scores scores;
    if (!file) {
        return TRUE;
    }
    if (!find_scores(run, file, &scores, error)) {
        return FALSE;
    }
    summary->maximum = scores.maximum;
    summary->top = scores.top;
    return TRUE;
}

/* The scores in the table of the stage `slides`, when there is one. */
static gboolean add_table(const RunView *run, const RunState *state, GArray *all, GError **error)
{
    const Artefact *file = run_state_find(state, "slides", COHORT, "slides");
    if (!file) {
        return TRUE;
    }
    g_autofree char *path = g_build_filename(run_view_folder(run), file->path, NULL);
    g_autoptr(Csv) csv = csv_read(path, error);
    int name = csv ? csv_need(csv, "slide", error) : -1,
        maximum = name < 0 ? -1 : csv_need(csv, "score_maximum", error),
        top = maximum < 0 ? -1 : csv_need(csv, "score_top_1_percent", error);
    for (int row = 0; top >= 0 && row < csv_rows(csv); row++) {
        int slide = run_view_find(run, csv_get(csv, row, name));
        SlideSummary *summary = slide < 0 ? NULL : &g_array_index(all, SlideSummary, slide);
        if (summary && (!csv_number(csv, row, maximum, &summary->maximum, error) ||
                        !csv_number(csv, row, top, &summary->top, error))) {
            return FALSE;
        }
    }
    return top >= 0;
}

static void clear(gpointer data)
{
    g_free(((SlideSummary *)data)->reason);
}

GArray *slide_summaries(const RunView *run, const RunState *state, GError **error)
{
    const GPtrArray *slides = run_view_slides(run);
    g_autoptr(GArray) all = g_array_sized_new(FALSE, TRUE, sizeof(SlideSummary), slides->len);
    g_array_set_clear_func(all, clear);
    g_array_set_size(all, slides->len);
    for (guint i = 0; i < all->len; i++) {
        g_array_index(all, SlideSummary, i) = (SlideSummary){NAN, NAN, NAN, -1, NULL, NULL};
    }
    add_states(state, slides, all);
    if (!add_table(run, state, all, error)) {
        return NULL;
    }
    for (guint i = 0; i < all->len; i++) {
        SlideSummary *summary = &g_array_index(all, SlideSummary, i);
        summary->state = summary->state ? summary->state : "waiting";
        if (!add_figures(run, state, ((const SlideEntry *)slides->pdata[i])->id, summary, error)) {
            return NULL;
        }
    }
    return g_steal_pointer(&all);
}
