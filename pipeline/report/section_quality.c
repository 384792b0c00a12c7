/* Quality of the slides: tissue, ink, blur, dark areas, what could not be read. */
#include "base/order.h"
#include "pipeline/report/report_section.h"
#include "pipeline/report/report_text.h"
#include <math.h>
#include <stddef.h>
#include <stdlib.h>

/* The share of a slide's tiles that have no score; NAN when none was to have one. */
static double unreadable_of(const SlideRow *row)
{
    return row->unreadable / (row->scored + row->unreadable);
}

static double tissue_of(const SlideRow *row)
{
    return row->tissue_mm2;
}

static double pen_of(const SlideRow *row)
{
    return row->pen;
}

static double blur_of(const SlideRow *row)
{
    return row->blur;
}

static double dark_of(const SlideRow *row)
{
    return row->dark;
}

static const struct {
    const char *title, *format;
    double (*of)(const SlideRow *row);
} measures[] = {{"tissue (mm²)", "%.2f", tissue_of},
                {"tiles with pen (fraction)", "%.4f", pen_of},
                {"blurred tiles (fraction)", "%.4f", blur_of},
                {"dark tiles: folds, pigment (fraction)", "%.4f", dark_of},
                {"tiles without data (fraction)", "%.4f", unreadable_of}};
enum { MEASURES = G_N_ELEMENTS(measures) };

/* A row: on how many slides it is known, its median, its largest value and where that is. */
static void put_measure(Page *page, const GPtrArray *slides, size_t m)
{
    g_autoptr(GArray) values = g_array_new(FALSE, FALSE, sizeof(double));
    const SlideRow *largest = NULL;
    for (guint i = 0; i < slides->len; i++) {
        const SlideRow *row = slides->pdata[i];
        double value = measures[m].of(row);
        if (!isnan(value)) {
            g_array_append_val(values, value);
            largest = !largest || value > measures[m].of(largest) ? row : largest;
        }
    }
    guint n = values->len;
    double *sorted = (double *)(void *)values->data;
    if (n > 0) {
        qsort(sorted, n, sizeof(double), order_doubles);
    }
    page_open(page, PAGE_TR);
    page_put(page, PAGE_TH_ROW, "%s", measures[m].title);
    page_put(page, PAGE_TD, "%u", n);
    page_number(page, measures[m].format, n > 0 ? sorted[0] : NAN);
    page_number(page, measures[m].format, n > 0 ? (sorted[(n - 1) / 2] + sorted[n / 2]) / 2 : NAN);
    page_number(page, measures[m].format, n > 0 ? sorted[n - 1] : NAN);
    page_put(page, PAGE_TD_NAME, "%s", largest && sorted[n - 1] > sorted[0] ? largest->slide : REPORT_DASH);
    page_close(page);
}

static void put_slide(Page *page, const SlideRow *row)
{
    page_open(page, PAGE_TR);
    page_put(page, PAGE_TH_ROW, "%s", row->slide);
    page_put(page, PAGE_TD_TEXT, "%s", row->tissue);
    for (size_t m = 0; m < MEASURES; m++) {
        page_number(page, measures[m].format, measures[m].of(row));
    }
    page_put(page, PAGE_TD_TEXT, "%s", row->warnings);
    page_close(page);
}

gboolean section_quality(const ReportInput *input, Page *page, GError **error)
{
    static const char *const titles[] = {"", "slides", "lowest", "median", "highest", "highest on", NULL};
    static const char *const of_slides[] = {"slide", "tissue from",  "tissue (mm²)", "pen", "blur",
                                            "dark",  "without data", "warnings",     NULL};
    if (!input->slides) {
        return TRUE;
    }
    page_put(page, PAGE_H2, "Quality of the slides");
    page_put(page, PAGE_P,
             "Pen, blur and dark tiles are flags of the tiles whose pixels were checked; a dash means that "
             "no tile of a "
             "slide was.");
    report_table(page, PAGE_TABLE, titles);
    for (size_t m = 0; m < MEASURES; m++) {
        put_measure(page, input->slides, m);
    }
    page_close(page);
    page_close(page);
    page_open(page, PAGE_DETAILS);
    page_put(page, PAGE_SUMMARY, "By slide, with warnings");
    report_table(page, PAGE_SORTABLE, of_slides);
    for (guint i = 0; i < input->slides->len; i++) {
        put_slide(page, input->slides->pdata[i]);
    }
    page_close(page);
    page_close(page);
    page_close(page);
    return TRUE;
}
