/* Geometry of the page.
 *
 * Two images side by side are as wide as a column of a paper each; a slide that is wider than WIDE is better seen as one image over the
 * other. */
#include "tiler/heatmap/heatmap_layout.h"
#include "tiler/draw/canvas.h"
#include <math.h>

#define PAGE_MM 180.0
#define LEAST_PAGE_MM 110.0
#define MARGIN_MM 2.0
#define GAP_MM 2.0
#define BAR_MM 4.0
#define BESIDE_BAR_MM 20.5 /* its labels and its caption */
#define MOST_HEIGHT_MM 150.0
#define LEAST_BAR_MM 30.0
#define MOST_BAR_MM 90.0
#define WIDE 1.7 /* width by height from which on images are stacked */
/* The longest scale bar, as a fraction of the image. */
#define LONGEST_SCALE 0.3

static int mm(double millimetres)
{
    return (int)(CANVAS_MM(millimetres) + 0.5);
}

double heatmap_layout_round(double most)
{
    double power = pow(10, floor(log10(most) + 1e-9)), times = most / power * (1 + 1e-9);
    return power * (times >= 5 ? 5 : times >= 2 ? 2 : 1);
}

char *heatmap_layout_scale(double um)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    gboolean millimetres = um >= 1000;
    g_ascii_formatd(text, sizeof text, "%.6g", millimetres ? um / 1000 : um);
    return g_strdup_printf("%s %s", text, millimetres ? "mm" : "\302\265m");
}

double heatmap_layout_value(const Rect *bar, double value, double low, double high)
{
    return bar->y + 0.5 + (bar->height - 1) * (high - value) / (high - low);
}

/* The size of an image in a space, with the aspect of the slide; at least a pixel. */
static void fit(HeatmapLayout *layout, double width_um, double height_um, double width, double height)
{
    layout->um_per_px = fmax(width_um / width, height_um / height);
    layout->panel_width = (int)fmax(1, floor(width_um / layout->um_per_px + 0.5));
    layout->panel_height = (int)fmax(1, floor(height_um / layout->um_per_px + 0.5));
}

static void place_bars(HeatmapLayout *layout)
{
    int height = CLAMP(layout->panel_height, mm(LEAST_BAR_MM), mm(MOST_BAR_MM));
    layout->bar =
        (Rect){layout->left[1] + layout->panel_width + mm(GAP_MM), layout->upper[1], mm(BAR_MM), height};
    layout->scale_um =
        heatmap_layout_round(LONGEST_SCALE * fmax(layout->panel_width, mm(LEAST_BAR_MM)) * layout->um_per_px);
    layout->scale_px = floor(layout->scale_um / layout->um_per_px + 0.5);
}

HeatmapLayout heatmap_layout(double width_um, double height_um, int above, int below)
{
    HeatmapLayout layout = {.margin = mm(MARGIN_MM)};
    gboolean stacked = width_um > WIDE * height_um;
    int gap = mm(GAP_MM), beside = gap + mm(BAR_MM) + mm(BESIDE_BAR_MM),
        space = mm(PAGE_MM) - 2 * layout.margin - beside, high = mm(MOST_HEIGHT_MM);
    fit(&layout, width_um, height_um, stacked ? space : (space - gap) / 2, stacked ? (high - gap) / 2 : high);
    layout.top = layout.margin + above;
    for (int i = 0; i < 2; i++) {
        layout.left[i] = layout.margin + (stacked ? 0 : i * (layout.panel_width + gap));
        layout.upper[i] = layout.top + (stacked ? i * (layout.panel_height + gap) : 0);
    }
    layout.width =
        CLAMP(layout.left[1] + layout.panel_width + beside + layout.margin, mm(LEAST_PAGE_MM), mm(PAGE_MM));
    int bar_height = CLAMP(layout.panel_height, mm(LEAST_BAR_MM), mm(MOST_BAR_MM));
    layout.below = layout.upper[1] + MAX(layout.panel_height, bar_height) + gap;
    place_bars(&layout);
    layout.height = layout.below + below + layout.margin;
    return layout;
}
