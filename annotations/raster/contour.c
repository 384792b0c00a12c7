/* Borders of pixels, traced row by row.
 *
 * Between two rows there is a line of corners.  At each corner up to four edges meet: up and down (where runs begin and end) and left and
 * right (where one row is inside and the other is not).  Edges have the inside on their right, so an outer ring goes clockwise on the screen
 * and a hole counter-clockwise.  A piece of border that is not closed yet has both ends on the line.  An end is a Strand that knows the other
 * end, so joining two pieces, or closing one, takes constant time and no search.
 *
 * At a corner with four edges two pixels meet diagonally.  The border goes round each by itself, which makes the polygons 4-connected.  A ring
 * that passes such a corner twice is cut there in two afterwards, so no ring touches itself.
 *
 * Which hole belongs to which outer ring: runs that overlap are in one component (union-find), a ring is in the component of its pixels, and
 * a component has one outer ring. */
#include "annotations/raster/contour.h"
#include "base/error.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
    int32_t x, y;
    int next;      /* in the ring, or in the list of free nodes; -1 = none */
    gboolean knot; /* four edges meet here */
} Node;

typedef struct {
    int node, partner; /* partner: the other end of the piece; of a free strand: the next free one */
    int component;
    gboolean is_end; /* the piece runs from its other end to this one */
} Strand;

/* Pixels [from, to) of a row. */
typedef struct {
    int64_t from, to;
    int component;
    int left, right; /* the strands that go down at its sides */
} Run;

struct Contour {
    Node *nodes;
    int node_count, node_capacity, free_node;
    Strand *strands;
    int strand_count, strand_capacity, free_strand;
    int *parents; /* of components */
    int component_count, component_capacity;
    Run *above, *below;
    int above_count, above_capacity, below_count, below_capacity;
    int64_t y; /* of the line below `above` */
    ContourRing *rings;
    int ring_count, ring_capacity;
    int64_t vertices;
};

Contour *contour_new(void)
{
    Contour *contour = g_new0(Contour, 1);
    contour->free_node = contour->free_strand = -1;
    return contour;
}

void contour_free(Contour *contour)
{
    if (!contour) {
        return;
    }
    for (int i = 0; i < contour->ring_count; i++) {
        g_free(contour->rings[i].xy);
    }
    g_free(contour->rings);
    g_free(contour->nodes);
    g_free(contour->strands);
    g_free(contour->parents);
    g_free(contour->above);
    g_free(contour->below);
    g_free(contour);
}

/* Makes room for one more element.  The data decide how many there are, so lack of memory is an error. */
static gboolean grow(void **array, int count, int *capacity, size_t size, GError **error)
{
    if (count < *capacity) {
        return TRUE;
    }
    int more = MAX(64, 2 * *capacity);
    void *bigger = more > 4 * CONTOUR_VERTICES ? NULL : g_try_realloc_n(*array, (gsize)more, size);
    if (!bigger) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_MEMORY, "no memory for the border of a mask (%d parts)",
                    count);
        return FALSE;
    }
    *array = bigger;
    *capacity = more;
    return TRUE;
}

/* ---- pieces of border ---- */

/* A node at (x, y of the line), from the list of free ones if possible; -1 with error. */
static int new_node(Contour *contour, int64_t x, gboolean knot, GError **error)
{
    int node = contour->free_node;
    if (node >= 0) {
        contour->free_node = contour->nodes[node].next;
    } else {
        if (!grow((void **)&contour->nodes, contour->node_count, &contour->node_capacity, sizeof(Node),
                  error)) {
            return -1;
        }
        node = contour->node_count++;
    }
    contour->nodes[node] = (Node){(int32_t)x, (int32_t)contour->y, -1, knot};
    return node;
}

/* A strand at a node; its partner is set by the caller.  -1 with error. */
static int new_strand(Contour *contour, int node, gboolean is_end, int component, GError **error)
{
    int strand = contour->free_strand;
    if (strand >= 0) {
        contour->free_strand = contour->strands[strand].partner;
    } else {
        if (!grow((void **)&contour->strands, contour->strand_count, &contour->strand_capacity,
                  sizeof(Strand), error)) {
            return -1;
        }
        strand = contour->strand_count++;
    }
    contour->strands[strand] = (Strand){node, -1, component, is_end};
    return strand;
}

static void drop_strand(Contour *contour, int strand)
{
    contour->strands[strand].partner = contour->free_strand;
    contour->free_strand = strand;
}

/* Begins a piece at a corner, with strands to the right and down.  right_is_end: the piece runs towards the right. */
static gboolean begin(Contour *contour, int64_t x, gboolean knot, gboolean right_is_end, int component,
                      int *right, int *down, GError **error)
{
    int node = new_node(contour, x, knot, error);
    *right = node < 0 ? -1 : new_strand(contour, node, right_is_end, component, error);
    *down = *right < 0 ? -1 : new_strand(contour, node, !right_is_end, component, error);
    if (*down < 0) {
        return FALSE;
    }
    contour->strands[*right].partner = *down;
    contour->strands[*down].partner = *right;
    return TRUE;
}

/* The piece turns here: adds a vertex at this end. */
static gboolean turn(Contour *contour, int strand, int64_t x, gboolean knot, GError **error)
{
    int node = new_node(contour, x, knot, error);
    if (node < 0) {
        return FALSE;
    }
    Strand *end = &contour->strands[strand];
    if (end->is_end) {
        contour->nodes[end->node].next = node;
    } else {
        contour->nodes[node].next = end->node;
    }
    end->node = node;
    return TRUE;
}

/* ---- rings ---- */

/* Stores a finished ring with its signed area (shoelace formula). */
static gboolean add_ring(Contour *contour, const int32_t *xy, int points, int component, GError **error)
{
    if ((contour->vertices += points) > CONTOUR_VERTICES) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "the border of the mask has more than %d vertices: is it a mask?", CONTOUR_VERTICES);
        return FALSE;
    }
    if (!grow((void **)&contour->rings, contour->ring_count, &contour->ring_capacity, sizeof(ContourRing),
              error)) {
        return FALSE;
    }
    ContourRing ring = {.top = xy[1], .points = points, .component = component, .order = contour->ring_count};
    ring.xy = wsi_try_alloc((size_t)points, 2 * sizeof *xy, "the border of a mask", error);
    if (!ring.xy) {
        return FALSE;
    }
    memcpy(ring.xy, xy, (size_t)points * 2 * sizeof *xy);
    for (int i = 0; i < points; i++) {
        const int32_t *u = &xy[2 * i], *v = &xy[2 * ((i + 1) % points)];
        ring.top = MIN(ring.top, u[1]);
        ring.twice_area +=
            (int64_t)(u[0] - xy[0]) * (v[1] - xy[1]) - (int64_t)(v[0] - xy[0]) * (u[1] - xy[1]);
    }
    contour->rings[contour->ring_count++] = ring;
    return TRUE;
}

/* Cuts a ring at corners that it passes twice: the part between the two visits becomes a ring of its own.  xy has room for all points. */
static gboolean cut_ring(Contour *contour, int node, int32_t *xy, int component, GError **error)
{
    g_autoptr(GHashTable) positions = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    int points = 0;
    for (; node >= 0; node = contour->nodes[node].next) {
        const Node *at = &contour->nodes[node];
        if (at->knot) {
            int64_t key = (int64_t)at->y << 32 | at->x;
            int before = GPOINTER_TO_INT(g_hash_table_lookup(positions, &key)) - 1;
            /* The entry is stale when the part with it was cut off and other points took its index. */
            if (before >= 0 && before < points && xy[2 * before] == at->x && xy[2 * before + 1] == at->y) {
                if (!add_ring(contour, xy + 2 * before, points - before, component, error)) {
                    return FALSE;
                }
                points = before;
            } else {
                g_hash_table_insert(positions, g_memdup2(&key, sizeof key), GINT_TO_POINTER(points + 1));
            }
        }
        xy[2 * points] = at->x;
        xy[2 * points + 1] = at->y;
        points++;
    }
    return add_ring(contour, xy, points, component, error);
}

/* Stores the closed ring from `first` to `last` and frees its nodes. */
static gboolean finish_ring(Contour *contour, int first, int last, int component, GError **error)
{
    int points = 0;
    for (int node = first; node >= 0; node = contour->nodes[node].next) {
        points++;
    }
    g_autofree int32_t *xy = wsi_try_alloc((size_t)points, 2 * sizeof *xy, "the border of a mask", error);
    if (!xy || !cut_ring(contour, first, xy, component, error)) {
        return FALSE;
    }
    contour->nodes[last].next = contour->free_node;
    contour->free_node = first;
    return TRUE;
}

/* Two strands meet here: their pieces become one, or a piece closes. */
static gboolean meet(Contour *contour, int one, int other, int64_t x, gboolean knot, GError **error)
{
    if (!turn(contour, one, x, knot, error)) {
        return FALSE;
    }
    int end = contour->strands[one].is_end ? one : other, start = end == one ? other : one;
    int last = contour->strands[end].node, first = contour->strands[start].node;
    int before = contour->strands[end].partner, after = contour->strands[start].partner;
    gboolean good = TRUE;
    if (before == start) {
        good = finish_ring(contour, first, last, contour->strands[end].component, error);
    } else {
        contour->nodes[last].next = first;
        contour->strands[before].partner = after;
        contour->strands[after].partner = before;
    }
    drop_strand(contour, one);
    drop_strand(contour, other);
    return good;
}

/* ---- components ---- */

/* The representative of a component, with path halving. */
static int root_of(const Contour *contour, int component)
{
    int *parents = contour->parents;
    while (parents[component] != component) {
        parents[component] = parents[parents[component]];
        component = parents[component];
    }
    return component;
}

/* Unites two components.  The smaller number remains: its pixel came first. */
static int unite(Contour *contour, int a, int b)
{
    a = root_of(contour, a);
    b = root_of(contour, b);
    contour->parents[MAX(a, b)] = MIN(a, b);
    return MIN(a, b);
}

/* Gives each run below the component of the runs above that it overlaps, or a new one. */
static gboolean find_components(Contour *contour, GError **error)
{
    int k = 0;
    for (int i = 0; i < contour->below_count; i++) {
        Run *run = &contour->below[i];
        run->component = -1;
        while (k < contour->above_count && contour->above[k].to <= run->from) {
            k++;
        }
        for (int j = k; j < contour->above_count && contour->above[j].from < run->to; j++) {
            int its = contour->above[j].component;
            run->component = run->component < 0 ? root_of(contour, its) : unite(contour, run->component, its);
        }
        if (run->component >= 0) {
            continue;
        }
        if (!grow((void **)&contour->parents, contour->component_count, &contour->component_capacity,
                  sizeof(int), error)) {
            return FALSE;
        }
        run->component = contour->component_count;
        contour->parents[contour->component_count++] = run->component;
    }
    return TRUE;
}

/* ---- a line of corners ---- */

/* The x of a side of a row's runs, counted from left to right: side 2i is the left one of run i, 2i + 1 the right one.  Behind the last:
 * infinity. */
static int64_t side_x(const Run *runs, int count, int side)
{
    return side >= 2 * count ? G_MAXINT64 : side % 2 ? runs[side / 2].to : runs[side / 2].from;
}

static int *side_strand(Run *runs, int side)
{
    return side % 2 ? &runs[side / 2].right : &runs[side / 2].left;
}

/* Handles one corner.  `up` and `down`: the strands of the sides that end and begin there (NULL = none).  *across: the strand that comes from
 * the left and continues to the right (-1 = none).  above_left, below_right: whether these pixels are inside.  component: of the pixel that
 * a new piece goes round. */
static gboolean corner(Contour *contour, int64_t x, const int *up, int *down, int *across,
                       gboolean above_left, gboolean below_right, int component, GError **error)
{
    gboolean comes = *across >= 0, knot = up && down && comes;
    if (up && down && !comes) { /* straight on */
        *down = *up;
        return TRUE;
    }
    /* Left and up join: an ordinary corner, or the pixel above left of a knot, whose other two edges begin a piece round the pixel below
     * right. */
    if (comes && up && (!knot || above_left)) {
        int left = *across;
        *across = -1;
        return meet(contour, left, *up, x, knot, error) &&
               (!knot || begin(contour, x, knot, TRUE, component, across, down, error));
    }
    /* Left turns down. */
    if (comes) {
        *down = *across;
        *across = -1;
        if (!turn(contour, *down, x, knot, error)) {
            return FALSE;
        }
    }
    /* Up turns right. */
    if (up) {
        *across = *up;
        return turn(contour, *across, x, knot, error);
    }
    return comes || begin(contour, x, FALSE, below_right, component, across, down, error);
}

/* Goes along the line from left to right, from side to side of the runs above and below. */
static gboolean trace_line(Contour *contour, GError **error)
{
    int a = 0, b = 0, across = -1;
    gboolean above = FALSE, below = FALSE;
    while (a < 2 * contour->above_count || b < 2 * contour->below_count) {
        int64_t from_above = side_x(contour->above, contour->above_count, a),
                from_below = side_x(contour->below, contour->below_count, b), x = MIN(from_above, from_below);
        const int *up = from_above == x ? side_strand(contour->above, a) : NULL;
        int *down = from_below == x ? side_strand(contour->below, b) : NULL;
        gboolean above_left = above;
        above = up ? !above : above; /* whether the pixels right of the corner are inside */
        below = down ? !below : below;
        int component = below ? contour->below[b / 2].component
                              : (a / 2 < contour->above_count ? contour->above[a / 2].component : 0);
        if (!corner(contour, x, up, down, &across, above_left, below, component, error)) {
            return FALSE;
        }
        a += up != NULL;
        b += down != NULL;
    }
    return TRUE;
}

/* The row that was `below` becomes `above` of the next line. */
static void next_row(Contour *contour)
{
    Run *runs = contour->above;
    int capacity = contour->above_capacity;
    contour->above = contour->below;
    contour->above_count = contour->below_count;
    contour->above_capacity = contour->below_capacity;
    contour->below = runs;
    contour->below_capacity = capacity;
    contour->below_count = 0;
}

/* Finishes the line between the rows above and below. */
static gboolean close_line(Contour *contour, GError **error)
{
    if (!find_components(contour, error) || !trace_line(contour, error)) {
        return FALSE;
    }
    next_row(contour);
    contour->y++;
    return TRUE;
}

gboolean contour_row(Contour *contour, int64_t y, const int64_t *spans, int runs, GError **error)
{
    if (runs == 0 && contour->above_count == 0) {
        return TRUE;
    }
    /* Rows were left out: everything above ends first. */
    if (contour->above_count && contour->y < y && !close_line(contour, error)) {
        return FALSE;
    }
    contour->y = y;
    for (int i = 0; i < runs; i++) {
        if (!grow((void **)&contour->below, contour->below_count, &contour->below_capacity, sizeof(Run),
                  error)) {
            return FALSE;
        }
        contour->below[contour->below_count++] = (Run){spans[2 * i], spans[2 * i + 1], -1, -1, -1};
    }
    return close_line(contour, error);
}

/* ---- the result ---- */

/* By component; in each the outer ring before its holes. */
static int compare_rings(const void *a, const void *b)
{
    const ContourRing *r = a, *s = b;
    if (r->component != s->component) {
        return r->component > s->component ? 1 : -1;
    }
    gboolean hole = r->twice_area < 0, other = s->twice_area < 0;
    return hole != other ? hole - other : r->order - s->order;
}

const ContourRing *contour_rings(Contour *contour, int *count, GError **error)
{
    if (contour->above_count && !close_line(contour, error)) {
        return NULL;
    }
    for (int i = 0; i < contour->ring_count; i++) {
        contour->rings[i].component = root_of(contour, contour->rings[i].component);
    }
    /* Also without any ring a pointer is returned, since NULL means an error. */
    if (!grow((void **)&contour->rings, contour->ring_count, &contour->ring_capacity, sizeof(ContourRing),
              error)) {
        return NULL;
    }
    qsort(contour->rings, (size_t)contour->ring_count, sizeof(ContourRing), compare_rings);
    *count = contour->ring_count;
    return contour->rings;
}
