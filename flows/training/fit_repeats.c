/* Images that occur more than once among the tiles.
 *
 * An image that is trained on and held out makes held-out tiles look more ordinary than fresh ones, whoever it is of, so its copies are left out of
 * the training: the hold-out is what fewer tiles are in.  Further copies on one side stay, since blank tiles are rightly many, and are
 * counted.  Images are compared by the hash of their pixels, so it does not matter how they are stored. */
#include "flows/training/fit_private.h"
#include "base/error.h"
#include <string.h>

static guint hash_digest(gconstpointer key)
{
    guint value;
    memcpy(&value, key, sizeof value);
    return value;
}

static gboolean equal_digests(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, FEATURES_DIGEST) == 0;
}

/* Adds tiles to the set; returns how many were in it. */
static int64_t add_tiles(const Fit *fit, const int64_t *tile, int64_t count, GHashTable *set)
{
    int64_t repeats = 0;
    for (int64_t i = 0; i < count; i++) {
        repeats += !g_hash_table_add(set, (gpointer)features_digest(fit->features, tile[i]));
    }
    return repeats;
}

/* Removes what is in the set from the training tiles; returns how many. */
static int64_t remove_tiles(const Fit *fit, GHashTable *set, Split *split)
{
    int64_t kept = 0, before = split->trains;
    for (int64_t i = 0; i < before; i++) {
        if (!g_hash_table_contains(set, features_digest(fit->features, split->train[i]))) {
            split->train[kept++] = split->train[i];
        }
    }
    split->trains = kept;
    return before - kept;
}

gboolean fit_leave_repeats(Fit *fit, GError **error)
{
    Holdout *out = &fit->model->calibration.holdout;
    g_autoptr(GHashTable) held = g_hash_table_new(hash_digest, equal_digests);
    g_autoptr(GHashTable) trained = g_hash_table_new(hash_digest, equal_digests);
    out->repeats_judging = add_tiles(fit, fit->split.holdout, fit->split.holdouts, held) +
                           add_tiles(fit, fit->anomalies.holdout, fit->anomalies.holdouts, held);
    out->repeats_held = remove_tiles(fit, held, &fit->split) + remove_tiles(fit, held, &fit->anomalies);
    out->repeats_trained = add_tiles(fit, fit->split.train, fit->split.trains, trained) +
                           add_tiles(fit, fit->anomalies.train, fit->anomalies.trains, trained);
    if (fit->split.trains == 0 || (fit->spec->loss.labels && fit->anomalies.trains == 0)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "no image is left to train on: all %s are copies of held-out images",
                    fit->split.trains == 0 ? "normal ones" : "anomalies");
        return FALSE;
    }
    return TRUE;
}
