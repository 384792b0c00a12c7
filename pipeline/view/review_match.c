/* A rule that can be stated exactly: more than half of what either covers is covered by both. */
#include "pipeline/view/review_match.h"
#include <math.h>

const ReviewDecision *review_match_own(const Review *review, const char *region)
{
    for (guint i = 0; i < review->decisions->len; i++) {
        const ReviewDecision *decision = review->decisions->pdata[i];
        if (!decision->superseded && g_str_equal(decision->region, region)) {
            return decision;
        }
    }
    return NULL;
}

GPtrArray *review_match_orphans(const Review *review, const GPtrArray *regions)
{
    g_autoptr(GHashTable) present = g_hash_table_new(g_str_hash, g_str_equal);
    GPtrArray *orphans = g_ptr_array_new();
    for (guint i = 0; i < regions->len; i++) {
        g_hash_table_add(present, ((const Region *)regions->pdata[i])->id);
    }
    for (guint i = 0; i < review->decisions->len; i++) {
        ReviewDecision *decision = review->decisions->pdata[i];
        if (!decision->superseded && !g_str_equal(decision->state, "open") &&
            !g_hash_table_contains(present, decision->region)) {
            g_ptr_array_add(orphans, decision);
        }
    }
    return orphans;
}

/* ---- places ---- */

/* Where an orphan is, as far as one list of regions goes. */
typedef struct {
    int64_t revision; /* of the decision: a later one may have another outline */
    char *region;     /* NULL: on the place of none */
} Place;

static void place_free(gpointer data)
{
    Place *place = data;
    g_free(place->region);
    g_free(place);
}

/* Where the orphans of a slide are, with respect to the regions of one file. */
typedef struct {
    GStatBuf file;
    GHashTable *of; /* UUID of an orphan -> Place* */
} Places;

static void places_free(gpointer data)
{
    Places *places = data;
    g_hash_table_unref(places->of);
    g_free(places);
}

GHashTable *review_places_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, places_free);
}

gboolean review_same_file(const GStatBuf *a, const GStatBuf *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

GHashTable *review_places_of(GHashTable *slides, const char *slide, const GStatBuf *file)
{
    Places *places = g_hash_table_lookup(slides, slide);
    if (!places || !review_same_file(&places->file, file)) {
        places = g_new(Places, 1);
        *places = (Places){*file, g_hash_table_new_full(g_str_hash, g_str_equal, g_free, place_free)};
        g_hash_table_insert(slides, g_strdup(slide), places);
    }
    return places->of;
}

/* What is asked of each region once, however many orphans there are. */
typedef struct {
    Rect box;
    double area; /* NAN: not asked yet */
} Extent;

static double common_of(const Rect *a, const Rect *b)
{
    const double width = fmin(a->x + a->width, b->x + b->width) - fmax(a->x, b->x);
    const double height = fmin(a->y + a->height, b->y + b->height) - fmax(a->y, b->y);
    return fmax(width, 0) * fmax(height, 0);
}

/* Whether two shapes are on the same place.  What both cover is no more than what their boxes have in common, and no more than the smaller one;
 * this decides most pairs without the area of both together. */
static gboolean same_place(const Shape *shape, Extent *of, const Region *region, Extent *there,
                           gboolean *same, GError **error)
{
    const double common = common_of(&of->box, &there->box);
    double iou = 0;
    *same = FALSE;
    if (common == 0) {
        return TRUE;
    }
    if ((isnan(of->area) && !shape_area(shape, &of->area, error)) ||
        (isnan(there->area) && !shape_area(region->shape, &there->area, error))) {
        return FALSE;
    }
    const double most = fmin(common, fmin(of->area, there->area)), least = fmax(of->area, there->area);
    if (2 * most < least * (1 - 1e-9)) { /* the areas are rounded */
        return TRUE;
    }
    gboolean good = shape_iou(shape, region->shape, &iou, error);
    *same = iou > 0.5;
    return good;
}

static GArray *extents_of(const GPtrArray *regions)
{
    GArray *extents = g_array_new(FALSE, FALSE, sizeof(Extent));
    for (guint i = 0; i < regions->len; i++) {
        const Extent extent = {shape_box(((const Region *)regions->pdata[i])->shape), NAN};
        g_array_append_val(extents, extent);
    }
    return extents;
}

/* The place of one orphan; NULL with error. */
static Place *place_of(const ReviewDecision *decision, const GPtrArray *regions, GArray *extents,
                       GError **error)
{
    g_autoptr(Shape) shape = shape_parse(decision->outline, error);
    gboolean same = FALSE;
    guint at = 0;
    if (!shape) {
        return NULL;
    }
    Extent extent = {shape_box(shape), NAN};
    for (guint i = 0; i < regions->len && !same; i++) {
        at = i;
        if (!same_place(shape, &extent, regions->pdata[i], &g_array_index(extents, Extent, i), &same,
                        error)) {
            return NULL;
        }
    }
    Place *place = g_new(Place, 1);
    *place = (Place){decision->revision, same ? g_strdup(((const Region *)regions->pdata[at])->id) : NULL};
    return place;
}

static gint newest_first(gconstpointer a, gconstpointer b)
{
    const ReviewDecision *p = *(ReviewDecision *const *)a, *q = *(ReviewDecision *const *)b;
    return p->revision < q->revision ? 1 : p->revision > q->revision ? -1 : 0;
}

GHashTable *review_match_all(GHashTable *places, const GPtrArray *orphans, const GPtrArray *regions,
                             GError **error)
{
    g_autoptr(GHashTable) found =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    g_autoptr(GArray) extents = extents_of(regions);
    for (guint i = 0; i < orphans->len; i++) {
        const ReviewDecision *decision = orphans->pdata[i];
        const Place *known = g_hash_table_lookup(places, decision->region);
        if (!known || known->revision != decision->revision) {
            Place *place = place_of(decision, regions, extents, error);
            if (!place) {
                return NULL;
            }
            g_hash_table_insert(places, g_strdup(decision->region), place);
            known = place;
        }
        GPtrArray *there = known->region ? g_hash_table_lookup(found, known->region) : NULL;
        if (known->region && !there) {
            there = g_ptr_array_new();
            g_hash_table_insert(found, g_strdup(known->region), there);
        }
        if (there) {
            g_ptr_array_add(there, (gpointer)decision);
        }
    }
    GHashTableIter each;
    gpointer list;
    g_hash_table_iter_init(&each, found);
    while (g_hash_table_iter_next(&each, NULL, &list)) {
        g_ptr_array_sort(list, newest_first);
    }
    return g_steal_pointer(&found);
}
