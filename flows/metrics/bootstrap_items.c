/* Rows in their order, joined where there are many.
 *
 * A draw costs as much as there are items.  A cohort has so many rows that each distinct score as a threshold would take minutes, and two thresholds
 * that differ by a few rows give the same metric to three digits.  Classes hold few rows of each label, so they are narrow where the curve is steep. */
#include "flows/metrics/bootstrap_items.h"
#include "base/error.h"
#include "flows/metrics/ranking.h"

/* One item per row. */
static gboolean single_items(const Ranked *ranked, const int *label, const int *unit, const double *value,
                             int n, Items *out, GError **error)
{
    out->items = wsi_try_alloc((size_t)n, sizeof(Item), "sorted scores", error);
    out->n = n;
    for (int i = 0; out->items && i < n; i++) {
        int row = ranked[i].item, positive = label[row] > 0;
        gboolean last = i + 1 == n || ranked[i + 1].score != ranked[i].score;
        out->items[i] = (Item){unit[row], positive, !positive, last, value ? value[row] : 0};
    }
    return out->items != NULL;
}

/* A class that is being filled. */
typedef struct {
    Item *of_unit;   /* (units) */
    GArray *touched; /* int: units with rows in it */
    int positives, negatives;
} Class;

static void add_row(Class *class, int unit, gboolean positive, double value)
{
    Item *item = &class->of_unit[unit];
    if (item->positives + item->negatives == 0) {
        g_array_append_val(class->touched, unit);
        *item = (Item){.unit = unit};
    }
    item->positives += positive;
    item->negatives += !positive;
    item->value += value;
    class->positives += positive;
    class->negatives += !positive;
}

/* Moves the class to the end of `out` and empties it. */
static void end_class(Class *class, GArray *out)
{
    for (guint t = 0; t < class->touched->len; t++) {
        Item *item = &class->of_unit[g_array_index(class->touched, int, t)];
        item->last = t + 1 == class->touched->len;
        g_array_append_val(out, *item);
        *item = (Item){0};
    }
    g_array_set_size(class->touched, 0);
    class->positives = class->negatives = 0;
}

static gboolean joined_items(const Ranked *ranked, const int *label, const int *unit, const double *value,
                             int n, int units, Items *out, GError **error)
{
    g_autofree Item *of_unit = wsi_try_alloc((size_t)units, sizeof(Item), "classes of scores", error);
    if (!of_unit) {
        return FALSE;
    }
    g_autoptr(GArray) touched = g_array_new(FALSE, FALSE, sizeof(int));
    GArray *items = g_array_new(FALSE, FALSE, sizeof(Item));
    Class class = {of_unit, touched, 0, 0};
    int positives = 0;
    for (int i = 0; i < n; i++) {
        positives += label[i] > 0;
    }
    int most_positives = positives / BOOTSTRAP_CLASSES, most_negatives = (n - positives) / BOOTSTRAP_CLASSES;
    for (int start = 0, end; start < n; start = end) {
        end = ranking_run_end(ranked, start, n);
        int up = 0;
        for (int i = start; i < end; i++) {
            up += label[ranked[i].item] > 0;
        }
        if (class.positives + up > most_positives || class.negatives + (end - start - up) > most_negatives) {
            end_class(&class, items);
        }
        for (int i = start; i < end; i++) {
            int row = ranked[i].item;
            add_row(&class, unit[row], label[row] > 0, value ? value[row] : 0);
        }
    }
    end_class(&class, items);
    out->n = (int)items->len;
    out->items = (Item *)(void *)g_array_free(items, FALSE);
    return TRUE;
}

gboolean bootstrap_items(const double *score, const int *label, const int *unit, const double *value, int n,
                         int units, Items *out, GError **error)
{
    g_autofree Ranked *ranked = ranking_descending(score, n, error);
    *out = (Items){0};
    if (!ranked) {
        return FALSE;
    }
    return n <= BOOTSTRAP_EXACT ? single_items(ranked, label, unit, value, n, out, error)
                                : joined_items(ranked, label, unit, value, n, units, out, error);
}
