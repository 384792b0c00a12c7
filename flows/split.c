/* Hold-out and order.
 *
 * Groups are drawn in an order given by a random number that belongs to (seed, name of the group), so adding a slide
 * to a cohort does not reshuffle the others.  A group is taken when that brings the number of held-out tiles nearer to
 * what was asked for. */
#include "flows/split.h"
#include "base/error.h"
#include "base/rng.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *name;
    int64_t tiles;
    uint64_t rank; /* place in the draw */
    gboolean held;
} Group;

typedef struct {
    double share;
    uint64_t seed;
    gboolean anomalies;
    GHashTable *first; /* names of groups to be held out before others; may be NULL */
} Draw;

static int by_rank(const void *a, const void *b)
{
    const Group *x = *(Group *const *)a, *y = *(Group *const *)b;
    return x->rank != y->rank ? (x->rank > y->rank ? 1 : -1) : strcmp(x->name, y->name);
}

/* name -> Group, owned by the table. */
static GHashTable *count_groups(int64_t count, const char *const *group, uint64_t seed)
{
    GHashTable *groups = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    for (int64_t i = 0; i < count; i++) {
        Group *g = g_hash_table_lookup(groups, group[i]);
        if (!g) {
            Rng rng = rng_at(seed, rng_name(group[i]), (uint32_t)rng_name("holdout group"));
            g = g_new0(Group, 1);
            g->name = group[i];
            g->rank = (uint64_t)rng_u32(&rng) << 32;
            g->rank |= rng_u32(&rng);
            g_hash_table_insert(groups, (char *)g->name, g);
        }
        g->tiles++;
    }
    return groups;
}

/* The groups in the order of the draw. Caller frees the list. */
static Group **ranked(GHashTable *groups)
{
    Group **list = g_new(Group *, g_hash_table_size(groups));
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, groups);
    for (guint i = 0; g_hash_table_iter_next(&iter, NULL, &value); i++) {
        list[i] = value;
    }
    qsort(list, g_hash_table_size(groups), sizeof *list, by_rank);
    return list;
}

/* first (may be NULL): a set of names that are held before any other. */
static void hold_groups(GHashTable *groups, GHashTable *first, double wanted)
{
    guint n = g_hash_table_size(groups), held_groups = 0;
    g_autofree Group **list = ranked(groups);
    double held = 0;
    for (guint i = 0; first && i < n && held_groups + 1 < n; i++) {
        if (g_hash_table_contains(first, list[i]->name)) {
            list[i]->held = TRUE;
            held += (double)list[i]->tiles;
            held_groups++;
        }
    }
    Group *nearest = list[0];
    for (guint i = 0; i < n; i++) {
        double tiles = (double)list[i]->tiles;
        if (fabs(tiles - wanted) < fabs((double)nearest->tiles - wanted)) {
            nearest = list[i];
        }
        if (!list[i]->held && held_groups + 1 < n && fabs(held + tiles - wanted) < fabs(held - wanted)) {
            list[i]->held = TRUE;
            held += tiles;
            held_groups++;
        }
    }
    if (held_groups == 0) {
        nearest->held = TRUE;
    }
}

/* held[i] becomes 1 for the tiles that are held out. */
static void hold_tiles(int64_t count, double wanted, const Draw *draw, uint32_t *permutation, uint8_t *held)
{
    int64_t number = CLAMP((int64_t)llround(wanted), 1, count - 1);
    Rng rng = rng_at(draw->seed, rng_name(draw->anomalies ? "holdout anomalies" : "holdout tiles"), 0);
    rng_permutation(&rng, permutation, (uint32_t)count);
    for (int64_t i = 0; i < number; i++) {
        held[permutation[i]] = 1;
    }
}

static gboolean allocate(Split *split, int64_t count, GError **error)
{
    return (split->train = wsi_try_alloc(count, sizeof(int64_t), "tiles to train on", error)) &&
           (split->holdout = wsi_try_alloc(count, sizeof(int64_t), "tiles held out", error)) &&
           (split->permutation = wsi_try_alloc(count, sizeof(uint32_t), "an order of tiles", error));
}

static gboolean split_by(int64_t count, const char *const *group, const Draw *draw, Split *split,
                         GError **error)
{
    double wanted = draw->share * (double)count;
    *split = (Split){.anomalies = draw->anomalies};
    g_autofree uint8_t *held = wsi_try_alloc(count, 1, "marks of tiles held out", error);
    if (!held || !allocate(split, count, error)) {
        split_clear(split);
        return FALSE;
    }
    g_autoptr(GHashTable) groups = group ? count_groups(count, group, draw->seed) : NULL;
    gboolean by_group = groups && g_hash_table_size(groups) > 1;
    if (by_group) {
        hold_groups(groups, draw->first, wanted);
    } else {
        hold_tiles(count, wanted, draw, split->permutation, held);
    }
    for (int64_t i = 0; i < count; i++) {
        if (by_group ? ((Group *)g_hash_table_lookup(groups, group[i]))->held : held[i]) {
            split->holdout[split->holdouts++] = i;
        } else {
            split->train[split->trains++] = i;
        }
    }
    return TRUE;
}

gboolean split_make(int64_t count, const char *const *group, double share, uint64_t seed, Split *split,
                    GError **error)
{
    const Draw draw = {.share = share, .seed = seed};
    if (count < 2 || count > INT32_MAX) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%" G_GINT64_FORMAT " tiles to train on: from 2 to %d are possible", count, INT32_MAX);
        return FALSE;
    }
    return split_by(count, group, &draw, split, error);
}

/* ---- with labels ---- */

/* The tiles of one class: their indices, and their groups when there are groups. */
typedef struct {
    int64_t count, *index;
    const char **group;
} Class;

static void class_clear(Class *class)
{
    g_free(class->index);
    g_free(class->group);
}

static gboolean class_take(int64_t count, const char *const *group, const uint8_t *anomaly, uint8_t which,
                           Class *class, GError **error)
{
    class->index = wsi_try_alloc(count, sizeof(int64_t), "tiles of one class", error);
    class->group = group ? wsi_try_alloc(count, sizeof(char *), "groups of one class", error) : NULL;
    if (!class->index || (group && !class->group)) {
        return FALSE;
    }
    for (int64_t i = 0; i < count; i++) {
        if (anomaly[i] == which) {
            if (group) {
                class->group[class->count] = group[i];
            }
            class->index[class->count++] = i;
        }
    }
    return TRUE;
}

/* From places in a class to indices of all tiles. */
static void translate(const Class *class, Split *split)
{
    for (int64_t i = 0; i < split->trains; i++) {
        split->train[i] = class->index[split->train[i]];
    }
    for (int64_t i = 0; i < split->holdouts; i++) {
        split->holdout[i] = class->index[split->holdout[i]];
    }
}

static gboolean split_anomalies(const Class *class, const char *const *group, const Split *normals, Draw draw,
                                Split *anomalies, GError **error)
{
    if (class->count < 2) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%" G_GINT64_FORMAT
                    " labelled anomalies: at least 2 are needed, one to train on and one to judge by",
                    class->count);
        return FALSE;
    }
    g_autoptr(GHashTable) first = g_hash_table_new(g_str_hash, g_str_equal);
    for (int64_t i = 0; group && i < normals->holdouts; i++) {
        g_hash_table_add(first, (char *)group[normals->holdout[i]]);
    }
    draw.anomalies = TRUE;
    draw.first = first;
    if (!split_by(class->count, class->group, &draw, anomalies, error)) {
        return FALSE;
    }
    translate(class, anomalies);
    return TRUE;
}

gboolean split_make_labelled(int64_t count, const char *const *group, const uint8_t *anomaly, double share,
                             uint64_t seed, Split *normals, Split *anomalies, GError **error)
{
    Class normal = {0}, strange = {0};
    *normals = *anomalies = (Split){0};
    gboolean ok = class_take(count, group, anomaly, 0, &normal, error) &&
                  class_take(count, group, anomaly, 1, &strange, error) &&
                  split_make(normal.count, group ? (const char *const *)normal.group : NULL, share, seed,
                             normals, error);
    if (ok) {
        translate(&normal, normals);
        ok =
            split_anomalies(&strange, group, normals, (Draw){.share = share, .seed = seed}, anomalies, error);
    }
    class_clear(&normal);
    class_clear(&strange);
    return ok;
}

void split_clear(Split *split)
{
    g_free(split->train);
    g_free(split->holdout);
    g_free(split->permutation);
    *split = (Split){0};
}

void split_order(Split *split, uint64_t seed, int epoch, int64_t *order)
{
    Rng rng =
        rng_at(seed, rng_name(split->anomalies ? "order of anomalies" : "order of tiles"), (uint32_t)epoch);
    rng_permutation(&rng, split->permutation, (uint32_t)split->trains);
    for (int64_t i = 0; i < split->trains; i++) {
        order[i] = split->train[split->permutation[i]];
    }
}
