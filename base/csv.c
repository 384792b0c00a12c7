/* A file is read whole and split in place: cells are pointers into one block of text.
 *
 * csv_read gives back every text that csv_cell writes.  So cells that a spreadsheet would take for a formula (= + - @) get no mark in front:
 * programs read these tables, and to them "-a.tif" with a mark is another file. */
#include "base/csv.h"
#include "base/error.h"
#include "base/former_names.h"
#include "base/nearest.h"
#include <math.h>
#include <string.h>

struct Csv {
    char *path, *text;
    GPtrArray *cells; /* row-major, the header first; borrowed from `text` */
    GArray *lines;    /* int: line number of each row */
    int columns;
};

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

void csv_cell(GString *out, const char *text, char end)
{
    gboolean first = out->len == 0 || out->str[out->len - 1] == '\n';
    /* Unquoted it would be an empty line, which is not a row. */
    gboolean no_line = first && end == '\n' && !*text;
    if (no_line || strpbrk(text, ",\"\r\n") || g_str_has_prefix(text, BYTE_ORDER_MARK)) {
        g_string_append_c(out, '"');
        for (; *text; text++) {
            if (*text == '"') {
                g_string_append_c(out, '"');
            }
            g_string_append_c(out, *text);
        }
        g_string_append_c(out, '"');
    } else {
        g_string_append(out, text);
    }
    g_string_append_c(out, end);
}

/* Removes the quotes of the cell that begins at *at, in place, and moves *at to its separator.  Returns what is wrong, or NULL. */
static const char *quoted_cell(char **at, char *out, int *line)
{
    char *in = *at + 1;
    for (; *in && !(in[0] == '"' && in[1] != '"'); in++) {
        if (*in == '"') {
            in++;
        }
        *line += *in == '\n';
        *out++ = *in;
    }
    if (!*in) {
        return "a quoted cell is not closed";
    }
    in++;
    in += in[0] == '\r' && in[1] == '\n';
    *out = 0;
    *at = in;
    return *in && *in != ',' && *in != '\n' ? "text after the closing quote of a cell" : NULL;
}

/* The same for a cell without quotes. */
static const char *plain_cell(char **at)
{
    char *end = *at + strcspn(*at, ",\r\n");
    gboolean carriage = *end == '\r';
    *at = end + carriage;
    if (carriage && **at != '\n') {
        return "a carriage return without a line feed";
    }
    if (carriage) {
        *end = 0;
    }
    return NULL;
}

/* Appends the cells of one row and moves *at to the next row. */
static gboolean split_row(Csv *csv, char **at, int *line, int row_line, GError **error)
{
    char separator;
    do {
        char *cell = *at;
        const char *wrong = *cell == '"' ? quoted_cell(at, cell, line) : plain_cell(at);
        if (wrong) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s line %d: %s", csv->path, row_line, wrong);
            return FALSE;
        }
        separator = **at;
        if (separator) {
            *(*at)++ = 0;
        }
        g_ptr_array_add(csv->cells, cell);
    } while (separator == ',');
    ++*line;
    return TRUE;
}

/* Refuses columns of the same name; several may have none. */
static gboolean check_header(const Csv *csv, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (int c = 0; c < csv->columns; c++) {
        char *name = csv->cells->pdata[c];
        if (*name && !g_hash_table_add(seen, name)) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s line 1: there are two columns \"%s\"",
                        csv->path, name);
            return FALSE;
        }
    }
    return TRUE;
}

gboolean csv_check_commas(const Csv *csv, GError **error)
{
    const char *header = csv->cells->pdata[0];
    if (csv->columns != 1 || !strpbrk(header, ";\t")) {
        return TRUE;
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                "%s line 1: its cells are separated by %s, not by commas: save it as CSV with commas",
                csv->path, strchr(header, ';') ? "semicolons" : "tabs");
    return FALSE;
}

/* Splits the whole text.  Empty lines are not rows; every other row has as many cells as the header. */
static gboolean split(Csv *csv, GError **error)
{
    char *at = csv->text + (g_str_has_prefix(csv->text, BYTE_ORDER_MARK) ? strlen(BYTE_ORDER_MARK) : 0);
    int line = 1;
    while (*at) {
        int row_line = line, before = (int)csv->cells->len;
        gboolean empty = at[0] == '\n' || (at[0] == '\r' && at[1] == '\n');
        if (!split_row(csv, &at, &line, row_line, error)) {
            return FALSE;
        }
        int cells = (int)csv->cells->len - before;
        if (csv->columns == 0) {
            csv->columns = cells;
        } else if (empty) {
            g_ptr_array_set_size(csv->cells, before);
            continue;
        } else if (cells != csv->columns) {
            if (!csv_check_commas(csv, error)) {
                return FALSE;
            }
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s line %d: it has %d cells, the header has %d",
                        csv->path, row_line, cells, csv->columns);
            return FALSE;
        }
        g_array_append_val(csv->lines, row_line);
    }
    if (csv->columns == 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s is empty, expected: a header line", csv->path);
    }
    return csv->columns > 0 && check_header(csv, error);
}

Csv *csv_read(const char *path, GError **error)
{
    g_autoptr(Csv) csv = g_new0(Csv, 1);
    gsize bytes;
    g_autoptr(GError) why = NULL;
    csv->path = g_strdup(path);
    csv->cells = g_ptr_array_new();
    csv->lines = g_array_new(FALSE, FALSE, sizeof(int));
    if (!g_file_get_contents(path, &csv->text, &bytes, &why)) {
        wsi_error_glib(error, why);
        return NULL;
    }
    if (memchr(csv->text, 0, bytes)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s contains a NUL byte, so it is not a text file",
                    path);
        return NULL;
    }
    return split(csv, error) ? g_steal_pointer(&csv) : NULL;
}

void csv_free(Csv *csv)
{
    if (csv) {
        g_free(csv->path);
        g_free(csv->text);
        g_ptr_array_unref(csv->cells);
        g_array_unref(csv->lines);
        g_free(csv);
    }
}

/* Removes Unicode white space at both ends (spreadsheets also write no-break spaces), in place.  Bytes that are not UTF-8 are kept. */
static char *trimmed(char *text)
{
    while (g_unichar_isspace(g_utf8_get_char_validated(text, -1))) {
        text = g_utf8_next_char(text);
    }
    char *last;
    while ((last = g_utf8_find_prev_char(text, text + strlen(text))) &&
           g_unichar_isspace(g_utf8_get_char_validated(last, -1))) {
        *last = 0;
    }
    return text;
}

void csv_trim(Csv *csv)
{
    for (guint i = 0; i < csv->cells->len; i++) {
        csv->cells->pdata[i] = trimmed(csv->cells->pdata[i]);
    }
}

int csv_rows(const Csv *csv)
{
    return (int)csv->lines->len - 1;
}

int csv_columns(const Csv *csv)
{
    return csv->columns;
}

int csv_column(const Csv *csv, const char *name)
{
    for (int c = 0; c < csv->columns; c++) {
        if (g_str_equal(csv->cells->pdata[c], name)) {
            return c;
        }
    }
    return -1;
}

int csv_need(const Csv *csv, const char *name, GError **error)
{
    int column = csv_column(csv, name);
    const char *former = former_name(name);
    if (column < 0 && former && csv_column(csv, former) >= 0) {
        former_name_error(error, csv->path, name);
    } else if (column < 0) {
        g_autoptr(GPtrArray) names = g_ptr_array_new();
        for (int c = 0; c < csv->columns; c++) {
            g_ptr_array_add(names, csv->cells->pdata[c]);
        }
        g_ptr_array_add(names, NULL);
        const char *near = nearest_name(name, (const char *const *)names->pdata);
        if (csv_check_commas(csv, error)) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s has no column \"%s\"%s%s%s", csv->path, name,
                        near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
        }
    }
    return column;
}

const char *csv_get(const Csv *csv, int row, int column)
{
    return csv->cells->pdata[(size_t)(row + 1) * csv->columns + column];
}

int csv_line(const Csv *csv, int row)
{
    return g_array_index(csv->lines, int, row + 1);
}

gboolean csv_number(const Csv *csv, int row, int column, double *out, GError **error)
{
    const char *text = csv_get(csv, row, column);
    char *end;
    *out = NAN;
    if (!*text) {
        return TRUE;
    }
    double value = g_ascii_strtod(text, &end);
    if (*end || !isfinite(value)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s line %d, column \"%s\": \"%s\" is not a number",
                    csv->path, csv_line(csv, row), csv_get(csv, -1, column), text);
        return FALSE;
    }
    *out = value;
    return TRUE;
}
