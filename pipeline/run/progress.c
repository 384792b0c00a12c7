/* Progress.
 *
 * The job table is the only source; it is read a few times per second.
 *
 * The time left is estimated from the mean duration of each stage's finished jobs and from the progress of the running ones.  A stage of which
 * no job has finished or reported anything is not known.  What is known is then a lower bound, shown as "more than"; a bound of less
 * than a second says nothing, and neither would "0:00" while jobs are left, so "time left not known yet" is shown instead. */
#include "pipeline/run/progress.h"
#include "pipeline/run/stage_table.h"
#include "pipeline/training/epoch_clock.h"
#include "pipeline/write/terminal.h"
#include <string.h>

#define STATES (JOB_CANCELLED + 1)

struct Progress {
    ProgressSpec spec;
    gint64 start;
    GHashTable *reported; /* "stage/unit" -> state + STATES * stalls + 1 that was reported */
    GHashTable *tiles;    /* "stage/unit" -> tiles done at the last update */
    gint64 last_look;
    double rate; /* tiles/s, smoothed */
    gboolean line_open;
};

Progress *progress_new(const ProgressSpec *spec)
{
    Progress *progress = g_new0(Progress, 1);
    progress->spec = *spec;
    progress->start = g_get_monotonic_time();
    progress->reported = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    progress->tiles = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return progress;
}

void progress_free(Progress *progress)
{
    if (progress) {
        g_hash_table_unref(progress->reported);
        g_hash_table_unref(progress->tiles);
        g_free(progress);
    }
}

static gboolean has_ended(JobState state)
{
    return state == JOB_DONE || state == JOB_PARKED || state == JOB_CANCELLED;
}

/* The number of jobs that have ended. */
static int ended_of(const GPtrArray *rows)
{
    int ended = 0;
    for (guint i = 0; i < rows->len; i++) {
        ended += has_ended(((const JobRow *)rows->pdata[i])->state);
    }
    return ended;
}

/* ---- time left ---- */

typedef struct {
    double seconds;
    int done, left;
} StageTime;

/* The processes that share what is left. */
static int workers_of(const Progress *progress, const GPtrArray *rows)
{
    int running = 0;
    for (guint i = 0; i < rows->len; i++) {
        running += ((const JobRow *)rows->pdata[i])->state == JOB_LEASED;
    }
    return MAX(1, progress->spec.workers > 0 ? progress->spec.workers : running);
}

static double seconds_left(const Progress *progress, const GPtrArray *rows, gboolean *bound)
{
    g_autoptr(GHashTable) times = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    double left = 0, longest = 0;
    *bound = FALSE;
    for (guint i = 0; i < rows->len; i++) {
        const JobRow *row = rows->pdata[i];
        StageTime *time = g_hash_table_lookup(times, row->stage);
        if (!time) {
            time = g_new0(StageTime, 1);
            g_hash_table_insert(times, row->stage, time);
        }
        if (row->state == JOB_DONE) {
            time->seconds += row->seconds;
            time->done++;
        }
    }
    for (guint i = 0; i < rows->len; i++) {
        const JobRow *row = rows->pdata[i];
        const StageTime *time = g_hash_table_lookup(times, row->stage);
        if (has_ended(row->state)) {
            continue;
        }
        double own = 0;
        if (row->state == JOB_LEASED && row->done > 0) {
            own = row->seconds * (double)(row->total - row->done) / (double)row->done;
        } else if (time->done > 0) {
            own = time->seconds / time->done;
        } else {
            *bound = TRUE;
        }
        left += own;
        longest = MAX(longest, own);
    }
    return MAX(left / workers_of(progress, rows),
               longest); /* a single long job, such as a training, keeps one worker busy */
}

/* "3:12 elapsed, 1:20 left"; "more than 1:20 left" for a lower bound. */
static char *time_text(const Progress *progress, const GPtrArray *rows)
{
    gboolean bound;
    const double left = seconds_left(progress, rows, &bound);
    const double gone_seconds = (double)(g_get_monotonic_time() - progress->start) / G_USEC_PER_SEC;
    g_autofree char *gone = epoch_clock_duration(gone_seconds), *rest = epoch_clock_duration(MAX(left, 1));
    g_autofree char *elapsed = progress->spec.elapsed ? g_strdup_printf("%s elapsed, ", gone) : g_strdup("");
    if (ended_of(rows) == (int)rows->len) {
        return g_strdup_printf("%snothing left", elapsed);
    }
    if (bound && left < 1) {
        return g_strdup_printf("%stime left not known yet", elapsed);
    }
    return g_strdup_printf("%s%s%s left", elapsed, bound ? "more than " : "", rest);
}

/* ---- lines ---- */

static void clear_line(Progress *progress)
{
    if (progress->line_open) {
        fputs("\r\033[K", progress->spec.out);
        progress->line_open = FALSE;
    }
}

static void tell_job(Progress *progress, const JobRow *row, const GPtrArray *rows, int ended)
{
    int total = (int)rows->len;
    clear_line(progress);
    if (row->state == JOB_DONE) {
        if (!progress->spec.terminal) {
            g_autofree char *times = time_text(progress, rows);
            fprintf(progress->spec.out, "[%d/%d] %s %s: done in %.1f s; %s\n", ended, total, row->stage,
                    row->unit, row->seconds, times);
        }
        return;
    }
    g_autofree char *why = terminal_cut(row->error ? row->error : "no reason was recorded", G_MAXINT);
    if (row->stalls > 0) {
        fprintf(progress->spec.out, "[%d/%d] %s %s: %s; retry in %.0f s\n", ended, total, row->stage,
                row->unit, why, row->wait);
        return;
    }
    fprintf(progress->spec.out, "[%d/%d] %s %s: %s: %s\n", ended, total, row->stage, row->unit,
            job_state_name(row->state), why);
}

/* ---- tiles per second ---- */

static void look_at_rate(Progress *progress, const GPtrArray *rows)
{
    gint64 now = g_get_monotonic_time();
    double seconds = (double)(now - progress->last_look) / G_USEC_PER_SEC;
    gint64 fresh = 0;
    if (seconds < 1) {
        return;
    }
    for (guint i = 0; i < rows->len; i++) {
        const JobRow *row = rows->pdata[i];
        if (!row->what || !g_str_equal(row->what, "tiles")) {
            continue;
        }
        char *name = g_strdup_printf("%s/%s", row->stage, row->unit);
        gint64 *before = g_hash_table_lookup(progress->tiles, name);
        fresh += before && row->done > *before ? row->done - *before : 0;
        gint64 *count = g_new(gint64, 1);
        *count = row->done;
        g_hash_table_replace(progress->tiles, name, count);
    }
    progress->rate = progress->last_look ? 0.6 * progress->rate + 0.4 * (double)fresh / seconds : 0;
    progress->last_look = now;
}

/* ---- the live line ---- */

/* Adds "score 5/16 slides, 120/400 tiles" for the stage of `row`, which is its first running job: how many of its slides have ended, and
 * where its running jobs are. */
static void put_stage(GString *line, const GPtrArray *rows, const JobRow *row)
{
    const Stage *stage = stage_find(row->stage);
    int ended = 0, all = 0;
    int64_t done = 0, total = 0;
    const char *what = NULL;
    for (guint i = 0; i < rows->len; i++) {
        const JobRow *one = rows->pdata[i];
        gboolean own = g_str_equal(one->stage, row->stage);
        all += own;
        ended += own && has_ended(one->state);
        if (own && one->state == JOB_LEASED && one->total > 0) {
            done += one->done;
            total += one->total;
            what = one->what;
        }
    }
    g_string_append_printf(line, " | %s", row->stage);
    if (stage && stage->scope == SCOPE_SLIDE) {
        g_string_append_printf(line, " %d/%d slides", ended, all);
    }
    if (total > 0) {
        g_string_append_printf(line, "%s %" G_GINT64_FORMAT "/%" G_GINT64_FORMAT " %s",
                               stage && stage->scope == SCOPE_SLIDE ? "," : "", done, total,
                               what ? what : "");
    }
}

/* Adds every stage that has a running job, once. */
static void put_stages(GString *line, const GPtrArray *rows)
{
    g_autoptr(GHashTable) named = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < rows->len; i++) {
        const JobRow *row = rows->pdata[i];
        if (row->state == JOB_LEASED && g_hash_table_add(named, row->stage)) {
            put_stage(line, rows, row);
        }
    }
}

static void draw_line(Progress *progress, const GPtrArray *rows, int ended, int columns)
{
    g_autoptr(GString) line = g_string_new(NULL);
    g_autofree char *times = time_text(progress, rows);
    g_string_append_printf(line, "%d/%u jobs | %s", ended, rows->len, times);
    put_stages(line, rows);
    if (progress->rate > 0.5) {
        g_string_append_printf(line, " | %.0f tiles/s", progress->rate);
    }
    g_autofree char *shown =
        terminal_cut(line->str, columns - 1); /* many terminals wrap after the last column */
    fprintf(progress->spec.out, "\r\033[K%s", shown);
    fflush(progress->spec.out);
    progress->line_open = TRUE;
}

void progress_update(Progress *progress, const GPtrArray *rows)
{
    const int ended = ended_of(rows);
    gboolean first = g_hash_table_size(progress->reported) == 0;
    for (guint i = 0; i < rows->len; i++) {
        const JobRow *row = rows->pdata[i];
        char *name = g_strdup_printf("%s/%s", row->stage, row->unit);
        int before = GPOINTER_TO_INT(g_hash_table_lookup(progress->reported, name)) - 1;
        int now = (int)row->state + STATES * row->stalls;
        gboolean fresh = (has_ended(row->state) || row->stalls > before / STATES) && before != now;
        if (fresh &&
            !(first && row->state == JOB_DONE)) { /* jobs finished in an earlier run are not reported */
            tell_job(progress, row, rows, ended);
        }
        g_hash_table_replace(progress->reported, name, GINT_TO_POINTER(now + 1));
    }
    look_at_rate(progress, rows);
    int columns = progress->spec.terminal ? terminal_columns(fileno(progress->spec.out)) : 0;
    if (columns > 0) {
        draw_line(progress, rows, ended, columns);
    }
}

void progress_finish(Progress *progress, const GPtrArray *rows)
{
    int counts[JOB_CANCELLED + 1] = {0};
    clear_line(progress);
    for (guint i = 0; i < rows->len; i++) {
        counts[((JobRow *)rows->pdata[i])->state]++;
    }
    fprintf(progress->spec.out, "%d jobs done", counts[JOB_DONE]);
    if (counts[JOB_PARKED] + counts[JOB_CANCELLED] > 0) {
        fprintf(progress->spec.out,
                ", %d failed, %d cancelled because a job they need failed (wsiflow status shows why; wsiflow "
                "retry lets the next run retry them)",
                counts[JOB_PARKED], counts[JOB_CANCELLED]);
    }
    int left = counts[JOB_WAITING] + counts[JOB_READY] + counts[JOB_LEASED];
    if (left > 0) {
        fprintf(progress->spec.out, ", %d left", left);
    }
    fputc('\n', progress->spec.out);
}
