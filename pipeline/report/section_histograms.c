/* Histograms of the scores of tiles: by split and label, and of normal tiles by centre. */
#include "base/order.h"
#include "pipeline/evaluation/score_rows.h"
#include "pipeline/report/report_section.h"
#include "pipeline/report/report_text.h"
#include "pipeline/write/chart.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BINS = 40, MOST_CENTRES = 8 };
#define WIDE 20 /* interquartile ranges from the lowest to the highest score that a linear axis can show */
#define OUTSIDE 0.002 /* fraction of the scores that is beyond each end of a linear axis */

/* The axis that all histograms share.  Lesions can be a thousand standard deviations away, so a wide range is shown on an axis that is linear up
 * to `unit` and logarithmic beyond: asinh(score / unit). */
typedef struct {
    double low, high; /* of the axis, transformed */
    double unit;      /* 0 = linear */
} Range;

static double transform(const Range *range, double score)
{
    return range->unit > 0 ? asinh(score / range->unit) : score;
}

static Range range_of(const ScoreTable *table)
{
    g_autoptr(GArray) scores = g_array_new(FALSE, FALSE, sizeof(double));
    for (int i = 0; i < table->n; i++) {
        if (isfinite(table->score[i])) {
            g_array_append_val(scores, table->score[i]);
        }
    }
    double *sorted = (double *)(void *)scores->data;
    guint n = scores->len;
    if (n == 0) {
        return (Range){0, 1, 0};
    }
    qsort(sorted, n, sizeof(double), order_doubles);
    double quarters = sorted[3 * n / 4] - sorted[n / 4], low = sorted[0], high = sorted[n - 1];
    Range range = {.unit = 0};
    if (high - low > WIDE * quarters) {
        range.unit =
            quarters > 0 && fabs(sorted[n / 2]) < WIDE * quarters ? pow(10, round(log10(quarters))) : 0;
        guint beyond = range.unit > 0 ? 0 : (guint)(OUTSIDE * n);
        low = sorted[beyond];
        high = sorted[n - 1 - beyond];
    }
    range.low = transform(&range, high > low ? low : low - 0.5);
    range.high = transform(&range, high > low ? high : low + 0.5);
    return range;
}

enum { MOST_TICKS = 64 };
typedef struct {
    ChartMark marks[MOST_TICKS];
    char text[MOST_TICKS][G_ASCII_DTOSTR_BUF_SIZE];
    int n;
} Ticks;

static void add_tick(Ticks *ticks, const Range *range, double value)
{
    if (ticks->n < MOST_TICKS) {
        char *text = ticks->text[ticks->n];
        ticks->marks[ticks->n++] = (ChartMark){transform(range, value),
                                               g_ascii_formatd(text, G_ASCII_DTOSTR_BUF_SIZE, "%.6g", value)};
    }
}

/* 0 and the powers of ten on both sides, from `unit` on; marks[].name points into the struct. */
static void find_ticks(const Range *range, Ticks *ticks)
{
    ticks->n = 0;
    add_tick(ticks, range, 0);
    for (double value = range->unit; transform(range, value) < fmax(-range->low, range->high); value *= 10) {
        add_tick(ticks, range, value);
        add_tick(ticks, range, -value);
    }
}

/* The outline of a histogram: two points per bin. */
typedef struct {
    char *name; /* in the legend */
    int n;
    double count[BINS], x[2 * BINS], y[2 * BINS];
} Histogram;

static void histogram_free(gpointer histogram)
{
    g_free(((Histogram *)histogram)->name);
    g_free(histogram);
}

/* What is beyond an end of the axis counts in the bin there. */
static void add(Histogram *h, const Range *range, double score)
{
    int bin = (int)floor((transform(range, score) - range->low) / (range->high - range->low) * BINS);
    h->count[CLAMP(bin, 0, BINS - 1)]++;
    h->n++;
}

static void outline(Histogram *h, const Range *range)
{
    for (int b = 0; b < BINS; b++) {
        h->x[2 * b] = range->low + (range->high - range->low) * b / BINS;
        h->x[2 * b + 1] = range->low + (range->high - range->low) * (b + 1) / BINS;
        h->y[2 * b] = h->y[2 * b + 1] = 100 * h->count[b] / h->n;
    }
}

/* A chart of those histograms that are not empty; `names` of rows without any are left out.  histograms: Histogram*. */
static void put_chart(Page *page, const GPtrArray *histograms, const Range *range, const char *title,
                      const char *unit, const ChartMark *mark)
{
    g_autofree ChartSeries *series = g_new0(ChartSeries, histograms->len + 1);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    int n = 0;
    for (guint i = 0; i < histograms->len; i++) {
        Histogram *h = histograms->pdata[i];
        if (h->n == 0) {
            continue;
        }
        outline(h, range);
        g_ptr_array_add(names, g_strdup_printf("%s (%d)", h->name, h->n));
        series[n++] = (ChartSeries){.name = names->pdata[names->len - 1],
                                    .count = 2 * BINS,
                                    .x = h->x,
                                    .y = h->y,
                                    .dashed = i % 2 == 1};
    }
    if (n == 0) {
        return;
    }
    g_autofree char *x = g_strdup_printf("score of a tile%s", unit);
    ChartAxes axes = chart_axes(title, x, "tiles of the group (%)");
    axes.x_min = range->low;
    axes.x_max = range->high;
    axes.y_min = 0;
    axes.width = 480;
    axes.height = 300;
    axes.description = title;
    Ticks ticks;
    const ChartMark at = {transform(range, mark->x), mark->name};
    axes.marks = &at;
    axes.mark_count = isnan(mark->x) ? 0 : 1;
    if (range->unit > 0) {
        find_ticks(range, &ticks);
        axes.ticks = ticks.marks;
        axes.tick_count = ticks.n;
    }
    g_autofree char *svg = chart_svg(&axes, series, n);
    page_open(page, PAGE_FIGURE);
    page_drawing(page, svg);
    page_close(page);
}

static Histogram *histogram_new(const char *name)
{
    Histogram *h = g_new0(Histogram, 1);
    h->name = g_strdup(name);
    return h;
}

static void put_split(Page *page, const ScoreTable *table, const char *split, const Range *range,
                      const char *unit, const ChartMark *mark)
{
    static const char *const names[] = {"normal", "anomalous", "no label"};
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(histogram_free);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_ptr_array_add(all, histogram_new(names[i]));
    }
    for (int i = 0; i < table->n; i++) {
        if (isfinite(table->score[i]) && (!split || g_str_equal(table->split[i], split))) {
            int label = table->label[i];
            add(all->pdata[label == 0 ? 0 : label == 1 ? 1 : 2], range, table->score[i]);
        }
    }
    g_autofree char *title = split ? g_strdup_printf("Scores of tiles: %s split", *split ? split : "unknown")
                                   : g_strdup("Scores of tiles");
    put_chart(page, all, range, title, unit, mark);
}

/* ---- by centre ---- */

static gint by_count(gconstpointer a, gconstpointer b)
{
    const Histogram *x = *(Histogram *const *)a, *y = *(Histogram *const *)b;
    return x->n != y->n ? (x->n < y->n ? 1 : -1) : strcmp(x->name, y->name);
}

/* Normal tiles of each centre: array of Histogram*, the largest first.  Empty when no slide has a centre. */
static GPtrArray *by_centre(const ReportInput *input, const Range *range)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(histogram_free);
    g_autoptr(GHashTable) centres = g_hash_table_new(g_str_hash, g_str_equal),
                          found = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < input->work->run->slides->len; i++) {
        const SlideEntry *entry = input->work->run->slides->pdata[i];
        g_hash_table_insert(centres, entry->id, entry->centre);
    }
    for (int i = 0; i < input->table->n; i++) {
        const char *centre = g_hash_table_lookup(centres, input->table->group[i]);
        if (!centre || !*centre || input->table->label[i] != 0 || !isfinite(input->table->score[i])) {
            continue;
        }
        Histogram *h = g_hash_table_lookup(found, centre);
        if (!h) {
            h = histogram_new(centre);
            g_ptr_array_add(all, h);
            g_hash_table_insert(found, h->name, h);
        }
        add(h, range, input->table->score[i]);
    }
    g_ptr_array_sort(all, by_count);
    return all;
}

static void put_centres(Page *page, const ReportInput *input, const Range *range, const char *unit,
                        const ChartMark *mark)
{
    g_autoptr(GPtrArray) all = by_centre(input, range);
    guint centres = all->len;
    if (centres == 0) {
        page_put(page, PAGE_SMALL,
                 "The centres of the slides are not known, so there is no histogram by centre.");
        return;
    }
    if (centres > MOST_CENTRES) {
        g_ptr_array_set_size(all, MOST_CENTRES);
    }
    page_open(page, PAGE_ROW_OF_DRAWINGS);
    put_chart(page, all, range, "Scores of normal tiles by centre, all splits", unit, mark);
    page_close(page);
    if (centres > MOST_CENTRES) {
        page_put(page, PAGE_SMALL, "The %d centres with most tiles, of %u.", MOST_CENTRES, centres);
    }
}

/* What the axis does to the scores. */
static void put_axis(Page *page, const ScoreTable *table, const Range *range)
{
    int outside = 0;
    for (int i = 0; i < table->n; i++) {
        double at = transform(range, table->score[i]);
        outside += at < range->low || at > range->high;
    }
    page_put(page, PAGE_SMALL, "All charts have the same axis.%s In brackets: the number of tiles.",
             range->unit > 0 ? " It is linear around 0 and logarithmic further out." : "");
    if (outside > 0) {
        page_put(page, PAGE_SMALL, "%d scores beyond its ends count in the first or the last bin.", outside);
    }
}

gboolean section_histograms(const ReportInput *input, Page *page, GError **error)
{
    if (!input->table) {
        return TRUE;
    }
    Range range = range_of(input->table);
    const json_t *threshold = json_object_get(json_object_get(input->metrics, "calibrated"), "threshold");
    const ChartMark mark = {json_is_number(threshold) ? json_number_value(threshold) : NAN,
                            "calibrated threshold"};
    const char *unit =
        g_str_equal(input->table->name, "score") && json_object_get(input->metrics, "calibration")
            ? " (standard deviations of held-out normal tiles)"
            : "";
    g_autoptr(GPtrArray) splits = score_splits(input->table);
    page_put(page, PAGE_H2, "Scores of tiles");
    page_open(page, PAGE_ROW_OF_DRAWINGS);
    for (guint i = 0; i < splits->len; i++) {
        put_split(page, input->table, splits->pdata[i], &range, unit, &mark);
    }
    if (splits->len == 0) {
        put_split(page, input->table, NULL, &range, unit, &mark);
    }
    page_close(page);
    put_centres(page, input, &range, unit, &mark);
    put_axis(page, input->table, &range);
    return TRUE;
}
