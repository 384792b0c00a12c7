/* The cohort as text: one line per slide or unused file, cells separated by tabs and escaped as in C. */
#include "pipeline/cohort/stored_cohort.h"
#include "base/error.h"
#include <stdio.h>

#define NOTE "cohort" /* its name in the job table */

/* Appends a line of cells, escaped as in C and separated by tabs. */
static void put_line(GString *out, const char *const *cells)
{
    for (; *cells; cells++) {
        g_autofree char *safe = g_strescape(*cells, NULL);
        g_string_append(out, safe);
        g_string_append_c(out, cells[1] ? '\t' : '\n');
    }
}

char *stored_cohort_text(const Cohort *cohort)
{
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < cohort->slides->len; i++) {
        const SlideEntry *e = cohort->slides->pdata[i];
        char x[G_ASCII_DTOSTR_BUF_SIZE], y[G_ASCII_DTOSTR_BUF_SIZE];
        g_ascii_dtostr(x, sizeof x, e->mpp_x);
        g_ascii_dtostr(y, sizeof y, e->mpp_y);
        g_autofree char *numbers = g_strdup_printf("%d %d %d %d %d %d %" G_GINT64_FORMAT " %" G_GINT64_FORMAT,
                                                   (int)e->label, (int)e->label_given, e->fold, (int)e->use,
                                                   e->line, (int)e->scored, e->bytes, e->mtime_us);
        put_line(out, (const char *[]){"slide", e->id, e->path, e->patient, e->centre, e->split,
                                       e->annotation ? e->annotation : "", x, y, numbers, NULL});
    }
    for (guint i = 0; i < cohort->unused->len; i++) {
        const Unused *unused = cohort->unused->pdata[i];
        put_line(out, (const char *[]){"unused", unused->name, unused->reason, NULL});
    }
    return g_string_free(out, FALSE);
}

static gboolean parse_slide(Cohort *cohort, char **cells)
{
    int label, given, fold, use, line, scored;
    gint64 bytes = -1, mtime_us = 0; /* a cohort that an earlier version stored does not say them */
    if (sscanf(cells[9], "%d %d %d %d %d %d %" G_GINT64_FORMAT " %" G_GINT64_FORMAT, &label, &given, &fold,
               &use, &line, &scored, &bytes, &mtime_us) < 6) {
        return FALSE;
    }
    SlideEntry *entry = g_new0(SlideEntry, 1);
    *entry = (SlideEntry){.id = g_strdup(cells[1]),
                          .path = g_strdup(cells[2]),
                          .patient = g_strdup(cells[3]),
                          .centre = g_strdup(cells[4]),
                          .label = (SlideLabel)label,
                          .label_given = given,
                          .annotation = *cells[6] ? g_strdup(cells[6]) : NULL,
                          .split = g_strdup(cells[5]),
                          .fold = fold,
                          .use = (SlideUse)use,
                          .mpp_x = g_ascii_strtod(cells[7], NULL),
                          .mpp_y = g_ascii_strtod(cells[8], NULL),
                          .line = line,
                          .scored = scored,
                          .bytes = bytes,
                          .mtime_us = mtime_us};
    g_ptr_array_add(cohort->slides, entry);
    return TRUE;
}

Cohort *stored_cohort_parse(const char *text, GError **error)
{
    g_autoptr(Cohort) cohort = cohort_new();
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line && **line; line++) {
        g_auto(GStrv) cells = g_strsplit(*line, "\t", -1);
        guint n = g_strv_length(cells);
        for (guint c = 0; c < n; c++) {
            char *plain = g_strcompress(cells[c]);
            g_free(cells[c]);
            cells[c] = plain;
        }
        gboolean ok = n == 10 && g_str_equal(cells[0], "slide") && parse_slide(cohort, cells);
        if (n == 3 && g_str_equal(cells[0], "unused")) {
            unused_add(cohort->unused, cells[1], g_strdup(cells[2]));
        } else if (!ok) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL,
                        "the stored cohort has a line that cannot be read");
            return NULL;
        }
    }
    return g_steal_pointer(&cohort);
}

gboolean stored_cohort_write(Store *store, const Cohort *cohort, GError **error)
{
    g_autofree char *text = stored_cohort_text(cohort);
    return store_set_note(store, NOTE, text, error);
}

Cohort *stored_cohort_read(Store *store, GError **error)
{
    GError *why = NULL;
    g_autofree char *text = store_get_note(store, NOTE, &why);
    if (why) {
        g_propagate_error(error, why);
        return NULL;
    }
    if (!text) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "the job table has no cohort: run wsiflow run again");
        return NULL;
    }
    return stored_cohort_parse(text, error);
}
