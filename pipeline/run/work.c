/* What every stage needs of its job: inputs by name, outputs by name, progress, the slide. */
#include "pipeline/run/stage.h"
#include "base/durable.h"
#include "base/error.h"
#include "pipeline/slide/tile_recipe.h"
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

char *work_input(const Work *work, const char *stage, const char *name, GError **error)
{
    gboolean cohort = stage_find(stage)->scope == SCOPE_COHORT;
    char *path = work_find(work, stage, cohort ? COHORT : work->slide->id, name);
    if (!path) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "stage %s gave no \"%s\"", stage, name);
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

gboolean work_publish(Work *work, const char *name, const char *path, const char *sha256, GError **error)
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
    g_ptr_array_add(work->outputs, artefact_new(name, relative, sha256 ? sha256 : own, stat_of.st_size));
    return TRUE;
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

static gboolean check_slide(const SlideEntry *entry, GError **error)
{
    struct stat file;
    if (entry->bytes < 0 || stat(entry->path, &file) != 0) {
        return TRUE; /* what cannot be opened is told by who opens it */
    }
    if ((int64_t)file.st_size == entry->bytes &&
        (int64_t)file.st_mtim.tv_sec * G_USEC_PER_SEC + file.st_mtim.tv_nsec / 1000 == entry->mtime_us) {
        return TRUE;
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                "%s was changed while the run was on: the same command does what depends on it again",
                entry->path);
    return FALSE;
}

gboolean work_check_slides(const Work *work, GError **error)
{
    if (work->slide) {
        return check_slide(work->slide, error);
    }
    /* Of the stages of the cohort, `normals` opens slides; `train` compares the fingerprints that it wrote. */
    gboolean reads = work->job && g_str_equal(work->job->stage, "normals");
    for (guint i = 0; reads && i < work->run->slides->len; i++) {
        if (!check_slide(work->run->slides->pdata[i], error)) {
            return FALSE;
        }
    }
    return TRUE;
}

Slide *work_open_entry(const Config *config, const SlideEntry *entry, GError **error)
{
    SlideOptions options = {
        .mpp_x = entry->mpp_x, .mpp_y = entry->mpp_y, .use_objective = config->slides_objective};
    return slide_open(entry->path, &options, error);
}

Slide *work_open_coloured(const Work *work, const SlideEntry *entry, GError **error)
{
    const Config *config = work->run->config;
    g_autofree char *path = work_find(work, "stain", entry->id, "fit");
    g_autoptr(Slide) slide = work_open_entry(config, entry, error);
    return slide && tile_recipe_colour_by_config(config, slide, path, error) ? g_steal_pointer(&slide) : NULL;
}

Slide *work_open_slide(const Work *work, GError **error)
{
    return work_open_coloured(work, work->slide, error);
}
