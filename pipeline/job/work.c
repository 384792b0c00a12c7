/* Inputs and outputs of a job by name, its progress, and whether its slides are unchanged. */
#include "pipeline/job/work.h"
#include "base/durable.h"
#include "base/error.h"
#include <string.h>
#include <sys/stat.h>

char *work_find(const Work *work, const char *stage, const char *unit, const char *name)
{
    for (guint i = 0; i < work->inputs->len; i++) {
        const JobInput *input = work->inputs->pdata[i];
        if (g_str_equal(input->stage, stage) && g_str_equal(input->unit, unit) &&
            g_str_equal(input->artefact->name, name)) {
            return g_build_filename(work->run->folder, input->artefact->path, NULL);
        }
    }
    return NULL;
}

/* A needed job is one of the same slide or one of the cohort. */
char *work_input(const Work *work, const char *stage, const char *name, GError **error)
{
    char *path = work->slide ? work_find(work, stage, work->slide->id, name) : NULL;
    path = path ? path : work_find(work, stage, COHORT, name);
    if (!path) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "stage %s published no \"%s\"", stage, name);
    }
    return path;
}

char *work_output(const Work *work, const char *name)
{
    if (!work->slide) {
        return g_build_filename(work->run->folder, name, NULL);
    }
    return g_build_filename(work->run->folder, "slides", work->slide->id, name, NULL);
}

static gboolean publish(Work *work, const char *name, const char *path, const char *sha256, gboolean lasting,
                        GError **error)
{
    char own[65];
    struct stat stat_of;
    if (!sha256 && !durable_hash_file(path, own, NULL, error)) {
        return FALSE;
    }
    if (stat(path, &stat_of) != 0) {
        return wsi_error_errno(error, "cannot stat", path);
    }
    g_assert(g_str_has_prefix(path, work->run->folder));
    const char *relative = path + strlen(work->run->folder) + 1;
    g_ptr_array_add(work->outputs, artefact_new(name, relative, sha256 ? sha256 : own,
                                                lasting ? stat_of.st_size : ARTEFACT_FOR_NOW));
    return TRUE;
}

gboolean work_publish(Work *work, const char *name, const char *path, const char *sha256, GError **error)
{
    return publish(work, name, path, sha256, TRUE, error);
}

gboolean work_publish_for_now(Work *work, const char *name, const char *path, const char *sha256,
                              GError **error)
{
    return publish(work, name, path, sha256, FALSE, error);
}

gboolean work_tick(Work *work, int64_t done, int64_t total, const char *what, GError **error)
{
    int stop = work->stop ? g_atomic_int_get(work->stop) : 0;
    if (stop) {
        g_set_error(error, WSI_ERROR, stop == WSI_ERROR_LOST ? WSI_ERROR_LOST : WSI_ERROR_CANCELLED,
                    "stopped");
        return FALSE;
    }
    int64_t now = g_get_monotonic_time();
    if (!work->store || (now - work->last_tick < G_USEC_PER_SEC / 4 && done < total)) {
        return TRUE;
    }
    work->last_tick = now;
    return store_progress(work->store, work->job, done, total, what, error);
}

gboolean work_check_slides(const Work *work, GError **error)
{
    if (work->slide) {
        return slide_entry_check_unchanged(work->slide, error);
    }
    /* Of the stages of the cohort, `normals` opens slides; `train` compares the fingerprints that it wrote. */
    gboolean reads = work->job && g_str_equal(work->job->stage, "normals");
    for (guint i = 0; reads && i < work->run->slides->len; i++) {
        if (!slide_entry_check_unchanged(work->run->slides->pdata[i], error)) {
            return FALSE;
        }
    }
    return TRUE;
}
