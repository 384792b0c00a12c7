/* Which tiles are trained on, which are held out, and in which order an epoch takes them.  Functions of the seed and the
 * names of groups only: never of threads. */
#pragma once
#include <glib.h>
#include <stdint.h>

typedef struct {
    int64_t *train, *holdout; /* tile indices, ascending */
    int64_t trains, holdouts;
    uint32_t *permutation; /* scratch of split_order */
    gboolean anomalies;    /* names the stream of random numbers */
} Split;

/* Holds out about `share` of `count` tiles.  With groups (slides; may be NULL) whole groups: at least one, never all; tiles of one
 * slide are too alike to judge one by the other.  With fewer than two groups, or none, single tiles.  FALSE with WSI_ERROR_INPUT for
 * fewer than two tiles. */
gboolean split_make(int64_t count, const char *const *group, double share, uint64_t seed, Split *split,
                    GError **error);
/* The same with labels: anomaly[i] is 1 or 0.  Normals are split as if they were alone, and anomalies by the same rule among
 * themselves, where groups whose normals are held out come first: what a model is judged by should share no slide with what it
 * learns.  At least one group of anomalies stays to train on.  FALSE with WSI_ERROR_INPUT for fewer than two of either. */
gboolean split_make_labelled(int64_t count, const char *const *group, const uint8_t *anomaly, double share,
                             uint64_t seed, Split *normals, Split *anomalies, GError **error);
void split_clear(Split *split);
/* The order in which `epoch` (from 1) takes the training tiles: order[0..trains) are tile indices. */
void split_order(Split *split, uint64_t seed, int epoch, int64_t *order);
