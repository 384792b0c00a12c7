/* One flat array for all parameters: the optimiser, the norm of the gradient, checkpoints and the model file are loops
 * over it, and gradients and moments share its offsets. */
#include "flows/layers/layout.h"
#include "base/rng.h"
#include <math.h>
#include <string.h>

void layout_clear(Layout *layout)
{
    g_clear_pointer(&layout->entries, g_array_unref);
}

void layout_begin(Layout *layout)
{
    if (!layout->entries) {
        layout->entries = g_array_new(FALSE, TRUE, sizeof(LayoutEntry));
    }
    g_array_set_size(layout->entries, 0);
    layout->base = layout->trainable;
    layout->trainable = layout->fixed = 0;
}

int64_t layout_add(Layout *layout, gboolean trainable, const char *prefix, const char *name,
                   const int64_t *shape, double low, double high)
{
    LayoutEntry entry = {.low = low, .high = high};
    MsflowParameter *p = &entry.public;
    g_snprintf(p->name, sizeof p->name, "%s.%s", prefix, name);
    p->count = 1;
    p->trainable = trainable;
    while (p->rank < 4 && shape[p->rank]) {
        p->shape[p->rank] = shape[p->rank];
        p->count *= shape[p->rank++];
    }
    p->offset = trainable ? layout->trainable : layout->base + layout->fixed;
    *(trainable ? &layout->trainable : &layout->fixed) += p->count;
    g_array_append_val(layout->entries, entry);
    return p->offset;
}

void layout_add_conv(Layout *layout, const char *prefix, const char *name, int out, int in, int kernel,
                     int64_t *weight, int64_t *bias)
{
    double bound = 1 / sqrt((double)in * kernel * kernel);
    g_autofree char *w = g_strdup_printf("%s.weight", name), *b = g_strdup_printf("%s.bias", name);
    *weight = layout_add(layout, TRUE, prefix, w, (int64_t[4]){out, in, kernel, kernel}, -bound, bound);
    *bias = layout_add(layout, TRUE, prefix, b, (int64_t[2]){out}, -bound, bound);
}

void layout_initialise(const Layout *layout, uint64_t seed, real *parameters)
{
    for (guint i = 0; i < layout->entries->len; i++) {
        const LayoutEntry *entry = &g_array_index(layout->entries, LayoutEntry, i);
        Rng rng = rng_at(seed, rng_name(entry->public.name), 0);
        for (int64_t k = 0; k < entry->public.count; k++) {
            double u = entry->low == entry->high ? 0 : rng_uniform(&rng);
            parameters[entry->public.offset + k] = (real)(entry->low + (entry->high - entry->low) * u);
        }
    }
}

static int by_offset(gconstpointer a, gconstpointer b)
{
    int64_t x = ((const MsflowParameter *)a)->offset, y = ((const MsflowParameter *)b)->offset;
    return (x > y) - (x < y);
}

GArray *layout_table(const Layout *layout)
{
    GArray *table = g_array_new(FALSE, TRUE, sizeof(MsflowParameter));
    for (guint i = 0; i < layout->entries->len; i++) {
        g_array_append_val(table, g_array_index(layout->entries, LayoutEntry, i).public);
    }
    g_array_sort(table, by_offset);
    return table;
}
