/* Sampling.
 *
 * Every patch draws a random number that follows from its slide and position; the patches with the smallest numbers of each label in a split
 * are kept.  So the sample does not depend on the order of the patches, and other patches only change how many are kept. */
#include "pipeline/patchset/sampling.h"
#include "base/rng.h"
#include <string.h>

typedef struct {
    const Patch *patch;
    uint64_t draw;
} Ticket;

static gint by_draw(gconstpointer a, gconstpointer b)
{
    const Ticket *p = a, *q = b;
    if (p->draw != q->draw) {
        return p->draw < q->draw ? -1 : 1;
    }
    return strcmp(p->patch->file, q->patch->file);
}

static GArray *draw_class(const Config *config, const GPtrArray *patches, const char *split,
                          const char *label)
{
    GArray *tickets = g_array_new(FALSE, FALSE, sizeof(Ticket));
    for (guint i = 0; i < patches->len; i++) {
        const Patch *patch = patches->pdata[i];
        if (!g_str_equal(patch->split, split) || !g_str_equal(patch->label, label)) {
            continue;
        }
        g_autofree char *name =
            g_strdup_printf("%s %" G_GINT64_FORMAT " %" G_GINT64_FORMAT, patch->slide, patch->x, patch->y);
        Rng rng = rng_at((uint64_t)config->run_seed, rng_name(name), 1);
        Ticket ticket = {patch, ((uint64_t)rng_u32(&rng) << 32) | rng_u32(&rng)};
        g_array_append_val(tickets, ticket);
    }
    g_array_sort(tickets, by_draw);
    return tickets;
}

/* Adds to `dropped` the patches of a split beyond the limit of each label. */
static void drop_of_split(const Config *config, const GPtrArray *patches, const char *split,
                          GHashTable *dropped)
{
    g_autoptr(GArray) good = draw_class(config, patches, split, "good");
    g_autoptr(GArray) ungood = draw_class(config, patches, split, "Ungood");
    guint most = config->dataset_max_per_class > 0 ? (guint)config->dataset_max_per_class : G_MAXUINT;
    if (config->dataset_balance && good->len > 0 && ungood->len > 0) {
        most = MIN(most, MIN(good->len, ungood->len));
    }
    for (guint i = most; i < good->len; i++) {
        g_hash_table_add(dropped, (gpointer)g_array_index(good, Ticket, i).patch);
    }
    for (guint i = most; i < ungood->len; i++) {
        g_hash_table_add(dropped, (gpointer)g_array_index(ungood, Ticket, i).patch);
    }
}

GPtrArray *sampling_choose(const Config *config, GPtrArray *patches)
{
    static const char *const splits[] = {"train", "valid", "test"};
    g_autoptr(GHashTable) dropped = g_hash_table_new(NULL, NULL);
    GPtrArray *out = g_ptr_array_new_with_free_func((GDestroyNotify)patch_free);
    for (size_t s = 0; s < G_N_ELEMENTS(splits); s++) {
        drop_of_split(config, patches, splits[s], dropped);
    }
    guint kept = 0;
    for (guint i = 0; i < patches->len; i++) {
        Patch *patch = patches->pdata[i];
        if (g_hash_table_contains(dropped, patch)) {
            g_ptr_array_add(out, patch);
        } else {
            patches->pdata[kept++] = patch;
        }
    }
    for (guint i = kept; i < patches->len; i++) {
        patches->pdata[i] = NULL; /* they were moved to `out` or to a smaller index */
    }
    g_ptr_array_set_free_func(patches, NULL);
    g_ptr_array_set_size(patches, (gint)kept);
    g_ptr_array_set_free_func(patches, (GDestroyNotify)patch_free);
    return out;
}
