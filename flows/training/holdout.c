/* Hold-out and order.
 *
 * Likelihoods of tiles of one patient are alike, and those of overlapping tiles even more so: what a model is calibrated and judged by
 * must share nothing with what it learned.  So whole patients are held out, normals and anomalies together.  Where that cannot be, the
 * next best is tried in turn: slides, blocks of a slide, single tiles; the model is marked with what it was. */
#include "flows/training/holdout_private.h"
#include "base/error.h"
#include "base/rng.h"
#include <math.h>
#include <string.h>

typedef struct {
    const TileSet *tiles;
    gboolean teach;
    double fraction;
    uint64_t seed;
    uint8_t *mark; /* of each tile */
    Holdout *holdout;
} Plan;

/* The tiles of one class, or of all (which < 0), that are of the group (NULL: any). */
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

static Deal deal_of(const Plan *plan, const GArray *index, gboolean labelled)
{
    return (Deal){.tiles = plan->tiles,
                  .index = (const int64_t *)index->data,
                  .count = index->len,
                  .fraction = plan->fraction,
                  .seed = plan->seed,
                  .labelled = labelled,
                  .teach = plan->teach};
}

static int64_t hold_named(const Plan *plan, const Deal *deal, const char *const *names, const char *first)
{
    if (!names) {
        return 0;
    }
    g_autofree const char **name = g_new(const char *, deal->count);
    for (int64_t i = 0; i < deal->count; i++) {
        name[i] = names[deal->index[i]];
    }
    return units_hold(deal, name, first, plan->mark);
}

/* ---- single tiles ---- */

static void hold_tiles(const Plan *plan, const GArray *index, gboolean anomalies)
{
    uint32_t count = index->len;
    uint32_t number = (uint32_t)CLAMP(llround(plan->fraction * count), 1, MAX((int64_t)count - 1, 1));
    g_autofree uint32_t *permutation = g_new(uint32_t, count);
    Rng rng = rng_at(plan->seed, rng_name(anomalies ? "holdout anomalies" : "holdout tiles"), 0);
    rng_permutation(&rng, permutation, count);
    number = anomalies && !plan->teach ? count : number; /* all that need not teach may judge */
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

/* The patient that all anomalies are of; NULL when there are several or nothing is known. */
static const char *lone_patient(const TileSet *tiles)
{
    const char *lone = NULL;
    for (int64_t i = 0; tiles->group && tiles->anomaly && i < tiles->count; i++) {
        if (tiles->anomaly[i] && lone && !g_str_equal(lone, tiles->group[i])) {
            return NULL;
        }
        lone = tiles->anomaly[i] ? tiles->group[i] : lone;
    }
    return lone;
}

static gboolean hold_lone_patient(const Plan *plan)
{
    const char *lone = plan->teach ? lone_patient(plan->tiles) : NULL;
    if (!lone) {
        return FALSE;
    }
    g_autoptr(GArray) normals = indices(plan->tiles, 0, NULL), anomalies = indices(plan->tiles, 1, NULL);
    const Deal own = deal_of(plan, normals, FALSE), strange = deal_of(plan, anomalies, FALSE);
    gboolean apart;
    plan->holdout->groups = hold_named(plan, &own, plan->tiles->group, lone);
    if (plan->holdout->groups == 0) {
        return FALSE;
    }
    if (hold_named(plan, &strange, plan->tiles->slide, NULL) == 0 &&
        blocks_hold(&strange, plan->mark, &apart) == 0) {
        hold_tiles(plan, anomalies, TRUE);
    }
    plan->holdout->anomalies_shared = TRUE;
    return TRUE;
}

/* ---- in turn ---- */

/* Whether any tile's patient is another name than its slide's. */
static gboolean names_patients(const TileSet *tiles)
{
    for (int64_t i = 0; i < tiles->count; i++) {
        if (!tiles->slide || !g_str_equal(tiles->group[i], tiles->slide[i])) {
            return TRUE;
        }
    }
    return FALSE;
}

static HoldoutKind hold_in_turn(const Plan *plan)
{
    Holdout *out = plan->holdout;
    g_autoptr(GArray) all = indices(plan->tiles, -1, NULL);
    const Deal deal = deal_of(plan, all, plan->tiles->anomaly != NULL);
    if ((out->groups = hold_named(plan, &deal, plan->tiles->group, NULL)) > 0 || hold_lone_patient(plan)) {
        return names_patients(plan->tiles) ? HOLDOUT_PATIENTS : HOLDOUT_LONE_SLIDES;
    }
    if ((out->groups = hold_named(plan, &deal, plan->tiles->slide, NULL)) > 0) {
        return HOLDOUT_SLIDES;
    }
    gboolean apart = FALSE;
    if ((out->groups = blocks_hold(&deal, plan->mark, &apart)) > 0) {
        return apart ? HOLDOUT_BLOCKS : HOLDOUT_TOUCHING_BLOCKS;
    }
    hold_single_tiles(plan);
    return HOLDOUT_TILES;
}

static gboolean check_counts(const TileSet *tiles, gboolean teach, GError **error)
{
    int64_t anomalies = 0;
    for (int64_t i = 0; tiles->anomaly && i < tiles->count; i++) {
        anomalies += tiles->anomaly[i] != 0;
    }
    if (tiles->count - anomalies < 2 || tiles->count > INT32_MAX) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%" G_GINT64_FORMAT " tiles to train on: from 2 to %d are possible",
                    tiles->count - anomalies, INT32_MAX);
        return FALSE;
    }
    if (tiles->anomaly && anomalies < 1 + (teach != FALSE)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%" G_GINT64_FORMAT " labelled anomalies: at least %s needed%s", anomalies,
                    teach ? "2 are" : "1 is", teach ? ", one to train on and one to judge by" : "");
        return FALSE;
    }
    return TRUE;
}

/* ---- lists ---- */

static gboolean allocate(Split *split, int64_t count, GError **error)
{
    return (split->train = wsi_try_alloc(count, sizeof(int64_t), "tiles to train on", error)) &&
           (split->holdout = wsi_try_alloc(count, sizeof(int64_t), "tiles held out", error)) &&
           (split->permutation = wsi_try_alloc(count, sizeof(uint32_t), "an order of tiles", error));
}

static void list_tiles(const Plan *plan, Split *normals, Split *anomalies)
{
    const TileSet *tiles = plan->tiles;
    for (int64_t i = 0; i < tiles->count; i++) {
        gboolean anomaly = tiles->anomaly && tiles->anomaly[i];
        Split *split = anomaly ? anomalies : normals;
        if (plan->mark[i] == MARK_HELD) {
            split->holdout[split->holdouts++] = i;
        } else if (plan->mark[i] == MARK_TRAIN && (!anomaly || plan->teach)) {
            split->train[split->trains++] = i;
        } else {
            plan->holdout->unused++;
        }
    }
}

gboolean holdout_make(const TileSet *tiles, gboolean teach, double fraction, uint64_t seed, Split *normals,
                      Split *anomalies, Holdout *holdout, GError **error)
{
    *normals = (Split){0};
    *anomalies = (Split){.anomalies = TRUE};
    *holdout = (Holdout){0};
    if (!check_counts(tiles, teach, error)) {
        return FALSE;
    }
    g_autofree uint8_t *mark = wsi_try_alloc(tiles->count, 1, "marks of tiles held out", error);
    if (!mark || !allocate(normals, tiles->count, error) || !allocate(anomalies, tiles->count, error)) {
        holdout_clear(normals);
        holdout_clear(anomalies);
        return FALSE;
    }
    const Plan plan = {tiles, teach && tiles->anomaly, fraction, seed, mark, holdout};
    holdout->kind = hold_in_turn(&plan);
    list_tiles(&plan, normals, anomalies);
    return TRUE;
}

void holdout_clear(Split *split)
{
    g_free(split->train);
    g_free(split->holdout);
    g_free(split->permutation);
    *split = (Split){0};
}

void holdout_order(Split *split, uint64_t seed, int epoch, int64_t *order)
{
    Rng rng =
        rng_at(seed, rng_name(split->anomalies ? "order of anomalies" : "order of tiles"), (uint32_t)epoch);
    rng_permutation(&rng, split->permutation, (uint32_t)split->trains);
    for (int64_t i = 0; i < split->trains; i++) {
        order[i] = split->train[split->permutation[i]];
    }
}
