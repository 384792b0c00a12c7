/* One loop, one mutex-free counter: items are handed out by an atomic increment, errors kept by lowest index. */
#include "base/pool.h"
#include <sched.h>
#include <pthread.h>

typedef struct {
    int64_t count;
    gint64 next; /* atomic */
    gint failed; /* atomic */
    PoolWork work;
    void *data;
    gboolean pin;
    GMutex lock; /* guards the two below */
    int64_t error_index;
    GError *error;
} Loop;

typedef struct {
    Loop *loop;
    int worker;
} Member;

int pool_processors(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) {
        return 1;
    }
    return MAX(1, CPU_COUNT(&set));
}

/* Binds the calling thread to the n-th processor of `allowed`. */
static void pin_to(int n, const cpu_set_t *allowed)
{
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, allowed) && n-- == 0) {
            cpu_set_t one;
            CPU_ZERO(&one);
            CPU_SET(cpu, &one);
            pthread_setaffinity_np(pthread_self(), sizeof one, &one);
            return;
        }
    }
}

static void keep_error(Loop *loop, int64_t index, GError *error)
{
    g_mutex_lock(&loop->lock);
    if (!loop->error || index < loop->error_index) {
        g_clear_error(&loop->error);
        loop->error = error;
        loop->error_index = index;
    } else {
        g_error_free(error);
    }
    g_mutex_unlock(&loop->lock);
    g_atomic_int_set(&loop->failed, 1);
}

static gpointer member_main(gpointer argument)
{
    Member *member = argument;
    Loop *loop = member->loop;
    while (!g_atomic_int_get(&loop->failed)) {
        int64_t index = __atomic_fetch_add(&loop->next, 1, __ATOMIC_RELAXED);
        if (index >= loop->count) {
            break;
        }
        GError *error = NULL;
        if (!loop->work(index, member->worker, loop->data, &error)) {
            keep_error(loop, index, error);
        }
    }
    return NULL;
}

static gpointer pinned_main(gpointer argument)
{
    Member *member = argument;
    cpu_set_t allowed;
    if (member->loop->pin && sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
        pin_to(member->worker, &allowed);
    }
    return member_main(argument);
}

gboolean pool_run(int threads, gboolean pin, int64_t count, PoolWork work, void *data, GError **error)
{
    Loop loop = {.count = count, .work = work, .data = data, .pin = pin && threads <= pool_processors()};
    g_mutex_init(&loop.lock);
    threads = (int)CLAMP((int64_t)threads, 1, MAX(count, 1));
    Member *members = g_newa(Member, threads);
    GThread **others = g_newa(GThread *, threads);
    for (int t = 0; t < threads; t++) {
        members[t] = (Member){&loop, t};
    }
    for (int t = 1; t < threads; t++) {
        others[t] = g_thread_new("pool", pinned_main, &members[t]);
    }
    cpu_set_t before;
    gboolean restore = loop.pin && threads > 1 && sched_getaffinity(0, sizeof before, &before) == 0;
    if (restore) {
        pin_to(0, &before);
    }
    member_main(&members[0]);
    for (int t = 1; t < threads; t++) {
        g_thread_join(others[t]);
    }
    if (restore) {
        pthread_setaffinity_np(pthread_self(), sizeof before, &before);
    }
    g_mutex_clear(&loop.lock);
    if (loop.error) {
        g_propagate_error(error, loop.error);
        return FALSE;
    }
    return TRUE;
}
