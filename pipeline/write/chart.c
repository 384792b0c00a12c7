/* Charts.
 *
 * A chart is written directly as text: frame, ticks at round numbers (1, 2 or 5 times a power of ten), a <path> for each series, and
 * the legend.  Numbers are formatted by g_ascii_formatd, since a decimal comma would break SVG. */
#include "pipeline/write/chart.h"
#include <math.h>

#define MARGIN_LEFT 64
#define MARGIN_RIGHT 16
#define MARGIN_TOP 32
#define MARGIN_BOTTOM 46
#define TICKS 6 /* about this number on an axis */

/* The palette of Okabe and Ito, which people with colour blindness can distinguish. */
static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                      "#56b4e9", "#e69f00", "#000000", "#999999"};

typedef struct {
    double low, high;   /* values at the ends */
    double start, step; /* px of `low`, px per unit */
    double tick;        /* distance of ticks */
} Axis;

ChartAxes chart_axes(const char *title, const char *x_label, const char *y_label)
{
    return (ChartAxes){.title = title,
                       .x_label = x_label,
                       .y_label = y_label,
                       .x_min = NAN,
                       .x_max = NAN,
                       .y_min = NAN,
                       .y_max = NAN};
}

static void put(GString *out, const char *format, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append(out, g_ascii_formatd(text, sizeof text, format, value));
}

/* ` NAME="VALUE"` */
static void attribute(GString *out, const char *name, double value)
{
    g_string_append_printf(out, " %s=\"", name);
    put(out, "%.2f", value);
    g_string_append_c(out, '"');
}

static void line(GString *out, double x1, double y1, double x2, double y2, const char *stroke)
{
    g_string_append(out, "<line");
    attribute(out, "x1", x1);
    attribute(out, "y1", y1);
    attribute(out, "x2", x2);
    attribute(out, "y2", y2);
    g_string_append_printf(out, " stroke=\"%s\"/>\n", stroke);
}

static void label(GString *out, double x, double y, const char *anchor, const char *more, const char *text)
{
    g_autofree char *escaped = g_markup_escape_text(text ? text : "", -1);
    g_string_append(out, "<text");
    attribute(out, "x", x);
    attribute(out, "y", y);
    g_string_append_printf(out, " text-anchor=\"%s\"%s>%s</text>\n", anchor, more, escaped);
}

/* 1, 2 or 5 times a power of ten, so that `range` has about TICKS of them. */
static double round_step(double range)
{
    double raw = range / TICKS, power = pow(10, floor(log10(raw)));
    double digit = raw / power;
    return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
}

/* Range of one coordinate of all points that can be drawn. */
static void range_of(const ChartSeries *series, int count, gboolean vertical, double *low, double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (int s = 0; s < count; s++) {
        for (int i = 0; i < series[s].count; i++) {
            double x = series[s].x[i], y = series[s].y[i];
            if (isfinite(x) && isfinite(y)) {
                *low = fmin(*low, vertical ? y : x);
                *high = fmax(*high, vertical ? y : x);
            }
            if (vertical && series[s].low && isfinite(series[s].low[i]) && isfinite(series[s].high[i])) {
                *low = fmin(*low, series[s].low[i]);
                *high = fmax(*high, series[s].high[i]);
            }
        }
    }
}

static Axis axis_new(double low, double high, double asked_low, double asked_high, double from_px,
                     double to_px)
{
    if (low > high) { /* nothing to draw */
        low = 0;
        high = 1;
    }
    if (!(high - low > 1e-9 * fmax(fabs(low), fabs(high)))) { /* all the same */
        double room = fmax(fabs(low) * 0.1, 1e-3);
        low -= room;
        high += room;
    }
    low = isfinite(asked_low) ? asked_low : low;
    high = isfinite(asked_high) ? asked_high : high;
    if (!(high > low)) {
        high = low + 1;
    }
    return (Axis){low, high, from_px, (to_px - from_px) / (high - low), round_step(high - low)};
}

static double axis_px(const Axis *axis, double value)
{
    return axis->start + (value - axis->low) * axis->step;
}

static void draw_ticks(GString *out, const Axis *axis, gboolean vertical, double from_px, double to_px)
{
    double first = ceil(axis->low / axis->tick - 1e-9);
    for (int k = 0; (first + k) * axis->tick <= axis->high + 1e-9 * axis->tick && k < 4 * TICKS; k++) {
        double value = (first + k) * axis->tick, at = axis_px(axis, value);
        char text[G_ASCII_DTOSTR_BUF_SIZE];
        g_ascii_formatd(text, sizeof text, "%.6g", value == 0 ? 0 : value); /* no -0 */
        if (vertical) {
            line(out, from_px, at, to_px, at, "#dddddd");
            label(out, from_px - 6, at + 4, "end", "", text);
        } else {
            line(out, at, from_px, at, to_px, "#dddddd");
            label(out, at, from_px + 16, "middle", "", text);
        }
    }
}

typedef struct {
    double x, y; /* px, of what was drawn last */
    int drawn;   /* points of the line so far; 0 = pen up */
} Pen;

static void draw_point(GString *out, Pen *pen, double x, double y)
{
    g_string_append(out, pen->drawn > 0 ? " L" : " M");
    put(out, "%.2f", x);
    g_string_append_c(out, ' ');
    put(out, "%.2f", y);
    *pen = (Pen){x, y, pen->drawn + 1};
}

/* Ends a line; one of a single point becomes a dot. */
static void lift(GString *out, Pen *pen)
{
    g_string_append(out, pen->drawn == 1 ? " h0" : "");
    pen->drawn = 0;
}

/* A point that looks like the previous one is left out, unless its line ends there, so a curve of a million points stays small. */
static void draw_series(GString *out, const ChartSeries *s, const char *colour, const Axis *x, const Axis *y)
{
    Pen pen = {0};
    g_string_append(out, "<path d=\"");
    for (int i = 0; i < s->count; i++) {
        if (!isfinite(s->x[i]) || !isfinite(s->y[i])) {
            lift(out, &pen);
            continue;
        }
        double px = axis_px(x, CLAMP(s->x[i], x->low, x->high)),
               py = axis_px(y, CLAMP(s->y[i], y->low, y->high));
        gboolean last = i + 1 == s->count || !isfinite(s->x[i + 1]) || !isfinite(s->y[i + 1]);
        gboolean near = pen.drawn > 0 && fabs(px - pen.x) < CHART_NEAR_PX && fabs(py - pen.y) < CHART_NEAR_PX;
        if (last || !near) {
            draw_point(out, &pen, px, py);
        }
    }
    lift(out, &pen);
    g_string_append_printf(
        out, "\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.8\" stroke-linecap=\"round\"%s/>\n", colour,
        s->dashed ? " stroke-dasharray=\"6 4\"" : "");
}

/* The band of a series: there along its upper side, and back along its lower one. */
static void draw_band(GString *out, const ChartSeries *s, const char *colour, const Axis *x, const Axis *y)
{
    Pen pen = {0};
    g_string_append(out, "<path d=\"");
    for (int i = 0; i < 2 * s->count; i++) {
        gboolean back = i >= s->count;
        int k = back ? 2 * s->count - 1 - i : i;
        double value = back ? s->low[k] : s->high[k];
        if (isfinite(s->low[k]) && isfinite(s->high[k])) {
            draw_point(out, &pen, axis_px(x, CLAMP(s->x[k], x->low, x->high)),
                       axis_px(y, CLAMP(value, y->low, y->high)));
        }
    }
    g_string_append_printf(out, " Z\" fill=\"%s\" fill-opacity=\"0.18\" stroke=\"none\"/>\n", colour);
}

static void draw_dots(GString *out, const ChartSeries *s, const char *colour, const Axis *x, const Axis *y)
{
    g_string_append(out, "<path d=\"");
    for (int i = 0; i < s->count; i++) {
        if (isfinite(s->x[i]) && isfinite(s->y[i])) {
            Pen pen = {0};
            draw_point(out, &pen, axis_px(x, CLAMP(s->x[i], x->low, x->high)),
                       axis_px(y, CLAMP(s->y[i], y->low, y->high)));
            lift(out, &pen);
        }
    }
    g_string_append_printf(
        out, "\" fill=\"none\" stroke=\"%s\" stroke-width=\"6\" stroke-linecap=\"round\"/>\n", colour);
}

static void draw_marks(GString *out, const ChartAxes *axes, const Axis *x, double top, double bottom)
{
    for (int m = 0; m < axes->mark_count; m++) {
        double at = axis_px(x, axes->marks[m].x);
        if (axes->marks[m].x >= x->low && axes->marks[m].x <= x->high) {
            gboolean right = 2 * axes->marks[m].x > x->low + x->high;
            line(out, at, top, at, bottom, "#000000");
            label(out, at + (right ? -4 : 4), bottom - 6 - 14 * m, right ? "end" : "start", "",
                  axes->marks[m].name);
        }
    }
}

static const char *colour_of(const ChartSeries *series, int s)
{
    int number = series[s].colour > 0 ? series[s].colour - 1 : s;
    return colours[number % (int)G_N_ELEMENTS(colours)];
}

static void draw_legend(GString *out, const ChartSeries *series, int count, double right, double top)
{
    for (int s = 0, row = 0; s < count; s++) {
        if (series[s].name) {
            double y = top + 16 + 16 * row++;
            line(out, right - 26, y - 4, right - 6, y - 4, colour_of(series, s));
            label(out, right - 32, y, "end", "", series[s].name);
        }
    }
}

/* Where the legend begins. */
static double legend_top(const ChartAxes *axes, const ChartSeries *series, int count, double top,
                         double bottom)
{
    int rows = 0;
    for (int s = 0; s < count; s++) {
        rows += series[s].name != NULL;
    }
    return axes->legend_below ? bottom - 16 * rows - 8 : top;
}

static void open_svg(GString *out, const ChartAxes *axes, int width, int height)
{
    g_string_append_printf(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d "
        "%d\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#333333\"%s>\n",
        width, height, width, height, axes->description ? " role=\"img\"" : "");
    if (axes->description) {
        g_autofree char *title = g_markup_escape_text(axes->title ? axes->title : "", -1),
                        *text = g_markup_escape_text(axes->description, -1);
        g_string_append_printf(out, "<title>%s</title><desc>%s</desc>\n", title, text);
    }
    g_string_append(out, "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
}

static void draw_all_series(GString *out, const ChartSeries *series, int count, const Axis *x, const Axis *y)
{
    for (int s = 0; s < count; s++) {
        if (series[s].low && series[s].high) {
            draw_band(out, &series[s], colour_of(series, s), x, y);
        }
    }
    for (int s = 0; s < count; s++) {
        (series[s].dots ? draw_dots : draw_series)(out, &series[s], colour_of(series, s), x, y);
    }
}

/* The ticks of the x axis that the caller gives. */
static void draw_given_ticks(GString *out, const ChartAxes *axes, const Axis *x, double top, double bottom)
{
    for (int t = 0; t < axes->tick_count; t++) {
        double at = axis_px(x, axes->ticks[t].x);
        if (axes->ticks[t].x >= x->low && axes->ticks[t].x <= x->high) {
            line(out, at, bottom, at, top, "#dddddd");
            label(out, at, bottom + 16, "middle", "", axes->ticks[t].name);
        }
    }
}

char *chart_svg(const ChartAxes *axes, const ChartSeries *series, int count)
{
    int width = axes->width > 0 ? axes->width : 640, height = axes->height > 0 ? axes->height : 400;
    double left = MARGIN_LEFT, right = width - MARGIN_RIGHT, top = MARGIN_TOP,
           bottom = height - MARGIN_BOTTOM;
    double low, high;
    range_of(series, count, FALSE, &low, &high);
    Axis x = axis_new(low, high, axes->x_min, axes->x_max, left, right);
    range_of(series, count, TRUE, &low, &high);
    Axis y = axis_new(low, high, axes->y_min, axes->y_max, bottom, top);
    GString *out = g_string_new(NULL);
    open_svg(out, axes, width, height);
    if (axes->ticks) {
        draw_given_ticks(out, axes, &x, top, bottom);
    } else {
        draw_ticks(out, &x, FALSE, bottom, top);
    }
    draw_ticks(out, &y, TRUE, left, right);
    line(out, left, bottom, right, bottom, "#333333");
    line(out, left, bottom, left, top, "#333333");
    draw_all_series(out, series, count, &x, &y);
    draw_marks(out, axes, &x, top, bottom);
    draw_legend(out, series, count, right, legend_top(axes, series, count, top, bottom));
    label(out, (left + right) / 2, 20, "middle", " font-weight=\"bold\"", axes->title);
    label(out, (left + right) / 2, height - 8, "middle", "", axes->x_label);
    g_autofree char *turn = g_strdup_printf(" transform=\"rotate(-90 14 %d)\"", height / 2);
    label(out, 14, height / 2, "middle", turn, axes->y_label);
    g_string_append(out, "</svg>\n");
    return g_string_free(out, FALSE);
}
