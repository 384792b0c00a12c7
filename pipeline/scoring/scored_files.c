/* Tables of scored tiles.
 *
 * Numbers are written with as many digits as they need to come back the same, and a value that is not known is an empty cell. */
#include "pipeline/scoring/scored_files.h"
#include "base/csv.h"
#include "base/durable.h"
#include <math.h>

GArray *scored_files_column(const char *path, const char *column, GError **error)
{
    g_autoptr(Csv) csv = csv_read(path, error);
    int at = csv ? csv_need(csv, column, error) : -1;
    g_autoptr(GArray) values = g_array_new(FALSE, FALSE, sizeof(double));
    for (int row = 0; at >= 0 && row < csv_rows(csv); row++) {
        double value;
        if (!csv_number(csv, row, at, &value, error)) {
            return NULL;
        }
        g_array_append_val(values, value);
    }
    return at >= 0 ? g_steal_pointer(&values) : NULL;
}

GArray *scored_files_positions(const char *path, GError **error)
{
    static const char *const names[] = {"x", "y", "width", "height"};
    g_autoptr(Csv) csv = csv_read(path, error);
    g_autoptr(GArray) positions = g_array_new(FALSE, FALSE, sizeof(Rect));
    int columns[4];
    for (int i = 0; i < 4; i++) {
        if (!csv || (columns[i] = csv_need(csv, names[i], error)) < 0) {
            return NULL;
        }
    }
    for (int row = 0; row < csv_rows(csv); row++) {
        Rect position = {0};
        double *const values[] = {&position.x, &position.y, &position.width, &position.height};
        for (int i = 0; i < 4; i++) {
            if (!csv_number(csv, row, columns[i], values[i], error)) {
                return NULL;
            }
        }
        g_array_append_val(positions, position);
    }
    return g_steal_pointer(&positions);
}

static void put(GString *out, const char *format, double value, char end)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    if (isfinite(value)) {
        g_string_append(out, g_ascii_formatd(text, sizeof text, format, value));
    }
    g_string_append_c(out, end);
}

static void put_scores(GString *out, const Scored *scored)
{
    for (int i = 0; tile_score_column(i); i++) {
        put(out, "%.9g", tile_score_value(&scored->score, i), tile_score_column(i + 1) ? ',' : '\n');
    }
}

static GString *header(const char *start)
{
    GString *out = g_string_new(start);
    for (int i = 0; tile_score_column(i); i++) {
        g_string_append_printf(out, ",%s", tile_score_column(i));
    }
    return g_string_append_c(out, '\n');
}

static void put_label(GString *out, int label)
{
    g_string_append(out, label < 0 ? "," : label ? "1," : "0,");
}

gboolean scored_files_slide(const char *path, const char *slide, const char *split, const GArray *scored,
                            char sha256[65], GError **error)
{
    g_autoptr(GString) out = header(
        "slide,split,column,row,x,y,width,height,tissue_fraction,readable_fraction,lesion_fraction,label");
    for (guint i = 0; i < scored->len; i++) {
        const Scored *s = &g_array_index(scored, Scored, i);
        csv_cell(out, slide, ',');
        csv_cell(out, split, ',');
        g_string_append_printf(out, "%d,%d,", s->tile.column, s->tile.row);
        put(out, "%.17g", s->tile.x, ',');
        put(out, "%.17g", s->tile.y, ',');
        put(out, "%.17g", s->width, ',');
        put(out, "%.17g", s->height, ',');
        put(out, "%.6f", s->tile.tissue_fraction, ',');
        put(out, "%.6f", s->readable_fraction, ',');
        put(out, "%.6f", s->lesion_fraction, ',');
        put_label(out, s->label);
        put_scores(out, s);
    }
    return durable_write_file(path, out->str, out->len, sha256, error);
}

gboolean scored_files_images(const char *path, const char *split, const GArray *scored, char sha256[65],
                             GError **error)
{
    g_autoptr(GString) out = header("file,split,label");
    for (guint i = 0; i < scored->len; i++) {
        const Scored *s = &g_array_index(scored, Scored, i);
        csv_cell(out, s->file, ',');
        csv_cell(out, split, ',');
        put_label(out, s->label);
        put_scores(out, s);
    }
    return durable_write_file(path, out->str, out->len, sha256, error);
}
