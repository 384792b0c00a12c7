/* Unused files and slides.
 *
 * Unused files are known when the cohort is read.  A slide without tiles is known when its grid is made: its table of tiles is then only the
 * header, so its size is enough and no table is read. */
#include "pipeline/slide/unused_in_run.h"
#include "db/store.h"
#include "pipeline/slide/tile_table.h"
#include <string.h>

static const char *path_of(const Cohort *cohort, const char *id)
{
    for (guint i = 0; i < cohort->slides->len; i++) {
        const SlideEntry *entry = cohort->slides->pdata[i];
        if (g_str_equal(entry->id, id)) {
            return entry->path;
        }
    }
    return id;
}

GPtrArray *unused_in_run(const Cohort *cohort, const GPtrArray *artefacts)
{
    GPtrArray *out = unused_new();
    for (guint i = 0; i < artefacts->len; i++) {
        const JobInput *input = artefacts->pdata[i];
        if (g_str_equal(input->stage, "grid") && g_str_equal(input->artefact->name, "tiles") &&
            input->artefact->bytes == tile_table_empty_bytes()) {
            unused_add(
                out, path_of(cohort, input->unit),
                g_strdup("a slide without tiles: no tissue, or less than tiles.min_tissue in every tile"));
        }
    }
    for (guint i = 0; i < cohort->unused->len; i++) {
        const Unused *unused = cohort->unused->pdata[i];
        unused_add(out, unused->name, g_strdup(unused->reason));
    }
    return out;
}
