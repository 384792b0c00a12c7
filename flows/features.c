/* Pooled features.
 *
 * Kept are the maps after the average pooling, as that is the last step that no fit changes and a quarter of what the
 * extractor gives.  One block holds the first tiles, (tile, scale, position, channel), float as computed: half precision
 * would make a result depend on whether a tile was kept.
 *
 * That a tile's features do not depend on its place in the batch is a property of the kernels (tests/test_model.c checks
 * it); all calls use one batch size. */
#include "flows/features.h"
#include "flows/avgpool.h"
#include "base/error.h"
#include "base/pool.h"
#include <string.h>

#define DIGEST 32 /* bytes of a SHA-256 */

typedef struct {
    ExtractorRun *run;
    uint8_t *rgb;       /* batch tiles */
    real *maps[SCALES]; /* (batch, side, side, channels) */
    int *slot;          /* place in the batch of each tile that is computed now */
} Worker;

struct Features {
    FeaturesSpec spec;
    int side[SCALES]; /* of the extractor's maps; pooled ones have avgpool_size(side) */
    int channels[SCALES];
    int64_t length[SCALES],
        offset[SCALES]; /* numbers of one tile, and where they begin in its part of the cache */
    int64_t tile_length, cached;
    real *cache;
    Worker *workers;
    uint8_t *digests; /* only during the first pass */
    char hash[65];
};

static size_t rgb_bytes(const Features *f)
{
    return (size_t)f->spec.tile_size * f->spec.tile_size * 3;
}

static gboolean worker_init(const Features *f, Worker *w, GError **error)
{
    int batch = f->spec.batch;
    w->run = extractor_run_new(f->spec.extractor, f->spec.kernels, batch, f->spec.tile_size, error);
    w->rgb = w->run ? wsi_try_alloc(batch, rgb_bytes(f), "a batch of tiles", error) : NULL;
    w->slot = g_new0(int, batch);
    gboolean ok = w->rgb != NULL;
    for (int l = 0; ok && l < SCALES; l++) {
        w->maps[l] = wsi_try_alloc(batch, f->length[l] * sizeof(real), "features of a batch", error);
        ok = w->maps[l] != NULL;
    }
    return ok;
}

static gboolean read_tile(const Features *f, int64_t index, uint8_t *rgb, GError **error)
{
    return f->spec.tiles->read(f->spec.tiles->data, index, rgb, error);
}

/* Pools image `slot` of the extractor's last batch into the numbers of a tile at to[l]. */
static void pool_tile(const Features *f, const real *const maps[SCALES], int slot, real *const to[SCALES])
{
    for (int l = 0; l < SCALES; l++) {
        int side = f->side[l], c = f->channels[l];
        avgpool_forward(1, side, side, c, maps[l] + (size_t)slot * side * side * c, to[l]);
    }
}

/* Where the features of a kept tile lie. */
static void cache_place(const Features *f, int64_t index, real *place[SCALES])
{
    for (int l = 0; l < SCALES; l++) {
        place[l] = f->cache + index * f->tile_length + f->offset[l];
    }
}

/* One batch of the first pass: hash all its tiles, keep the features of those that fit. */
static gboolean first_pass(int64_t group, int worker, void *data, GError **error)
{
    Features *f = data;
    Worker *w = &f->workers[worker];
    int64_t first = group * f->spec.batch, last = MIN(first + f->spec.batch, f->spec.tiles->count);
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    for (int64_t i = first; i < last; i++) {
        uint8_t *rgb = w->rgb + (size_t)(i - first) * rgb_bytes(f);
        gsize bytes = DIGEST;
        if (!read_tile(f, i, rgb, error)) {
            return FALSE;
        }
        g_checksum_reset(sum);
        g_checksum_update(sum, rgb, (gssize)rgb_bytes(f));
        g_checksum_get_digest(sum, f->digests + i * DIGEST, &bytes);
    }
    if (first < f->cached) {
        const real *maps[SCALES];
        extractor_run(w->run, w->rgb, maps);
        for (int64_t i = first; i < MIN(last, f->cached); i++) {
            real *place[SCALES];
            cache_place(f, i, place);
            pool_tile(f, maps, (int)(i - first), place);
        }
    }
    return TRUE;
}

/* The hash of everything from the hashes of the tiles and the names of their groups. */
static void hash_all(Features *f)
{
    const TileSet *tiles = f->spec.tiles;
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(sum, f->digests, (gssize)(tiles->count * DIGEST));
    for (int64_t i = 0; tiles->group && i < tiles->count; i++) {
        g_checksum_update(sum, (const guchar *)tiles->group[i], (gssize)strlen(tiles->group[i]) + 1);
    }
    g_strlcpy(f->hash, g_checksum_get_string(sum), sizeof f->hash);
}

static void measure(Features *f)
{
    extractor_channels(f->spec.extractor, f->channels);
    for (int l = 0; l < SCALES; l++) {
        f->side[l] = f->spec.tile_size / (4 << l);
        int64_t side = avgpool_size(f->side[l]);
        f->offset[l] = f->tile_length;
        f->length[l] = side * side * f->channels[l];
        f->tile_length += f->length[l];
    }
}

Features *features_new(const FeaturesSpec *spec, GError **error)
{
    g_autoptr(Features) f = g_new0(Features, 1);
    f->spec = *spec;
    f->workers = g_new0(Worker, spec->workers);
    measure(f);
    for (int i = 0; i < spec->workers; i++) {
        if (!worker_init(f, &f->workers[i], error)) {
            return NULL;
        }
    }
    f->digests = wsi_try_alloc(spec->tiles->count, DIGEST, "hashes of the tiles", error);
    if (!f->digests) {
        return NULL;
    }
    f->cached = MIN(spec->tiles->count, spec->cache_bytes / (f->tile_length * (int64_t)sizeof(real)));
    f->cache = f->cached ? wsi_try_alloc(f->cached, f->tile_length * sizeof(real), "features", NULL) : NULL;
    f->cached = f->cache ? f->cached : 0; /* memory that is refused costs time, not the training */
    int64_t groups = (spec->tiles->count + spec->batch - 1) / spec->batch;
    if (!pool_run(spec->workers, spec->workers == pool_processors(), groups, first_pass, f, error)) {
        return NULL;
    }
    hash_all(f);
    g_clear_pointer(&f->digests, g_free);
    return g_steal_pointer(&f);
}

void features_free(Features *f)
{
    if (!f) {
        return;
    }
    for (int i = 0; i < f->spec.workers; i++) {
        Worker *w = &f->workers[i];
        g_clear_pointer(&w->run, extractor_run_free);
        g_free(w->rgb);
        g_free(w->slot);
        for (int l = 0; l < SCALES; l++) {
            g_free(w->maps[l]);
        }
    }
    g_free(f->workers);
    g_free(f->digests);
    g_free(f->cache);
    g_free(f);
}

const char *features_hash(const Features *f)
{
    return f->hash;
}

int64_t features_cached(const Features *f)
{
    return f->cached;
}

void features_lengths(const Features *f, int64_t length[SCALES])
{
    memcpy(length, f->length, sizeof f->length);
}

static void batch_place(const Features *f, const Worker *w, int slot, real *place[SCALES])
{
    for (int l = 0; l < SCALES; l++) {
        place[l] = w->maps[l] + slot * f->length[l];
    }
}

static void copy_tile(const Features *f, real *const from[SCALES], real *const to[SCALES])
{
    for (int l = 0; l < SCALES; l++) {
        memcpy(to[l], from[l], f->length[l] * sizeof(real));
    }
}

gboolean features_get(Features *f, int worker, const int64_t *index, int count, const real *maps[SCALES],
                      GError **error)
{
    Worker *w = &f->workers[worker];
    real *from[SCALES], *to[SCALES];
    int computed = 0;
    for (int i = 0; i < count; i++) {
        if (index[i] < f->cached) {
            cache_place(f, index[i], from);
            batch_place(f, w, i, to);
            copy_tile(f, from, to);
        } else {
            if (!read_tile(f, index[i], w->rgb + computed * rgb_bytes(f), error)) {
                return FALSE;
            }
            w->slot[computed++] = i;
        }
    }
    if (computed) {
        const real *fresh[SCALES];
        extractor_run(w->run, w->rgb, fresh);
        for (int j = 0; j < computed; j++) {
            batch_place(f, w, w->slot[j], to);
            pool_tile(f, fresh, j, to);
        }
    }
    for (int i = count; i < f->spec.batch; i++) {
        batch_place(f, w, count - 1, from);
        batch_place(f, w, i, to);
        copy_tile(f, from, to);
    }
    for (int l = 0; l < SCALES; l++) {
        maps[l] = w->maps[l];
    }
    return TRUE;
}
