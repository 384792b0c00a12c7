/* From pieces of the border to rings.
 *
 * A piece has two ends.  On the line through an end the border may continue to the left or to the right: between the ends on a line, taken in
 * pairs from left to right, the region is on one side of the line only.  Pieces where the region begins run upwards and those where it ends
 * run downwards, so the region is always on the right hand; then each pair has one piece that arrives and one that leaves, and a ring is what
 * one meets on the way.  Rounded crossings may disturb the order of ends within some 1e-9 px, hence the stack: it pairs an end with the next
 * one of the other kind.
 *
 * A ring that comes to a point twice is cut there.  Outer rings then have a positive area and holes a negative one.  A hole belongs to the
 * smallest outer ring around it. */
#include "annotations/raster/polygons.h"
#include "annotations/raster/raster_private.h"
#include "base/error.h"
#include "base/order.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_PER_PX 1000.0
#define SAME_PX 1e-6 /* borders nearer than this are one */

/* ---- borders that lie on each other ---- */

/* A piece in the present strip. */
typedef struct {
    int piece;
    double top, bottom; /* x at the top and at the bottom of the strip */
} Side;

typedef struct {
    const Piece *pieces;
    Piece *open;  /* of each piece the part that lasts; sign 0: none */
    GArray *kept; /* Piece: the parts that have ended */
} Trim;

static int compare_tops(const void *a, const void *b)
{
    const Piece *p = a, *q = b;
    return p->top != q->top ? (p->top > q->top ? 1 : -1)
           : p->x0 != q->x0 ? (p->x0 > q->x0 ? 1 : -1)
                            : p->sign - q->sign;
}

/* Sorts from left to right; the order of the strip above is almost right. */
static void sort_sides(Side *sides, int count)
{
    for (int i = 1; i < count; i++) {
        const Side moving = sides[i];
        int at = i;
        for (; at > 0 && sides[at - 1].top + sides[at - 1].bottom > moving.top + moving.bottom; at--) {
            sides[at] = sides[at - 1];
        }
        sides[at] = moving;
    }
}

/* The part of a piece in the strip counts, or not. */
static void keep_part(Trim *trim, int piece, double top, double bottom, gboolean counts)
{
    Piece *open = &trim->open[piece];
    if (open->sign && (!counts || open->bottom != top)) {
        g_array_append_val(trim->kept, *open);
        open->sign = 0;
    }
    if (counts && !open->sign) {
        *open = trim->pieces[piece];
        open->top = top;
    }
    open->bottom = bottom;
}

/* Where the region ends and begins in one place, the two cancel.  stack: room for all sides. */
static void trim_strip(Trim *trim, double top, double bottom, const Side *sides, int count, int *stack)
{
    int depth = 0;
    for (int i = 0; i < count; i++) {
        const Side *last = depth ? &sides[stack[depth - 1]] : NULL;
        const gboolean cancels =
            last && trim->pieces[last->piece].sign != trim->pieces[sides[i].piece].sign &&
            fabs(last->top - sides[i].top) < SAME_PX && fabs(last->bottom - sides[i].bottom) < SAME_PX;
        if (cancels) {
            keep_part(trim, sides[i].piece, top, bottom, FALSE);
            keep_part(trim, last->piece, top, bottom, FALSE);
            depth--;
        } else {
            stack[depth++] = i;
        }
    }
    for (int i = 0; i < depth; i++) {
        keep_part(trim, sides[stack[i]].piece, top, bottom, TRUE);
    }
}

/* Goes from strip to strip between the ends of pieces, which are sorted by their tops. */
static void trim_all(Trim *trim, int count, const double *rows, int row_count, Side *sides, int *stack)
{
    int active = 0, next = 0;
    for (int r = 0; r + 1 < row_count; r++) {
        int kept = 0;
        for (int i = 0; i < active; i++) {
            if (trim->pieces[sides[i].piece].bottom > rows[r]) {
                sides[kept++] = sides[i];
            }
        }
        for (active = kept; next < count && trim->pieces[next].top <= rows[r]; next++) {
            sides[active++].piece = next;
        }
        for (int i = 0; i < active; i++) {
            sides[i].top = piece_x(&trim->pieces[sides[i].piece], rows[r]);
            sides[i].bottom = piece_x(&trim->pieces[sides[i].piece], rows[r + 1]);
        }
        sort_sides(sides, active);
        trim_strip(trim, rows[r], rows[r + 1], sides, active, stack);
    }
    for (int i = 0; i < count; i++) {
        keep_part(trim, i, 0, 0, FALSE);
    }
}

static int distinct_rows(const Piece *pieces, int count, double *rows)
{
    int distinct = 0;
    for (int i = 0; i < count; i++) {
        rows[2 * i] = pieces[i].top;
        rows[2 * i + 1] = pieces[i].bottom;
    }
    qsort(rows, 2 * (size_t)count, sizeof *rows, order_doubles);
    for (int i = 0; i < 2 * count; i++) {
        if (i == 0 || rows[i] != rows[distinct - 1]) {
            rows[distinct++] = rows[i];
        }
    }
    return distinct;
}

/* The pieces without those parts of the border that lie on each other: there the region has no width, or the gap between two parts of it.
 * Array of Piece; caller unrefs. */
static GArray *trim_pieces(const Raster *raster, GError **error)
{
    const size_t count = (size_t)raster->count;
    const char *what = "the border of a region";
    g_autofree Piece *pieces = wsi_try_alloc(2 * count + 1, sizeof *pieces, what, error);
    g_autofree double *rows = pieces ? wsi_try_alloc(2 * count + 1, sizeof *rows, what, error) : NULL;
    g_autofree Side *sides = rows ? wsi_try_alloc(count + 1, sizeof *sides, what, error) : NULL;
    g_autofree int *stack = sides ? wsi_try_alloc(count + 1, sizeof *stack, what, error) : NULL;
    if (!stack) {
        return NULL;
    }
    memcpy(pieces, raster->pieces, count * sizeof *pieces);
    memset(pieces + count, 0, count * sizeof *pieces);
    qsort(pieces, count, sizeof *pieces, compare_tops);
    Trim trim = {pieces, pieces + count, g_array_new(FALSE, FALSE, sizeof(Piece))};
    trim_all(&trim, (int)count, rows, distinct_rows(pieces, (int)count, rows), sides, stack);
    return trim.kept;
}

/* ---- from piece to piece ---- */

typedef struct {
    double x, y;
    int piece;
    gboolean above;  /* the piece is above the line */
    gboolean leaves; /* the way along the border leaves the line here */
    double turn; /* by this, ends of one point are in order from left to right on their side of the line */
    int rank;    /* of an end among those of one point */
} End;

/* Within one point: by rank, then those from above first. */
static int compare_ranks(const void *a, const void *b)
{
    const End *e = a, *f = b;
    return e->rank != f->rank ? e->rank - f->rank : f->above - e->above;
}

static int compare_turns(const void *a, const void *b)
{
    const End *e = a, *f = b;
    return e->above != f->above ? f->above - e->above
           : e->turn != f->turn ? (e->turn > f->turn ? 1 : -1)
                                : (e->piece > f->piece) - (e->piece < f->piece);
}

/* Puts the ends of one point so that each part of the region is closed by itself there: what bounds the part to the left of the point, then
 * the parts above, those below, and what bounds the part to the right. */
static void order_point(const GArray *pieces, End *ends, int count)
{
    qsort(ends, (size_t)count, sizeof *ends, compare_turns);
    for (int i = 0; i < count; i++) {
        const gboolean first = i == 0 || ends[i - 1].above != ends[i].above;
        const gboolean last = i + 1 == count || ends[i + 1].above != ends[i].above;
        const int sign = g_array_index(pieces, Piece, ends[i].piece).sign;
        ends[i].rank = first && sign < 0 ? -1 : last && sign > 0 ? 2 * count : ends[i].above ? i : count + i;
    }
    qsort(ends, (size_t)count, sizeof *ends, compare_ranks);
}

/* By line, from left to right. */
static int compare_ends(const void *a, const void *b)
{
    const End *e = a, *f = b;
    if (e->y != f->y || e->x != f->x) {
        return e->y != f->y ? (e->y > f->y ? 1 : -1) : e->x > f->x ? 1 : -1;
    }
    return e->above != f->above ? f->above - e->above : (e->piece > f->piece) - (e->piece < f->piece);
}

/* All ends in order; caller frees. */
static End *find_ends(const GArray *pieces, GError **error)
{
    End *ends = wsi_try_alloc(2 * (size_t)pieces->len + 1, sizeof *ends, "the border of a region", error);
    for (guint i = 0; ends && i < pieces->len; i++) {
        const Piece *piece = &g_array_index(pieces, Piece, i);
        const gboolean up = piece->sign > 0;
        const double slope = (piece->x1 - piece->x0) / (piece->y1 - piece->y0);
        ends[2 * i] = (End){piece_x(piece, piece->top), piece->top, (int)i, FALSE, !up, slope, 0};
        ends[2 * i + 1] = (End){piece_x(piece, piece->bottom), piece->bottom, (int)i, TRUE, up, -slope, 0};
    }
    if (ends) {
        qsort(ends, 2 * (size_t)pieces->len, sizeof *ends, compare_ends);
        const int count = 2 * (int)pieces->len;
        for (int from = 0, to; from < count; from = to) {
            for (to = from + 1;
                 to < count && ends[to].y == ends[from].y && ends[to].x - ends[to - 1].x < SAME_PX; to++) {
            }
            order_point(pieces, ends + from, to - from);
        }
    }
    return ends;
}

/* Which piece follows each one; stack: room for all ends. */
static void link_pieces(const End *ends, int count, int *next, int *stack)
{
    int depth = 0;
    for (int i = 0; i < count; i++) {
        const End *end = &ends[i], *open = depth ? &ends[stack[depth - 1]] : NULL;
        if (!open || open->leaves == end->leaves) {
            stack[depth++] = i;
            continue;
        }
        const End *arrives = end->leaves ? open : end, *leaves = end->leaves ? end : open;
        next[arrives->piece] = leaves->piece;
        depth--;
    }
}

/* ---- rings ---- */

typedef struct {
    int64_t x, y; /* in steps */
} Point;

typedef struct {
    Point *points;
    int count;
    double area; /* signed, px^2 */
    int shell;   /* of a hole: the index of its outer ring, or -1 */
} Ring;

static void ring_clear(gpointer ring)
{
    g_free(((Ring *)ring)->points);
}

static guint hash_point(gconstpointer point)
{
    const Point *p = point;
    return (guint)((uint64_t)p->x * 73856093u ^ (uint64_t)p->y * 19349663u);
}

static gboolean same_point(gconstpointer a, gconstpointer b)
{
    const Point *p = a, *q = b;
    return p->x == q->x && p->y == q->y;
}

/* Keeps a ring that has an area. */
static void keep_ring(GArray *rings, const Point *points, int count)
{
    double twice = 0;
    for (int i = 0; i < count; i++) {
        const Point *u = &points[i], *v = &points[(i + 1) % count], *o = &points[0];
        twice +=
            (double)(u->x - o->x) * (double)(v->y - o->y) - (double)(v->x - o->x) * (double)(u->y - o->y);
    }
    if (twice != 0) {
        const Ring ring = {g_memdup2(points, (gsize)count * sizeof *points), count,
                           twice / 2 / (STEPS_PER_PX * STEPS_PER_PX), -1};
        g_array_append_val(rings, ring);
    }
}

typedef struct {
    GArray *rings, *way; /* Ring; Point: of the ring that is being followed */
    GHashTable *seen;    /* Point (owned) -> 1 + its index in `way` */
} Walk;

/* Comes to a point; where it was before, what lies between is a ring of its own. */
static void come_to(Walk *walk, double x, double y)
{
    const Point at = {llround(x * STEPS_PER_PX), llround(y * STEPS_PER_PX)};
    const guint before = GPOINTER_TO_UINT(g_hash_table_lookup(walk->seen, &at));
    const Point *way = (const Point *)(void *)walk->way->data;
    if (!before) {
        g_array_append_val(walk->way, at);
        g_hash_table_insert(walk->seen, g_memdup2(&at, sizeof at), GUINT_TO_POINTER(walk->way->len));
        return;
    }
    keep_ring(walk->rings, way + before - 1, (int)(walk->way->len - before) + 1);
    for (guint i = before; i < walk->way->len; i++) {
        g_hash_table_remove(walk->seen, &way[i]);
    }
    g_array_set_size(walk->way, before);
}

/* Follows the border from a piece until it is back; the pieces on the way get next -1. */
static void follow(Walk *walk, const GArray *pieces, int *next, int piece)
{
    while (next[piece] >= 0) {
        const Piece *one = &g_array_index(pieces, Piece, piece);
        const gboolean up = one->sign > 0;
        const double from = up ? one->bottom : one->top, to = up ? one->top : one->bottom;
        come_to(walk, piece_x(one, from), from);
        come_to(walk, piece_x(one, to), to);
        const int follows = next[piece];
        next[piece] = -1;
        piece = follows;
    }
    keep_ring(walk->rings, (const Point *)(void *)walk->way->data, (int)walk->way->len);
    g_array_set_size(walk->way, 0);
    g_hash_table_remove_all(walk->seen);
}

static GArray *find_rings(const Raster *raster, GError **error)
{
    g_autoptr(GArray) pieces = trim_pieces(raster, error);
    g_autofree End *ends = pieces ? find_ends(pieces, error) : NULL;
    const size_t count = ends ? pieces->len : 0;
    g_autofree int *next =
        ends ? wsi_try_alloc(3 * count + 1, sizeof *next, "the border of a region", error) : NULL;
    if (!next) {
        return NULL;
    }
    memset(next, -1, count * sizeof *next);
    link_pieces(ends, 2 * (int)count, next, next + count);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(hash_point, same_point, g_free, NULL);
    g_autoptr(GArray) way = g_array_new(FALSE, FALSE, sizeof(Point));
    GArray *rings = g_array_new(FALSE, FALSE, sizeof(Ring));
    g_array_set_clear_func(rings, ring_clear);
    Walk walk = {rings, way, seen};
    for (int i = 0; i < (int)count; i++) {
        if (next[i] >= 0) {
            follow(&walk, pieces, next, i);
        }
    }
    return rings;
}

/* ---- polygons ---- */

/* Whether the ring is around (x, y), both in steps. */
static gboolean is_around(const Ring *ring, double x, double y)
{
    gboolean inside = FALSE;
    for (int i = 0; i < ring->count; i++) {
        const Point *u = &ring->points[i], *v = &ring->points[(i + 1) % ring->count];
        if (((double)u->y <= y) != ((double)v->y <= y)) {
            const double t = (y - (double)u->y) / (double)(v->y - u->y);
            inside ^= (double)u->x + t * (double)(v->x - u->x) < x;
        }
    }
    return inside;
}

/* The smallest outer ring around the middle of a hole's steepest edge, which is on no other ring. */
static int find_shell(const GArray *rings, const Ring *hole)
{
    const Point *u = &hole->points[0], *v = u;
    for (int i = 0; i < hole->count; i++) {
        const Point *a = &hole->points[i], *b = &hole->points[(i + 1) % hole->count];
        if (llabs(b->y - a->y) > llabs(v->y - u->y)) {
            u = a;
            v = b;
        }
    }
    const double x = (double)(u->x + v->x) / 2, y = (double)(u->y + v->y) / 2;
    int found = -1;
    for (guint i = 0; i < rings->len; i++) {
        const Ring *ring = &g_array_index(rings, Ring, i);
        const gboolean smaller = found < 0 || ring->area < g_array_index(rings, Ring, found).area;
        if (ring->area > 0 && smaller && is_around(ring, x, y)) {
            found = (int)i;
        }
    }
    return found;
}

static void add_outline(GPtrArray *outlines, const Ring *ring, int family)
{
    g_autofree double *xy = g_new(double, 2 * (size_t)ring->count);
    for (int i = 0; i < ring->count; i++) {
        xy[2 * i] = (double)ring->points[i].x / STEPS_PER_PX;
        xy[2 * i + 1] = (double)ring->points[i].y / STEPS_PER_PX;
    }
    Outline *outline = outline_new("", "", LABEL_LESION, ring->count, xy);
    outline->family = family;
    outline->hole = ring->area < 0;
    g_ptr_array_add(outlines, outline);
}

GPtrArray *raster_polygons(const Raster *raster, GError **error)
{
    g_autoptr(GArray) rings = find_rings(raster, error);
    GPtrArray *outlines = rings ? g_ptr_array_new_with_free_func((GDestroyNotify)outline_free) : NULL;
    for (guint i = 0; rings && i < rings->len; i++) {
        Ring *ring = &g_array_index(rings, Ring, i);
        ring->shell = ring->area < 0 ? find_shell(rings, ring) : -1;
    }
    for (guint i = 0, family = 0; rings && i < rings->len; i++) {
        const Ring *shell = &g_array_index(rings, Ring, i);
        if (shell->area < 0) {
            continue;
        }
        add_outline(outlines, shell, (int)++family);
        for (guint k = 0; k < rings->len; k++) {
            const Ring *hole = &g_array_index(rings, Ring, k);
            if (hole->shell == (int)i) {
                add_outline(outlines, hole, (int)family);
            }
        }
    }
    return outlines;
}
