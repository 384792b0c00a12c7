/* Pooled features.
 *
 * The maps are kept after the average pooling: it is the last step that no fit changes, and leaves a quarter of the extractor's
 * output.  A tile is a row of numbers (scale, position, channel).  Rows are in one block of memory, as computed, or in a file
 * (feature_file.h).  Half precision is not a matter of storage but a property of the training: all rows are rounded or none, so a
 * result never depends on what is kept.
 *
 * The features of a tile do not depend on its position in the batch: that is a property of the kernels (tests/flows/test_model.c
 * checks it), and all calls use one batch size. */
#include "flows/training/features.h"
#include "flows/layers/avgpool.h"
#include "flows/training/feature_file.h"
#include "flows/kernels/half.h"
#include "base/durable.h"
#include "base/error.h"
#include "base/listing.h"
#include "base/pool.h"
#include <string.h>

#define DIGEST FEATURES_DIGEST
#define MEMORY ((int64_t)2 << 30) /* bytes to keep by default */

typedef struct {
    ExtractorRun *run;
    uint8_t *rgb;       /* (batch, size, size, 3) */
    real *maps[SCALES]; /* (batch, side, side, channels) */
    int *slot;          /* (batch): position in the batch of each tile that is being computed */
    real *row;          /* of one tile */
    void *room;         /* a row in the file's format */
    AugmentScratch *scratch;
} Worker;

struct Features {
    FeaturesSpec spec;
    int side[SCALES]; /* of the extractor's maps; pooled ones have avgpool_size(side) */
    int channels[SCALES];
    int64_t length[SCALES], offset[SCALES]; /* numbers of one tile, and where they begin in its row */
    int64_t tile_length;                    /* numbers of a row */
    int64_t cached;                         /* the first so many rows are kept */
    int64_t *tile, *row;                    /* tile of each row, row of each tile */
    real *cache;                            /* (cached, tile_length), or */
    FeatureFile *file;
    Worker *workers;
    uint64_t *identity;        /* of each tile, for augmentation */
    gboolean hashing, keeping; /* what the current pass does */
    uint8_t *digests;          /* (tiles, DIGEST): SHA-256 of the pixels */
    char hash[65];
};

static size_t rgb_bytes(const Features *f)
{
    return (size_t)f->spec.tile_size * f->spec.tile_size * 3;
}

/* Buffers of one worker; scratch only with augmentation. */
static gboolean worker_init(const Features *f, Worker *w, GError **error)
{
    int batch = f->spec.batch;
    w->run = extractor_run_new(f->spec.extractor, f->spec.kernels, batch, f->spec.tile_size, error);
    w->rgb = w->run ? wsi_try_alloc(batch, rgb_bytes(f), "a batch of tiles", error) : NULL;
    w->slot = g_new0(int, batch);
    gboolean ok = w->rgb && (w->row = wsi_try_alloc(f->tile_length, sizeof(real), "features", error)) &&
                  (w->room = wsi_try_alloc(f->tile_length, sizeof(float), "features", error)) &&
                  (!f->spec.augment || (w->scratch = augment_scratch_new(f->spec.tile_size, error)));
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

/* Pools tile `slot` of the extractor's last batch into a row. */
static void pool_tile(const Features *f, const real *const maps[SCALES], int slot, real *row)
{
    for (int l = 0; l < SCALES; l++) {
        int side = f->side[l], c = f->channels[l];
        avgpool_forward(1, side, side, c, maps[l] + (size_t)slot * side * side * c, row + f->offset[l]);
    }
    if (f->spec.half) { /* as if it had been stored as binary16 */
        half_round(row, f->tile_length);
    }
}

/* ---- the first pass ---- */

/* The digest of a tile's pixels and, for augmentation, its identity. */
static void hash_tile(Features *f, int64_t tile, const uint8_t *rgb)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    gsize bytes = DIGEST;
    g_checksum_update(sum, rgb, (gssize)rgb_bytes(f));
    g_checksum_get_digest(sum, f->digests + tile * DIGEST, &bytes);
    if (f->spec.augment) {
        const char *group = f->spec.tiles->group ? f->spec.tiles->group[tile] : NULL;
        f->identity[tile] = augment_identity(rgb, rgb_bytes(f), group);
    }
}

/* Keeps tile `slot` of the last batch as a row. */
static gboolean keep_tile(Features *f, Worker *w, const real *const maps[SCALES], int slot, int64_t row,
                          GError **error)
{
    if (f->file) {
        pool_tile(f, maps, slot, w->row);
        return feature_file_put(f->file, row, w->row, w->room, error);
    }
    pool_tile(f, maps, slot, f->cache + row * f->tile_length);
    return TRUE;
}

/* A batch of rows: hash all its tiles, keep the features of those that fit. */
static gboolean pass_batch(int64_t group, int worker, void *data, GError **error)
{
    Features *f = data;
    Worker *w = &f->workers[worker];
    int64_t first = group * f->spec.batch, last = MIN(first + f->spec.batch, f->spec.tiles->count);
    int64_t kept = f->keeping ? MIN(last, f->cached) : 0; /* rows of this batch below it are kept */
    for (int64_t row = first; row < (f->hashing ? last : kept); row++) {
        uint8_t *rgb = w->rgb + (size_t)(row - first) * rgb_bytes(f);
        if (!read_tile(f, f->tile[row], rgb, error)) {
            return FALSE;
        }
        if (f->hashing) {
            hash_tile(f, f->tile[row], rgb);
        }
    }
    if (first < kept) {
        const real *maps[SCALES];
        extractor_run(w->run, w->rgb, maps);
        for (int64_t row = first; row < kept; row++) {
            if (!keep_tile(f, w, maps, (int)(row - first), row, error)) {
                return FALSE;
            }
        }
    }
    return TRUE;
}

/* One parallel pass over all rows. */
static gboolean pass(Features *f, gboolean hashing, gboolean keeping, GError **error)
{
    const FeaturesSpec *spec = &f->spec;
    int64_t groups = (spec->tiles->count + spec->batch - 1) / spec->batch;
    f->hashing = hashing;
    f->keeping = keeping;
    return pool_run(spec->workers, spec->workers == pool_processors(), groups, pass_batch, f, error);
}

/* The hash over the digests of the tiles, the names of their groups and slides, their positions and labels: the result of a training
 * depends on all of these. */
static void hash_all(Features *f)
{
    const TileSet *tiles = f->spec.tiles;
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(sum, f->digests, (gssize)(tiles->count * DIGEST));
    const char *const *const names[] = {tiles->group, tiles->slide};
    for (size_t k = 0; k < G_N_ELEMENTS(names); k++) {
        for (int64_t i = 0; names[k] && i < tiles->count; i++) {
            g_checksum_update(sum, (const guchar *)names[k][i], (gssize)strlen(names[k][i]) + 1);
        }
    }
    for (int64_t i = 0; tiles->position && i < tiles->count; i++) {
        const double position[] = {tiles->position[i].x, tiles->position[i].y, tiles->position[i].side};
        g_checksum_update(sum, (const guchar *)position, sizeof position);
    }
    if (tiles->anomaly) {
        g_checksum_update(sum, tiles->anomaly, (gssize)tiles->count);
    }
    if (tiles->hard) {
        g_checksum_update(sum, tiles->hard, (gssize)tiles->count);
    }
    g_strlcpy(f->hash, g_checksum_get_string(sum), sizeof f->hash);
}

/* Sizes of the maps: the extractor's strides are 4, 8 and 16. */
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

/* Rows: first the tiles of spec.first, then the others in order. */
static gboolean order_rows(Features *f, GError **error)
{
    const FeaturesSpec *spec = &f->spec;
    int64_t count = spec->tiles->count, next = spec->first_count;
    f->tile = wsi_try_alloc(count, sizeof(int64_t), "an order of tiles", error);
    f->row = f->tile ? wsi_try_alloc(count, sizeof(int64_t), "an order of tiles", error) : NULL;
    if (!f->row) {
        return FALSE;
    }
    memset(f->row, 0xff, (size_t)count * sizeof(int64_t)); /* -1: no row yet */
    for (int64_t i = 0; i < spec->first_count; i++) {
        f->tile[i] = spec->first[i];
        f->row[spec->first[i]] = i;
    }
    for (int64_t i = 0; i < count; i++) {
        if (f->row[i] < 0) {
            f->tile[next] = i;
            f->row[i] = next++;
        }
    }
    return TRUE;
}

/* ---- where rows are kept ---- */

/* A hash of everything that the numbers in the file depend on. */
static void file_key(const Features *f, char key[65])
{
    const FeaturesSpec *spec = &f->spec;
    g_autofree char *libraries = flows_versions();
    g_autofree char *text =
        g_strdup_printf("%s\n%s\n%d\n%s\n%s\n%d\n%d\n%s", WSIFLOW_VERSION, extractor_hash(spec->extractor),
                        spec->pad, spec->kernels->name, libraries, spec->tile_size, spec->batch, f->hash);
    durable_hash_bytes(text, strlen(text), key);
}

static gboolean fill_memory(Features *f, GError **error)
{
    f->cache = f->cached ? wsi_try_alloc(f->cached, f->tile_length * sizeof(real), "features", NULL) : NULL;
    f->cached = f->cache ? f->cached : 0; /* without this memory the training takes longer, but it works */
    if (!pass(f, TRUE, TRUE, error)) {
        return FALSE;
    }
    hash_all(f);
    return TRUE;
}

/* The key needs the hash of all tiles.  Only when there is a file that may fit, they are hashed before features are computed. */
static gboolean fill_file(Features *f, GError **error)
{
    const FeatureFileSpec spec = {f->spec.file, f->cached, f->tile_length, f->spec.half};
    FileKind kind;
    char key[65];
    if (!listing_kind(spec.path, &kind, error)) {
        return FALSE;
    }
    gboolean exists = kind != FILE_ABSENT;
    if (exists) { /* hash all tiles, then compare the key */
        g_autoptr(GError) why = NULL;
        if (!pass(f, TRUE, FALSE, error)) {
            return FALSE;
        }
        hash_all(f);
        file_key(f, key);
        f->file = feature_file_open(&spec, key, &why);
        if (f->file) {
            g_info("features are taken from %s", spec.path);
            return TRUE;
        }
        g_message("features are computed again: %s", why->message);
    }
    f->file = feature_file_create(&spec, error);
    if (!f->file || !pass(f, !exists, TRUE, error)) {
        return FALSE;
    }
    hash_all(f);
    file_key(f, key);
    return feature_file_publish(f->file, key, error);
}

static gboolean fill(Features *f, GError **error)
{
    /* As many rows as fit into the limit. */
    gboolean file = f->spec.cache == FEATURES_FILE;
    int64_t row = f->tile_length * (int64_t)(file && f->spec.half ? sizeof(uint16_t) : sizeof(real));
    int64_t most = f->spec.cache_bytes > 0 ? f->spec.cache_bytes : file ? INT64_MAX : MEMORY;
    f->cached = f->spec.cache == FEATURES_NONE ? 0 : MIN(f->spec.tiles->count, most / row);
    return file && f->cached ? fill_file(f, error) : fill_memory(f, error);
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
    f->identity = spec->augment
                      ? wsi_try_alloc(spec->tiles->count, sizeof(uint64_t), "identities of the tiles", error)
                      : NULL;
    if (!f->digests || (spec->augment && !f->identity) || !order_rows(f, error) || !fill(f, error)) {
        return NULL;
    }
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
        g_free(w->row);
        g_free(w->room);
        augment_scratch_free(w->scratch);
        for (int l = 0; l < SCALES; l++) {
            g_free(w->maps[l]);
        }
    }
    g_free(f->workers);
    g_free(f->digests);
    g_free(f->identity);
    g_free(f->tile);
    g_free(f->row);
    g_free(f->cache);
    g_clear_pointer(&f->file, feature_file_free);
    g_free(f);
}

const char *features_hash(const Features *f)
{
    return f->hash;
}

const uint8_t *features_digest(const Features *f, int64_t tile)
{
    return f->digests + tile * DIGEST;
}

void features_lengths(const Features *f, int64_t length[SCALES])
{
    memcpy(length, f->length, sizeof f->length);
}

/* ---- a batch ---- */

/* Copies the row of a tile to its position in the batch. */
static void place_row(const Features *f, const Worker *w, int slot, const real *row)
{
    for (int l = 0; l < SCALES; l++) {
        memcpy(w->maps[l] + slot * f->length[l], row + f->offset[l], f->length[l] * sizeof(real));
    }
}

/* From memory, or from the file through the worker's row. */
static gboolean place_kept(const Features *f, const Worker *w, int slot, int64_t tile, GError **error)
{
    const real *row = f->file ? w->row : f->cache + f->row[tile] * f->tile_length;
    if (f->file && !feature_file_get(f->file, f->row[tile], w->row, w->room, error)) {
        return FALSE;
    }
    place_row(f, w, slot, row);
    return TRUE;
}

/* The pixels of a tile; variant 0 = not augmented. */
static gboolean see_tile(const Features *f, const Worker *w, int64_t tile, uint32_t variant, uint8_t *rgb,
                         GError **error)
{
    if (!read_tile(f, tile, rgb, error)) {
        return FALSE;
    }
    if (variant > 0) {
        AugmentDraw draw = augment_draw(f->spec.augment, f->spec.seed, f->identity[tile], variant);
        augment_apply(&draw, w->scratch, rgb);
    }
    return TRUE;
}

/* Fills the batch with copies of its last tile: all batches have one size. */
static void fill_up(const Features *f, const Worker *w, int count)
{
    for (int l = 0; l < SCALES; l++) {
        real *map = w->maps[l];
        for (int i = count; i < f->spec.batch; i++) {
            memcpy(map + i * f->length[l], map + (count - 1) * f->length[l], f->length[l] * sizeof(real));
        }
    }
}

gboolean features_get_variants(Features *f, int worker, const int64_t *index, const uint32_t *variant,
                               int count, const real *maps[SCALES], GError **error)
{
    Worker *w = &f->workers[worker];
    int computed = 0; /* tiles that are not kept are packed into w->rgb */
    for (int i = 0; i < count; i++) {
        uint32_t drawn = variant && f->spec.augment ? variant[i] : 0;
        gboolean kept = drawn == 0 && f->row[index[i]] < f->cached;
        if (kept ? !place_kept(f, w, i, index[i], error)
                 : !see_tile(f, w, index[i], drawn, w->rgb + computed * rgb_bytes(f), error)) {
            return FALSE;
        }
        if (!kept) {
            w->slot[computed++] = i;
        }
    }
    if (computed) { /* the rest of the extractor's batch are old pixels, whose features nobody takes */
        const real *fresh[SCALES];
        extractor_run(w->run, w->rgb, fresh);
        for (int j = 0; j < computed; j++) {
            pool_tile(f, fresh, j, w->row);
            place_row(f, w, w->slot[j], w->row);
        }
    }
    fill_up(f, w, count);
    for (int l = 0; l < SCALES; l++) {
        maps[l] = w->maps[l];
    }
    return TRUE;
}

gboolean features_get(Features *f, int worker, const int64_t *index, int count, const real *maps[SCALES],
                      GError **error)
{
    return features_get_variants(f, worker, index, NULL, count, maps, error);
}

uint32_t features_variant(int epoch, int64_t repeat)
{
    return (uint32_t)epoch + ((uint32_t)repeat << 16); /* distinct up to 65535 epochs */
}
