/* A rule that can be stated exactly: more than half of what either covers is covered by both. */
#include "pipeline/view/review_match.h"

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

static gint newest_first(gconstpointer a, gconstpointer b)
{
    const ReviewDecision *p = *(ReviewDecision *const *)a, *q = *(ReviewDecision *const *)b;
    return p->revision < q->revision ? 1 : p->revision > q->revision ? -1 : 0;
}

GPtrArray *review_match_find(const GPtrArray *orphans, const Region *region, GError **error)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    for (guint i = 0; i < orphans->len; i++) {
        const ReviewDecision *decision = orphans->pdata[i];
        g_autoptr(Shape) shape = shape_parse(decision->outline, error);
        double iou;
        if (!shape || !shape_iou(shape, region->shape, &iou, error)) {
            return NULL;
        }
        if (iou > 0.5) {
            g_ptr_array_add(found, (gpointer)decision);
        }
    }
    g_ptr_array_sort(found, newest_first);
    return g_steal_pointer(&found);
}
