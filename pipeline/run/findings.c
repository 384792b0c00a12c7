/* What was found and not used.
 *
 * Most of it is known when the cohort is read.  That a slide has no tile is known when its grid is made: its table of tiles is then nothing
 * but the header, so that its size tells it and no table is read. */
#include "pipeline/run/findings.h"
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

GPtrArray *findings_of(const Cohort *cohort, const GPtrArray *artefacts)
{
    GPtrArray *out = unused_new();
    for (guint i = 0; i < artefacts->len; i++) {
        const JobInput *input = artefacts->pdata[i];
        if (g_str_equal(input->stage, "grid") && g_str_equal(input->artefact->name, "tiles") &&
            input->artefact->bytes == tile_table_empty_bytes()) {
            unused_add(out, path_of(cohort, input->unit),
                       g_strdup("a slide without tiles: no tissue, or less than tiles.min_tissue in each"));
        }
    }
    for (guint i = 0; i < cohort->unused->len; i++) {
        const Unused *unused = cohort->unused->pdata[i];
        unused_add(out, unused->name, g_strdup(unused->reason));
    }
    return out;
}

char *findings_line(const char *text)
{
    char *line = g_utf8_make_valid(text, -1);
    for (char *at = line; *at; at++) {
        *at = g_ascii_iscntrl(*at) ? '?' : *at;
    }
    return line;
}

void findings_put(GString *out, const GPtrArray *findings)
{
    enum { NAMES = 5, REASONS = 20 };
    int reasons = 0;
    for (guint first = 0, end; first < findings->len; first = end) {
        const char *reason = ((const Unused *)findings->pdata[first])->reason;
        for (end = first;
             end < findings->len && g_str_equal(((const Unused *)findings->pdata[end])->reason, reason);
             end++) {
        }
        if (reasons++ == REASONS) {
            g_string_append_printf(out, "  and %u more\n", findings->len - first);
            return;
        }
        g_autofree char *line = findings_line(reason);
        g_string_append_printf(out, "  %s (%u):", line, end - first);
        for (guint i = first; i < MIN(end, first + NAMES); i++) {
            g_autofree char *name = g_path_get_basename(((const Unused *)findings->pdata[i])->name);
            g_autofree char *shown = findings_line(name);
            g_string_append_printf(out, "%s %s", i > first ? "," : "", shown);
        }
        g_string_append(out, end - first > NAMES ? ", ...\n" : "\n");
    }
}
