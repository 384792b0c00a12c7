/* Tables of tiles. */
#include "pipeline/slide/tile_table.h"
#include "base/csv.h"
#include "base/durable.h"
#include <string.h>

#define HEADER "column,row,x,y,tissue_fraction,split\n"

int64_t tile_table_empty_bytes(void)
{
    return (int64_t)strlen(HEADER);
}

static void put_number(GString *out, double value, char end)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append(out, g_ascii_formatd(text, sizeof text, "%.17g", value));
    g_string_append_c(out, end);
}

gboolean tile_table_write(const char *path, const Grid *grid, const char *split, char sha256[65],
                          GError **error)
{
    g_autoptr(GString) out = g_string_new(HEADER);
    for (guint i = 0; i < grid->tiles->len; i++) {
        const Tile *tile = &g_array_index(grid->tiles, Tile, i);
        g_string_append_printf(out, "%d,%d,", tile->column, tile->row);
        put_number(out, tile->x, ',');
        put_number(out, tile->y, ',');
        put_number(out, tile->tissue_fraction, ',');
        csv_cell(out, split, '\n');
    }
    return durable_write_file(path, out->str, out->len, sha256, error);
}

GArray *tile_table_read(const char *path, GError **error)
{
    static const char *const names[] = {"column", "row", "x", "y", "tissue_fraction"};
    g_autoptr(Csv) csv = csv_read(path, error);
    int columns[G_N_ELEMENTS(names)];
    double values[G_N_ELEMENTS(names)];
    for (size_t c = 0; c < G_N_ELEMENTS(names); c++) {
        if (!csv || (columns[c] = csv_need(csv, names[c], error)) < 0) {
            return NULL;
        }
    }
    g_autoptr(GArray) tiles = g_array_sized_new(FALSE, FALSE, sizeof(Tile), csv_rows(csv));
    for (int row = 0; row < csv_rows(csv); row++) {
        for (size_t c = 0; c < G_N_ELEMENTS(names); c++) {
            if (!csv_number(csv, row, columns[c], &values[c], error)) {
                return NULL;
            }
        }
        Tile tile = {(int)values[0], (int)values[1], values[2], values[3], values[4]};
        g_array_append_val(tiles, tile);
    }
    return g_steal_pointer(&tiles);
}
