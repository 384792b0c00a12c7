/* Reading detections.  The form has no header, which csv.h needs, so lines are split here. */
#include "pipeline/evaluation/detection_table.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

/* A finite number and nothing else. */
static gboolean number(const char *text, double *out)
{
    g_autofree char *trimmed = g_strstrip(g_strdup(text));
    char *end;
    *out = g_ascii_strtod(trimmed, &end);
    return end != trimmed && *end == '\0' && isfinite(*out);
}

static gboolean is_header(char **cells)
{
    static const char *const names[] = {"confidence", "x", "y"};
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *cell = g_strstrip(g_strdup(cells[i]));
        if (g_ascii_strcasecmp(cell, names[i]) != 0) {
            return FALSE;
        }
    }
    return TRUE;
}

GArray *detection_table_read(const char *path, double least, GError **error)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) why = NULL;
    if (!g_file_get_contents(path, &text, NULL, &why)) {
        wsi_error_glib(error, why);
        return NULL;
    }
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GArray) detections = g_array_new(FALSE, FALSE, sizeof(Detection));
    for (int i = 0; lines[i]; i++) {
        g_strchomp(lines[i]);
        g_auto(GStrv) cells = g_strsplit(lines[i], ",", -1);
        Detection d;
        if (!*lines[i] || (i == 0 && g_strv_length(cells) == 3 && is_header(cells))) {
            continue;
        }
        if (g_strv_length(cells) != 3 || !number(cells[0], &d.confidence) || !number(cells[1], &d.x) ||
            !number(cells[2], &d.y) || d.confidence < least) {
            wsi_error_input(error, "%s line %d: expected confidence,x,y with a confidence of at least %g",
                            path, i + 1, least);
            return NULL;
        }
        g_array_append_val(detections, d);
    }
    return g_steal_pointer(&detections);
}
