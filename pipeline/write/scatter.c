/* Scatter plots.
 *
 * The points of a group are one <path> of dots without length, which line caps make round or square: some twelve bytes a point. */
#include "pipeline/write/scatter.h"
#include <math.h>
#include <string.h>

#define WIDTH 380
#define PLOT 340 /* side of the plot */
#define LEFT 24
#define TOP 28
#define LEGEND_ROW 17
#define NAME_LENGTH 40
#define SHORT_NAME 15 /* two of them are beside each other */
#define DOT 3.6

/* Seven colours of Okabe and Ito, then three of Paul Tol's, for people with colour blindness; those that look alike to them differ in form. */
static const struct {
    const char *colour, *cap;
} marks[SCATTER_GROUPS] = {{"#0072b2", "round"}, {"#d55e00", "round"},  {"#009e73", "square"},
                           {"#cc79a7", "round"}, {"#56b4e9", "square"}, {"#e69f00", "square"},
                           {"#000000", "round"}, {"#882255", "square"}, {"#999933", "round"},
                           {"#332288", "square"}};
static const char other_colour[] = "#c8c8c8";

static void put(GString *out, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append(out, g_ascii_formatd(text, sizeof text, "%.1f", value));
}

static void put_text(GString *out, double x, double y, const char *more, const char *text)
{
    g_autofree char *escaped = g_markup_escape_text(text ? text : "", -1);
    g_string_append(out, "<text x=\"");
    put(out, x);
    g_string_append(out, "\" y=\"");
    put(out, y);
    g_string_append_printf(out, "\"%s>%s</text>\n", more, escaped);
}

static void begin_dots(GString *out)
{
    g_string_append(out, "<path d=\"");
}

static void dot(GString *out, double x, double y)
{
    g_string_append_c(out, 'M');
    put(out, x);
    g_string_append_c(out, ' ');
    put(out, y);
    g_string_append(out, "h0");
}

static void end_dots(GString *out, int group)
{
    g_string_append_printf(
        out, "\" fill=\"none\" stroke=\"%s\" stroke-linecap=\"%s\" stroke-opacity=\"0.75\"",
        group < 0 ? other_colour : marks[group].colour, group < 0 ? "round" : marks[group].cap);
    g_string_append(out, " stroke-width=\"");
    put(out, DOT);
    g_string_append(out, "\"/>\n");
}

/* From values to px: the middle of their range is that of the plot. */
typedef struct {
    double middle[2], scale;
} View;

static View view_of(const Scatter *s)
{
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    for (int i = 0; i < 2 * s->n; i++) {
        low[i % 2] = fmin(low[i % 2], s->at[i]);
        high[i % 2] = fmax(high[i % 2], s->at[i]);
    }
    double range = s->n > 0 ? fmax(high[0] - low[0], high[1] - low[1]) : 0;
    return (View){{(low[0] + high[0]) / 2, (low[1] + high[1]) / 2}, range > 0 ? (PLOT - 4 * DOT) / range : 0};
}

static void put_group(GString *out, const Scatter *s, const View *view, int group)
{
    begin_dots(out);
    for (int i = 0; i < s->n; i++) {
        if (s->group[i] == group) {
            dot(out, LEFT + PLOT / 2.0 + (s->at[2 * i] - view->middle[0]) * view->scale,
                TOP + PLOT / 2.0 - (s->at[2 * i + 1] - view->middle[1]) * view->scale);
        }
    }
    end_dots(out, group);
}

/* "NAME (12)", with a long name shortened.  Caller frees. */
static char *legend_text(const char *name, int count)
{
    g_autofree char *valid = g_utf8_make_valid(name, -1);
    gboolean whole = g_utf8_strlen(valid, -1) <= NAME_LENGTH;
    g_autofree char *start = g_utf8_substring(valid, 0, whole ? -1 : NAME_LENGTH - 1);
    return g_strdup_printf("%s%s (%d)", start, whole ? "" : "…", count);
}

static const char *name_of(const Scatter *s, int group)
{
    return group < 0 ? s->others : s->names[group];
}

static int legend_columns(const Scatter *s, const int *count)
{
    for (int group = -1; group < s->groups; group++) {
        if (count[group] > 0 && strlen(name_of(s, group)) > SHORT_NAME) {
            return 1;
        }
    }
    return 2;
}

static void put_legend(GString *out, const Scatter *s, const int *count)
{
    const int columns = legend_columns(s, count);
    int entry = 0;
    for (int k = 0; k <= s->groups; k++) {
        int group = k < s->groups ? k : -1;
        if (count[group] == 0) {
            continue;
        }
        double x = LEFT + 6 + entry % columns * (PLOT / columns),
               y = TOP + PLOT + 34 + entry / columns * LEGEND_ROW;
        g_autofree char *text = legend_text(name_of(s, group), count[group]);
        begin_dots(out);
        dot(out, x, y - 4);
        g_string_append_printf(out, "\" stroke=\"%s\" stroke-linecap=\"%s\" stroke-width=\"8\"/>\n",
                               group < 0 ? other_colour : marks[group].colour,
                               group < 0 ? "round" : marks[group].cap);
        put_text(out, x + 10, y, "", text);
        entry++;
    }
}

char *scatter_svg(const Scatter *s)
{
    const View view = view_of(s);
    int counts[SCATTER_GROUPS + 1] = {0}, *count = counts + 1, entries = 0, height;
    gboolean drawn[SCATTER_GROUPS] = {FALSE};
    for (int i = 0; i < s->n; i++) {
        count[s->group[i]]++;
    }
    for (int group = -1; group < s->groups; group++) {
        entries += count[group] > 0;
    }
    const int columns = legend_columns(s, count);
    height = TOP + PLOT + 28 + LEGEND_ROW * ((entries + columns - 1) / columns);
    GString *out = g_string_new(NULL);
    g_autofree char *title = g_markup_escape_text(s->title ? s->title : "", -1);
    g_string_append_printf(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
        "font-family=\"sans-serif\" font-size=\"12\" fill=\"#333333\" "
        "role=\"img\">\n<title>%s</title><desc>%d points "
        "in %d groups, which the legend names</desc>\n<rect width=\"100%%\" height=\"100%%\" "
        "fill=\"#ffffff\"/>\n<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
        "fill=\"none\" stroke=\"#cccccc\"/>\n",
        WIDTH, height, WIDTH, height, title, s->n, entries, LEFT, TOP, PLOT, PLOT);
    put_group(out, s, &view, -1);
    for (int done = 0; done < s->groups; done++) {
        int largest = 0;
        for (int group = 1; group < s->groups; group++) {
            largest = !drawn[group] && (drawn[largest] || count[group] > count[largest]) ? group : largest;
        }
        drawn[largest] = TRUE;
        put_group(out, s, &view, largest);
    }
    put_text(out, LEFT + PLOT / 2.0, 18, " text-anchor=\"middle\" font-weight=\"bold\"", s->title);
    put_text(out, LEFT + PLOT / 2.0, TOP + PLOT + 15, " text-anchor=\"middle\"", s->x_label);
    g_autofree char *turn =
        g_strdup_printf(" text-anchor=\"middle\" transform=\"rotate(-90 16 %d)\"", TOP + PLOT / 2);
    put_text(out, 16, TOP + PLOT / 2.0, turn, s->y_label);
    put_legend(out, s, count);
    g_string_append(out, "</svg>\n");
    return g_string_free(out, FALSE);
}
