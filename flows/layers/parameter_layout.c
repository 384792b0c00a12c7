/* All parameters are in one flat array.  The optimiser, the norm of the gradient, checkpoints and the model file are loops over it,
 * and gradients and moments use the same offsets. */
#include "flows/layers/parameter_layout.h"
#include "base/rng.h"
#include <math.h>
#include <string.h>

void parameter_layout_clear(ParameterLayout *layout)
{
    g_clear_pointer(&layout->entries, g_array_unref);
}

void parameter_layout_begin(ParameterLayout *layout)
{
    /* Two rounds: the first counts the trainable numbers, the second places fixed tensors behind them. */
    if (!layout->entries) {
        layout->entries = g_array_new(FALSE, TRUE, sizeof(ParameterEntry));
    }
    g_array_set_size(layout->entries, 0);
    layout->base = layout->trainable; /* of the round before: where fixed tensors begin */
    layout->trainable = layout->fixed = 0;
}

int64_t parameter_layout_add(ParameterLayout *layout, gboolean trainable, const char *prefix,
                             const char *name, const int64_t *shape, double low, double high)
{
    ParameterEntry entry = {.low = low, .high = high};
    Parameter *p = &entry.public;
    g_snprintf(p->name, sizeof p->name, "%s.%s", prefix, name);
    p->count = 1;
    p->trainable = trainable;
    /* A 0 in the shape ends it. */
    while (p->rank < 4 && shape[p->rank]) {
        p->shape[p->rank] = shape[p->rank];
        p->count *= shape[p->rank++];
    }
    /* Trainable tensors from 0 on, fixed ones from `base` on. */
    p->offset = trainable ? layout->trainable : layout->base + layout->fixed;
    *(trainable ? &layout->trainable : &layout->fixed) += p->count;
    g_array_append_val(layout->entries, entry);
    return p->offset;
}

void parameter_layout_add_conv(ParameterLayout *layout, const char *prefix, const char *name, int out, int in,
                               int kernel, int64_t *weight, int64_t *bias)
{
    /* torch's default, kaiming_uniform with a = sqrt 5. */
    double bound = 1 / sqrt((double)in * kernel * kernel);
    g_autofree char *w = g_strdup_printf("%s.weight", name), *b = g_strdup_printf("%s.bias", name);
    *weight =
        parameter_layout_add(layout, TRUE, prefix, w, (int64_t[4]){out, in, kernel, kernel}, -bound, bound);
    *bias = parameter_layout_add(layout, TRUE, prefix, b, (int64_t[2]){out}, -bound, bound);
}

void parameter_layout_initialise(const ParameterLayout *layout, uint64_t seed, real *parameters)
{
    for (guint i = 0; i < layout->entries->len; i++) {
        const ParameterEntry *entry = &g_array_index(layout->entries, ParameterEntry, i);
        /* A stream for each name: adding a tensor does not change the others. */
        Rng rng = rng_at(seed, rng_name(entry->public.name), 0);
        for (int64_t k = 0; k < entry->public.count; k++) {
            /* A constant draws no random number. */
            double u = entry->low == entry->high ? 0 : rng_uniform(&rng);
            parameters[entry->public.offset + k] = (real)(entry->low + (entry->high - entry->low) * u);
        }
    }
}

static int by_offset(gconstpointer a, gconstpointer b)
{
    int64_t x = ((const Parameter *)a)->offset, y = ((const Parameter *)b)->offset;
    return (x > y) - (x < y);
}

GArray *parameter_layout_by_offset(const ParameterLayout *layout)
{
    GArray *table = g_array_new(FALSE, TRUE, sizeof(Parameter));
    /* A copy without the ranges of initial values, sorted by offset. */
    for (guint i = 0; i < layout->entries->len; i++) {
        g_array_append_val(table, g_array_index(layout->entries, ParameterEntry, i).public);
    }
    g_array_sort(table, by_offset);
    return table;
}
