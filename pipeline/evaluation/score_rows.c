/* Rows of a table of scores: those of a split, and their metrics. */
#include "pipeline/evaluation/score_rows.h"
#include "base/order.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

ScorePart score_part(const ScoreTable *table, const char *split)
{
    ScorePart part = {.split = split, .rows = g_array_new(FALSE, FALSE, sizeof(int))};
    g_autoptr(GHashTable) slides = g_hash_table_new(NULL, NULL); /* texts are unique */
    for (int i = 0; i < table->n; i++) {
        if (split && !g_str_equal(table->split[i], split)) {
            continue;
        }
        part.tiles++;
        part.unlabelled += table->label[i] < 0;
        part.without += isnan(table->score[i]);
        part.unscored += table->label[i] >= 0 && isnan(table->score[i]);
        if (table->label[i] >= 0 && !isnan(table->score[i])) {
            g_array_append_val(part.rows, i);
        }
        if (*table->group[i]) {
            g_hash_table_add(slides, (gpointer)table->group[i]);
        }
    }
    part.slides = (int)g_hash_table_size(slides);
    return part;
}

GArray *score_gather(const GArray *rows, const void *values, size_t size)
{
    GArray *out = g_array_sized_new(FALSE, FALSE, (guint)size, rows->len);
    for (guint i = 0; i < rows->len; i++) {
        g_array_append_vals(out, (const char *)values + (size_t)g_array_index(rows, int, i) * size, 1);
    }
    return out;
}

/* Metrics of some rows and one column; threshold NAN: at the threshold of the best F1. */
gboolean score_metrics(const ScoreTable *table, const GArray *rows, const double *values, double threshold,
                       Metrics *out)
{
    g_autoptr(GArray) score = score_gather(rows, values, sizeof(double));
    g_autoptr(GArray) label = score_gather(rows, table->label, sizeof(int));
    const double *s = (const double *)(void *)score->data;
    const int *l = (const int *)(void *)label->data;
    return isnan(threshold) ? metrics_compute(s, l, (int)rows->len, out, NULL)
                            : metrics_at(s, l, (int)rows->len, threshold, out, NULL);
}

/* The order in which splits are reported. */
static int split_rank(const char *split)
{
    static const char *const order[] = {"test", "valid", "none", "train"};
    int rank = 0;
    while (rank < (int)G_N_ELEMENTS(order) && !g_str_equal(order[rank], split)) {
        rank++;
    }
    return rank;
}

gint score_by_split(gconstpointer a, gconstpointer b)
{
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    int order = split_rank(x) - split_rank(y);
    return order ? order : strcmp(x, y);
}

/* The splits of a table, in order; empty when no row has one. */
GPtrArray *score_splits(const ScoreTable *table)
{
    GPtrArray *splits = g_ptr_array_new();
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    for (int i = 0; i < table->n; i++) {
        if (g_hash_table_add(seen, (gpointer)table->split[i])) {
            g_ptr_array_add(splits, (gpointer)table->split[i]);
        }
    }
    if (splits->len == 1 && !*(const char *)splits->pdata[0]) {
        g_ptr_array_set_size(splits, 0);
    }
    g_ptr_array_sort(splits, score_by_split);
    return splits;
}

/* The split of the headline; NULL = all rows. */
const char *score_headline_split(const ScoreTable *table)
{
    g_autoptr(GPtrArray) splits = score_splits(table);
    return splits->len > 0 ? "test" : NULL;
}

/* ---- slides ---- */

SlideTiles score_slide_tiles(const ScoreTable *table, const GArray *rows)
{
    g_autoptr(GArray) values = g_array_new(FALSE, FALSE, sizeof(double));
    for (guint i = 0; i < rows->len; i++) {
        double score = table->score[g_array_index(rows, int, i)];
        if (!isnan(score)) {
            g_array_append_val(values, score);
        }
    }
    int n = (int)values->len, top = (n + 99) / 100;
    double *sorted = (double *)(void *)values->data, sum = 0;
    if (n == 0) {
        return (SlideTiles){0};
    }
    qsort(sorted, (size_t)n, sizeof(double), order_doubles);
    for (int i = 0; i < top; i++) {
        sum += sorted[n - 1 - i];
    }
    return (SlideTiles){n, top, (sorted[(n - 1) / 2] + sorted[n / 2]) / 2, sum / top, sorted[n - 1]};
}

typedef struct {
    const ScoreTable *table;
    int row;
} SlideRow;

static gint by_slide(gconstpointer a, gconstpointer b)
{
    const SlideRow *x = a, *y = b;
    const char *const *split = x->table->split, *const *slide = x->table->group;
    int order = score_by_split(&split[x->row], &split[y->row]);
    order = order ? order : strcmp(slide[x->row], slide[y->row]);
    return order ? order : x->row - y->row;
}

static void rows_free(gpointer rows)
{
    g_array_unref(rows);
}

GPtrArray *score_slides(const ScoreTable *table)
{
    GPtrArray *slides = g_ptr_array_new_with_free_func(rows_free);
    g_autoptr(GArray) order = g_array_new(FALSE, FALSE, sizeof(SlideRow));
    for (int i = 0; i < table->n; i++) {
        if (*table->group[i]) {
            g_array_append_val(order, ((SlideRow){table, i}));
        }
    }
    g_array_sort(order, by_slide);
    int before = -1;
    for (guint i = 0; i < order->len; i++) {
        int row = g_array_index(order, SlideRow, i).row;
        if (before < 0 || table->group[row] != table->group[before] ||
            table->split[row] != table->split[before]) {
            g_ptr_array_add(slides, g_array_new(FALSE, FALSE, sizeof(int)));
        }
        g_array_append_val((GArray *)slides->pdata[slides->len - 1], row);
        before = row;
    }
    return slides;
}
