/* slides: one row per slide of the run, for spreadsheets and for programs that follow.
 *
 * A failed slide has a row too, with the reason, so the table always has all slides of the cohort.  An empty cell means that the value is not
 * known: the slide was not scored, or no patch was cut whose flags would be. */
#include "base/durable.h"
#include "flows/models/tile_score.h"
#include "pipeline/job/stages.h"
#include "pipeline/job/training_failure.h"
#include "pipeline/evaluation/score_rows.h"
#include "pipeline/report/slide_table.h"
#include "pipeline/slide/slide_json.h"
#include "pipeline/slide/slide_notes.h"
#include "pipeline/slide/tile_table.h"
#include "tiler/patches/patchset.h"
#include "tiler/tissue/quality.h"
#include <math.h>
#include <string.h>

/* ---- what the stages know ---- */

/* NAN where the record or its member is missing. */
static double number(const json_t *record, const char *name)
{
    const json_t *value = json_object_get(record, name);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static void add_records(const Work *work, const SlideEntry *entry, SlideRow *row)
{
    const json_t *slide = slide_json_record(work->records, entry->id);
    const json_t *tissue = records_get(work->records, "tissue", entry->id, "facts");
    const json_t *regions = records_get(work->records, "regions", entry->id, "facts");
    double slide_mm2 = number(slide, "width") * number(slide, "mpp_x") * number(slide, "height") *
                       number(slide, "mpp_y") / 1e6;
    row->tissue_mm2 = number(tissue, "tissue_fraction") * slide_mm2;
    row->above_mm2 = number(regions, "area_um2") / 1e6;
    row->regions = number(regions, "regions");
}

static gboolean add_tiles(const char *path, SlideRow *row, GError **error)
{
    g_autoptr(GArray) tiles = path ? tile_table_read(path, error) : NULL;
    row->tiles = tiles ? tiles->len : NAN;
    return !path || tiles;
}

static gboolean add_flags(const char *path, SlideRow *row, GError **error)
{
    g_autoptr(GPtrArray) patches = path ? patchset_read_manifest(path, error) : NULL;
    int pen = 0, blur = 0, dark = 0;
    for (guint i = 0; patches && i < patches->len; i++) {
        unsigned flags = ((const Patch *)patches->pdata[i])->flags;
        pen += (flags & QUALITY_PEN) != 0;
        blur += (flags & QUALITY_BLUR) != 0;
        dark += (flags & QUALITY_DARK) != 0;
    }
    /* Without patches 0 / 0 is NAN. */
    double n = patches ? patches->len : 0;
    row->pen = pen / n;
    row->blur = blur / n;
    row->dark = dark / n;
    return !path || patches;
}

static gboolean add_scores(const char *path, SlideRow *row, GError **error)
{
    const char *const paths[] = {path, NULL};
    g_autoptr(ScoreTable) table =
        path ? score_table_read(paths, tile_score_column(COLUMN_SCORE), NULL, error) : NULL;
    if (!table) {
        return !path;
    }
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(int));
    for (int i = 0; i < table->n; i++) {
        g_array_append_val(rows, i);
    }
    SlideTiles tiles = score_slide_tiles(table, rows);
    row->scored = tiles.n;
    row->unreadable = table->n - tiles.n;
    row->maximum = tiles.n > 0 ? tiles.maximum : NAN;
    row->top = tiles.n > 0 ? tiles.top_mean : NAN;
    return TRUE;
}

static gboolean fill_numbers(const Work *work, const SlideEntry *entry, SlideRow *row, GError **error)
{
    g_autofree char *tiles = work_find(work, "grid", entry->id, "tiles"),
                    *patches = work_find(work, "cut", entry->id, "patches"),
                    *scores = work_find(work, "score", entry->id, "scores");
    add_records(work, entry, row);
    return add_tiles(tiles, row, error) && add_flags(patches, row, error) && add_scores(scores, row, error);
}

/* ---- the table ---- */

/* "STAGE: reason" of the jobs of a slide that failed, "" for none.  All of them have ended, since this job needs them.  Caller frees. */
static char *failure_of(const GPtrArray *jobs, const char *slide)
{
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < jobs->len; i++) {
        const JobRow *job = jobs->pdata[i];
        if (job->state == JOB_PARKED && g_str_equal(job->unit, slide)) {
            g_string_append_printf(out, "%s%s: %s", out->len ? "; " : "", job->stage,
                                   job->error ? job->error : "unknown reason");
        }
    }
    return g_string_free(out, FALSE);
}

/* Whether a job of the slide was cancelled, since one that it needs failed. */
static gboolean is_cancelled(const GPtrArray *jobs, const char *slide)
{
    for (guint i = 0; i < jobs->len; i++) {
        const JobRow *job = jobs->pdata[i];
        if (job->state == JOB_CANCELLED && g_str_equal(job->unit, slide)) {
            return TRUE;
        }
    }
    return FALSE;
}

static char *warnings_of(const Work *work, const char *slide)
{
    g_autoptr(GPtrArray) notes = slide_notes_of(work->records, slide);
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < notes->len; i++) {
        g_string_append_printf(out, "%s%s", i ? "; " : "", (const char *)notes->pdata[i]);
    }
    return g_string_free(out, FALSE);
}

/* Takes over `value`. */
static void set_text(char **text, char *value)
{
    g_free(*text);
    *text = value;
}

static void fill_texts(const Work *work, const SlideEntry *entry, const GPtrArray *jobs, SlideRow *row)
{
    const json_t *tissue = records_get(work->records, "tissue", entry->id, "facts");
    const char *source = json_string_value(json_object_get(tissue, "source"));
    set_text(&row->slide, g_strdup(entry->id));
    set_text(&row->split, g_strdup(entry->split));
    set_text(&row->label, g_strdup(slide_label_name(entry->label)));
    set_text(&row->tissue, g_strdup(source ? source : ""));
    set_text(&row->warnings, warnings_of(work, entry->id));
    set_text(&row->failure, failure_of(jobs, entry->id));
    set_text(&row->state, g_strdup(*row->failure ? "failed" : "done"));
    if (!*row->failure && is_cancelled(jobs, entry->id)) {
        g_autofree char *why = training_failure(jobs);
        set_text(&row->state, g_strdup("cancelled"));
        set_text(&row->failure, g_strdup_printf("not scored: the model could not be trained: %s",
                                                why ? why : "unknown reason"));
    }
}

static void free_row(gpointer row)
{
    slide_row_free(row);
}

gboolean stage_slides(Work *work, GError **error)
{
    g_autoptr(GPtrArray) jobs = store_jobs(work->store, error);
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(free_row);
    if (!jobs) {
        return FALSE;
    }
    for (guint i = 0; i < work->run->slides->len; i++) {
        const SlideEntry *entry = work->run->slides->pdata[i];
        g_ptr_array_add(rows, slide_row_new());
        fill_texts(work, entry, jobs, rows->pdata[i]);
        if (!fill_numbers(work, entry, rows->pdata[i], error)) {
            return FALSE;
        }
    }
    char sha256[65];
    g_autofree char *path = work_output(work, "slides.csv"), *text = slide_table_text(rows);
    return durable_write_file(path, text, strlen(text), sha256, error) &&
           work_publish(work, "slides", path, sha256, error);
}
