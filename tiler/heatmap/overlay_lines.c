/* Outlines in px, found by place.
 *
 * The edges of all outlines lie in squares of level 0, in an array that is sorted by square; an edge is in each square that its bounding box
 * touches.  Drawing a tile visits the squares under it.  An edge may be drawn twice; the pixels are the same, because a pixel is set when its
 * centre is near enough to any edge, whatever was drawn before.  All white borders are drawn before all black lines. */
#include "tiler/heatmap/overlay_lines.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

/* Half of the widths, px. */
#define LINE_RADIUS 0.8
#define BORDER_RADIUS 1.8
#define SQUARE_PX 512.0

typedef struct {
    float x0, y0, x1, y1; /* level-0 px */
} Edge;

struct OverlayLines {
    int columns, rows; /* squares */
    int64_t *
        first; /* [columns * rows + 1]: the edges of square i are edges[first[i]] .. edges[first[i + 1] - 1] */
    Edge *edges;
};

/* The squares that an interval touches: [*from, *to], within the overlay. */
static void touched(double low, double high, int count, int *from, int *to)
{
    *from = (int)CLAMP(floor(low / SQUARE_PX), 0, count - 1);
    *to = (int)CLAMP(floor(high / SQUARE_PX), 0, count - 1);
}

static Edge edge_of(const Ring *ring, int i, double scale_x, double scale_y)
{
    const double *a = ring->xy + 2 * i, *b = ring->xy + 2 * ((i + 1) % ring->points);
    return (Edge){(float)(a[0] * scale_x), (float)(a[1] * scale_y), (float)(b[0] * scale_x),
                  (float)(b[1] * scale_y)};
}

/* Passes over all edges: first to count those of each square in first[square + 1], then (edges not NULL) to store them. */
static void sort_edges(OverlayLines *lines, const Ring *rings, int count, double scale_x, double scale_y)
{
    for (int r = 0; r < count; r++) {
        for (int i = 0; i < rings[r].points; i++) {
            Edge edge = edge_of(&rings[r], i, scale_x, scale_y);
            int x0, x1, y0, y1;
            touched(fminf(edge.x0, edge.x1), fmaxf(edge.x0, edge.x1), lines->columns, &x0, &x1);
            touched(fminf(edge.y0, edge.y1), fmaxf(edge.y0, edge.y1), lines->rows, &y0, &y1);
            for (int64_t y = y0; y <= y1; y++) {
                for (int64_t x = x0; x <= x1; x++) {
                    int64_t *slot = &lines->first[y * lines->columns + x + 1];
                    if (lines->edges) {
                        lines->edges[*slot] = edge;
                    }
                    ++*slot;
                }
            }
        }
    }
}

OverlayLines *overlay_lines_new(const Ring *rings, int count, double scale_x, double scale_y, int64_t width,
                                int64_t height, GError **error)
{
    g_autoptr(OverlayLines) lines = g_new0(OverlayLines, 1);
    lines->columns = (int)ceil((double)width / SQUARE_PX);
    lines->rows = (int)ceil((double)height / SQUARE_PX);
    int64_t squares = (int64_t)lines->columns * lines->rows;
    lines->first = wsi_try_alloc((size_t)squares + 2, sizeof(int64_t), "squares of outlines", error);
    if (!lines->first) {
        return NULL;
    }
    sort_edges(lines, rings, count, scale_x, scale_y);
    /* From numbers to positions; storing moves each start to its end, which is the start of the next square. */
    int64_t sum = 0;
    for (int64_t i = 1; i <= squares; i++) {
        int64_t number = lines->first[i];
        lines->first[i] = sum;
        sum += number;
    }
    lines->edges = wsi_try_alloc((size_t)MAX(sum, 1), sizeof(Edge), "edges of outlines", error);
    if (!lines->edges) {
        return NULL;
    }
    sort_edges(lines, rings, count, scale_x, scale_y);
    return g_steal_pointer(&lines);
}

void overlay_lines_free(OverlayLines *lines)
{
    if (lines) {
        g_free(lines->first);
        g_free(lines->edges);
        g_free(lines);
    }
}

/* A tile that is drawn on. */
typedef struct {
    double px, x, y; /* level-0 px per px; px of the level */
    int width, rows;
    uint8_t *pixels;
    size_t stride;
} Canvas;

/* Sets the pixels whose centres are within the radius of the edge. */
static void draw_edge(const Canvas *canvas, const Edge *edge, double radius, uint8_t grey)
{
    double ax = edge->x0 / canvas->px - canvas->x, ay = edge->y0 / canvas->px - canvas->y,
           dx = (edge->x1 - edge->x0) / canvas->px, dy = (edge->y1 - edge->y0) / canvas->px,
           length2 = dx * dx + dy * dy;
    int x0 = (int)CLAMP(floor(fmin(ax, ax + dx) - radius), 0, canvas->width),
        x1 = (int)CLAMP(ceil(fmax(ax, ax + dx) + radius), 0, canvas->width),
        y0 = (int)CLAMP(floor(fmin(ay, ay + dy) - radius), 0, canvas->rows),
        y1 = (int)CLAMP(ceil(fmax(ay, ay + dy) + radius), 0, canvas->rows);
    for (int y = y0; y < y1; y++) {
        uint8_t *row = canvas->pixels + (size_t)y * canvas->stride;
        for (int x = x0; x < x1; x++) {
            double px = x + 0.5 - ax, py = y + 0.5 - ay;
            /* The nearest point of the edge, 0 to 1 along it. */
            double t = length2 > 0 ? CLAMP((px * dx + py * dy) / length2, 0, 1) : 0;
            double ex = px - t * dx, ey = py - t * dy;
            if (ex * ex + ey * ey <= radius * radius) {
                memset(row + 3 * x, grey, 3);
            }
        }
    }
}

void overlay_lines_draw(const OverlayLines *lines, int level, int64_t x, int64_t y, int width, int rows,
                        void *pixels, size_t stride)
{
    static const struct {
        double radius;
        uint8_t grey;
    } passes[] = {{BORDER_RADIUS, 255}, {LINE_RADIUS, 0}};
    const Canvas canvas = {(double)((int64_t)1 << level), (double)x, (double)y, width, rows, pixels, stride};
    int x0, x1, y0, y1;
    touched((canvas.x - BORDER_RADIUS) * canvas.px, (canvas.x + width + BORDER_RADIUS) * canvas.px,
            lines->columns, &x0, &x1);
    touched((canvas.y - BORDER_RADIUS) * canvas.px, (canvas.y + rows + BORDER_RADIUS) * canvas.px,
            lines->rows, &y0, &y1);
    for (guint pass = 0; pass < G_N_ELEMENTS(passes); pass++) {
        for (int64_t row = y0; row <= y1; row++) {
            /* Squares side by side have their edges one after the other. */
            int64_t i = lines->first[row * lines->columns + x0],
                    end = lines->first[row * lines->columns + x1 + 1];
            for (; i < end; i++) {
                draw_edge(&canvas, &lines->edges[i], passes[pass].radius, passes[pass].grey);
            }
        }
    }
}
