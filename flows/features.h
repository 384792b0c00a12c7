/* Pooled features of the tiles of a TileSet, computed once and kept in memory as far as they fit.
 *
 * The extractor is frozen, so the same tile gives the same features in every epoch.  Whether a tile is kept never changes a
 * result: what does not fit is read and computed again.  Each worker (0 .. workers-1) has its own buffers, so different
 * workers may call at the same time. */
#pragma once
#include "flows/model.h"

typedef struct Features Features;

typedef struct {
    const Extractor *extractor;
    const Kernels *kernels;
    const TileSet *tiles;
    int tile_size, batch, workers;
    int64_t cache_bytes;
} FeaturesSpec;

/* The tiles' hash and cache are filled by one parallel pass over all tiles.  NULL with error when a tile cannot be read. */
Features *features_new(const FeaturesSpec *spec, GError **error);
void features_free(Features *features);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Features, features_free)
/* SHA-256 over the pixels and groups of all tiles, in order. */
const char *features_hash(const Features *features);
/* How many tiles are kept in memory: the first ones. */
int64_t features_cached(const Features *features);
/* Numbers of one tile on each scale. */
void features_lengths(const Features *features, int64_t length[SCALES]);
/* maps[l]: (batch, side, side, channels) of tiles index[0..count), count <= batch; the rest of the batch repeats the last one.
 * Borrowed until the next call of this worker. */
gboolean features_get(Features *features, int worker, const int64_t *index, int count,
                      const real *maps[SCALES], GError **error);
