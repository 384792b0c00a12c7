/* The columns of slides.csv, in one table for writing and reading. */
#include "pipeline/report/slide_table.h"
#include "base/csv.h"
#include <math.h>
#include <stddef.h>
#include <string.h>

static const struct {
    const char *name, *format; /* format NULL: text */
    size_t offset;
} columns[] = {
    {"slide", NULL, offsetof(SlideRow, slide)},
    {"state", NULL, offsetof(SlideRow, state)},
    {"split", NULL, offsetof(SlideRow, split)},
    {"label", NULL, offsetof(SlideRow, label)},
    {"tissue", NULL, offsetof(SlideRow, tissue)},
    {"tissue_mm2", "%.6g", offsetof(SlideRow, tissue_mm2)},
    {"tiles", "%.0f", offsetof(SlideRow, tiles)},
    {"scored_tiles", "%.0f", offsetof(SlideRow, scored)},
    {"unreadable_tiles", "%.0f", offsetof(SlideRow, unreadable)},
    {"pen_fraction", "%.6f", offsetof(SlideRow, pen)},
    {"blur_fraction", "%.6f", offsetof(SlideRow, blur)},
    {"dark_fraction", "%.6f", offsetof(SlideRow, dark)},
    {"score_maximum", "%.9g", offsetof(SlideRow, maximum)},
    {"score_top_1_percent", "%.9g", offsetof(SlideRow, top)},
    {"above_threshold_mm2", "%.6g", offsetof(SlideRow, above_mm2)},
    {"regions", "%.0f", offsetof(SlideRow, regions)},
    {"warnings", NULL, offsetof(SlideRow, warnings)},
    {"failure", NULL, offsetof(SlideRow, failure)},
};

static char **text_of(const SlideRow *row, size_t column)
{
    return (char **)(void *)((char *)row + columns[column].offset);
}

static double *number_of(const SlideRow *row, size_t column)
{
    return (double *)(void *)((char *)row + columns[column].offset);
}

SlideRow *slide_row_new(void)
{
    SlideRow *row = g_new0(SlideRow, 1);
    for (size_t c = 0; c < G_N_ELEMENTS(columns); c++) {
        if (columns[c].format) {
            *number_of(row, c) = NAN;
        } else {
            *text_of(row, c) = g_strdup("");
        }
    }
    return row;
}

void slide_row_free(SlideRow *row)
{
    for (size_t c = 0; row && c < G_N_ELEMENTS(columns); c++) {
        if (!columns[c].format) {
            g_free(*text_of(row, c));
        }
    }
    g_free(row);
}

static void free_row(gpointer row)
{
    slide_row_free(row);
}

char *slide_table_text(const GPtrArray *rows)
{
    GString *out = g_string_new(NULL);
    enum { LAST = G_N_ELEMENTS(columns) - 1 };
    for (size_t c = 0; c <= LAST; c++) {
        csv_cell(out, columns[c].name, c == LAST ? '\n' : ',');
    }
    for (guint i = 0; i < rows->len; i++) {
        for (size_t c = 0; c <= LAST; c++) {
            char text[G_ASCII_DTOSTR_BUF_SIZE] = "";
            double value = columns[c].format ? *number_of(rows->pdata[i], c) : NAN;
            if (isfinite(value)) {
                g_ascii_formatd(text, sizeof text, columns[c].format, value);
            }
            csv_cell(out, columns[c].format ? text : *text_of(rows->pdata[i], c), c == LAST ? '\n' : ',');
        }
    }
    return g_string_free(out, FALSE);
}

static gboolean read_row(const Csv *csv, int number, SlideRow *row, GError **error)
{
    for (size_t c = 0; c < G_N_ELEMENTS(columns); c++) {
        int at = csv_need(csv, columns[c].name, error);
        if (at < 0 || (columns[c].format && !csv_number(csv, number, at, number_of(row, c), error))) {
            return FALSE;
        }
        if (!columns[c].format) {
            g_free(*text_of(row, c));
            *text_of(row, c) = g_strdup(csv_get(csv, number, at));
        }
    }
    return TRUE;
}

GPtrArray *slide_table_read(const char *path, GError **error)
{
    g_autoptr(Csv) csv = csv_read(path, error);
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(free_row);
    for (int i = 0; csv && i < csv_rows(csv); i++) {
        g_ptr_array_add(rows, slide_row_new());
        if (!read_row(csv, i, rows->pdata[i], error)) {
            return NULL;
        }
    }
    return csv ? g_steal_pointer(&rows) : NULL;
}

gint slide_row_by_score(gconstpointer a, gconstpointer b)
{
    const SlideRow *x = *(SlideRow *const *)a, *y = *(SlideRow *const *)b;
    if (isnan(x->top) != isnan(y->top)) {
        return isnan(x->top) - isnan(y->top);
    }
    if (!isnan(x->top) && x->top != y->top) {
        return x->top < y->top ? 1 : -1;
    }
    return strcmp(x->slide, y->slide);
}
