/* A file is read whole, split into cells that stay in one text block; rows are pointers into it. */
#include "base/csv.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

struct Csv {
    char *path, *text;
    GPtrArray *cells; /* row-major, the header first; borrowed from `text` */
    GArray *lines;    /* int: line number of each row */
    int columns;
};

static gboolean is_number(const char *text)
{
    char *end;
    g_ascii_strtod(text, &end);
    return end != text && *end == 0;
}

void csv_cell(GString *out, const char *text, char end)
{
    gboolean formula = text[0] && strchr("=+-@", text[0]) && !is_number(text);
    if (formula || strpbrk(text, ",\"\r\n")) {
        g_string_append_c(out, '"');
        if (formula) {
            g_string_append_c(out, '\'');
        }
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

/* Cuts one cell at *at (in place), moves *at past its separator; returns the cell, sets the separator: ',', '\n', 0 at the end of the
 * text, or '"' when the text ends inside of a quoted cell. */
static char *next_cell(char **at, char *separator, int *line)
{
    char *in = *at, *cell = in, *out = in;
    if (*in == '"') {
        for (in++; *in && !(in[0] == '"' && in[1] != '"'); in++) {
            if (*in == '"') {
                in++;
            }
            *line += *in == '\n';
            *out++ = *in;
        }
        if (!*in) {
            *separator = '"'; /* the quote is never closed */
            *at = in;
            return cell;
        }
        in++;
    }
    while (*in && *in != ',' && *in != '\n') {
        *out++ = *in++;
    }
    if (*in == '\n' && out > cell && out[-1] == '\r') {
        out--;
    }
    *separator = *in;
    *at = *in ? in + 1 : in;
    *out = 0;
    return cell;
}

static gboolean split(Csv *csv, GError **error)
{
    char *at = csv->text;
    int line = 1;
    if (g_str_has_prefix(at, "\xEF\xBB\xBF")) {
        at += 3;
    }
    while (*at) {
        int row_line = line, cells = 0;
        char separator;
        do {
            g_ptr_array_add(csv->cells, next_cell(&at, &separator, &line));
            cells++;
        } while (separator == ',');
        line++;
        if (separator == '"') {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s line %d: a quoted cell is not closed",
                        csv->path, row_line);
            return FALSE;
        }
        if (csv->columns == 0) {
            csv->columns = cells;
        } else if (cells == 1 && *(char *)csv->cells->pdata[csv->cells->len - 1] == 0) {
            g_ptr_array_set_size(csv->cells, csv->cells->len - 1); /* an empty line */
            continue;
        } else if (cells != csv->columns) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s line %d: %d cells, the header has %d",
                        csv->path, row_line, cells, csv->columns);
            return FALSE;
        }
        g_array_append_val(csv->lines, row_line);
    }
    if (csv->columns == 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s is empty: a header line was expected", csv->path);
    }
    return csv->columns > 0;
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
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s", why->message);
        return NULL;
    }
    if (memchr(csv->text, 0, bytes)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: not a text file", path);
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

int csv_rows(const Csv *csv)
{
    return (int)csv->lines->len - 1;
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
    if (column < 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s has no column \"%s\"", csv->path, name);
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
