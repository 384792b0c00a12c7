/* The table of normal tiles; train_slides.c reads it. */
#include "pipeline/training/normal_table.h"
#include "base/csv.h"
#include "base/durable.h"
#include "pipeline/cohort/cohort.h"

gboolean normal_table_write(const char *path, const GArray *tiles, const GPtrArray *slides,
                            const char *const *fingerprints, char sha256[65], GError **error)
{
    g_autoptr(GString) out = g_string_new("slide,patient,x,y,side,fingerprint\n");
    char x[G_ASCII_DTOSTR_BUF_SIZE], y[G_ASCII_DTOSTR_BUF_SIZE];
    for (guint i = 0; i < tiles->len; i++) {
        const NormalTile *tile = &g_array_index(tiles, NormalTile, i);
        const SlideEntry *entry = slides->pdata[tile->slide];
        csv_cell(out, entry->id, ',');
        csv_cell(out, entry->patient, ',');
        g_string_append_printf(out, "%s,%s,%.0f,%s\n", g_ascii_formatd(x, sizeof x, "%.17g", tile->x),
                               g_ascii_formatd(y, sizeof y, "%.17g", tile->y), tile->side,
                               fingerprints[tile->slide]);
    }
    return durable_write_file(path, out->str, out->len, sha256, error);
}
