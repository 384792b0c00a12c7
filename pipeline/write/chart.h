/* Line charts as SVG text.
 *
 * The text depends on the arguments only (no date, no locale, no random ids).  It needs no script, style sheet or font, so it can
 * be placed in an HTML page. */
#pragma once
#include <glib.h>

typedef struct {
    const char *name; /* in the legend; NULL = not in it */
    int count;
    const double *x, *y; /* points that are not finite break the line */
    gboolean dashed;
} ChartSeries;

typedef struct {
    const char *title, *x_label, *y_label; /* UTF-8; NULL = none */
    double x_min, x_max, y_min, y_max;     /* NAN = from the data */
    int width, height;                     /* px; 0 = 640 x 400 */
} ChartAxes;

/* Axes whose ranges come from the data. */
ChartAxes chart_axes(const char *title, const char *x_label, const char *y_label);
/* A complete <svg> element.  Colours repeat after 8 series.  Caller frees. */
char *chart_svg(const ChartAxes *axes, const ChartSeries *series, int count);
