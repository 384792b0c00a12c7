/* Run folders.
 *
 * A run replaces and removes files under its own names (config.yaml, report.html, dataset/...), which would destroy files of the user.  So
 * a folder with content is accepted only when it has a job table. */
#include "pipeline/run/run_folder.h"
#include "base/error.h"
#include "base/listing.h"
#include "base/writable.h"
#include <string.h>

/* What a run creates before its job table, and what a new file system contains. */
static const char *const harmless[] = {"run.lock", "wsiflow.lock", "workers", "lost+found", NULL};

static gboolean is_temporary(const char *name)
{
    return g_str_has_prefix(name, ".check.") && g_str_has_suffix(name, ".tmp"); /* of base/writable.c */
}

/* The first name in the folder that is not from a run, NULL when there is none. */
static const char *first_foreign(const GPtrArray *names)
{
    for (guint i = 0; i < names->len; i++) {
        const char *name = names->pdata[i];
        if (!g_strv_contains(harmless, name) && !is_temporary(name)) {
            return name;
        }
    }
    return NULL;
}

static gboolean check_content(const char *folder, GError **error)
{
    g_autofree char *table = g_build_filename(folder, "wsiflow.db", NULL);
    FileKind kind, run;
    if (!listing_kind(folder, &kind, error) || !listing_kind(table, &run, error)) {
        return FALSE;
    }
    if (kind != FILE_FOLDER || run == FILE_REGULAR) {
        return TRUE; /* base/writable.c refuses what is not a folder */
    }
    g_autoptr(GPtrArray) names = listing_read(folder, error);
    const char *foreign = names ? first_foreign(names) : NULL;
    if (foreign) {
        g_autofree char *shown = g_utf8_make_valid(foreign, -1);
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s is not empty and not the folder of a run (it contains %s, but no wsiflow.db): a run "
                    "could overwrite or remove your files; give a new or empty folder with -o",
                    folder, shown);
    }
    return names && !foreign;
}

static gboolean check_slides(const char *folder, const Config *config, GError **error)
{
    g_autofree char *own = g_canonicalize_filename(folder, NULL),
                    *below = g_build_filename(own, "slides", NULL);
    g_autofree char *slides =
        *config->slides_folder ? g_canonicalize_filename(config->slides_folder, NULL) : g_strdup("");
    if (g_str_equal(slides, own) || g_str_equal(slides, below)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "the output %s would write into slides.folder (%s): give another folder with -o", folder,
                    config->slides_folder);
        return FALSE;
    }
    return TRUE;
}

static gboolean check_given(const char *folder, const char *given, const Config *config, GError **error)
{
    g_autofree char *own = g_build_filename(folder, "config.yaml", NULL), *text = config_text(config, FALSE),
                    *former = NULL;
    if (writable_differs(own, given, NULL) || !g_file_get_contents(given, &former, NULL, NULL) ||
        g_str_equal(former, text)) {
        return TRUE;
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                "%s is the run's own record of its configuration, and the run would replace it: copy it to "
                "another folder, and give the copy with -c",
                given);
    return FALSE;
}

gboolean run_folder_check(const char *folder, const char *given, const Config *config, GError **error)
{
    return check_slides(folder, config, error) && check_content(folder, error) &&
           check_given(folder, given, config, error);
}
