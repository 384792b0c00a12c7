/* Drawing the page.
 *
 * The texts decide how high the page is, so they are measured on a small canvas first.  Every text has at least 7 points on a page that is
 * printed 180 mm wide. */
#include "tiler/heatmap/heatmap_page.h"
#include "tiler/heatmap/colour_map.h"
#include "tiler/heatmap/heatmap_layout.h"
#include "tiler/heatmap/heatmap_panel.h"
#include "base/error.h"
#include "tiler/imagefile/image_draw.h"
#include <math.h>
#include <string.h>

static const CanvasColour ink = {30, 30, 30}, pale = {190, 190, 190};

static const CanvasText title_text = {.points = 11, .bold = TRUE, .colour = {30, 30, 30}},
                        plain_text = {.points = 8, .colour = {30, 30, 30}},
                        note_text = {.points = 7, .colour = {90, 90, 90}, .lines = TRUE};

/* ---- the lines ---- */

typedef struct {
    const char *name;
    CanvasPen pen;
    gboolean on_slide; /* also on the image without the map */
} Line;
enum { LINE_TISSUE, LINE_ANNOTATION, LINE_REGIONS, LINES };
/* The annotation has a colour that neither the stain nor the map has. */
static const Line lines[LINES] = {
    [LINE_TISSUE] = {"tissue", {1.6, 0, {90, 90, 90}}, TRUE},
    [LINE_ANNOTATION] = {"annotation", {4, 2, {213, 60, 0}}, TRUE},
    [LINE_REGIONS] = {"threshold", {1.4, 1, {0, 0, 0}}, FALSE},
};

static const HeatmapOutlines *outlines_of(const HeatmapPage *page, int line)
{
    const HeatmapOutlines *const all[LINES] = {page->tissue, page->annotation, page->regions};
    return all[line];
}

static void draw_lines(Canvas *canvas, const HeatmapPage *page, const Rect *panel, gboolean with_map)
{
    /* The annotation last: it is the reference. */
    static const int order[LINES] = {LINE_TISSUE, LINE_REGIONS, LINE_ANNOTATION};
    for (int i = 0; i < LINES; i++) {
        const Line *line = &lines[order[i]];
        const HeatmapOutlines *outlines = outlines_of(page, order[i]);
        if (outlines && (with_map || line->on_slide)) {
            canvas_rings(canvas, outlines->rings, outlines->count, outlines->columns, outlines->rows, panel,
                         &line->pen);
        }
    }
}

/* ---- the bar of colours ---- */

/* Numbers without an exponent in any locale. */
static char *number(double value, int digits)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE], format[16];
    g_snprintf(format, sizeof format, "%%.%dg", digits);
    return g_strdup(g_ascii_formatd(text, sizeof text, format, value == 0 ? 0 : value));
}

static void put_label(Canvas *canvas, const Rect *bar, double y, gboolean bold, const char *text)
{
    CanvasText style = plain_text;
    style.bold = bold;
    Rect box = canvas_text_box(canvas, 0, 0, &style, text);
    canvas_text(canvas, bar->x + bar->width + CANVAS_MM(1.6), y - box.height / 2, &style, text);
}

static void tick(Canvas *canvas, const Rect *bar, double y, double millimetres, double width)
{
    const CanvasPen pen = {width, 0, ink};
    canvas_line(canvas, bar->x + bar->width, y, bar->x + bar->width + CANVAS_MM(millimetres), y, &pen);
}

static double label_height(Canvas *canvas)
{
    return canvas_text_box(canvas, 0, 0, &plain_text, "0").height;
}

/* Whether the word under the value of the threshold has room before the label of the low end. */
static gboolean word_below(const Rect *bar, double y, double line)
{
    return y + 3 * line < bar->y + bar->height;
}

/* The threshold: a line across the bar, with its value. */
static void put_threshold(Canvas *canvas, const HeatmapPage *page, const Rect *bar)
{
    const CanvasPen pen = {3, 2, {0, 0, 0}};
    double y = heatmap_layout_value(bar, page->threshold, page->low, page->high), line = label_height(canvas);
    canvas_line(canvas, bar->x - CANVAS_MM(0.8), y, bar->x + bar->width + CANVAS_MM(1.2), y, &pen);
    g_autofree char *value = number(page->threshold, fabs(page->threshold) < 100 ? 3 : 6);
    put_label(canvas, bar, y, TRUE, value);
    put_label(canvas, bar, word_below(bar, y, line) ? y + line : y - line, FALSE, "threshold");
}

static gboolean marks_threshold(const HeatmapPage *page)
{
    return page->threshold >= page->low && page->threshold <= page->high; /* NAN: no */
}

/* Whether a label at y touches none of the ends, nor the two lines of the threshold. */
static gboolean has_room(const HeatmapPage *page, const Rect *bar, double y, double line)
{
    if (y < bar->y + 1.5 * line || y > bar->y + bar->height - 1.5 * line) {
        return FALSE;
    }
    if (!marks_threshold(page)) {
        return TRUE;
    }
    double mark = heatmap_layout_value(bar, page->threshold, page->low, page->high);
    gboolean below = word_below(bar, mark, line);
    return y < mark - (below ? 1 : 2) * line || y > mark + (below ? 2 : 1) * line;
}

/* Values between the ends, where the labels have room. */
static void put_ticks(Canvas *canvas, const HeatmapPage *page, const Rect *bar)
{
    double line = label_height(canvas), range = page->high - page->low;
    double step = heatmap_layout_round(fmax(range / 4, 2 * range * line / bar->height));
    int64_t last = (int64_t)floor(page->high / step);
    for (int64_t i = (int64_t)ceil(page->low / step); i <= last; i++) {
        double value = (double)i * step, y = heatmap_layout_value(bar, value, page->low, page->high);
        if (has_room(page, bar, y, line)) {
            g_autofree char *text = number(value, 6);
            tick(canvas, bar, y, 0.8, 2);
            put_label(canvas, bar, y, FALSE, text);
        }
    }
}

/* What the values are, along the bar, in as many words as have room. */
static void put_caption(Canvas *canvas, const HeatmapLayout *layout)
{
    static const char *const captions[] = {"score, in standard deviations of normal tiles",
                                           "score, in SD of normal tiles", "score (SD)"};
    CanvasText style = plain_text;
    style.upwards = TRUE;
    style.align = CANVAS_CENTRE;
    double x = layout->bar.x + layout->bar.width + CANVAS_MM(16.5),
           y = layout->bar.y + layout->bar.height / 2;
    for (guint i = 0; i < G_N_ELEMENTS(captions); i++) {
        if (canvas_text_box(canvas, x, y, &style, captions[i]).height <= layout->bar.height) {
            canvas_text(canvas, x, y, &style, captions[i]);
            return;
        }
    }
}

static void put_bar(Canvas *canvas, const HeatmapPage *page, const HeatmapLayout *layout,
                    const uint8_t (*table)[3])
{
    const Rect *bar = &layout->bar;
    int height = (int)bar->height;
    for (int row = 0; row < height; row++) {
        const uint8_t *colour = table[(int)(255.0 * (height - 1 - row) / (height - 1) + 0.5)];
        canvas_fill(canvas, &(Rect){bar->x, bar->y + row, bar->width, 1},
                    (CanvasColour){colour[0], colour[1], colour[2]});
    }
    /* Values beyond the range have the colours of its ends. */
    g_autofree char *low = number(page->low, 6), *high = number(page->high, 6);
    g_autofree char *below = g_strdup_printf("\u2264 %s", low), *above = g_strdup_printf("\u2265 %s", high);
    double half = canvas_text_box(canvas, 0, 0, &plain_text, above).height / 2;
    put_label(canvas, bar, bar->y + half, FALSE, above);
    put_label(canvas, bar, bar->y + height - half, FALSE, below);
    put_ticks(canvas, page, bar);
    if (marks_threshold(page)) {
        put_threshold(canvas, page, bar);
    }
    put_caption(canvas, layout);
}

/* ---- below the images ---- */

/* The scale bar, then what the lines and the hatching mean, one after the other, in rows.  Draws them when `draw` is set.  Returns the height. */
typedef struct {
    Canvas *canvas;
    double left, right, x, y, row; /* row: height */
    gboolean draw;
} Flow;

/* Makes room for `width` px and returns the x of its left end. */
static double flow_place(Flow *flow, double width)
{
    if (flow->x > flow->left && flow->x + width > flow->right) {
        flow->x = flow->left;
        flow->y += flow->row;
    }
    double at = flow->x;
    flow->x += width + CANVAS_MM(5);
    return at;
}

/* A sample of `sample` px and its name; returns the area of the sample. */
static Rect flow_entry(Flow *flow, double sample, double thickness, const char *name)
{
    Rect box = canvas_text_box(flow->canvas, 0, 0, &plain_text, name);
    double gap = CANVAS_MM(1.2), x = flow_place(flow, sample + gap + box.width);
    if (flow->draw) {
        canvas_text(flow->canvas, x + sample + gap, flow->y, &plain_text, name);
    }
    return (Rect){x, floor(flow->y + (box.height - thickness) / 2 + 0.5), sample, thickness};
}

static void flow_scale(Flow *flow, const HeatmapLayout *layout)
{
    g_autofree char *name = heatmap_layout_scale(layout->scale_um);
    Rect area = flow_entry(flow, layout->scale_px, floor(CANVAS_MM(0.6)), name);
    if (flow->draw) {
        canvas_fill(flow->canvas, &area, (CanvasColour){0, 0, 0});
    }
}

static void flow_line(Flow *flow, const Line *line)
{
    Rect area = flow_entry(flow, CANVAS_MM(7), line->pen.width, line->name);
    double y = area.y + area.height / 2;
    if (flow->draw) {
        canvas_line(flow->canvas, area.x, y, area.x + area.width, y, &line->pen);
    }
}

static gboolean flow_hatch(Flow *flow, GError **error)
{
    Rect area = flow_entry(flow, floor(CANVAS_MM(4)), floor(CANVAS_MM(2.4)), "no data");
    g_autoptr(Image) rgb = flow->draw ? image_new((int)area.width, (int)area.height, 3, error) : NULL;
    g_autoptr(Image) nothing = rgb ? image_new(rgb->width, rgb->height, 1, error) : NULL;
    if (nothing) {
        image_draw_hatch(rgb, nothing);
        canvas_image(flow->canvas, rgb, (int)area.x, (int)area.y);
    }
    return !flow->draw || nothing;
}

static gboolean put_legend(Flow *flow, const HeatmapPage *page, const HeatmapLayout *layout, gboolean hatched,
                           GError **error)
{
    flow->row = label_height(flow->canvas) * 1.25;
    flow->x = flow->left;
    flow_scale(flow, layout);
    for (int i = 0; i < LINES; i++) {
        if (outlines_of(page, i)) {
            flow_line(flow, &lines[i]);
        }
    }
    gboolean good = !hatched || flow_hatch(flow, error);
    flow->y += flow->row;
    return good;
}

/* ---- the page ---- */

typedef struct {
    const HeatmapPage *page;
    HeatmapLayout layout;
    Image *panels[2]; /* the slide; with the map on it */
    gboolean hatched;
    double title, subtitle, legend, note; /* heights, px */
} Drawing;

static double text_height(Canvas *canvas, const CanvasText *style, const char *text)
{
    return *text ? canvas_text_box(canvas, 0, 0, style, text).height : 0;
}

static CanvasText within(CanvasText style, const HeatmapLayout *layout)
{
    style.width = layout->width - 2 * layout->margin;
    return style;
}

/* Heights of all texts; the width of the page does not depend on them. */
static gboolean measure(Drawing *drawing, const SlideInfo *info, GError **error)
{
    const HeatmapPage *page = drawing->page;
    double width_um = (double)info->levels[0].width * info->mpp_x,
           height_um = (double)info->levels[0].height * info->mpp_y;
    g_autoptr(Canvas) canvas = canvas_new(1, 1, error);
    if (!canvas) {
        return FALSE;
    }
    HeatmapLayout *layout = &drawing->layout;
    *layout = heatmap_layout(width_um, height_um, 0, 0);
    CanvasText note = within(note_text, layout);
    drawing->title = text_height(canvas, &title_text, page->title);
    drawing->subtitle = text_height(canvas, &plain_text, page->subtitle);
    drawing->note = text_height(canvas, &note, page->note);
    Flow flow = {.canvas = canvas, .left = layout->margin, .right = layout->width - layout->margin};
    if (!put_legend(&flow, page, layout, TRUE, error)) {
        return FALSE;
    }
    drawing->legend = flow.y;
    *layout =
        heatmap_layout(width_um, height_um, (int)ceil(drawing->title + drawing->subtitle + CANVAS_MM(1)),
                       (int)ceil(drawing->legend + drawing->note));
    return TRUE;
}

static gboolean draw(Drawing *drawing, Canvas *canvas, GError **error)
{
    const HeatmapPage *page = drawing->page;
    const HeatmapLayout *layout = &drawing->layout;
    CanvasText title = within(title_text, layout), subtitle = within(plain_text, layout),
               note = within(note_text, layout);
    canvas_text(canvas, layout->margin, layout->margin, &title, page->title);
    canvas_text(canvas, layout->margin, layout->margin + drawing->title, &subtitle, page->subtitle);
    for (int i = 0; i < 2; i++) {
        const Rect panel = {layout->left[i], layout->upper[i], layout->panel_width, layout->panel_height};
        canvas_image(canvas, drawing->panels[i], layout->left[i], layout->upper[i]);
        draw_lines(canvas, page, &panel, i == 1);
        canvas_frame(canvas, &panel, 2, pale);
    }
    const uint8_t(*table)[3] = colour_map_need(page->colours, page->low, page->high, error);
    if (!table) {
        return FALSE;
    }
    put_bar(canvas, page, layout, table);
    Flow flow = {.canvas = canvas,
                 .left = layout->margin,
                 .right = layout->width - layout->margin,
                 .y = layout->below,
                 .draw = TRUE};
    canvas_text(canvas, layout->margin, layout->below + drawing->legend, &note, page->note);
    return put_legend(&flow, page, layout, drawing->hatched, error);
}

static Image *draw_page(Drawing *drawing, Slide *slide, GError **error)
{
    const HeatmapLayout *layout = &drawing->layout;
    g_autoptr(Image) readable = NULL;
    drawing->panels[0] =
        heatmap_panel_slide(slide, layout->panel_width, layout->panel_height, &readable, error);
    drawing->panels[1] = drawing->panels[0] ? heatmap_panel_blend(drawing->page, drawing->panels[0], readable,
                                                                  PANEL_MEAN, &drawing->hatched, error)
                                            : NULL;
    g_autoptr(Canvas) canvas = drawing->panels[1] ? canvas_new(layout->width, layout->height, error) : NULL;
    return canvas && draw(drawing, canvas, error) ? canvas_finish(canvas, error) : NULL;
}

Image *heatmap_page(Slide *slide, const HeatmapPage *page, GError **error)
{
    Drawing drawing = {.page = page};
    Image *out = measure(&drawing, slide_info(slide), error) ? draw_page(&drawing, slide, error) : NULL;
    for (int i = 0; i < 2; i++) {
        image_free(drawing.panels[i]);
    }
    return out;
}

Image *heatmap_page_thumbnail(Slide *slide, const HeatmapPage *page, int side, GError **error)
{
    const SlideInfo *info = slide_info(slide);
    double width = (double)info->levels[0].width * info->mpp_x,
           height = (double)info->levels[0].height * info->mpp_y, scale = side / fmax(width, height);
    g_autoptr(Image) readable = NULL;
    gboolean hatched;
    g_autoptr(Image) base = heatmap_panel_slide(slide, MAX(1, (int)(width * scale + 0.5)),
                                                MAX(1, (int)(height * scale + 0.5)), &readable, error);
    return base ? heatmap_panel_blend(page, base, readable, PANEL_MAXIMUM, &hatched, error) : NULL;
}
