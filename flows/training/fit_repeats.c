/* Images that occur more than once among the tiles.
 *
 * A held-out image that is also trained on looks more ordinary than a fresh one, whichever patient it is of.  Its copies are left
 * out of the training, which has more tiles to spare than the hold-out.  Copies within one side stay, since blank tiles are
 * rightly many, and are counted.  Images are compared by the hash of their pixels, however they are stored. */
#include "flows/training/fit_private.h"
#include "base/error.h"
#include <string.h>

static guint hash_digest(gconstpointer key)
{
    guint value; /* a SHA-256 is random already: its first bytes serve as the hash */
    memcpy(&value, key, sizeof value);
    return value;
}

static gboolean equal_digests(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, FEATURES_DIGEST) == 0;
}

/* Adds the images of the tiles to the set; returns how many were in it already. */
static int64_t add_tiles(const Fit *fit, const int64_t *tile, int64_t count, GHashTable *set)
{
    int64_t repeats = 0;
    for (int64_t i = 0; i < count; i++) {
        repeats += !g_hash_table_add(set, (gpointer)features_digest(fit->features, tile[i]));
    }
    return repeats;
}

/* Removes tiles whose image is in the set from the training; returns how many. */
static int64_t remove_tiles(const Fit *fit, GHashTable *set, HoldoutLists *split)
{
    int64_t kept = 0, before = split->train_count;
    for (int64_t i = 0; i < before; i++) {
        if (!g_hash_table_contains(set, features_digest(fit->features, split->train[i]))) {
            split->train[kept++] = split->train[i];
        }
    }
    split->train_count = kept;
    return before - kept;
}

gboolean fit_leave_repeats(Fit *fit, GError **error)
{
    Holdout *out = &fit->model->calibration.holdout;
    /* Sets of digests, which the features own. */
    g_autoptr(GHashTable) held = g_hash_table_new(hash_digest, equal_digests);
    g_autoptr(GHashTable) trained = g_hash_table_new(hash_digest, equal_digests);
    out->repeats_in_holdout = add_tiles(fit, fit->normals.held, fit->normals.held_count, held) +
                              add_tiles(fit, fit->anomalies.held, fit->anomalies.held_count, held);
    out->repeats_left_out = remove_tiles(fit, held, &fit->normals) + remove_tiles(fit, held, &fit->anomalies);
    out->repeats_in_training = add_tiles(fit, fit->normals.train, fit->normals.train_count, trained) +
                               add_tiles(fit, fit->anomalies.train, fit->anomalies.train_count, trained);
    if (fit->normals.train_count == 0 || (fit->spec->loss.labels && fit->anomalies.train_count == 0)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "no image is left to train on: all %s are copies of held-out images",
                    fit->normals.train_count == 0 ? "normal ones" : "anomalies");
        return FALSE;
    }
    return TRUE;
}
