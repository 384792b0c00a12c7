/* Which normals are trained on, which are held out, and in which order an epoch takes them.  Functions of the seed and the
 * names of groups only: never of threads. */
#pragma once
#include <glib.h>
#include <stdint.h>

typedef struct {
    int64_t *train, *holdout; /* tile indices, ascending */
    int64_t trains, holdouts;
    uint32_t *permutation; /* scratch of split_order */
} Split;

/* Holds out about `share` of `count` tiles.  With groups (slides; may be NULL) whole groups: at least one, never all; tiles of one
 * slide are too alike to judge one by the other.  With fewer than two groups, or none, single tiles.  FALSE with WSI_ERROR_INPUT for
 * fewer than two tiles. */
gboolean split_make(int64_t count, const char *const *group, double share, uint64_t seed, Split *split,
                    GError **error);
void split_clear(Split *split);
/* The order in which `epoch` (from 1) takes the training tiles: order[0..trains) are tile indices. */
void split_order(Split *split, uint64_t seed, int epoch, int64_t *order);
