/* The speed of the job table.  `bench store_jobs_N`: jobs per second, each claimed and finished with one artefact in two durable commits, by N
 * processes at a time.  `bench store_plan`: one planning of 10,000 jobs that changes nothing; `bench store_open`: opening and checking
 * their table.  `bench store_disk_sync`: what one durable write costs on this disk, whatever the program does; a single process cannot do
 * more than one job per two of them. */
#include "db/store.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define UNITS 2000

static char *temporary(void)
{
    g_autoptr(GError) error = NULL;
    char *directory = g_dir_make_tmp("wsiflow-bench-XXXXXX", &error);
    g_assert_no_error(error);
    return directory;
}

static void remove_folder(const char *directory)
{
    g_autofree char *command[] = {g_strdup("rm"), g_strdup("-rf"), g_strdup(directory), NULL};
    g_spawn_sync(NULL, command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
    g_free(command[1]);
    g_free(command[2]);
}

/* `stages` jobs for each of `units` slides, each needing the one before. */
static void plan(Store *store, int units, int stages)
{
    g_autoptr(GError) error = NULL;
    g_autofree PlanJob *jobs = g_new0(PlanJob, units * stages);
    g_autofree PlanNeed *needs = g_new0(PlanNeed, units * stages);
    g_autoptr(GStringChunk) names = g_string_chunk_new(4096);
    int need_count = 0;
    for (int i = 0; i < units * stages; i++) {
        g_autofree char *unit = g_strdup_printf("slide_%05d", i % units);
        g_autofree char *stage = g_strdup_printf("stage_%d", i / units);
        jobs[i] = (PlanJob){g_string_chunk_insert_const(names, stage),
                            g_string_chunk_insert_const(names, unit), "c1", "i1", 0};
        if (i >= units) {
            needs[need_count++] = (PlanNeed){i, i - units, TRUE};
        }
    }
    store_plan(store, jobs, units * stages, needs, need_count, &error);
    g_assert_no_error(error);
}

static void worker(const char *directory, int number)
{
    static const char sha[] = "0000000000000000000000000000000000000000000000000000000000000000";
    g_autoptr(GError) error = NULL;
    g_autoptr(Store) store = store_open(directory, &error);
    g_assert_no_error(error);
    g_autofree char *owner = g_strdup_printf("worker-%d", number);
    g_autoptr(GPtrArray) artefacts = g_ptr_array_new_with_free_func((GDestroyNotify)artefact_free);
    g_ptr_array_add(artefacts, artefact_new("out", "out", sha, 1));
    for (;;) {
        g_autoptr(Job) job = store_claim(store, owner, 60, &error);
        g_assert_no_error(error);
        if (!job) {
            return;
        }
        store_finish(store, job, artefacts, &error);
        g_assert_no_error(error);
    }
}

static void bench_jobs(const char *name, int processes)
{
    g_autofree char *directory = temporary();
    {
        g_autoptr(Store) store = store_open(directory, NULL);
        plan(store, UNITS, 1);
    }
    gint64 start = g_get_monotonic_time();
    for (int i = 0; i < processes; i++) {
        if (fork() == 0) {
            worker(directory, i);
            _exit(0);
        }
    }
    int status;
    while (wait(&status) > 0) {
        g_assert_cmpint(status, ==, 0);
    }
    printf("bench %s %.0f jobs/s\n", name, UNITS * 1e6 / (double)(g_get_monotonic_time() - start));
    remove_folder(directory);
}

static void bench_plan(const char *name)
{
    g_autofree char *directory = temporary();
    {
        g_autoptr(Store) store = store_open(directory, NULL);
        plan(store, 2000, 5);
        gint64 start = g_get_monotonic_time();
        plan(store, 2000, 5);
        printf("bench %s %.0f ms\n", name, (double)(g_get_monotonic_time() - start) / 1e3);
    }
    remove_folder(directory);
}

static void bench_open(const char *name)
{
    g_autofree char *directory = temporary();
    {
        g_autoptr(Store) store = store_open(directory, NULL);
        plan(store, 2000, 5);
    }
    gint64 start = g_get_monotonic_time();
    for (int i = 0; i < 10; i++) {
        store_free(store_open(directory, NULL));
    }
    printf("bench %s %.1f ms\n", name, (double)(g_get_monotonic_time() - start) / 1e4);
    remove_folder(directory);
}

static void bench_disk(const char *name)
{
    enum { WRITES = 200 };
    g_autofree char *directory = temporary();
    g_autofree char *path = g_build_filename(directory, "file", NULL);
    char page[4096] = {0};
    int file = open(path, O_WRONLY | O_CREAT, 0666);
    gint64 start = g_get_monotonic_time();
    for (int i = 0; i < WRITES; i++) {
        g_assert_cmpint(write(file, page, sizeof page), ==, sizeof page);
        g_assert_cmpint(fdatasync(file), ==, 0);
    }
    printf("bench %s %.2f ms\n", name, (double)(g_get_monotonic_time() - start) / 1e3 / WRITES);
    close(file);
    remove_folder(directory);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int processes;
        void (*other)(const char *name);
    } runs[] = {{"store_jobs_1", 1, NULL},     {"store_jobs_8", 8, NULL},
                {"store_jobs_64", 64, NULL},   {"store_plan", 0, bench_plan},
                {"store_open", 0, bench_open}, {"store_disk_sync", 0, bench_disk}};
    for (gsize i = 0; i < G_N_ELEMENTS(runs); i++) {
        if (argc > 1 && strcmp(argv[1], runs[i].name) != 0) {
            continue;
        }
        if (runs[i].other) {
            runs[i].other(runs[i].name);
        } else {
            bench_jobs(runs[i].name, runs[i].processes);
        }
    }
    return 0;
}
