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
    const double *low, *high; /* (count) a band around the line at x; NULL = none */
    gboolean dots;            /* a dot at each point instead of a line */
    int colour;               /* that of another series, by its number from 1; 0 = its own */
} ChartSeries;

typedef struct {
    double x;
    const char *name;
} ChartMark; /* a vertical line, or a tick */

typedef struct {
    const char *title, *x_label, *y_label; /* UTF-8; NULL = none */
    double x_min, x_max, y_min, y_max;     /* NAN = from the data */
    int width, height;                     /* px; 0 = 640 x 400 */
    const char *description;               /* what it shows, for those who cannot see it; NULL = none */
    gboolean legend_below;                 /* the legend is in the lower right corner, not in the upper one */
    const ChartMark *marks;                /* (mark_count) */
    int mark_count;
    const ChartMark
        *ticks; /* (tick_count) of the x axis, when it is not linear in what it shows; NULL = round numbers */
    int tick_count;
} ChartAxes;

/* Points of a line that are nearer than this to the last one that was drawn are left out, so that no line moves by as much. */
#define CHART_NEAR_PX 0.05

/* Axes whose ranges come from the data. */
ChartAxes chart_axes(const char *title, const char *x_label, const char *y_label);
/* A complete <svg> element.  Colours repeat after 8 series.  Caller frees. */
char *chart_svg(const ChartAxes *axes, const ChartSeries *series, int count);
