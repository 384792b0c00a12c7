/* Pooled features of the tiles of a TileSet, computed once and kept in memory or in a file as far as they fit.
 *
 * The extractor is frozen, so a tile has the same features in every epoch.  Whether they are kept never changes a result: what does
 * not fit is read and computed again.  Augmented tiles differ in each epoch and are never kept.
 * Threading: each worker (0 .. workers-1) has its own buffers, so different workers may call at the same time. */
#pragma once
#include "flows/augment/augment.h"
#include "flows/extractors/extractor.h"
#include "flows/models/tile_set.h"

typedef struct Features Features;

/* Where features are kept; a matter of time, never of results. */
typedef enum { FEATURES_MEMORY, FEATURES_NONE, FEATURES_FILE } FeatureCache;

typedef struct {
    const Extractor *extractor;
    const Kernels *kernels;
    const TileSet *tiles;
    PadMode pad; /* of the extractor */
    int tile_size, batch, workers;
    FeatureCache cache;
    int64_t cache_bytes;  /* at most; 0 = 2 GiB of memory, no limit for a file */
    const char *file;     /* path of FEATURES_FILE */
    gboolean half;        /* all features are rounded to binary16, whether they are kept or not */
    const int64_t *first; /* (first_count) tiles that are kept before all others; may be NULL */
    int64_t first_count;
    const AugmentSpec *augment; /* NULL = none */
    uint64_t seed;              /* of the augmentation */
} FeaturesSpec;

/* One parallel pass over all tiles computes their hash and fills the cache; a file of an earlier process is used when it fits.  NULL
 * with error when a tile cannot be read or the file cannot be written. */
Features *features_new(const FeaturesSpec *spec, GError **error);
void features_free(Features *features);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Features, features_free)
/* SHA-256 over pixels, groups, slides, positions and labels of all tiles, in order. */
const char *features_hash(const Features *features);
#define FEATURES_DIGEST 32 /* bytes of a SHA-256 */
/* SHA-256 of the pixels of a tile; borrowed. */
const uint8_t *features_digest(const Features *features, int64_t tile);
/* How many numbers one tile has on each scale: side x side x channels. */
void features_lengths(const Features *features, int64_t length[SCALES]);
/* maps[l]: (batch, side, side, channels) of tiles index[0..count), count <= batch; the rest of the batch repeats the last tile.
 * Borrowed until the next call of this worker.  FALSE with error when a tile cannot be read. */
gboolean features_get(Features *features, int worker, const int64_t *index, int count,
                      const real *maps[SCALES], GError **error);
/* The draw of augmentation that a tile gets in an epoch (from 1) for the first time (repeat 0), the second time, and so on. */
uint32_t features_variant(int epoch, int64_t repeat);
/* features_get for augmented tiles.  variant (count): the draws, from 1; 0 = not augmented.  Without augmentation it is ignored. */
gboolean features_get_variants(Features *features, int worker, const int64_t *index, const uint32_t *variant,
                               int count, const real *maps[SCALES], GError **error);
