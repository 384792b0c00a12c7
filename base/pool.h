/* Parallel loops over numbered work.
 *
 * Items must be independent: what item i computes may not depend on which worker ran it.  So results do not depend on the number of
 * threads. */
#pragma once
#include <glib.h>
#include <stdint.h>

/* Does item `index`. worker (0 .. threads-1): for selecting private scratch memory.  FALSE with error stops the loop. */
typedef gboolean (*PoolWork)(int64_t index, int worker, void *data, GError **error);

/* Runs `work` for 0 <= index < count on `threads` threads (the calling thread is one of them) and waits.  Items are handed out in ascending
 * order.  When items fail, the error is that of the lowest index among those that ran.  threads <= 1 runs in the calling thread.  With
 * `pin`, when there are as many threads as processors, each thread is bound to one of them.  (Several processes with fewer threads would all
 * be bound to the first processors.) */
gboolean pool_run(int threads, gboolean pin, int64_t count, PoolWork work, void *data, GError **error);

/* Takes the result of item `index`.  FALSE with error stops the loop. */
typedef gboolean (*PoolTake)(int64_t index, void *data, GError **error);

/* As pool_run, for results that are needed in order.  `take` is called for 0, 1, 2 ... in the calling thread, each time after the item is
 * done, while other items run.  An item starts only when it is less than `ahead` (at least 1) items after the first one not yet taken, so at
 * most `ahead` results exist at a time.  When items fail, results that were not taken are lost, and the error is that of one of them. */
gboolean pool_run_ordered(int threads, int64_t count, int64_t ahead, PoolWork work, PoolTake take, void *data,
                          GError **error);

/* Threads for each of `jobs` processes that run at the same time and together use all `processors`.  Rounded up, since one thread too many
 * costs less than an idle processor. */
int pool_threads_per_job(int processors, int jobs);
/* Processors that this process may use (at least 1). */
int pool_processors(void);
