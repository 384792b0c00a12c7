/* Items are handed out by an atomic increment, without a mutex; of the errors the one with the lowest index is kept.
 *
 * In an ordered loop an item waits until it is close enough to the first item not yet taken.  The calling thread takes results between its
 * own items, and instead of waiting. */
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
    /* What the calling thread does when no item is left to begin; or NULL. */
    gboolean (*finish)(void *data, GError **error);
    GMutex lock; /* guards error_index and error */
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

int pool_threads_per_job(int processors, int jobs)
{
    jobs = MAX(jobs, 1);
    return MAX((processors + jobs - 1) / jobs, 1);
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

/* Keeps the error with the lowest index, whichever thread reports first. */
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

/* What every thread does: takes the next item until none is left or one failed. */
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

/* The same for threads that the loop starts. */
static gpointer pinned_main(gpointer argument)
{
    Member *member = argument;
    cpu_set_t allowed;
    if (member->loop->pin && sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
        pin_to(member->worker, &allowed);
    }
    return member_main(argument);
}

/* Starts the other threads, works in this one, and joins them. */
static gboolean run(Loop *loop, int threads, GError **error)
{
    g_mutex_init(&loop->lock);
    threads = (int)CLAMP((int64_t)threads, 1, MAX(loop->count, 1));
    Member *members = g_newa(Member, threads);
    GThread **others = g_newa(GThread *, threads);
    for (int t = 0; t < threads; t++) {
        members[t] = (Member){loop, t};
    }
    for (int t = 1; t < threads; t++) {
        others[t] = g_thread_new("pool", pinned_main, &members[t]);
    }
    cpu_set_t before;
    gboolean restore = loop->pin && threads > 1 && sched_getaffinity(0, sizeof before, &before) == 0;
    if (restore) {
        pin_to(0, &before);
    }
    member_main(&members[0]);
    GError *last = NULL;
    if (loop->finish && !loop->finish(loop->data, &last)) {
        keep_error(loop, loop->count, last);
    }
    for (int t = 1; t < threads; t++) {
        g_thread_join(others[t]);
    }
    if (restore) {
        pthread_setaffinity_np(pthread_self(), sizeof before, &before);
    }
    g_mutex_clear(&loop->lock);
    if (loop->error) {
        g_propagate_error(error, loop->error);
        return FALSE;
    }
    return TRUE;
}

gboolean pool_run(int threads, gboolean pin, int64_t count, PoolWork work, void *data, GError **error)
{
    Loop loop = {.count = count, .work = work, .data = data, .pin = pin && threads == pool_processors()};
    return run(&loop, threads, error);
}

typedef struct {
    PoolWork work;
    PoolTake take;
    void *data;
    int64_t count, ahead, taken;
    GMutex lock;
    GCond changed;
    gboolean failed;
    gboolean *done; /* of item i: at i % ahead */
} Ordered;

/* Takes what is next as long as it is done, in the calling thread; locked. */
static gboolean take_done(Ordered *o, GError **error)
{
    gboolean ok = TRUE;
    while (ok && !o->failed && o->done[o->taken % o->ahead]) {
        g_mutex_unlock(&o->lock);
        ok = o->take(o->taken, o->data, error);
        g_mutex_lock(&o->lock);
        if (ok) {
            o->done[o->taken++ % o->ahead] = FALSE;
        }
        o->failed |= !ok;
        g_cond_broadcast(&o->changed);
    }
    return ok;
}

/* Waits until `upto` items are taken or something failed; the calling thread (worker 0) takes them itself.  Called with the lock held. */
static gboolean wait_for(Ordered *o, int64_t upto, int worker, GError **error)
{
    while (!o->failed && o->taken < upto) {
        if (worker != 0 || !o->done[o->taken % o->ahead]) {
            g_cond_wait(&o->changed, &o->lock);
        } else if (!take_done(o, error)) {
            return FALSE;
        }
    }
    return TRUE;
}

/* Waits until the item is near enough, does it, and marks it done. */
static gboolean ordered_item(int64_t index, int worker, void *data, GError **error)
{
    Ordered *o = data;
    g_mutex_lock(&o->lock);
    gboolean ok = wait_for(o, index - o->ahead + 1, worker, error), begin = ok && !o->failed;
    g_mutex_unlock(&o->lock);
    if (!begin) {
        return ok;
    }
    ok = o->work(index, worker, o->data, error);
    g_mutex_lock(&o->lock);
    o->done[index % o->ahead] = ok;
    o->failed |= !ok;
    g_cond_broadcast(&o->changed);
    ok = ok && (worker != 0 || take_done(o, error));
    g_mutex_unlock(&o->lock);
    return ok;
}

/* After the last item has begun: waits for the items that others still work on, and takes them. */
static gboolean take_rest(void *data, GError **error)
{
    Ordered *o = data;
    g_mutex_lock(&o->lock);
    gboolean ok = wait_for(o, o->count, 0, error);
    g_mutex_unlock(&o->lock);
    return ok;
}

gboolean pool_run_ordered(int threads, int64_t count, int64_t ahead, PoolWork work, PoolTake take, void *data,
                          GError **error)
{
    Ordered o = {.work = work, .take = take, .data = data, .count = count, .ahead = MAX(ahead, 1)};
    Loop loop = {.count = count, .work = ordered_item, .data = &o, .finish = take_rest};
    g_mutex_init(&o.lock);
    g_cond_init(&o.changed);
    o.done = g_new0(gboolean, o.ahead);
    gboolean ok = run(&loop, threads, error);
    g_free(o.done);
    g_cond_clear(&o.changed);
    g_mutex_clear(&o.lock);
    return ok;
}
