/* A draw of whole units: patients, slides or blocks.
 *
 * Each unit has a random rank that depends on (seed, name of the unit) only, so a slide that is added to a cohort does not
 * reshuffle the others.  In the order of the ranks, a unit is held out when that brings the fractions of held-out normals and
 * anomalies nearer to the requested one.  When this leaves a class without held-out tiles, the draw starts with the single unit,
 * or the pair of units, that has both classes and comes nearest. */
#include "flows/training/holdout_private.h"
#include "base/rng.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_PAIRED 2000 /* units that are tried as the second of a pair: the search is quadratic */

typedef struct {
    int64_t normals, anomalies;
} Count;

typedef struct {
    const char *name;
    Count count;
    uint64_t rank; /* in the draw */
    gboolean held;
} Unit;

typedef struct {
    const Candidates *candidates;
    GHashTable *by_name; /* name -> Unit, owned */
    Unit **list;         /* in the order of the draw */
    guint n;
    Count all, held;
} Draw;

static int by_rank(const void *a, const void *b)
{
    const Unit *x = *(Unit *const *)a, *y = *(Unit *const *)b;
    return x->rank != y->rank ? (x->rank > y->rank ? 1 : -1) : strcmp(x->name, y->name);
}

static Count sum(Count a, Count b)
{
    return (Count){a.normals + b.normals, a.anomalies + b.anomalies};
}

static Unit *unit_of(Draw *draw, const char *name)
{
    Unit *unit = g_hash_table_lookup(draw->by_name, name);
    if (!unit) {
        Rng rng = rng_at(draw->candidates->seed, rng_name(name), (uint32_t)rng_name("holdout group"));
        unit = g_new0(Unit, 1);
        unit->name = name;
        unit->rank = (uint64_t)rng_u32(&rng) << 32; /* 64 bits: ties are practically impossible */
        unit->rank |= rng_u32(&rng);
        g_hash_table_insert(draw->by_name, (char *)name, unit);
    }
    return unit;
}

/* Counts the tiles of each unit and sorts the units by rank. */
static void gather(Draw *draw, const char *const *name)
{
    const Candidates *candidates = draw->candidates;
    for (int64_t i = 0; i < candidates->count; i++) {
        gboolean anomaly = candidates->labelled && candidates->tiles->anomaly[candidates->index[i]];
        const Count one = {!anomaly, anomaly};
        Unit *unit = unit_of(draw, name[i]);
        unit->count = sum(unit->count, one);
        draw->all = sum(draw->all, one);
    }
    draw->n = g_hash_table_size(draw->by_name);
    draw->list = g_new(Unit *, draw->n + 1);
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, draw->by_name);
    for (guint i = 0; g_hash_table_iter_next(&iter, NULL, &value); i++) {
        draw->list[i] = value;
    }
    qsort(draw->list, draw->n, sizeof *draw->list, by_rank); /* the order of a hash table is arbitrary */
}

/* Whether each class that is trained on keeps a tile. */
static gboolean leaves(const Draw *draw, Count held)
{
    return held.normals < draw->all.normals &&
           (!draw->candidates->labelled || !draw->candidates->train_anomalies ||
            held.anomalies < draw->all.anomalies);
}

/* Whether each class has a held-out tile as well. */
static gboolean suffices(const Draw *draw, Count held)
{
    return held.normals > 0 && (!draw->candidates->labelled || held.anomalies > 0) && leaves(draw, held);
}

/* |held / all - fraction|, summed over the classes. */
static double distance(const Draw *draw, Count held)
{
    double fraction = draw->candidates->fraction, normals = (double)draw->all.normals,
           anomalies = (double)draw->all.anomalies;
    double off = fabs((double)held.normals - fraction * normals) / normals;
    return anomalies > 0 ? off + fabs((double)held.anomalies - fraction * anomalies) / anomalies : off;
}

static void hold(Draw *draw, Unit *unit)
{
    unit->held = TRUE;
    draw->held = sum(draw->held, unit->count);
}

/* Holds out the nearest single unit with both classes, or the nearest pair of units when there is no such unit. */
static void hold_fewest(Draw *draw)
{
    double best[2] = {INFINITY, INFINITY}; /* of a single one, of a pair */
    Unit *single = NULL, *pair[2] = {NULL, NULL};
    /* A pair is one unit with anomalies and another that adds what the first one lacks. */
    guint looked = MIN(draw->n, MOST_PAIRED);
    for (guint i = 0; i < draw->n; i++) {
        Unit *a = draw->list[i];
        if (suffices(draw, a->count) && distance(draw, a->count) < best[0]) {
            best[0] = distance(draw, a->count);
            single = a;
        }
        for (guint k = 0; draw->candidates->labelled && a->count.anomalies > 0 && k < looked; k++) {
            Count both = sum(a->count, draw->list[k]->count);
            if (draw->list[k] != a && suffices(draw, both) && distance(draw, both) < best[1]) {
                best[1] = distance(draw, both);
                pair[0] = a;
                pair[1] = draw->list[k];
            }
        }
    }
    if (single || pair[0]) {
        hold(draw, single ? single : pair[0]);
    }
    if (!single && pair[0]) {
        hold(draw, pair[1]);
    }
}

/* In the order of the draw, holds out each unit that brings the fractions nearer. */
static void hold_more(Draw *draw)
{
    for (guint i = 0; i < draw->n; i++) {
        Unit *unit = draw->list[i];
        Count with = sum(draw->held, unit->count);
        if (!unit->held && leaves(draw, with) && distance(draw, with) < distance(draw, draw->held)) {
            hold(draw, unit);
        }
    }
}

/* Decides which units are held out. */
static void choose(Draw *draw, const char *first)
{
    Unit *forced = first ? g_hash_table_lookup(draw->by_name, first) : NULL;
    if (forced) {
        hold(draw, forced);
    }
    hold_more(draw);
    if (!forced &&
        !suffices(draw, draw->held)) { /* a class has nothing: start again from the fewest that suffice */
        for (guint i = 0; i < draw->n; i++) {
            draw->list[i]->held = FALSE;
        }
        draw->held = (Count){0};
        hold_fewest(draw);
        hold_more(draw);
    }
}

/* From units to tiles; counts the held-out units with normals. */
static int64_t mark_tiles(Draw *draw, const char *const *name, uint8_t *mark)
{
    const Candidates *candidates = draw->candidates;
    int64_t held = 0;
    for (int64_t i = 0; i < candidates->count; i++) {
        const Unit *unit = g_hash_table_lookup(draw->by_name, name[i]);
        mark[candidates->index[i]] = unit->held ? MARK_HELD : MARK_TRAIN;
    }
    for (guint i = 0; i < draw->n; i++) {
        held += draw->list[i]->held && draw->list[i]->count.normals > 0;
    }
    return held;
}

int64_t holdout_units(const Candidates *candidates, const char *const *name, const char *first, uint8_t *mark)
{
    Draw draw = {.candidates = candidates,
                 .by_name = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free)};
    gather(&draw, name);
    choose(&draw, first);
    int64_t held = suffices(&draw, draw.held) ? mark_tiles(&draw, name, mark) : 0;
    g_free(draw.list);
    g_hash_table_unref(draw.by_name);
    return held;
}
