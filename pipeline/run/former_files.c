/* The table of former names of published files. */
#include "pipeline/run/former_files.h"
#include "base/durable.h"

static const char *const former[] = {"gaps.json", "repeats.json", "pictures.json", "model/pictures.json",
                                     NULL};

gboolean former_files_remove(Store *store, const Job *job, const char *folder, GError **error)
{
    g_autoptr(GPtrArray) paths = store_former_paths(store, job, error);
    for (guint i = 0; paths && i < paths->len; i++) {
        g_autofree char *path = g_build_filename(folder, paths->pdata[i], NULL);
        if (g_strv_contains(former, paths->pdata[i]) && !durable_remove(path, error)) {
            return FALSE;
        }
    }
    return paths != NULL;
}
