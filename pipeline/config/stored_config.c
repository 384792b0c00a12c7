/* Workers and later commands use the configuration that the run stored, not the file it was started with. */
#include "pipeline/config/stored_config.h"
#include "base/error.h"
#include "base/listing.h"

char *stored_config_path(const char *folder)
{
    return g_build_filename(folder, "config.yaml", NULL);
}

Config *stored_config_read(const char *folder, GError **error)
{
    g_autofree char *path = stored_config_path(folder);
    FileKind kind;
    if (!listing_kind(path, &kind, error)) {
        return NULL;
    }
    if (kind == FILE_ABSENT) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s is not the folder of a run: it has no config.yaml",
                    folder);
        return NULL;
    }
    return config_read(path, error);
}
