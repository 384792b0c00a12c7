/* Marching squares over whole rings.
 *
 * A ring is followed from crossing to crossing instead of being joined from segments afterwards, so nothing has to be matched by
 * coordinates.  A crossing is a cell that is in and a direction to a neighbour that is not.  The walk keeps the cell on its right (y points
 * down), so outer rings have a positive area and holes a negative one.
 *
 *      p = in, q = out, walking east; a, b are the next two      q | b
 *                                                                --+--   p is in a region, d = north, the walk's direction r = east
 *                                                                p | a
 *
 *   a and b out   the border turns right, around p
 *   a in, b out   it goes straight on
 *   a and b in    it turns left, around q
 *   only b in     a saddle
 *
 * Every ring crosses a line between an in cell and its northern neighbour, so one bit per cell says which rings are done.  Cells are joined
 * to regions by the same rule as crossings, so a ring's region is that of any of its cells, and exactly one ring of a region is outer. */
#include "annotations/raster/isoline.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

#define CROSSING_GAP (1.0 / 256) /* cells */

#define CELL_LIMIT ((size_t)1 << 30) /* cells have 32-bit numbers */

enum { EAST, SOUTH, WEST, NORTH };
static const int step_x[4] = {1, 0, -1, 0}, step_y[4] = {0, 1, 0, -1};

/* A vertex of a ring before it is simplified. */
typedef struct {
    double x, y;
    int32_t low, at; /* it is on the line between the centres `low` and `low + 1` of row or column `at` */
    uint8_t axis; /* 0: that line runs along x, 1: along y, NO_LINE: the vertex is the corner of four cells */
    gboolean
        kept; /* it stays: it belongs to a saddle, where two borders share a square, or to the simplified ring */
} Vertex;
enum { NO_LINE = 2 };

typedef struct {
    const Map *map;
    double level, tolerance;
    Isoline *found;
    uint8_t *done; /* (height, width): the crossing to the north is part of a ring that was followed */
    Vertex *ring;  /* the ring in hand */
    int points, capacity, ring_capacity;
} Tracer;

/* ---- cells ---- */

/* The value of a cell; NaN for none. */
static double value_at(const Tracer *tracer, int x, int y)
{
    const Map *map = tracer->map;
    if (x < 0 || y < 0 || x >= map->width || y >= map->height) {
        return NAN;
    }
    double value = map->values[(size_t)y * map->width + x];
    return isfinite(value) ? value : NAN;
}

static gboolean is_in(const Tracer *tracer, int x, int y)
{
    return value_at(tracer, x, y) >= tracer->level;
}

/* Whether the saddle whose upper left cell is (x, y) joins its two in cells.  NaN makes the sum NaN. */
static gboolean saddle_joins(const Tracer *tracer, int x, int y)
{
    double sum = value_at(tracer, x, y) + value_at(tracer, x + 1, y) + value_at(tracer, x, y + 1) +
                 value_at(tracer, x + 1, y + 1);
    return sum / 4 >= tracer->level;
}

/* ---- regions: union and find over the cells ---- */

static int32_t root_of(int32_t *parent, int32_t cell)
{
    while (parent[cell] != cell) {
        parent[cell] = parent[parent[cell]];
        cell = parent[cell];
    }
    return cell;
}

/* The root of a region is its first cell. */
static void join(int32_t *parent, int32_t a, int32_t b)
{
    a = root_of(parent, a);
    b = root_of(parent, b);
    parent[MAX(a, b)] = MIN(a, b);
}

/* Joins a cell with those neighbours of it that come before it. */
static void join_earlier(const Tracer *tracer, int32_t *parent, int x, int y)
{
    const int width = tracer->map->width;
    const int32_t cell = y * width + x;
    gboolean west = is_in(tracer, x - 1, y), north = is_in(tracer, x, y - 1);
    if (west) {
        join(parent, cell, cell - 1);
    }
    if (north) {
        join(parent, cell, cell - width);
    }
    if (!west && !north && is_in(tracer, x - 1, y - 1) && saddle_joins(tracer, x - 1, y - 1)) {
        join(parent, cell, cell - width - 1);
    }
    if (!north && !is_in(tracer, x + 1, y) && is_in(tracer, x + 1, y - 1) && saddle_joins(tracer, x, y - 1)) {
        join(parent, cell, cell - width + 1);
    }
}

/* Numbers the regions in the order of their first cells; parents become numbers in place, as every root comes before its cells. */
static void find_regions(Tracer *tracer)
{
    int32_t *parent = tracer->found->region;
    const Map *map = tracer->map;
    for (int y = 0; y < map->height; y++) {
        for (int x = 0; x < map->width; x++) {
            int32_t cell = y * map->width + x;
            parent[cell] = is_in(tracer, x, y) ? cell : -1;
            if (parent[cell] >= 0) {
                join_earlier(tracer, parent, x, y);
            }
        }
    }
    const int32_t cells = map->width * map->height;
    for (int32_t cell = 0; cell < cells; cell++) {
        if (parent[cell] >= 0) {
            parent[cell] = root_of(parent, cell);
        }
    }
    for (int32_t cell = 0; cell < cells; cell++) {
        if (parent[cell] >= 0) {
            parent[cell] = parent[cell] == cell ? tracer->found->region_count++ : parent[parent[cell]];
        }
    }
}

/* ---- following one ring ---- */

/* Makes room for one more element.  The data decide how many there are, so lack of memory is an error. */
static gboolean grow(void **array, int count, int *capacity, size_t size, GError **error)
{
    if (count < *capacity) {
        return TRUE;
    }
    int more = MAX(64, 2 * *capacity);
    void *bigger = *capacity > G_MAXINT / 2 ? NULL : g_try_realloc_n(*array, (gsize)more, size);
    if (!bigger) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_MEMORY, "no memory for the outline of a map (%d parts)",
                    count);
        return FALSE;
    }
    *array = bigger;
    *capacity = more;
    return TRUE;
}

static gboolean add_vertex(Tracer *tracer, const Vertex *vertex, GError **error)
{
    if (!grow((void **)&tracer->ring, tracer->points, &tracer->capacity, sizeof *vertex, error)) {
        return FALSE;
    }
    tracer->ring[tracer->points++] = *vertex;
    return TRUE;
}

/* The crossing between the in cell (x, y) and its neighbour in direction d. */
static gboolean add_crossing(Tracer *tracer, int x, int y, int d, gboolean keep, GError **error)
{
    double in = value_at(tracer, x, y), out = value_at(tracer, x + step_x[d], y + step_y[d]);
    /* Linear between the centres: in + t (out - in) = level.  Half way where there is no data. */
    double t = isnan(out) ? 0.5 : CLAMP((in - tracer->level) / (in - out), CROSSING_GAP, 1 - CROSSING_GAP);
    gboolean along_x = step_x[d] != 0;
    Vertex vertex = {x + 0.5 + t * step_x[d],
                     y + 0.5 + t * step_y[d],
                     along_x ? MIN(x, x + step_x[d]) : MIN(y, y + step_y[d]),
                     along_x ? y : x,
                     along_x ? 0 : 1,
                     keep};
    return add_vertex(tracer, &vertex, error);
}

/* Where the walk is: an in cell and the direction to the neighbour that is not. */
typedef struct {
    int x, y, d;
} Crossing;

/* The next crossing, with the vertex between the two where the border has the square corner of cells without data.  *saddle: the two share
 * their square with another border. */
static gboolean next_crossing(Tracer *tracer, Crossing *at, gboolean *saddle, GError **error)
{
    const int d = at->d, r = (d + 1) % 4;
    const int ax = at->x + step_x[r], ay = at->y + step_y[r], bx = ax + step_x[d], by = ay + step_y[d];
    const int qx = at->x + step_x[d], qy = at->y + step_y[d];
    gboolean a = is_in(tracer, ax, ay), b = is_in(tracer, bx, by);
    *saddle = b && !a;
    gboolean left = b && (a || saddle_joins(tracer, MIN(at->x, bx), MIN(at->y, by)));
    if (a && !b) {
        *at = (Crossing){ax, ay, d};
        return TRUE;
    }
    /* A turn.  It is square when no cell around the corner has data but is not in. */
    gboolean square = !*saddle && isnan(value_at(tracer, qx, qy)) &&
                      (left || (isnan(value_at(tracer, ax, ay)) && isnan(value_at(tracer, bx, by))));
    Vertex corner = {MAX(at->x, bx), MAX(at->y, by), 0, 0, NO_LINE, FALSE};
    if (square && !add_vertex(tracer, &corner, error)) {
        return FALSE;
    }
    *at = left ? (Crossing){bx, by, (r + 2) % 4} : (Crossing){at->x, at->y, r};
    return TRUE;
}

/* Follows the ring through the crossing to the north of a cell. */
static gboolean follow(Tracer *tracer, int x, int y, GError **error)
{
    const Crossing start = {x, y, NORTH};
    Crossing at = start;
    gboolean saddle, before = FALSE, good = TRUE;
    tracer->points = 0;
    do {
        if (at.d == NORTH) {
            tracer->done[(size_t)at.y * tracer->map->width + at.x] = 1;
        }
        good = add_crossing(tracer, at.x, at.y, at.d, before, error);
        int crossing = tracer->points - 1;
        good = good && next_crossing(tracer, &at, &saddle, error);
        if (good) {
            tracer->ring[crossing].kept |= saddle;
            before = saddle;
        }
    } while (good && (at.x != start.x || at.y != start.y || at.d != start.d));
    if (good) {
        tracer->ring[0].kept |= before;
    }
    return good;
}

/* ---- simplifying ---- */

static double distance_squared(const Vertex *point, const Vertex *from, const Vertex *to)
{
    double dx = to->x - from->x, dy = to->y - from->y, length = dx * dx + dy * dy;
    double t = length > 0 ? ((point->x - from->x) * dx + (point->y - from->y) * dy) / length : 0;
    t = CLAMP(t, 0, 1);
    double ex = from->x + t * dx - point->x, ey = from->y + t * dy - point->y;
    return ex * ex + ey * ey;
}

/* Whether the edge between two vertices may replace the vertices between them, as far as the lines between centres say. */
static gboolean same_side(const Tracer *tracer, int first, int last)
{
    const int n = tracer->points;
    const Vertex *from = &tracer->ring[first % n], *to = &tracer->ring[last % n];
    double dx = to->x - from->x, dy = to->y - from->y, reached = 0;
    for (int k = first + 1; k < last; k++) {
        const Vertex *vertex = &tracer->ring[k % n];
        if (vertex->kept) {
            return FALSE;
        }
        if (vertex->axis == NO_LINE) {
            continue;
        }
        /* The line is at `at` + 0.5 of one coordinate, from `low` + 0.5 to `low` + 1.5 of the other one. */
        gboolean along_x = vertex->axis == 0;
        double u = along_x ? (vertex->at + 0.5 - from->y) / dy : (vertex->at + 0.5 - from->x) / dx;
        double crossing = (along_x ? from->x + u * dx : from->y + u * dy) - vertex->low - 0.5;
        /* NaN and infinity, where the edge is parallel to the line, fail too. */
        if (!(u > reached && u < 1 && crossing >= CROSSING_GAP && crossing <= 1 - CROSSING_GAP)) {
            return FALSE;
        }
        reached = u;
    }
    return TRUE;
}

/* Marks the vertices of the ring between two of its vertices that stay.  stack: room for two numbers per vertex. */
static void simplify_part(Tracer *tracer, int first, int last, int *stack)
{
    const int n = tracer->points;
    int depth = 0;
    stack[depth++] = last;
    while (depth > 0) {
        int end = stack[depth - 1], furthest = (first + end) / 2;
        double most = 0;
        for (int k = first + 1; k < end; k++) {
            double far =
                distance_squared(&tracer->ring[k % n], &tracer->ring[first % n], &tracer->ring[end % n]);
            if (far > most) {
                most = far;
                furthest = k;
            }
        }
        if (end - first < 2 ||
            (most <= tracer->tolerance * tracer->tolerance && same_side(tracer, first, end))) {
            first = end;
            depth--;
        } else {
            stack[depth++] = furthest;
        }
        if (end == first) {
            tracer->ring[first % n].kept = TRUE;
        }
    }
}

/* Two vertices far from each other stay; the rings between them are simplified. */
static gboolean simplify(Tracer *tracer, GError **error)
{
    g_autofree int *stack = wsi_try_alloc((size_t)tracer->points + 2, sizeof *stack, "an outline", error);
    if (!stack) {
        return FALSE;
    }
    int furthest = 0;
    double most = 0;
    for (int k = 1; k < tracer->points; k++) {
        double dx = tracer->ring[k].x - tracer->ring[0].x, dy = tracer->ring[k].y - tracer->ring[0].y;
        if (dx * dx + dy * dy > most) {
            most = dx * dx + dy * dy;
            furthest = k;
        }
    }
    simplify_part(tracer, 0, furthest, stack);
    simplify_part(tracer, furthest, tracer->points, stack);
    return TRUE;
}

/* ---- the whole ---- */

/* The kept vertices of the ring in hand as a ring of the result. */
static gboolean add_ring(Tracer *tracer, int region, GError **error)
{
    Isoline *found = tracer->found;
    if (!grow((void **)&found->rings, found->ring_count, &tracer->ring_capacity, sizeof *found->rings,
              error)) {
        return FALSE;
    }
    int kept = 0;
    for (int k = 0; k < tracer->points; k++) {
        kept += tracer->ring[k].kept;
    }
    IsolineRing *ring = &found->rings[found->ring_count];
    *ring = (IsolineRing){wsi_try_alloc((size_t)kept, 2 * sizeof(double), "an outline", error), 0, region, 0};
    if (!ring->xy) {
        return FALSE;
    }
    found->ring_count++;
    for (int k = 0; k < tracer->points; k++) {
        if (tracer->ring[k].kept) {
            ring->xy[2 * ring->points] = tracer->ring[k].x;
            ring->xy[2 * ring->points + 1] = tracer->ring[k].y;
            ring->points++;
        }
    }
    /* The shoelace formula, relative to the first vertex so that little is lost far from the origin. */
    for (int k = 1; k + 1 < kept; k++) {
        const double *o = ring->xy, *u = o + 2 * k, *v = u + 2;
        ring->area += ((u[0] - o[0]) * (v[1] - o[1]) - (v[0] - o[0]) * (u[1] - o[1])) / 2;
    }
    return TRUE;
}

/* Puts the rings of a region together, by counting: rings are found in the order of their first crossings, which is kept within a region, so
 * its outer ring comes before its holes. */
static gboolean group_rings(Isoline *found, GError **error)
{
    int *next = wsi_try_alloc((size_t)found->region_count + 1, sizeof *next, "the regions of a map", error);
    IsolineRing *grouped =
        next ? wsi_try_alloc((size_t)found->ring_count + 1, sizeof *grouped, "the outlines of a map", error)
             : NULL;
    if (!grouped) {
        g_free(next);
        return FALSE;
    }
    for (int i = 0; i < found->ring_count; i++) {
        next[found->rings[i].region + 1]++;
    }
    for (int region = 1; region < found->region_count; region++) {
        next[region] += next[region - 1];
    }
    for (int i = 0; i < found->ring_count; i++) {
        grouped[next[found->rings[i].region]++] = found->rings[i];
    }
    g_free(found->rings);
    found->rings = grouped;
    g_free(next);
    return TRUE;
}

static gboolean trace(Tracer *tracer, GError **error)
{
    const Map *map = tracer->map;
    for (int y = 0; y < map->height; y++) {
        for (int x = 0; x < map->width; x++) {
            size_t cell = (size_t)y * map->width + x;
            int region = tracer->found->region[cell];
            if (region < 0 || tracer->done[cell] || is_in(tracer, x, y - 1)) {
                continue;
            }
            if (!follow(tracer, x, y, error) || !simplify(tracer, error) ||
                !add_ring(tracer, region, error)) {
                return FALSE;
            }
        }
    }
    return group_rings(tracer->found, error);
}

Isoline *isoline_find(const Map *map, double level, double tolerance, GError **error)
{
    g_autoptr(Isoline) found = g_new0(Isoline, 1);
    Tracer tracer = {.map = map, .level = level, .tolerance = tolerance, .found = found};
    size_t cells = (size_t)map->width * map->height;
    if (cells > CELL_LIMIT) {
        wsi_error_input(error, "a map of %d x %d cells has too many: at most 2^30 can be outlined",
                        map->width, map->height);
        return NULL;
    }
    found->region = wsi_try_alloc(cells, sizeof *found->region, "the regions of a map", error);
    tracer.done = found->region ? wsi_try_alloc(cells, 1, "the regions of a map", error) : NULL;
    gboolean good = tracer.done != NULL;
    if (good) {
        find_regions(&tracer);
        good = trace(&tracer, error);
    }
    g_free(tracer.done);
    g_free(tracer.ring);
    return good ? g_steal_pointer(&found) : NULL;
}

void isoline_free(Isoline *isoline)
{
    if (!isoline) {
        return;
    }
    for (int i = 0; i < isoline->ring_count; i++) {
        g_free(isoline->rings[i].xy);
    }
    g_free(isoline->rings);
    g_free(isoline->region);
    g_free(isoline);
}
