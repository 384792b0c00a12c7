/* Which thread runs on which processor, on a simulated machine with 16: this program replaces the kernel's calls, and records to which processors
 * threads are bound. */
#include "base/pool.h"
#include <pthread.h>
#include <sched.h>
#include <string.h>

static int processors = 16;
static cpu_set_t bound; /* guarded by lock */
static GMutex lock;

int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
    CPU_ZERO(set);
    for (int i = 0; i < processors; i++) {
        CPU_SET(i, set);
    }
    return 0;
}

int pthread_setaffinity_np(pthread_t thread, size_t size, const cpu_set_t *set)
{
    if (CPU_COUNT(set) == 1) {
        g_mutex_lock(&lock);
        CPU_OR(&bound, &bound, set);
        g_mutex_unlock(&lock);
    }
    return 0;
}

static gboolean nothing(int64_t index, int worker, void *data, GError **error)
{
    return TRUE;
}

/* To how many processors a pinned loop of a process binds threads. */
static int bound_by(int threads, int64_t count)
{
    CPU_ZERO(&bound);
    g_assert_true(pool_run(threads, TRUE, count, nothing, NULL, NULL));
    return CPU_COUNT(&bound);
}

/* A process with only some of the processors binds no thread: another process would bind its threads to the same ones. */
static void test_a_part_is_not_bound(void)
{
    for (int threads = 1; threads < 16; threads++) {
        g_assert_cmpint(bound_by(threads, 1000), ==, 0);
    }
    g_assert_cmpint(bound_by(17, 1000), ==, 0);
    g_assert_cmpint(bound_by(16, 1000), ==, 16);
    processors = 3;
    g_assert_cmpint(bound_by(2, 1000), ==, 0);
    g_assert_cmpint(bound_by(3, 1000), ==, 3);
    processors = 16;
}

/* Whatever the number of jobs: together they use all processors, and none has more than one thread above its part. */
static void test_jobs_use_all(void)
{
    const int all[] = {1, 2, 3, 16, 24, 128};
    for (size_t p = 0; p < G_N_ELEMENTS(all); p++) {
        for (int jobs = 1; jobs <= 300; jobs++) {
            int threads = pool_threads_per_job(all[p], jobs), running = MIN(jobs, all[p]);
            g_assert_cmpint(threads, >=, 1);
            g_assert_cmpint(threads * running, >=, all[p]);
            g_assert_cmpint((threads - 1) * jobs, <, all[p]);
        }
    }
    g_assert_cmpint(pool_threads_per_job(16, 3), ==, 6);
    g_assert_cmpint(pool_threads_per_job(128, 40), ==, 4);
    g_assert_cmpint(pool_threads_per_job(16, 0), ==, 16);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pool/part_of_processors_is_not_bound", test_a_part_is_not_bound);
    g_test_add_func("/pool/jobs_use_all", test_jobs_use_all);
    return g_test_run();
}
