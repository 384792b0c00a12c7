/* Random operations on the job table, compared after each with a model that is too simple to be wrong.
 *
 * The model keeps jobs in an array.  After every event it derives the states of all jobs in plan order again, while the table changes only
 * what the event can have changed.  Files are numbers here: 0 = no file.
 * WSIFLOW_TEST_ROUNDS sets the number of episodes (default 150). */
#include "db/store.h"
#include "base/durable.h"
#include "base/error.h"
#include "base/rng.h"
#include <glib/gstdio.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STAGES = 3, UNITS = 3, JOBS = STAGES * UNITS, OPERATIONS = 80 };
static const char *const stage_names[STAGES] = {"one", "three", "two"};
static const char *const unit_names[UNITS] = {"a", "b", "c"};

/* ---- the model ---- */

typedef struct {
    gboolean parked;
    int done; /* the file of the last time it was done, -1 = never */
} Memory;

typedef struct {
    gboolean wanted;
    JobState state;
    char *key, *holds;
    GHashTable *memory; /* key -> Memory */
    int config, input, priority, failures, crashes, attempt, file;
    char *owner;
} ModelJob;

typedef struct {
    ModelJob job[JOBS];
    int need[JOBS][JOBS]; /* 0 none, 1 soft, 2 hard */
} Model;

/* What file number n holds: 1 and 2 have the same size. */
static const char *content(int file)
{
    static const char *const contents[] = {"", "1", "2", "33"};
    return contents[file];
}

static void set_text(char **position, const char *text)
{
    g_free(*position);
    *position = g_strdup(text);
}

static char *model_key(const Model *model, int j)
{
    GString *key = g_string_new(NULL);
    g_string_printf(key, "%d %d", model->job[j].config, model->job[j].input);
    for (int n = 0; n < j; n++) {
        const ModelJob *need = &model->job[n];
        if (model->need[j][n] && need->state == JOB_DONE) {
            const Memory *memory = g_hash_table_lookup(need->memory, need->key);
            if (memory->done > 0) {
                g_string_append_printf(key, " %d=%d", n, memory->done);
            }
        }
    }
    return g_string_free(key, FALSE);
}

static gboolean model_intact(const ModelJob *job, const char *key, int file)
{
    gboolean same_size = job->file > 0 && strlen(content(job->file)) == strlen(content(file));
    return file == 0 || (same_size && (g_strcmp0(job->holds, key) == 0 || job->file == file));
}

/* Derives the state of job j from its needs and its memory. */
static void model_position(Model *model, int j)
{
    ModelJob *job = &model->job[j];
    gboolean blocked = FALSE, open = FALSE;
    for (int n = 0; n < j; n++) {
        JobState state = model->job[n].state;
        gboolean bad = state == JOB_PARKED || state == JOB_CANCELLED;
        blocked |= model->need[j][n] == 2 && bad;
        open |= model->need[j][n] && !bad && state != JOB_DONE;
    }
    if (blocked || open) {
        job->state = blocked ? JOB_CANCELLED : JOB_WAITING;
        return;
    }
    g_autofree char *key = model_key(model, j);
    gboolean same = g_strcmp0(key, job->key) == 0;
    if (same && job->state == JOB_LEASED) {
        return;
    }
    if (!same) {
        job->failures = job->crashes = 0;
        set_text(&job->key, key);
    }
    const Memory *memory = g_hash_table_lookup(job->memory, key);
    job->state = JOB_READY;
    if (memory && memory->parked) {
        job->state = JOB_PARKED;
    } else if (memory && memory->done >= 0 && model_intact(job, key, memory->done)) {
        job->state = JOB_DONE;
        set_text(&job->holds, key);
    }
}

static void model_finish(Model *model, gboolean everything)
{
    for (int j = 0; j < JOBS; j++) {
        if (model->job[j].wanted && (everything || model->job[j].state == JOB_WAITING)) {
            model_position(model, j);
        }
    }
}

static Memory *memory_of(ModelJob *job)
{
    Memory *memory = g_hash_table_lookup(job->memory, job->key);
    if (!memory) {
        memory = g_new(Memory, 1);
        *memory = (Memory){FALSE, -1};
        g_hash_table_insert(job->memory, g_strdup(job->key), memory);
    }
    return memory;
}

static void model_end_badly(Model *model, int j, gboolean crash)
{
    ModelJob *job = &model->job[j];
    job->failures += !crash;
    job->crashes += crash;
    job->state = JOB_READY;
    if (!crash || job->crashes >= 3) {
        job->state = JOB_PARKED;
        memory_of(job)->parked = TRUE;
        model_finish(model, FALSE);
    }
}

static int model_next(const Model *model)
{
    int best = -1;
    for (int j = 0; j < JOBS; j++) {
        const ModelJob *job = &model->job[j];
        if (job->wanted && job->state == JOB_READY &&
            (best < 0 || job->priority < model->job[best].priority)) {
            best = j;
        }
    }
    return best;
}

static int model_without_result(const Model *model)
{
    int count = 0;
    for (int j = 0; j < JOBS; j++) {
        JobState state = model->job[j].state;
        count += model->job[j].wanted && (state == JOB_PARKED || state == JOB_CANCELLED);
    }
    return count;
}

/* ---- both side by side ---- */

typedef struct {
    Model model;
    Rng rng;
    char *directory;
    Store *store;
    sqlite3 *raw;      /* to skip the wait of failed jobs */
    GPtrArray *leases; /* Job*, also lost ones */
    int generation;    /* of the owners: all earlier ones are dead */
} Game;

static int dice(Game *game, int sides)
{
    return (int)rng_below(&game->rng, (uint32_t)sides);
}

static int job_index(const char *stage, const char *unit)
{
    int s = 0, u = 0;
    while (!g_str_equal(stage_names[s], stage)) {
        s++;
    }
    while (!g_str_equal(unit_names[u], unit)) {
        u++;
    }
    return s * UNITS + u;
}

static void put_file(Game *game, int j, int file)
{
    g_autofree char *path = g_strdup_printf("%s/%d", game->directory, j);
    game->model.job[j].file = file;
    if (file == 0) {
        g_unlink(path);
    } else {
        g_assert_true(durable_write_file(path, content(file), strlen(content(file)), NULL, NULL));
    }
}

static gboolean holds_lease(const Game *game, const Job *lease, int j)
{
    const ModelJob *job = &game->model.job[j];
    return job->wanted && job->state == JOB_LEASED && job->attempt == lease->attempt;
}

static void expect(gboolean ok, gboolean should, const GError *error)
{
    if (should) {
        g_assert_no_error(error);
    } else {
        g_assert_error(error, WSI_ERROR, WSI_ERROR_LOST);
    }
    g_assert_cmpint(ok, ==, should);
}

static void play_claim(Game *game)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *owner = g_strdup_printf("w%d-%d", game->generation, dice(game, 2));
    int next = model_next(&game->model);
    g_autoptr(Job) job = store_claim(game->store, owner, 1000, &error);
    g_assert_no_error(error);
    g_assert_cmpint(job != NULL, ==, next >= 0);
    if (job) {
        ModelJob *mine = &game->model.job[next];
        g_assert_cmpint(job_index(job->stage, job->unit), ==, next);
        g_assert_cmpint(job->attempt, ==, ++mine->attempt);
        mine->state = JOB_LEASED;
        set_text(&mine->owner, owner);
        set_text(&mine->holds, NULL);
        g_ptr_array_add(game->leases, g_steal_pointer(&job));
    }
}

static void play_finish(Game *game, const Job *lease, int j)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) artefacts = g_ptr_array_new_with_free_func((GDestroyNotify)artefact_free);
    gboolean should = holds_lease(game, lease, j);
    int file = dice(game, 4);
    if (file > 0) {
        put_file(game, j, file); /* a worker that lost its lease writes, too: it does not know yet */
        g_autofree char *path = g_strdup_printf("%d", j);
        char sha256[65];
        durable_hash_bytes(content(file), strlen(content(file)), sha256);
        g_ptr_array_add(artefacts, artefact_new("out", path, sha256, (int64_t)strlen(content(file))));
    }
    gboolean ok = store_finish(game->store, lease, artefacts, &error);
    expect(ok, should, error);
    if (should) {
        ModelJob *job = &game->model.job[j];
        *memory_of(job) = (Memory){FALSE, file};
        job->state = JOB_DONE;
        set_text(&job->holds, job->key);
        model_finish(&game->model, FALSE);
    }
}

static void play_fail(Game *game, const Job *lease, int j)
{
    g_autoptr(GError) error = NULL;
    gboolean should = holds_lease(game, lease, j);
    gboolean ok = store_fail(game->store, lease, "failed", &error);
    expect(ok, should, error);
    if (should) {
        model_end_badly(&game->model, j, FALSE);
    }
    g_assert_cmpint(sqlite3_exec(game->raw, "UPDATE job SET run_after = 0", NULL, NULL, NULL), ==, SQLITE_OK);
}

static void play_release(Game *game, const Job *lease, int j)
{
    g_autoptr(GError) error = NULL;
    gboolean should = holds_lease(game, lease, j);
    gboolean ok = store_release(game->store, lease, &error);
    expect(ok, should, error);
    if (should) {
        game->model.job[j].state = JOB_READY;
    }
}

static void play_beat(Game *game, const Job *lease, int j)
{
    g_autoptr(GError) error = NULL, second = NULL;
    gboolean should = holds_lease(game, lease, j);
    gboolean ok = store_heartbeat(game->store, lease, 1000, &error);
    expect(ok, should, error);
    ok = store_progress(game->store, lease, 1, 2, "tiles", &second);
    expect(ok, should, second);
}

static void play_lease(Game *game)
{
    if (game->leases->len == 0) {
        return;
    }
    const Job *lease = game->leases->pdata[dice(game, (int)game->leases->len)];
    int j = job_index(lease->stage, lease->unit), kind = dice(game, 10);
    if (kind < 5) {
        play_finish(game, lease, j);
    } else if (kind < 8) {
        play_fail(game, lease, j);
    } else if (kind == 8) {
        play_release(game, lease, j);
    } else {
        play_beat(game, lease, j);
    }
}

static void play_death(Game *game)
{
    g_autofree char *owner = g_strdup_printf("w%d-%d", game->generation, dice(game, 2));
    g_assert_true(store_worker_died(game->store, owner, "signal 9", NULL));
    for (int j = 0; j < JOBS; j++) {
        const ModelJob *job = &game->model.job[j];
        if (job->wanted && job->state == JOB_LEASED && g_str_equal(job->owner, owner)) {
            model_end_badly(&game->model, j, TRUE);
        }
    }
}

static gboolean clear_parked(gpointer key, gpointer memory, gpointer unused)
{
    ((Memory *)memory)->parked = FALSE;
    return FALSE;
}

static void play_retry(Game *game)
{
    const char *unit = dice(game, 2) ? unit_names[dice(game, UNITS)] : NULL;
    int before = model_without_result(&game->model);
    for (int j = 0; j < JOBS; j++) {
        ModelJob *job = &game->model.job[j];
        if (job->wanted && job->state == JOB_PARKED && (!unit || g_str_equal(unit, unit_names[j % UNITS]))) {
            g_hash_table_foreach_remove(job->memory, clear_parked, NULL);
            job->state = JOB_WAITING;
            job->failures = job->crashes = 0;
        }
    }
    model_finish(&game->model, TRUE);
    int count = store_retry(game->store, unit, NULL);
    g_assert_cmpint(count, ==, before - model_without_result(&game->model));
}

static void change_wishes(Game *game)
{
    Model *model = &game->model;
    ModelJob *job = &model->job[dice(game, JOBS)];
    switch (dice(game, 6)) {
    case 0:
        job->config = dice(game, 3);
        break;
    case 1:
        job->input = dice(game, 3);
        break;
    case 2:
        job->priority = dice(game, 3);
        break;
    case 3: /* a slide comes or goes */
        job->wanted = !job->wanted;
        job->state = JOB_WAITING;
        break;
    case 4:
        for (int j = 0; j < JOBS; j++) {
            for (int n = 0; n < j; n++) {
                model->need[j][n] = dice(game, 3) == 0 ? 1 + dice(game, 2) : 0;
            }
        }
        break;
    default: /* the same plan again */
        break;
    }
}

static void play_plan(Game *game)
{
    g_autoptr(GError) error = NULL;
    Model *model = &game->model;
    PlanJob jobs[JOBS];
    PlanNeed needs[JOBS * JOBS];
    char text[JOBS][2][16];
    int job_count = 0, need_count = 0, at[JOBS];
    change_wishes(game);
    Model full = *model; /* needs of jobs that are not wanted do not count */
    g_autofree char *living = g_strdup_printf("w%d-", game->generation);
    for (int j = 0; j < JOBS; j++) {
        ModelJob *job = &model->job[j];
        for (int n = 0; n < j; n++) {
            model->need[j][n] = job->wanted && model->job[n].wanted ? full.need[j][n] : 0;
        }
        if (!job->wanted) {
            continue;
        }
        if (job->state == JOB_LEASED && !g_str_has_prefix(job->owner, living)) {
            job->state = JOB_READY;
        }
        at[j] = job_count;
        g_snprintf(text[j][0], 16, "c%d", job->config);
        g_snprintf(text[j][1], 16, "i%d", job->input);
        jobs[job_count++] =
            (PlanJob){stage_names[j / UNITS], unit_names[j % UNITS], text[j][0], text[j][1], job->priority};
        for (int n = 0; n < j; n++) {
            if (model->need[j][n]) {
                needs[need_count++] = (PlanNeed){at[j], at[n], model->need[j][n] == 2};
            }
        }
    }
    model_finish(model, TRUE);
    store_plan(game->store, jobs, job_count, needs, need_count, &error);
    g_assert_no_error(error);
}

static void play_restart(Game *game)
{
    g_autoptr(GError) error = NULL;
    store_free(game->store);
    game->store = store_open(game->directory, &error);
    g_assert_no_error(error);
    game->generation++;
    play_plan(game);
}

static void compare(Game *game)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) rows = store_jobs(game->store, &error);
    g_assert_no_error(error);
    guint at = 0;
    int counted[JOB_CANCELLED + 1] = {0}, counts[JOB_CANCELLED + 1];
    for (int j = 0; j < JOBS; j++) {
        const ModelJob *job = &game->model.job[j];
        if (!job->wanted) {
            continue;
        }
        g_assert_cmpuint(at, <, rows->len);
        const JobRow *row = rows->pdata[at++];
        g_assert_cmpint(job_index(row->stage, row->unit), ==, j);
        g_assert_cmpstr(job_state_name(row->state), ==, job_state_name(job->state));
        int attempts = job->failures + job->crashes + (job->state == JOB_LEASED || job->state == JOB_DONE);
        g_assert_cmpint(row->attempt, ==, attempts);
        counted[job->state]++;
    }
    g_assert_cmpuint(at, ==, rows->len);
    g_assert_true(store_counts(game->store, counts, NULL));
    g_assert_cmpmem(counts, sizeof counts, counted, sizeof counted);
}

/* ---- episodes ---- */

static void remove_tree(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *inner = g_build_filename(path, name, NULL);
        remove_tree(inner);
    }
    g_remove(path);
}

static void begin(Game *game, int episode)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = NULL;
    memset(game, 0, sizeof *game);
    game->rng = rng_at(20260101, (uint64_t)episode, 0);
    game->leases = g_ptr_array_new_with_free_func((GDestroyNotify)job_free);
    game->directory = g_dir_make_tmp("wsiflow-model-XXXXXX", &error);
    g_assert_no_error(error);
    for (int j = 0; j < JOBS; j++) {
        ModelJob *job = &game->model.job[j];
        job->wanted = dice(game, 5) > 0;
        job->memory = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        for (int n = 0; n < j; n++) {
            game->model.need[j][n] = dice(game, 3) == 0 ? 1 + dice(game, 2) : 0;
        }
    }
    game->store = store_open(game->directory, &error);
    g_assert_no_error(error);
    path = g_build_filename(game->directory, "wsiflow.db", NULL);
    g_assert_cmpint(sqlite3_open(path, &game->raw), ==, SQLITE_OK);
    play_plan(game);
}

static void end(Game *game)
{
    sqlite3_close(game->raw);
    store_free(game->store);
    remove_tree(game->directory);
    g_free(game->directory);
    g_ptr_array_unref(game->leases);
    for (int j = 0; j < JOBS; j++) {
        ModelJob *job = &game->model.job[j];
        g_hash_table_unref(job->memory);
        g_free(job->key);
        g_free(job->holds);
        g_free(job->owner);
    }
}

static void play(Game *game)
{
    int kind = dice(game, 100);
    if (kind < 40) {
        play_claim(game);
    } else if (kind < 78) {
        play_lease(game);
    } else if (kind < 82) {
        play_death(game);
    } else if (kind < 86) {
        play_retry(game);
    } else if (kind < 94) {
        play_plan(game);
    } else if (kind < 96) {
        play_restart(game);
    } else {
        put_file(game, dice(game, JOBS), dice(game, 4)); /* somebody changes files in the run folder */
    }
}

static void test_model(void)
{
    const char *wish = g_getenv("WSIFLOW_TEST_ROUNDS");
    int rounds = wish ? (int)g_ascii_strtoll(wish, NULL, 10) : 150;
    for (int episode = 0; episode < rounds; episode++) {
        Game game;
        begin(&game, episode);
        compare(&game);
        for (int i = 0; i < OPERATIONS; i++) {
            play(&game);
            compare(&game);
        }
        end(&game);
    }
}

int main(int argc, char **argv)
{
    if (!g_getenv("TMPDIR") && access("/dev/shm", W_OK) == 0) {
        g_setenv("TMPDIR", "/dev/shm", TRUE); /* this test checks states, not the disk */
    }
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/store/model", test_model);
    return g_test_run();
}
