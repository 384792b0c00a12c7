/* The two rules that every statement about an attempt follows.
 *
 * The token of a lease is (job, attempt) of a job in state 'leased'.  Attempt numbers only grow, so no two leases share a token.  Every
 * statement of a worker carries it: a worker that lost its lease cannot finish, fail or report progress. */
#include "db/store_private.h"
#include "base/error.h"

gboolean attempt_close(Store *store, int64_t job, int attempt, const char *outcome, const char *message,
                       gboolean parks, GError **error)
{
    return sql_run(store->sql, error,
                   "UPDATE attempt SET outcome = ?3, message = ?4, parks = ?5, ended = ?6"
                   " WHERE job = ?1 AND attempt = ?2 AND outcome IS NULL",
                   "lissid", job, attempt, outcome, message, (int)parks, store_now()) >= 0;
}

gboolean attempt_check_lease(int changed, const Job *job, GError **error)
{
    if (changed == 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_LOST,
                    "the lease of %s of %s (attempt %d) now belongs to another worker", job->stage, job->unit,
                    job->attempt);
    }
    return changed > 0;
}
