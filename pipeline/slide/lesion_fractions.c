/* The table of lesion fractions: one row per tile, in the order of the grid. */
#include "pipeline/slide/lesion_fractions.h"
#include "base/csv.h"
#include "base/durable.h"

Rect lesion_fractions_centre(const Rect *tile)
{
    return (Rect){tile->x + tile->width / 4, tile->y + tile->height / 4, tile->width / 2, tile->height / 2};
}

gboolean lesion_fractions_write(const char *path, const GArray *fractions, char sha256[65], GError **error)
{
    g_autoptr(GString) out = g_string_new("lesion_fraction,centre_fraction\n");
    char a[G_ASCII_DTOSTR_BUF_SIZE], b[G_ASCII_DTOSTR_BUF_SIZE];
    for (guint i = 0; i < fractions->len; i++) {
        const LesionFraction *fraction = &g_array_index(fractions, LesionFraction, i);
        g_string_append_printf(out, "%s,%s\n", g_ascii_formatd(a, sizeof a, "%.9f", fraction->fraction),
                               g_ascii_formatd(b, sizeof b, "%.9f", fraction->centre));
    }
    return durable_write_file(path, out->str, out->len, sha256, error);
}

GArray *lesion_fractions_read(const char *path, GError **error)
{
    g_autoptr(Csv) csv = csv_read(path, error);
    int whole = csv ? csv_need(csv, "lesion_fraction", error) : -1;
    int centre = whole >= 0 ? csv_need(csv, "centre_fraction", error) : -1;
    if (centre < 0) {
        return NULL;
    }
    g_autoptr(GArray) fractions = g_array_sized_new(FALSE, FALSE, sizeof(LesionFraction), csv_rows(csv));
    for (int row = 0; row < csv_rows(csv); row++) {
        LesionFraction fraction;
        if (!csv_number(csv, row, whole, &fraction.fraction, error) ||
            !csv_number(csv, row, centre, &fraction.centre, error)) {
            return NULL;
        }
        g_array_append_val(fractions, fraction);
    }
    return g_steal_pointer(&fractions);
}
