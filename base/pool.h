/* Parallel loops over numbered work.
 *
 * Work items must be independent; what item i computes may not depend on which worker ran it, so results do
 * not depend on the number of threads. */
#pragma once
#include <glib.h>
#include <stdint.h>

/* Does item `index`; `worker` (0 .. threads-1) selects private scratch memory.  FALSE with error stops the loop. */
typedef gboolean (*PoolWork)(int64_t index, int worker, void *data, GError **error);

/* Runs work for 0 <= index < count on `threads` threads (the caller is one of them) and waits.  Items are
 * handed out in ascending order.  When items fail, the error of the lowest index among those that ran is
 * returned.  threads <= 1 runs in the calling thread.  With `pin` each thread is bound to one of the
 * processors that the process may use, when it takes all of them: processes that share them would all be bound to the first ones. */
gboolean pool_run(int threads, gboolean pin, int64_t count, PoolWork work, void *data, GError **error);

/* Takes over what item `index` gave.  FALSE with error stops the loop. */
typedef gboolean (*PoolTake)(int64_t index, void *data, GError **error);

/* As pool_run, for results that are needed in order: `take` is called for 0, 1, 2 ... in the calling thread, each after its item is done,
 * while others are at work.  Items are begun at most `ahead` (at least 1) before the first that was not taken, so that many results
 * may exist at once.  When some fail, what was done but not taken is lost; the error is that of one of them. */
gboolean pool_run_ordered(int threads, int64_t count, int64_t ahead, PoolWork work, PoolTake take, void *data,
                          GError **error);

/* Threads for each of `jobs` processes that work at the same time, so that all `processors` are used: rounded up, since one thread too many
 * costs less than an idle processor. */
int pool_share(int processors, int jobs);
/* Processors that this process may use (at least 1). */
int pool_processors(void);
