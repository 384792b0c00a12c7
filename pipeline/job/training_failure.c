/* Why a run that trains has no model. */
#include "pipeline/job/training_failure.h"
#include "pipeline/job/work.h"

static const JobRow *cohort_job(const GPtrArray *jobs, const char *stage)
{
    for (guint i = 0; i < jobs->len; i++) {
        const JobRow *job = jobs->pdata[i];
        if (g_str_equal(job->stage, stage) && g_str_equal(job->unit, COHORT)) {
            return job;
        }
    }
    return NULL;
}

char *training_failure(const GPtrArray *jobs)
{
    static const char *const way[] = {"dataset", "normals", "train"};
    const JobRow *train = cohort_job(jobs, "train");
    gboolean failed = train && (train->state == JOB_PARKED || train->state == JOB_CANCELLED);
    for (size_t i = 0; failed && i < G_N_ELEMENTS(way); i++) {
        const JobRow *job = cohort_job(jobs, way[i]);
        if (job && job->state == JOB_PARKED) {
            return g_strdup_printf("%s: %s", job->stage, job->error ? job->error : "unknown reason");
        }
    }
    return NULL;
}
