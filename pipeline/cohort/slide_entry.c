/* Slide entries: creating, opening, and noticing that a file has changed. */
#include "pipeline/cohort/slide_entry.h"
#include "base/error.h"
#include "pipeline/cohort/slide_id.h"
#include <sys/stat.h>

const char *slide_label_name(SlideLabel label)
{
    static const char *const names[] = {"normal", "annotated", "unknown"};
    return names[label];
}

void slide_entry_free(SlideEntry *entry)
{
    g_free(entry->id);
    g_free(entry->path);
    g_free(entry->patient);
    g_free(entry->centre);
    g_free(entry->annotation);
    g_free(entry->split);
    g_free(entry);
}

SlideEntry *slide_entry_new(const Config *config, const char *path)
{
    SlideEntry *entry = g_new0(SlideEntry, 1);
    /* The name of a folder, which is a DICOM slide, has no suffix. */
    g_autofree char *name = g_strconcat(path, g_file_test(path, G_FILE_TEST_IS_DIR) ? ".dcm" : "", NULL);
    entry->id = slide_id_of(name);
    entry->path = g_strdup(path);
    entry->patient = g_strdup(entry->id);
    entry->centre = g_strdup("");
    entry->split = g_strdup("");
    entry->mpp_x = entry->mpp_y = config->slides_mpp;
    entry->bytes = -1;
    return entry;
}

Slide *slide_entry_open(const Config *config, const SlideEntry *entry, GError **error)
{
    SlideOptions options = {
        .mpp_x = entry->mpp_x, .mpp_y = entry->mpp_y, .use_objective = config->slides_objective};
    return slide_open(entry->path, &options, error);
}

static int64_t mtime_us(const struct stat *file)
{
    return (int64_t)file->st_mtim.tv_sec * G_USEC_PER_SEC + file->st_mtim.tv_nsec / 1000;
}

void slide_entry_record_file(SlideEntry *entry)
{
    struct stat file;
    gboolean known = stat(entry->path, &file) == 0;
    entry->bytes = known ? (int64_t)file.st_size : -1;
    entry->mtime_us = known ? mtime_us(&file) : 0;
}

gboolean slide_entry_check_unchanged(const SlideEntry *entry, GError **error)
{
    struct stat file;
    if (entry->bytes < 0 || stat(entry->path, &file) != 0 ||
        ((int64_t)file.st_size == entry->bytes && mtime_us(&file) == entry->mtime_us)) {
        return TRUE;
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                "%s changed during the run: run the same command again to redo what depends on it",
                entry->path);
    return FALSE;
}
