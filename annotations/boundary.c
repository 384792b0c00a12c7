/* The border of a union of polygons minus a union of polygons, by a sweep over slabs.
 *
 * Between two neighbouring y of vertices (a slab) every edge that is there runs all the way through.  When the order of the edges
 * at the slab's top is also right at its bottom, nothing crosses, and one walk from left to right with a winding number per
 * outline tells where the region begins and ends.  Where edges do cross, only those that take part (a cluster: a run of edges
 * that change places among themselves) are cut at a crossing and looked at again, above and below it.
 *
 * A piece lasts as long as its edge keeps its sign: each edge remembers its sign and since when, so the output has about as many
 * pieces as there are edges on the border, however many slabs there are.
 *
 * Crossings are found to rounding only.  Two edges count as in order when they are wrong by less than `tolerance` (2^-46 of the
 * largest coordinate, some 1e-9 px): the area between them is then smaller than any figure that is reported.
 *
 * Time: edges that are in a slab, summed over slabs: 180,000 steps for the largest annotations of Camelyon16, 50 million for 58,000
 * cells with 48 vertices each.  A hostile file can ask for 10^14, therefore the limit.  Steps in clusters weigh more: real outlines
 * hardly cross, scribbles do nothing else. */
#include "annotations/boundary.h"
#include "base/error.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STEP_LIMIT ((int64_t)1000000000) /* some seconds */
enum { CROSSING_WEIGHT = 20 };

typedef struct {
    Piece line;    /* its top and sign are those of the piece that is open; sign 0 = none is */
    int outline;   /* index */
    int direction; /* +1 downwards in the file's order of points, -1 upwards */
} Edge;

typedef struct {
    int edge;
    double a, b;  /* x at the top and at the bottom of the slab */
    double least; /* the least b from here to the right */
} Active;

/* An outline, and its winding number at the place that the walk has come to. */
typedef struct {
    OutlineLabel label;
    int family, winding;
    gboolean hole;
} Member;

/* How many of its outlines are around that place. */
typedef struct {
    int lesions, excluded, holes;
} Family;

typedef struct {
    Edge *edges;
    Member *members;
    Family *families;
    int lesions, excluded; /* outlines and families of either kind around that place */
    double tolerance, shortest;
    int64_t steps;
    Piece *pieces;
    int64_t count, room;
    gboolean no_memory;
} Sweep;

/* ---- edges ---- */

static int64_t count_edges(const Annotation *annotation)
{
    int64_t count = 0;
    for (guint i = 0; i < annotation->outlines->len; i++) {
        const Outline *outline = annotation->outlines->pdata[i];
        count += outline->closed && outline->label != LABEL_NONE ? outline->points : 0;
    }
    return count;
}

/* All edges that are not horizontal: those never meet a row's centre and bound no area by themselves. */
static int64_t collect_edges(const Annotation *annotation, Edge *edges, double *scale)
{
    int64_t count = 0;
    *scale = 1;
    for (guint i = 0; i < annotation->outlines->len; i++) {
        const Outline *outline = annotation->outlines->pdata[i];
        for (int p = 0; outline->closed && outline->label != LABEL_NONE && p < outline->points; p++) {
            const double *u = &outline->xy[2 * p], *v = &outline->xy[2 * ((p + 1) % outline->points)];
            *scale = fmax(*scale, fmax(fabs(u[0]), fabs(u[1])));
            if (u[1] < v[1]) {
                edges[count++] = (Edge){{u[0], u[1], v[0], v[1], 0, 0, 0}, (int)i, 1};
            } else if (u[1] > v[1]) {
                edges[count++] = (Edge){{v[0], v[1], u[0], u[1], 0, 0, 0}, (int)i, -1};
            }
        }
    }
    return count;
}

static int compare_edges(const void *a, const void *b)
{
    const Edge *e = a, *f = b;
    if (e->line.y0 != f->line.y0) {
        return e->line.y0 < f->line.y0 ? -1 : 1;
    }
    return e->outline != f->outline ? (e->outline > f->outline) - (e->outline < f->outline)
                                    : (e->line.x0 > f->line.x0) - (e->line.x0 < f->line.x0);
}

static int compare_double(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* ---- pieces ---- */

static void close_piece(Sweep *sweep, Edge *edge, double y)
{
    if (edge->line.sign == 0 || edge->line.top >= y) {
        return;
    }
    if (sweep->count == sweep->room) {
        int64_t room = MAX(1024, 2 * sweep->room);
        Piece *more = g_try_realloc_n(sweep->pieces, (gsize)room, sizeof *more);
        if (!more) {
            sweep->no_memory = TRUE;
            return;
        }
        sweep->pieces = more;
        sweep->room = room;
    }
    edge->line.bottom = y;
    sweep->pieces[sweep->count++] = edge->line;
}

static void set_sign(Sweep *sweep, Edge *edge, double y, int sign)
{
    if (edge->line.sign != sign) {
        close_piece(sweep, edge, y);
        edge->line.sign = sign;
        edge->line.top = y;
    }
}

/* ---- the walk ---- */

/* What a family adds to the outlines around the place; sign -1 takes it away. */
static void add_family(Sweep *sweep, const Family *family, int sign)
{
    if (family->holes == 0) {
        sweep->lesions += sign * (family->lesions > 0);
        sweep->excluded += sign * (family->excluded > 0);
    }
}

static void step_family(Sweep *sweep, const Member *member, int change)
{
    Family *family = &sweep->families[member->family];
    int *count = member->hole                    ? &family->holes
                 : member->label == LABEL_LESION ? &family->lesions
                                                 : &family->excluded;
    add_family(sweep, family, -1);
    *count += change;
    add_family(sweep, family, 1);
}

/* Steps over an edge; direction -1 takes the step back. */
static void cross(Sweep *sweep, const Edge *edge, int direction)
{
    Member *member = &sweep->members[edge->outline];
    gboolean was = member->winding != 0;
    member->winding += direction * edge->direction;
    int change = (member->winding != 0) - was;
    if (change && member->family) {
        step_family(sweep, member, change);
    } else if (member->label == LABEL_LESION) {
        sweep->lesions += change;
    } else {
        sweep->excluded += change;
    }
}

static void walk(Sweep *sweep, double top, Active *active, int count)
{
    for (int i = 0; i < count; i++) {
        Edge *edge = &sweep->edges[active[i].edge];
        int before = sweep->lesions > 0 && sweep->excluded == 0;
        cross(sweep, edge, 1);
        set_sign(sweep, edge, top, (sweep->lesions > 0 && sweep->excluded == 0) - before);
    }
}

/* By x at the top, then at the bottom.  The order of the slab above is almost right: insertion is the sort for that.  Returns the
 * places that edges moved by. */
static int64_t sort_active(Active *active, int count)
{
    int64_t moves = 0;
    for (int i = 1; i < count; i++) {
        Active moving = active[i];
        int at = i;
        while (at > 0 && (active[at - 1].a > moving.a ||
                          (active[at - 1].a == moving.a && active[at - 1].b > moving.b))) {
            active[at] = active[at - 1];
            at--;
        }
        active[at] = moving;
        moves += i - at;
    }
    return moves;
}

/* Where to cut a cluster: at the crossing of two neighbours that change places, or half-way.  Half-way on every other depth keeps
 * the depth below about 100 also when very many edges meet in one point. */
static double choose_cut(const Sweep *sweep, double top, double bottom, const Active *active, int count,
                         int depth)
{
    double middle = top + (bottom - top) / 2;
    if (depth % 2 == 1 || bottom - top <= 2 * sweep->shortest) {
        return middle;
    }
    for (int k = 0; k + 1 < count; k++) {
        int i = (k + count / 2) % (count - 1);
        double above = active[i + 1].a - active[i].a, below = active[i].b - active[i + 1].b;
        if (below > sweep->tolerance) {
            double cut = top + (bottom - top) * (above / (above + below));
            return CLAMP(cut, top + sweep->shortest, bottom - sweep->shortest);
        }
    }
    return middle;
}

static void sweep_slab(Sweep *sweep, double top, double bottom, Active *active, int count, int depth);

/* Cuts a cluster in two; the walk starts anew for the lower half. */
static void sweep_cluster(Sweep *sweep, double top, double bottom, Active *active, int count, int depth)
{
    double cut = choose_cut(sweep, top, bottom, active, count, depth);
    sweep_slab(sweep, top, cut, active, count, depth + 1);
    for (int i = 0; i < count; i++) {
        cross(sweep, &sweep->edges[active[i].edge], -1);
    }
    sweep_slab(sweep, cut, bottom, active, count, depth + 1);
}

static void sweep_slab(Sweep *sweep, double top, double bottom, Active *active, int count, int depth)
{
    sweep->steps += depth ? CROSSING_WEIGHT * count : count;
    if (sweep->steps > STEP_LIMIT) {
        return;
    }
    for (int i = 0; i < count; i++) {
        const Piece *line = &sweep->edges[active[i].edge].line;
        active[i].a = top == line->y0 ? line->x0 : piece_x(line, top);
        active[i].b = bottom == line->y1 ? line->x1 : piece_x(line, bottom);
    }
    sweep->steps += sort_active(active, count) / 8;
    for (int i = count - 1; i >= 0; i--) {
        active[i].least = i + 1 < count ? fmin(active[i].b, active[i + 1].least) : active[i].b;
    }
    for (int from = 0, to; from < count; from = to) {
        double reach = active[from].b;
        for (to = from + 1; to < count && active[to].least < reach - sweep->tolerance; to++) {
            reach = fmax(reach, active[to].b);
        }
        if (to - from > 1 && bottom - top > sweep->shortest) {
            sweep_cluster(sweep, top, bottom, active + from, to - from, depth);
        } else {
            walk(sweep, top, active + from, to - from);
        }
    }
}

/* ---- all slabs ---- */

/* Drops the edges that end at or above y; returns how many stay. */
static int drop_ended(Sweep *sweep, double y, Active *active, int count)
{
    int kept = 0;
    for (int i = 0; i < count; i++) {
        Edge *edge = &sweep->edges[active[i].edge];
        if (edge->line.y1 <= y) {
            close_piece(sweep, edge, edge->line.y1);
        } else {
            active[kept++] = active[i];
        }
    }
    return kept;
}

static gboolean sweep_all(Sweep *sweep, int64_t edges, double *rows, Active *active)
{
    int64_t distinct = 0, next = 0;
    for (int64_t i = 0; i < edges; i++) {
        rows[2 * i] = sweep->edges[i].line.y0;
        rows[2 * i + 1] = sweep->edges[i].line.y1;
    }
    qsort(rows, (size_t)(2 * edges), sizeof *rows, compare_double);
    for (int64_t i = 0; i < 2 * edges; i++) {
        if (i == 0 || rows[i] != rows[i - 1]) {
            rows[distinct++] = rows[i];
        }
    }
    int count = 0;
    for (int64_t k = 0; k < distinct && sweep->steps <= STEP_LIMIT && !sweep->no_memory; k++) {
        count = drop_ended(sweep, rows[k], active, count);
        for (; next < edges && sweep->edges[next].line.y0 == rows[k]; next++) {
            active[count++].edge = (int)next;
        }
        if (count > 0) {
            sweep_slab(sweep, rows[k], rows[k + 1], active, count, 0);
        }
        sweep->lesions = sweep->excluded = 0;
    }
    return sweep->steps <= STEP_LIMIT && !sweep->no_memory;
}

/* An edge starts and ends once, so that this many are active at most: a bound for memory that needs no second sweep. */
static gboolean allocate(Sweep *sweep, const Annotation *annotation, int64_t edges, double **rows,
                         Active **active, GError **error)
{
    size_t outlines = annotation->outlines->len;
    int families = 0;
    for (size_t i = 0; i < outlines; i++) {
        families = MAX(families, ((const Outline *)annotation->outlines->pdata[i])->family);
    }
    const char *what = "the edges of the annotation";
    return (sweep->edges = wsi_try_alloc((size_t)edges, sizeof *sweep->edges, what, error)) &&
           (sweep->members = wsi_try_alloc(outlines, sizeof *sweep->members, what, error)) &&
           (sweep->families = wsi_try_alloc((size_t)families + 1, sizeof *sweep->families, what, error)) &&
           (*rows = wsi_try_alloc(2 * (size_t)edges, sizeof **rows, what, error)) &&
           (*active = wsi_try_alloc((size_t)edges, sizeof **active, what, error));
}

Piece *boundary_find(const Annotation *annotation, int64_t *count, GError **error)
{
    Sweep sweep = {0};
    double *rows = NULL, scale;
    Active *active = NULL;
    gboolean good = allocate(&sweep, annotation, count_edges(annotation), &rows, &active, error);
    if (good) {
        for (guint i = 0; i < annotation->outlines->len; i++) {
            const Outline *outline = annotation->outlines->pdata[i];
            sweep.members[i] = (Member){outline->label, outline->family, 0, outline->hole};
        }
        int64_t edges = collect_edges(annotation, sweep.edges, &scale);
        qsort(sweep.edges, (size_t)edges, sizeof *sweep.edges, compare_edges);
        sweep.tolerance = sweep.shortest = ldexp(scale, -46);
        good = sweep_all(&sweep, edges, rows, active);
        if (!good && sweep.no_memory) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_MEMORY, "no memory for the border of %s",
                        annotation->path);
        } else if (!good) {
            g_set_error(
                error, WSI_ERROR, WSI_ERROR_INPUT,
                "%s: the outlines lie over and cross each other too often (more than %" G_GINT64_FORMAT
                " steps to find their border)",
                annotation->path, STEP_LIMIT);
        }
    }
    g_free(sweep.edges);
    g_free(sweep.members);
    g_free(sweep.families);
    g_free(rows);
    g_free(active);
    if (!good) {
        g_clear_pointer(&sweep.pieces, g_free);
    } else if (!sweep.pieces) {
        sweep.pieces = g_new0(Piece, 1);
    }
    *count = sweep.count;
    return sweep.pieces;
}
