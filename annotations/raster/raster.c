/* Outlines to pixels, row by row.
 *
 * Everything is computed from the border pieces of boundary.c, never from the outlines: overlaps, holes and self-crossings are resolved
 * there, once.  For a row it remains to collect the crossings of the pieces with the row's centre line, to sort them and to round.  A pixel
 * belongs when left crossing <= centre < right crossing, and a piece meets a row when top <= centre < bottom, which is the rule of raster.h
 * about edges.
 *
 * Pieces are listed per band of 64 rows.  Edges of lesions are short (some 10 px), so a piece is in one or two bands.  Bands grow when a file
 * with long edges would make the lists long, which costs such a file time but not memory. */
#include "annotations/raster/raster_private.h"
#include "base/error.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BAND_ROWS = 64, BAND_LIMIT = 1 << 20 };

/* ---- the index ---- */

/* The bounding box of the region. */
static void measure(Raster *raster)
{
    double low_x = INFINITY, low_y = INFINITY, high_x = -INFINITY, high_y = -INFINITY;
    for (int64_t i = 0; i < raster->count; i++) {
        const Piece *piece = &raster->pieces[i];
        double top = piece_x(piece, piece->top), bottom = piece_x(piece, piece->bottom);
        low_x = fmin(low_x, fmin(top, bottom));
        high_x = fmax(high_x, fmax(top, bottom));
        low_y = fmin(low_y, piece->top);
        high_y = fmax(high_y, piece->bottom);
    }
    if (raster->count) {
        raster->bounds = (Rect){low_x, low_y, high_x - low_x, high_y - low_y};
    }
}

/* Chooses the height of the bands: the smallest with at most BAND_LIMIT bands and 4 entries per piece.  Returns the number of entries. */
static int64_t choose_bands(Raster *raster)
{
    raster->origin = raster->bounds.y;
    for (raster->band_height = BAND_ROWS;; raster->band_height *= 2) {
        double bands = floor(raster->bounds.height / raster->band_height) + 1;
        /* One more than the limit stands for any larger number, which would not fit an int. */
        raster->bands = (int)fmin(bands, BAND_LIMIT + 1);
        int64_t entries = 0;
        for (int64_t i = 0; i < raster->count; i++) {
            const Piece *piece = &raster->pieces[i];
            entries += raster_band(raster, piece->bottom) - raster_band(raster, piece->top) + 1;
        }
        if (raster->bands <= BAND_LIMIT && (entries <= 4 * raster->count || raster->bands == 1)) {
            return entries;
        }
    }
}

/* Lists the pieces of each band, in ascending order. */
static gboolean fill_bands(Raster *raster, GError **error)
{
    int64_t entries = choose_bands(raster);
    raster->start =
        wsi_try_alloc((size_t)raster->bands + 2, sizeof *raster->start, "the rows of the annotation", error);
    raster->items = raster->start ? wsi_try_alloc((size_t)entries, sizeof *raster->items,
                                                  "the rows of the annotation", error)
                                  : NULL;
    if (!raster->items) {
        return FALSE;
    }
    /* Counting sort.  position[k] is start[k + 1]: it runs through the items of band k while they are filled, and ends where band k + 1
     * starts. */
    int64_t *position = raster->start + 1;
    for (int64_t i = 0; i < raster->count; i++) {
        for (int k = raster_band(raster, raster->pieces[i].top);
             k <= raster_band(raster, raster->pieces[i].bottom); k++) {
            position[k + 1]++;
        }
    }
    for (int k = 1; k <= raster->bands; k++) {
        position[k] += position[k - 1];
    }
    for (int64_t i = 0; i < raster->count; i++) {
        for (int k = raster_band(raster, raster->pieces[i].top);
             k <= raster_band(raster, raster->pieces[i].bottom); k++) {
            raster->items[position[k]++] = (int32_t)i;
        }
    }
    return TRUE;
}

Raster *raster_of_pieces(Piece *pieces, int64_t count, GError **error)
{
    g_autoptr(Raster) raster = g_new0(Raster, 1);
    raster->pieces = pieces;
    raster->count = count;
    measure(raster);
    return fill_bands(raster, error) ? g_steal_pointer(&raster) : NULL;
}

Raster *raster_build(const Annotation *annotation, GError **error)
{
    int64_t count;
    Piece *pieces = boundary_find(annotation, &count, error);
    return pieces ? raster_of_pieces(pieces, count, error) : NULL;
}

void raster_free(Raster *raster)
{
    if (!raster) {
        return;
    }
    g_free(raster->pieces);
    g_free(raster->start);
    g_free(raster->items);
    g_free(raster);
}

Rect raster_bounds(const Raster *raster)
{
    return raster->bounds;
}

/* ---- rows ---- */

typedef struct {
    double x;
    int sign;
} Crossing;

/* By x; where the region ends and begins at the same x, the beginning comes first, so the two spans become one. */
static int compare_crossings(const void *a, const void *b)
{
    const Crossing *c = a, *d = b;
    return c->x != d->x ? (c->x > d->x ? 1 : -1) : d->sign - c->sign;
}

/* The crossings of the line y with the border, from left to right. */
static void find_crossings(const Raster *raster, double y, GArray *crossings)
{
    g_array_set_size(crossings, 0);
    if (y < raster->bounds.y || y >= raster->bounds.y + raster->bounds.height) {
        return;
    }
    int band = raster_band(raster, y);
    for (int64_t i = raster->start[band]; i < raster->start[band + 1]; i++) {
        const Piece *piece = &raster->pieces[raster->items[i]];
        if (piece->top <= y && y < piece->bottom) {
            Crossing crossing = {piece_x(piece, y), piece->sign};
            g_array_append_val(crossings, crossing);
        }
    }
    if (crossings->len > 1) {
        qsort(crossings->data, crossings->len, sizeof(Crossing), compare_crossings);
    }
}

/* The first pixel whose centre is not left of x, for pixels of width `step` from `origin` on: the least i with origin + (i + 1/2) step >= x. */
static int64_t first_pixel(double x, double origin, double step)
{
    return (int64_t)ceil((x - origin) / step - 0.5);
}

/* Rounds crossings to spans of pixels.  Spans without a pixel centre vanish, spans that touch become one. */
static void round_spans(const GArray *crossings, double origin, double step, GArray *spans)
{
    int inside = 0;
    double from = 0;
    g_array_set_size(spans, 0);
    for (guint i = 0; i < crossings->len; i++) {
        Crossing crossing = g_array_index(crossings, Crossing, i);
        /* The sum of the signs is 1 inside the region, and 2 where one part ends at the x where the next begins. */
        gboolean was = inside > 0;
        inside += crossing.sign;
        if (!was) {
            from = crossing.x;
            continue;
        }
        /* A span begins at the first centre not left of one crossing and ends before that of the other. */
        int64_t span[2] = {first_pixel(from, origin, step), first_pixel(crossing.x, origin, step)};
        int64_t *last = spans->len ? &g_array_index(spans, int64_t, spans->len - 1) : NULL;
        if (inside > 0 || span[0] == span[1]) {
            continue;
        }
        if (last && *last == span[0]) {
            *last = span[1];
        } else {
            g_array_append_vals(spans, span, 2);
        }
    }
}

void raster_row(const Raster *raster, int64_t y, GArray *spans)
{
    g_autoptr(GArray) crossings = g_array_new(FALSE, FALSE, sizeof(Crossing));
    find_crossings(raster, (double)y + 0.5, crossings);
    round_spans(crossings, 0, 1, spans);
}

/* Sets the pixels [from, to) of a row of `width` bytes, as far as they are in it. */
static void set_pixels(uint8_t *row, int64_t width, int64_t from, int64_t to, int value)
{
    from = CLAMP(from, 0, width);
    to = CLAMP(to, from, width);
    memset(row + from, value, (size_t)(to - from));
}

void raster_fill(const Raster *raster, const Rect *area, Image *mask)
{
    g_autoptr(GArray) crossings = g_array_new(FALSE, FALSE, sizeof(Crossing));
    g_autoptr(GArray) spans = g_array_new(FALSE, FALSE, sizeof(int64_t));
    /* Level-0 px per pixel of the mask. */
    double step_x = area->width / mask->width, step_y = area->height / mask->height;
    memset(mask->pixels, 0, image_bytes(mask));
    for (int j = 0; j < mask->height; j++) {
        find_crossings(raster, area->y + (j + 0.5) * step_y, crossings);
        round_spans(crossings, area->x, step_x, spans);
        for (guint i = 0; i < spans->len; i += 2) {
            set_pixels(mask->pixels + (size_t)j * (size_t)mask->width, mask->width,
                       g_array_index(spans, int64_t, i), g_array_index(spans, int64_t, i + 1), 255);
        }
    }
}

/* Division that rounds down, also for negative numbers; b > 0. */
static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* By their beginnings. */
static int compare_spans(const void *a, const void *b)
{
    const int64_t *p = a, *q = b;
    return (*p > *q) - (*p < *q);
}

/* Sorts spans and joins those that touch or overlap. */
static void join_spans(GArray *spans)
{
    int64_t *span = (int64_t *)(void *)spans->data;
    guint joined = 0;
    if (spans->len > 2) {
        qsort(span, spans->len / 2, 2 * sizeof *span, compare_spans);
    }
    for (guint i = 0; i < spans->len; i += 2) {
        if (joined && span[i] <= span[joined - 1]) {
            span[joined - 1] = MAX(span[joined - 1], span[i + 1]);
        } else {
            span[joined++] = span[i];
            span[joined++] = span[i + 1];
        }
    }
    g_array_set_size(spans, joined);
}

void raster_row_max(const Raster *raster, int factor, int64_t y, GArray *spans)
{
    g_autoptr(GArray) crossings = g_array_new(FALSE, FALSE, sizeof(Crossing));
    g_autoptr(GArray) fine = g_array_new(FALSE, FALSE, sizeof(int64_t));
    g_array_set_size(spans, 0);
    /* The spans of all level-0 rows of the coarse row, enlarged to coarse pixels; join_spans makes them disjoint. */
    for (int64_t row = y * factor; row < (y + 1) * factor; row++) {
        find_crossings(raster, (double)row + 0.5, crossings);
        round_spans(crossings, 0, 1, fine);
        /* Pixels [x0, x1) touch the coarse pixels floor(x0 / factor) to floor((x1 - 1) / factor). */
        for (guint i = 0; i < fine->len; i += 2) {
            int64_t span[2] = {floor_div(g_array_index(fine, int64_t, i), factor),
                               floor_div(g_array_index(fine, int64_t, i + 1) - 1, factor) + 1};
            g_array_append_vals(spans, span, 2);
        }
    }
    join_spans(spans);
}

void raster_rows_max(const Raster *raster, int factor, int64_t y, int rows, int64_t width, uint8_t *out)
{
    g_autoptr(GArray) spans = g_array_new(FALSE, FALSE, sizeof(int64_t));
    memset(out, 0, (size_t)rows * (size_t)width);
    for (int row = 0; row < rows; row++) {
        raster_row_max(raster, factor, y + row, spans);
        for (guint i = 0; i < spans->len; i += 2) {
            set_pixels(out + (size_t)row * (size_t)width, width, g_array_index(spans, int64_t, i),
                       g_array_index(spans, int64_t, i + 1), 1);
        }
    }
}
