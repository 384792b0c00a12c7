/* The table of lesion fractions: one row per tile, in the order of the grid. */
#include "pipeline/slide/lesion_fractions.h"
#include "base/csv.h"
#include "base/durable.h"

Rect lesion_fractions_centre(const Rect *tile)
{
    return (Rect){tile->x + tile->width / 4, tile->y + tile->height / 4, tile->width / 2, tile->height / 2};
}

static void add_number(GString *out, double value, char end)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append_printf(out, "%s%c", g_ascii_formatd(text, sizeof text, "%.9f", value), end);
}

gboolean lesion_fractions_write(const char *path, const GArray *fractions, char sha256[65], GError **error)
{
    g_autoptr(GString) out = g_string_new("lesion_fraction,centre_fraction");
    gboolean more = FALSE;
    for (guint i = 0; i < fractions->len; i++) {
        const LesionFraction *fraction = &g_array_index(fractions, LesionFraction, i);
        more = more || fraction->hard > 0 || fraction->unknown > 0;
    }
    g_string_append(out, more ? ",hard_fraction,unknown_fraction\n" : "\n");
    for (guint i = 0; i < fractions->len; i++) {
        const LesionFraction *fraction = &g_array_index(fractions, LesionFraction, i);
        add_number(out, fraction->fraction, ',');
        add_number(out, fraction->centre, more ? ',' : '\n');
        if (more) {
            add_number(out, fraction->hard, ',');
            add_number(out, fraction->unknown, '\n');
        }
    }
    return durable_write_file(path, out->str, out->len, sha256, error);
}

GArray *lesion_fractions_read(const char *path, GError **error)
{
    g_autoptr(Csv) csv = csv_read(path, error);
    const int whole = csv ? csv_need(csv, "lesion_fraction", error) : -1;
    const int centre = whole >= 0 ? csv_need(csv, "centre_fraction", error) : -1;
    const int hard = centre >= 0 ? csv_column(csv, "hard_fraction") : -1;
    const int unknown = centre >= 0 ? csv_column(csv, "unknown_fraction") : -1;
    if (centre < 0) {
        return NULL;
    }
    g_autoptr(GArray) fractions = g_array_sized_new(FALSE, FALSE, sizeof(LesionFraction), csv_rows(csv));
    for (int row = 0; row < csv_rows(csv); row++) {
        LesionFraction fraction = {0};
        if (!csv_number(csv, row, whole, &fraction.fraction, error) ||
            !csv_number(csv, row, centre, &fraction.centre, error) ||
            (hard >= 0 && !csv_number(csv, row, hard, &fraction.hard, error)) ||
            (unknown >= 0 && !csv_number(csv, row, unknown, &fraction.unknown, error))) {
            return NULL;
        }
        g_array_append_val(fractions, fraction);
    }
    return g_steal_pointer(&fractions);
}
