/* The job table as its header describes it: the state diagram, leases and tokens, queries. */
#include "tests/store_fixture.h"

/* ---- the diagram ---- */

static void test_order(Run *run, gconstpointer unused)
{
    plan(run, base_jobs);
    assert_states(run, "rrwww");
    g_autoptr(Job) first = claim(run);
    g_assert_cmpstr(first->stage, ==, "mask");
    g_assert_cmpstr(first->unit, ==, "a");
    g_assert_cmpint(first->attempt, ==, 1);
    g_assert_cmpuint(strlen(first->key), ==, 64);
    assert_states(run, "lrwww");
    finish_with(run, first, "x");
    assert_states(run, "drrww");
    assert_work(run, "x", "mask b, tiles a, tiles b, train all");
    assert_states(run, "ddddd");
    g_assert_null(claim(run));
}

static void test_priority(Run *run, gconstpointer unused)
{
    PlanJob jobs[JOBS];
    memcpy(jobs, base_jobs, sizeof jobs);
    jobs[MASK_A].priority = 2; /* slide b runs first */
    jobs[TILES_A].priority = 2;
    plan(run, jobs);
    assert_work(run, "x", "mask b, tiles b, mask a, tiles a, train all");
}

static void test_parked(Run *run, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    plan(run, base_jobs);
    g_autoptr(Job) job = claim(run);
    g_assert_true(store_fail(run->store, job, "no tissue found", &error));
    assert_states(run, "prcww");
    g_autofree char *why = error_of(run, MASK_A), *reason = error_of(run, TILES_A);
    g_assert_cmpstr(why, ==, "no tissue found");
    g_assert_cmpstr(reason, ==, "mask of a was parked");
    /* The soft need of train is cancelled; train runs with what there is. */
    assert_work(run, "x", "mask b, tiles b, train all");
    assert_states(run, "pdcdd");

    /* The same plan again: what was parked stays parked, and nothing is done twice. */
    plan(run, base_jobs);
    assert_states(run, "pdcdd");

    /* Retry: train, which ran without slide a, has to wait, and runs again because its inputs changed. */
    g_assert_cmpint(store_retry(run->store, "b", &error), ==, 0);
    assert_states(run, "pdcdd");
    g_assert_cmpint(store_retry(run->store, NULL, &error), ==, 2);
    assert_states(run, "rdwdw");
    assert_work(run, "x", "mask a, tiles a, train all");
    assert_states(run, "ddddd");
}

/* A job that tells people why others failed runs again when the reason changes, and only then. */
static void test_told(Run *run, gconstpointer unused)
{
    const PlanJob jobs[] = {{"mask", "a", "c", "i", 0}, {"table", "all", "c", "", 1}};
    const PlanNeed needs[] = {{1, 0, NEED_TOLD}};
    g_assert_true(store_plan(run->store, jobs, 2, needs, 1, NULL));
    const char *const reasons[] = {"no tissue", "no tissue", "still none"};
    for (int i = 0; i < 3; i++) {
        g_autoptr(Job) job = claim(run);
        g_assert_cmpstr(job->stage, ==, "mask");
        g_assert_true(store_fail(run->store, job, reasons[i], NULL));
        if (i != 1) {
            assert_work(run, "x", "table all");
        }
        g_assert_null(claim(run));
        g_assert_cmpint(store_retry(run->store, "a", NULL), ==, 1);
    }
}

static void test_retry_in_vain(Run *run, gconstpointer unused)
{
    plan(run, base_jobs);
    g_autoptr(Job) job = claim(run);
    g_assert_true(store_fail(run->store, job, "no tissue", NULL));
    assert_work(run, "x", "mask b, tiles b, train all");
    g_assert_cmpint(store_retry(run->store, "a", NULL), ==, 2);
    g_autoptr(Job) again = claim(run);
    g_assert_cmpint(again->attempt, ==, 2);
    g_assert_cmpstr(again->key, ==, job->key);
    g_assert_true(store_fail(run->store, again, "still none", NULL));
    /* The inputs of train are the same as before: it is done without work. */
    assert_states(run, "pdcdd");
    g_assert_null(claim(run));
}

static void test_crashes(Run *run, gconstpointer unused)
{
    plan(run, base_jobs);
    for (int crash = 1; crash <= 3; crash++) {
        g_autoptr(Job) job = claim(run);
        g_assert_cmpstr(job->unit, ==, "a");
        g_assert_true(store_worker_died(run->store, "w", "killed by signal 11", NULL));
    }
    assert_states(run, "prcww");
    g_autofree char *why = error_of(run, MASK_A);
    g_assert_cmpstr(why, ==, "killed by signal 11");
}

static void test_release_costs_nothing(Run *run, gconstpointer unused)
{
    plan(run, base_jobs);
    for (int i = 0; i < 5; i++) {
        g_autoptr(Job) job = claim(run);
        g_assert_cmpstr(job->unit, ==, "a");
        g_assert_true(store_release(run->store, job, NULL));
    }
    assert_states(run, "rrwww");
    g_autoptr(GPtrArray) rows = store_jobs(run->store, NULL);
    g_assert_cmpint(((JobRow *)rows->pdata[MASK_A])->attempt, ==, 0);
}

/* ---- leases ---- */

static void test_token(Run *run, gconstpointer unused)
{
    plan(run, base_jobs);
    g_autoptr(Job) zombie = claim(run);
    g_assert_true(store_heartbeat(run->store, zombie, LEASE, NULL));
    g_assert_true(store_worker_died(run->store, "w", "unplugged", NULL));
    assert_all_lost(run, zombie); /* nobody has it */
    g_autoptr(Job) heir = claim(run);
    g_assert_cmpint(heir->id, ==, zombie->id);
    assert_all_lost(run, zombie); /* somebody else has it */
    finish_with(run, heir, "x");
    assert_all_lost(run, zombie); /* it is done */
    assert_states(run, "drrww");
}

static void test_lease_runs_out(Run *run, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    plan(run, base_jobs);
    g_autoptr(Job) hung = store_claim(run->store, "hung", 0, &error);
    g_usleep(1000);
    g_autoptr(Job) heir = claim(run);
    g_assert_cmpint(heir->id, ==, hung->id);
    g_assert_cmpint(heir->attempt, ==, hung->attempt + 1);
    assert_all_lost(run, hung);
    g_autoptr(GPtrArray) rows = store_jobs(run->store, NULL);
    g_assert_cmpint(((JobRow *)rows->pdata[MASK_A])->attempt, ==, 2); /* one crash, and this attempt */
}

static void test_heartbeat_keeps_the_lease(Run *run, gconstpointer unused)
{
    plan(run, base_jobs);
    g_autoptr(Job) job = store_claim(run->store, "w", 0, NULL);
    g_assert_true(store_heartbeat(run->store, job, LEASE, NULL));
    g_usleep(1000);
    g_autoptr(Job) next = claim(run);
    g_assert_cmpint(next->id, !=, job->id);
}

/* The whole run was suspended: the lease ran out while nobody was awake. */
static void test_suspension_is_no_crash(Run *run, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Store) idle = store_open(run->directory, NULL);
    plan(run, base_jobs);
    store_set_grace(idle, 1);
    g_autoptr(Job) first = store_claim(run->store, "w", LEASE, NULL);
    g_autoptr(Job) second = store_claim(run->store, "w", LEASE, NULL);
    g_assert_nonnull(second);
    g_assert_true(store_heartbeat(run->store, first, 0, NULL));
    g_usleep(1000);
    g_assert_null(store_claim(idle, "idle", LEASE, &error)); /* wakes first and asks at once */
    g_assert_no_error(error);
    g_assert_true(store_heartbeat(run->store, first, LEASE, &error));
    g_usleep(1100000);
    g_assert_null(store_claim(idle, "idle", LEASE, NULL));
    g_assert_true(store_heartbeat(run->store, first, 0, &error)); /* then it hangs */
    g_usleep(1000);
    g_autoptr(Job) heir = store_claim(idle, "idle", LEASE, &error); /* it has asked without a gap */
    g_assert_no_error(error);
    g_assert_cmpint(heir->id, ==, first->id);
    g_assert_true(store_heartbeat(idle, heir, 0, &error));
    g_usleep(2100000); /* asleep again: it may not take the lease now */
    g_assert_null(store_claim(idle, "idle", LEASE, &error));
    assert_states(run, "llwww");
}

static void test_plan_keeps_the_leases_of_the_living(Run *run, gconstpointer unused)
{
    g_autoptr(Store) other = store_open(run->directory, NULL);
    plan(run, base_jobs);
    g_autoptr(Job) alive = store_claim(other, "alive", LEASE, NULL);
    g_autoptr(Job) dead = NULL;
    {
        g_autoptr(Store) third = store_open(run->directory, NULL);
        dead = store_claim(third, "dead", LEASE, NULL);
    } /* closed, so its lock is free, as after a kill */
    assert_states(run, "llwww");
    plan(run, base_jobs);
    assert_states(run, "lrwww");
    assert_all_lost(run, dead);
    g_assert_true(store_heartbeat(other, alive, LEASE, NULL));
    g_autoptr(GPtrArray) rows = store_jobs(run->store, NULL);
    g_assert_cmpint(((JobRow *)rows->pdata[MASK_B])->attempt, ==, 0); /* an interrupted run counts nothing */
}

static void test_plan_takes_leases_that_make_no_sense(Run *run, gconstpointer unused)
{
    PlanJob jobs[JOBS];
    memcpy(jobs, base_jobs, sizeof jobs);
    plan(run, jobs);
    g_autoptr(Job) a = claim(run);
    g_autoptr(Job) b = claim(run);
    jobs[MASK_A].config_hash = "m2";
    plan(run, jobs);
    assert_states(run, "rlwww");
    assert_all_lost(run, a);
    finish_with(run, b, "x");
}

static void test_worker_names(Run *run, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(store_worker_begin(run->store, "w-1", &error));
    g_assert_true(store_worker_begin(run->store, "w-1", &error));
    g_autoptr(Store) other = store_open(run->directory, NULL);
    g_assert_false(store_worker_begin(other, "w-1", &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INTERNAL);
    store_worker_end(run->store, "w-1");
    g_assert_true(store_worker_begin(other, "w-1", NULL));
    const char *bad[] = {"", "../x", "a/b", ".hidden"};
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_false(store_worker_begin(other, bad[i], NULL));
    }
}

/* ---- queries ---- */

static void test_inputs(Run *run, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    plan(run, base_jobs);
    g_autoptr(Job) bad = claim(run);
    g_assert_true(store_fail(run->store, bad, "broken", NULL));
    for (int i = 0; i < 2; i++) {
        g_autoptr(Job) job = claim(run);
        finish_with(run, job, i ? "tiles" : "mask");
    }
    g_autoptr(Job) train = claim(run);
    g_assert_cmpstr(train->stage, ==, "train");
    g_autoptr(GPtrArray) inputs = store_inputs(run->store, train, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(inputs->len, ==, 1);
    const JobInput *input = inputs->pdata[0];
    g_assert_cmpstr(input->stage, ==, "tiles");
    g_assert_cmpstr(input->unit, ==, "b");
    g_assert_cmpstr(input->artefact->name, ==, "out");
    g_assert_cmpstr(input->artefact->path, ==, "tiles/b.out");
    g_assert_cmpint(input->artefact->bytes, ==, 5);
    char sha256[65];
    durable_hash_bytes("tiles", 5, sha256);
    g_assert_cmpstr(input->artefact->sha256, ==, sha256);
}

static void test_looking(Run *run, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    plan(run, base_jobs);
    g_autoptr(Job) job = claim(run);
    g_assert_true(store_progress(run->store, job, 7, 20, "tiles", NULL));
    g_autoptr(Store) reader = store_open_existing(run->directory, &error);
    g_assert_no_error(error);
    g_autoptr(GPtrArray) rows = store_jobs(reader, &error);
    const JobRow *row = rows->pdata[MASK_A];
    g_assert_cmpint(row->done, ==, 7);
    g_assert_cmpint(row->total, ==, 20);
    g_assert_cmpstr(row->what, ==, "tiles");
    g_assert_cmpint(row->attempt, ==, 1);
    g_assert_cmpfloat(row->seconds, >=, 0);
    g_assert_cmpfloat(row->seconds, <, 60);
    int counts[JOB_CANCELLED + 1];
    g_assert_true(store_counts(reader, counts, NULL));
    g_assert_cmpint(counts[JOB_LEASED], ==, 1);
    g_assert_cmpint(counts[JOB_READY], ==, 1);
    g_assert_cmpint(counts[JOB_WAITING], ==, 3);
    g_assert_cmpint(counts[JOB_DONE] + counts[JOB_PARKED] + counts[JOB_CANCELLED], ==, 0);
    g_assert_false(store_set_note(reader, "x", "y", &error)); /* it may only read */
    g_assert_error(error, WSI_ERROR, WSI_ERROR_IO);
}

static void test_notes(Run *run, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(store_get_note(run->store, "config", &error));
    g_assert_no_error(error);
    g_assert_true(store_set_note(run->store, "config", "a: 1", NULL));
    g_assert_true(store_set_note(run->store, "config", "a: 2\nb: \"\xC3\xA4\"", NULL));
    reopen(run);
    g_autofree char *text = store_get_note(run->store, "config", &error);
    g_assert_cmpstr(text, ==, "a: 2\nb: \"\xC3\xA4\"");
}

static void test_artefacts_stay_inside(Run *run, gconstpointer unused)
{
    static const char sha[] = "0000000000000000000000000000000000000000000000000000000000000000";
    plan(run, base_jobs);
    g_autoptr(Job) job = claim(run);
    const char *bad[] = {"/etc/passwd", "../x", "a/../../x", ""};
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)artefact_free);
        g_ptr_array_add(list, artefact_new("out", bad[i], sha, 1));
        g_assert_false(store_finish(run->store, job, list, NULL));
    }
    assert_states(run, "lrwww"); /* all or nothing */
}

static void test_long_last_words(Run *run, gconstpointer unused)
{
    plan(run, base_jobs);
    g_autoptr(Job) job = claim(run);
    g_autofree char *noise = g_strnfill(100000, '\xC3');
    g_autofree char *words = g_strconcat(noise, " the end\n", NULL);
    g_assert_true(store_fail(run->store, job, words, NULL));
    g_autofree char *kept = error_of(run, MASK_A);
    g_assert_true(g_utf8_validate(kept, -1, NULL));
    g_assert_cmpuint(strlen(kept), <=, 4000);
    g_assert_true(g_str_has_suffix(kept, " the end"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    RUN(order);
    RUN(priority);
    RUN(parked);
    RUN(retry_in_vain);
    RUN(told);
    RUN(crashes);
    RUN(release_costs_nothing);
    RUN(token);
    RUN(lease_runs_out);
    RUN(heartbeat_keeps_the_lease);
    RUN(suspension_is_no_crash);
    RUN(plan_keeps_the_leases_of_the_living);
    RUN(plan_takes_leases_that_make_no_sense);
    RUN(worker_names);
    RUN(inputs);
    RUN(looking);
    RUN(notes);
    RUN(artefacts_stay_inside);
    RUN(long_last_words);
    return g_test_run();
}
