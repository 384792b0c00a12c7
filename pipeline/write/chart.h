/* Line charts as SVG text.
 *
 * The text depends on the arguments only (no date, no locale, no random ids) and stands alone: no script, no style sheet, generic
 * fonts, so it can be put into an HTML page as it is. */
#pragma once
#include <glib.h>

typedef struct {
    const char *name; /* in the legend; NULL = not there */
    int count;
    const double *x, *y; /* points that are not finite break the line */
    gboolean dashed;
} ChartSeries;

typedef struct {
    const char *title, *x_label, *y_label; /* UTF-8; NULL = none */
    double x_min, x_max, y_min, y_max;     /* NAN = from the data */
    int width, height;                     /* px; 0 = 640 x 400 */
} ChartAxes;

/* Axes that take everything from the data. */
ChartAxes chart_axes(const char *title, const char *x_label, const char *y_label);
/* A complete <svg> element. At most 8 series have colours of their own, then they repeat.  Caller frees. */
char *chart_svg(const ChartAxes *axes, const ChartSeries *series, int count);
