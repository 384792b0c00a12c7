/* Pooled features of the tiles of a TileSet, computed once and kept in memory or in a file as far as they fit.
 *
 * The extractor is frozen, so the same tile gives the same features in every epoch.  Whether a tile is kept never changes a
 * result: what does not fit is read and computed again.  Augmented tiles are another tile in each epoch and are never
 * kept.  Each worker (0 .. workers-1) has its own buffers, so different workers may call at the same time. */
#pragma once
#include "flows/augment/augment.h"
#include "flows/extractors/extractor.h"
#include "flows/models/tile_set.h"

typedef struct Features Features;

/* Where features of the frozen extractor are kept; decides about time, never about results. */
typedef enum { FEATURES_MEMORY, FEATURES_NONE, FEATURES_FILE } FeatureCache;

typedef struct {
    const Extractor *extractor;
    const Kernels *kernels;
    const TileSet *tiles;
    PadMode pad; /* of the extractor */
    int tile_size, batch, workers;
    FeatureCache cache;
    int64_t cache_bytes;  /* at most; 0 = 2 GiB of memory, a file without limit */
    const char *file;     /* of FEATURES_FILE */
    gboolean half;        /* all features are rounded to binary16, kept or not */
    const int64_t *first; /* tiles that are kept before the others; may be NULL */
    int64_t firsts;
    const AugmentSpec *augment; /* NULL = none */
    uint64_t seed;              /* of augmentation */
} FeaturesSpec;

/* The tiles' hash and cache are filled by one parallel pass over all tiles; a file of an earlier process that fits is used.  NULL
 * with error when a tile cannot be read, or the file not be written. */
Features *features_new(const FeaturesSpec *spec, GError **error);
void features_free(Features *features);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Features, features_free)
/* SHA-256 over pixels, groups, slides, places and labels of all tiles, in order. */
const char *features_hash(const Features *features);
#define FEATURES_DIGEST 32 /* bytes of a SHA-256 */
/* SHA-256 of the pixels of a tile; borrowed. */
const uint8_t *features_digest(const Features *features, int64_t tile);
/* How many tiles are kept. */
int64_t features_cached(const Features *features);
/* Numbers of one tile on each scale. */
void features_lengths(const Features *features, int64_t length[SCALES]);
/* maps[l]: (batch, side, side, channels) of tiles index[0..count), count <= batch; the rest of the batch repeats the last one.
 * Borrowed until the next call of this worker. */
gboolean features_get(Features *features, int worker, const int64_t *index, int count,
                      const real *maps[SCALES], GError **error);
/* Which draw of augmentation a tile gets when an epoch (from 1) comes to it for the first (repeat 0), second... time. */
uint32_t features_variant(int epoch, int64_t repeat);
/* The same of variants (from 1) of the tiles, the draws of augmentation; as they are when there is none. */
gboolean features_get_variants(Features *features, int worker, const int64_t *index, const uint32_t *variant,
                               int count, const real *maps[SCALES], GError **error);
