/* retry: failed jobs become ready for the next run. */
#include "base/error.h"
#include "base/nearest.h"
#include "db/store.h"
#include "pipeline/cli/commands.h"
#include "pipeline/run/exit_codes.h"
#include <stdio.h>

/* Whether the run has this slide; the error suggests the nearest name. */
static gboolean has_slide(Store *store, const char *slide, GError **error)
{
    g_autoptr(GPtrArray) rows = store_jobs(store, error), names = g_ptr_array_new();
    for (guint i = 0; rows && i < rows->len; i++) {
        g_ptr_array_add(names, ((JobRow *)rows->pdata[i])->unit);
        if (g_str_equal(names->pdata[i], slide)) {
            return TRUE;
        }
    }
    if (rows) {
        g_ptr_array_add(names, NULL);
        g_autofree char *hint = nearest_hint(slide, (const char *const *)names->pdata);
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "the run has no slide \"%s\"%s", slide, hint);
    }
    return FALSE;
}

static int retry(int argc, char **argv, GError **error)
{
    g_autofree char *slide = NULL;
    int code;
    GOptionEntry entries[] = {{"slide", 's', 0, G_OPTION_ARG_STRING, &slide, "only this slide", "SLIDE"},
                              {NULL, 0, 0, 0, NULL, NULL, NULL}};
    if (!command_options(&command_retry, entries, &argc, &argv, &code, error)) {
        return code;
    }
    if (argc != 2) {
        return command_misused(error, "the folder of a run is required: wsiflow retry DIR");
    }
    g_autoptr(Store) known = store_open_existing(
        argv[1], error); /* fails for a folder without a run; store_open would create one */
    g_autoptr(Store) store = known ? store_open(argv[1], error) : NULL;
    int released =
        store && (!slide || has_slide(store, slide, error)) ? store_retry(store, slide, error) : -1;
    if (released < 0) {
        return EXIT_FAILED;
    }
    printf("the next wsiflow run will retry %d jobs\n", released);
    return EXIT_DONE;
}

const Command command_retry = {"retry", "DIR [--slide SLIDE]", "let the next run retry failed jobs", NULL,
                               retry};
