/* What a changed plan re-runs and what it does not; and which files are refused as a job table. */
#include "tests/store_fixture.h"
#include "db/guard.h"
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

/* ---- changed plans ---- */

static void test_changed_config(Run *run, gconstpointer unused)
{
    PlanJob jobs[JOBS];
    memcpy(jobs, base_jobs, sizeof jobs);
    plan(run, jobs);
    assert_work(run, "x", "mask a, mask b, tiles a, tiles b, train all");

    /* Other tiles, other training: the masks stay. */
    jobs[TILES_A].config_hash = jobs[TILES_B].config_hash = "t2";
    plan(run, jobs);
    assert_states(run, "ddrrw");
    assert_work(run, "y", "tiles a, tiles b, train all");

    /* The masks are computed again with the same result: everything that needs them is done without work. */
    jobs[MASK_A].config_hash = jobs[MASK_B].config_hash = "m2";
    plan(run, jobs);
    assert_states(run, "rrwww");
    assert_work(run, "x", "mask a, mask b");
    assert_states(run, "ddddd");
}

static void test_changed_input(Run *run, gconstpointer unused)
{
    PlanJob jobs[JOBS];
    memcpy(jobs, base_jobs, sizeof jobs);
    plan(run, jobs);
    assert_work(run, "x", "mask a, mask b, tiles a, tiles b, train all");
    jobs[MASK_B].input_hash = "slide b scanned again";
    plan(run, jobs);
    assert_states(run, "drdww");
    assert_work(run, "z", "mask b, tiles b, train all");
}

static void test_config_back_and_forth(Run *run, gconstpointer unused)
{
    PlanJob jobs[JOBS];
    memcpy(jobs, base_jobs, sizeof jobs);
    plan(run, jobs);
    assert_work(run, "one", "mask a, mask b, tiles a, tiles b, train all");

    /* The files were overwritten with others of the same size: going back needs the work again ... */
    jobs[TRAIN].config_hash = "n2";
    plan(run, jobs);
    assert_work(run, "two", "train all");
    jobs[TRAIN].config_hash = "n1";
    plan(run, jobs);
    assert_states(run, "ddddr");
    plan(run, jobs); /* still needed, although the row has this key now */
    assert_states(run, "ddddr");
    assert_work(run, "one", "train all");

    /* ... but not when they are unchanged. */
    jobs[TRAIN].config_hash = "n3";
    plan(run, jobs);
    assert_states(run, "ddddr");
    jobs[TRAIN].config_hash = "n1";
    plan(run, jobs);
    assert_states(run, "ddddd");

    /* A chain of jobs that comes back is recognised by content, one after the other. */
    jobs[MASK_A].config_hash = jobs[TILES_A].config_hash = "other";
    plan(run, jobs);
    g_autoptr(Job) job = claim(run);
    g_assert_true(store_release(run->store, job, NULL));
    plan(run, base_jobs);
    assert_states(run, "ddddd");
}

static void test_killed_while_overwriting(Run *run, gconstpointer unused)
{
    PlanJob jobs[JOBS];
    memcpy(jobs, base_jobs, sizeof jobs);
    plan(run, jobs);
    assert_work(run, "one", "mask a, mask b, tiles a, tiles b, train all");
    jobs[TRAIN].config_hash = "n2";
    plan(run, jobs);
    g_autoptr(Job) job = claim(run);
    g_assert_cmpstr(job->stage, ==, "train");
    g_autofree char *path = g_build_filename(run->directory, "train", "all.out", NULL);
    g_assert_true(durable_write_file(path, "two", 3, NULL, NULL));
    reopen(run); /* the worker is dead, its file of the same size is there */
    jobs[TRAIN].config_hash = "n1";
    plan(run, jobs);
    assert_states(run, "ddddr");
}

static void test_removed_slide(Run *run, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    plan(run, base_jobs);
    assert_work(run, "x", "mask a, mask b, tiles a, tiles b, train all");
    const PlanJob less[] = {base_jobs[MASK_B], base_jobs[TILES_B], base_jobs[TRAIN]};
    const PlanNeed needs[] = {{1, 0, TRUE}, {2, 1, FALSE}};
    store_plan(run->store, less, 3, needs, 2, &error);
    g_assert_no_error(error);
    assert_states(run, "ddr");
    g_autoptr(GPtrArray) artefacts = store_artefacts(run->store, &error);
    g_assert_cmpuint(artefacts->len, ==, 2);
    assert_work(run, "y", "train all");
    /* It comes back: its mask and tiles are known, only the training has to run. */
    plan(run, base_jobs);
    assert_states(run, "ddddr");
}

static void test_missing_file(Run *run, gconstpointer unused)
{
    plan(run, base_jobs);
    assert_work(run, "x", "mask a, mask b, tiles a, tiles b, train all");
    g_autofree char *gone = g_build_filename(run->directory, "mask", "a.out", NULL);
    g_autofree char *cut = g_build_filename(run->directory, "tiles", "b.out", NULL);
    g_assert_cmpint(g_unlink(gone), ==, 0);
    g_assert_cmpint(truncate(cut, 0), ==, 0);
    plan(run, base_jobs);
    assert_states(run, "rdwrw");
    assert_work(run, "x", "mask a, tiles b"); /* the same bytes: the rest stays */
    assert_states(run, "ddddd");
}

static void test_bad_plans(Run *run, gconstpointer unused)
{
    g_autoptr(GError) error = NULL, second = NULL;
    const PlanJob twice[] = {base_jobs[0], base_jobs[0]};
    const PlanNeed forward[] = {{0, 1, TRUE}};
    g_assert_false(store_plan(run->store, twice, 2, NULL, 0, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, "mask of a"));
    g_assert_false(store_plan(run->store, base_jobs, 2, forward, 1, &second));
    g_assert_error(second, WSI_ERROR, WSI_ERROR_INTERNAL);
    g_assert_true(store_plan(run->store, NULL, 0, NULL, 0, NULL));
    g_assert_null(claim(run));
}

/* ---- files that are not ours ---- */

static void sql(const char *path, const char *text)
{
    sqlite3 *handle;
    g_assert_cmpint(sqlite3_open(path, &handle), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_exec(handle, text, NULL, NULL, NULL), ==, SQLITE_OK);
    sqlite3_close(handle);
}

static void assert_refused(const char *directory, const char *why)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(store_open(directory, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, why));
}

static void test_refused_files(void)
{
    g_autofree char *directory = g_dir_make_tmp("wsiflow-store-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(directory, "wsiflow.db", NULL);
    g_autoptr(GError) error = NULL;
    g_assert_null(store_open_existing(directory, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);

    g_assert_true(
        g_file_set_contents(path,
                            "this is a text and no database at all, but long enough for a header....."
                            "........................................",
                            -1, NULL));
    assert_refused(directory, "not a database");
    g_unlink(path);
    sql(path, "CREATE TABLE job(x)");
    assert_refused(directory, "another program");
    g_unlink(path);

    store_free(store_open(directory, NULL));
    sql(path, "PRAGMA user_version=99");
    assert_refused(directory, "newer wsiflow");
    sql(path, SCHEMA_2);
    store_free(store_open(directory, NULL));

    /* A page of zeros in the middle. */
    FILE *file = g_fopen(path, "r+b");
    char zeros[4096] = {0};
    g_assert_cmpint(fseek(file, 4096 * 2, SEEK_SET), ==, 0);
    g_assert_cmpuint(fwrite(zeros, 1, sizeof zeros, file), ==, sizeof zeros);
    fclose(file);
    assert_refused(directory, "damaged");

    /* A kill right at the start leaves an empty file, which counts as a new one. */
    g_assert_true(g_file_set_contents(path, "", 0, NULL));
    g_autoptr(Store) store = store_open(directory, &error);
    g_assert_nonnull(store);
    remove_tree(directory);
}

static void test_file_systems(void)
{
    g_assert_cmpstr(guard_refused(0x6969), ==, "NFS");
    g_assert_cmpstr(guard_refused(0x65735546), ==, "FUSE");
    g_assert_cmpstr(guard_refused((int)0xFF534D42), ==, "SMB"); /* f_type is signed on some machines */
    const long local[] = {0xEF53 /* ext4 */,      0x58465342 /* xfs */,     (long)0x9123683E /* btrfs */,
                          0x01021994 /* tmpfs */, 0x794C7630 /* overlay */, 0x2FC12FC1 /* zfs */};
    for (gsize i = 0; i < G_N_ELEMENTS(local); i++) {
        g_assert_null(guard_refused(local[i]));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    RUN(changed_config);
    RUN(changed_input);
    RUN(config_back_and_forth);
    RUN(killed_while_overwriting);
    RUN(removed_slide);
    RUN(missing_file);
    RUN(bad_plans);
    g_test_add_func("/store/refused_files", test_refused_files);
    g_test_add_func("/store/file_systems", test_file_systems);
    return g_test_run();
}
