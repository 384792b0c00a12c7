/* The hold-out: which kind of unit it takes, and the lists it gives.
 *
 * Tiles of one patient have similar likelihoods, overlapping tiles even more so.  The tiles that calibrate and validate a model
 * must therefore share nothing with the tiles it is trained on: whole patients are held out, normals and anomalies together.
 * Where that is impossible, slides, blocks of a slide and single tiles are tried in this order.  The model records which it was. */
#include "flows/training/holdout_private.h"
#include "base/error.h"
#include "base/rng.h"
#include <math.h>
#include <string.h>

typedef struct {
    const TileSet *tiles;
    gboolean train_anomalies;
    double fraction;
    uint64_t seed;
    uint8_t *mark; /* Mark of each tile */
    Holdout *holdout;
} Plan;

/* Indices of the tiles of class `which` (0 normals, 1 anomalies, < 0 both) that are of the group (NULL: any). */
static GArray *indices(const TileSet *tiles, int which, const char *group)
{
    GArray *index = g_array_new(FALSE, FALSE, sizeof(int64_t));
    for (int64_t i = 0; i < tiles->count; i++) {
        int own = tiles->anomaly && tiles->anomaly[i];
        if ((which < 0 || which == own) && (!group || g_str_equal(tiles->group[i], group))) {
            g_array_append_val(index, i);
        }
    }
    return index;
}

/* A task for holdout_units and holdout_blocks. */
static Candidates candidates_of(const Plan *plan, const GArray *index, gboolean labelled)
{
    return (Candidates){.tiles = plan->tiles,
                        .index = (const int64_t *)index->data,
                        .count = index->len,
                        .fraction = plan->fraction,
                        .seed = plan->seed,
                        .labelled = labelled,
                        .train_anomalies = plan->train_anomalies};
}

/* Holds out units that have names: patients or slides.  names: of all tiles, may be NULL. */
static int64_t hold_named(const Plan *plan, const Candidates *candidates, const char *const *names,
                          const char *first)
{
    if (!names) {
        return 0;
    }
    g_autofree const char **name = g_new(const char *, candidates->count);
    for (int64_t i = 0; i < candidates->count; i++) {
        name[i] = names[candidates->index[i]];
    }
    return holdout_units(candidates, name, first, plan->mark);
}

/* ---- single tiles ---- */

/* Single tiles of one class at random. */
static void hold_tiles(const Plan *plan, const GArray *index, gboolean anomalies)
{
    uint32_t count = index->len;
    /* At least one tile on each side. */
    uint32_t number = (uint32_t)CLAMP(llround(plan->fraction * count), 1, MAX((int64_t)count - 1, 1));
    g_autofree uint32_t *permutation = g_new(uint32_t, count);
    Rng rng = rng_at(plan->seed, rng_name(anomalies ? "holdout anomalies" : "holdout tiles"), 0);
    rng_permutation(&rng, permutation, count);
    number = anomalies && !plan->train_anomalies ? count : number; /* nothing is trained on them */
    for (uint32_t i = 0; i < count; i++) {
        plan->mark[g_array_index(index, int64_t, permutation[i])] = i < number ? MARK_HELD : MARK_TRAIN;
    }
}

static void hold_single_tiles(const Plan *plan)
{
    g_autoptr(GArray) normals = indices(plan->tiles, 0, NULL), anomalies = indices(plan->tiles, 1, NULL);
    hold_tiles(plan, normals, FALSE);
    if (anomalies->len > 0) {
        hold_tiles(plan, anomalies, TRUE);
    }
}

/* ---- anomalies of one patient ---- */

/* The patient of all anomalies; NULL when there are several or patients are unknown. */
static const char *lone_patient(const TileSet *tiles)
{
    const char *lone = NULL;
    for (int64_t i = 0; tiles->group && tiles->anomaly && i < tiles->count; i++) {
        /* A second patient with anomalies. */
        if (tiles->anomaly[i] && lone && !g_str_equal(lone, tiles->group[i])) {
            return NULL;
        }
        lone = tiles->anomaly[i] ? tiles->group[i] : lone;
    }
    return lone;
}

/* All anomalies are of one patient.  To hold that patient out would leave none to train on, so only its normals are held out
 * whole; its anomalies are divided by slides, blocks or tiles.  FALSE when this is not the case at hand. */
static gboolean hold_lone_patient(const Plan *plan)
{
    const char *lone = plan->train_anomalies ? lone_patient(plan->tiles) : NULL;
    if (!lone) {
        return FALSE;
    }
    g_autoptr(GArray) normals = indices(plan->tiles, 0, NULL), anomalies = indices(plan->tiles, 1, NULL);
    /* Normals by patients, with the lone one among the held-out patients. */
    const Candidates own = candidates_of(plan, normals, FALSE),
                     strange = candidates_of(plan, anomalies, FALSE);
    gboolean apart;
    plan->holdout->groups = hold_named(plan, &own, plan->tiles->group, lone); /* forces `lone` */
    if (plan->holdout->groups == 0) {
        return FALSE;
    }
    /* The anomalies: by slides, else blocks, else tiles. */
    if (hold_named(plan, &strange, plan->tiles->slide, NULL) == 0 &&
        holdout_blocks(&strange, plan->mark, &apart) == 0) {
        hold_tiles(plan, anomalies, TRUE);
    }
    plan->holdout->anomalies_shared = TRUE;
    return TRUE;
}

/* ---- the best kind that is possible ---- */

/* Whether the patient of any tile has another name than its slide. */
static gboolean names_patients(const TileSet *tiles)
{
    for (int64_t i = 0; i < tiles->count; i++) {
        if (!tiles->slide || !g_str_equal(tiles->group[i], tiles->slide[i])) {
            return TRUE;
        }
    }
    return FALSE;
}

/* Patients, slides, blocks, tiles: the first kind that leaves each class on both sides. */
static HoldoutKind hold_in_turn(const Plan *plan)
{
    Holdout *out = plan->holdout;
    g_autoptr(GArray) all = indices(plan->tiles, -1, NULL);
    const Candidates candidates = candidates_of(plan, all, plan->tiles->anomaly != NULL);
    if ((out->groups = hold_named(plan, &candidates, plan->tiles->group, NULL)) > 0 ||
        hold_lone_patient(plan)) {
        return names_patients(plan->tiles) ? HOLDOUT_PATIENTS : HOLDOUT_LONE_SLIDES;
    }
    if ((out->groups = hold_named(plan, &candidates, plan->tiles->slide, NULL)) > 0) {
        return HOLDOUT_SLIDES;
    }
    gboolean apart = FALSE;
    if ((out->groups = holdout_blocks(&candidates, plan->mark, &apart)) > 0) {
        return apart ? HOLDOUT_BLOCKS : HOLDOUT_TOUCHING_BLOCKS;
    }
    hold_single_tiles(plan);
    return HOLDOUT_TILES;
}

/* Each class that is used needs a tile on each side. */
static gboolean check_counts(const TileSet *tiles, gboolean train_anomalies, GError **error)
{
    int64_t anomalies = 0;
    for (int64_t i = 0; tiles->anomaly && i < tiles->count; i++) {
        anomalies += tiles->anomaly[i] != 0;
    }
    if (tiles->count - anomalies < 2 || tiles->count > INT32_MAX) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%" G_GINT64_FORMAT " normal tiles: 2 to %d are needed", tiles->count - anomalies,
                    INT32_MAX);
        return FALSE;
    }
    if (tiles->anomaly && anomalies < 1 + (train_anomalies != FALSE)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%" G_GINT64_FORMAT " labelled anomalies: at least %s needed%s", anomalies,
                    train_anomalies ? "2 are" : "1 is",
                    train_anomalies ? ", one to train on and one to validate on" : "");
        return FALSE;
    }
    return TRUE;
}

/* ---- from marks to lists ---- */

static gboolean allocate(HoldoutLists *split, int64_t count, GError **error)
{
    return (split->train = wsi_try_alloc(count, sizeof(int64_t), "tiles to train on", error)) &&
           (split->held = wsi_try_alloc(count, sizeof(int64_t), "tiles held out", error)) &&
           (split->permutation = wsi_try_alloc(count, sizeof(uint32_t), "an order of tiles", error));
}

/* Tiles that are neither trained on nor held out are counted. */
static void list_tiles(const Plan *plan, HoldoutLists *normals, HoldoutLists *anomalies)
{
    const TileSet *tiles = plan->tiles;
    for (int64_t i = 0; i < tiles->count; i++) {
        gboolean anomaly = tiles->anomaly && tiles->anomaly[i];
        HoldoutLists *split = anomaly ? anomalies : normals;
        if (plan->mark[i] == MARK_HELD) {
            split->held[split->held_count++] = i;
        } else if (plan->mark[i] == MARK_TRAIN && (!anomaly || plan->train_anomalies)) {
            split->train[split->train_count++] = i;
        } else {
            plan->holdout->unused++;
        }
    }
}

gboolean holdout_make(const TileSet *tiles, gboolean train_anomalies, double fraction, uint64_t seed,
                      HoldoutLists *normals, HoldoutLists *anomalies, Holdout *holdout, GError **error)
{
    *normals = (HoldoutLists){0};
    *anomalies = (HoldoutLists){.anomalies = TRUE};
    *holdout = (Holdout){0};
    if (!check_counts(tiles, train_anomalies, error)) {
        return FALSE;
    }
    g_autofree uint8_t *mark = wsi_try_alloc(tiles->count, 1, "marks of tiles held out", error);
    if (!mark || !allocate(normals, tiles->count, error) || !allocate(anomalies, tiles->count, error)) {
        holdout_clear(normals);
        holdout_clear(anomalies);
        return FALSE;
    }
    /* Without labels there is nothing to keep for the training. */
    const Plan plan = {tiles, train_anomalies && tiles->anomaly, fraction, seed, mark, holdout};
    /* First the marks of all tiles, then the lists. */
    holdout->kind = hold_in_turn(&plan);
    list_tiles(&plan, normals, anomalies);
    return TRUE;
}

void holdout_clear(HoldoutLists *split)
{
    g_free(split->train);
    g_free(split->held);
    g_free(split->permutation);
    *split = (HoldoutLists){0};
}

void holdout_order(HoldoutLists *split, uint64_t seed, int epoch, int64_t *order)
{
    /* Each class has a stream of its own: anomalies do not change the order of normals. */
    Rng rng =
        rng_at(seed, rng_name(split->anomalies ? "order of anomalies" : "order of tiles"), (uint32_t)epoch);
    rng_permutation(&rng, split->permutation, (uint32_t)split->train_count);
    for (int64_t i = 0; i < split->train_count; i++) {
        order[i] = split->train[split->permutation[i]];
    }
}
