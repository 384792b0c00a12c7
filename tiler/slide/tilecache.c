/* A cache of decoded tiles: a hash table, a list in order of use, one lock.
 *
 * A thread that misses a tile enters it as "pending" and decodes it outside of the lock; other threads that need it wait.
 * So no tile is decoded twice at the same time.  Each use of a tile takes two lock operations; decoding takes a
 * thousand times as long.  A new tile takes the space of the tile that was not used for the
 * longest time.  Its memory is reused when the size is the same (nearly always, as a file has one tile size), which
 * saves the kernel from clearing pages.
 *
 * A tile with damaged data stays unreadable and is remembered.  A failure of the system (an I/O error, no memory) says
 * nothing about the tile: all threads that wait for it get the error, and the tile leaves the table. */
#include "tiler/slide/tilecache.h"
#include "base/error.h"

typedef struct {
    int level;
    int64_t index;
} TileKey;

struct CachedTile {
    TileKey key;
    enum { PENDING, READY, UNREADABLE, FAILED } state;
    uint8_t *pixels;
    char *reason;  /* of UNREADABLE */
    GError *error; /* of FAILED */
    size_t bytes;
    int users;
    GList link; /* in `unused` while users = 0 and there are pixels */
};

struct TileCache {
    GMutex lock;
    GCond decoded;
    GHashTable *tiles; /* TileKey -> CachedTile; owns all except FAILED ones */
    GQueue unused;     /* head: most recently used */
    size_t bytes, limit;
    TileDecode decode;
    void *data;
};

/* Mixes the level with both halves of the index. */
static guint key_hash(gconstpointer key)
{
    const TileKey *tile = key;
    return (guint)tile->level * 2654435761u ^ (guint)tile->index ^ (guint)(tile->index >> 32);
}

static gboolean key_equal(gconstpointer a, gconstpointer b)
{
    const TileKey *p = a, *q = b;
    return p->level == q->level && p->index == q->index;
}

static void tile_free(gpointer data)
{
    CachedTile *tile = data;
    g_free(tile->pixels);
    g_free(tile->reason);
    g_clear_error(&tile->error);
    g_free(tile);
}

TileCache *tilecache_new(size_t limit_bytes, TileDecode decode, void *data)
{
    TileCache *cache = g_new0(TileCache, 1);
    g_mutex_init(&cache->lock);
    g_cond_init(&cache->decoded);
    g_queue_init(&cache->unused);
    cache->tiles = g_hash_table_new_full(key_hash, key_equal, NULL, tile_free);
    cache->limit = limit_bytes;
    cache->decode = decode;
    cache->data = data;
    return cache;
}

void tilecache_free(TileCache *cache)
{
    if (cache) {
        g_hash_table_unref(cache->tiles);
        g_mutex_clear(&cache->lock);
        g_cond_clear(&cache->decoded);
        g_free(cache);
    }
}

/* Frees unused tiles until `bytes` fit.  Returns the memory of one of them that had this size, or NULL.  Called with the lock held. */
static uint8_t *make_room(TileCache *cache, size_t bytes)
{
    uint8_t *again = NULL;
    while (cache->bytes + bytes > cache->limit && cache->unused.tail) {
        CachedTile *oldest = cache->unused.tail->data;
        g_queue_unlink(&cache->unused, &oldest->link);
        cache->bytes -= oldest->bytes;
        if (oldest->bytes == bytes && !again) {
            again = g_steal_pointer(&oldest->pixels);
        }
        g_hash_table_remove(cache->tiles, &oldest->key);
    }
    /* Only unused tiles are freed, so tiles in use can exceed the limit. */
    cache->bytes += bytes;
    return again;
}

/* Decodes a pending tile.  Called with the lock held; releases it while it decodes. */
static void fill(TileCache *cache, CachedTile *tile, uint8_t *memory)
{
    g_mutex_unlock(&cache->lock);
    char *reason = NULL;
    GError *failure = NULL;
    gboolean readable = FALSE;
    if (!memory) {
        memory = wsi_try_alloc(tile->bytes, 1, "a tile", &failure);
    }
    if (memory) {
        readable = cache->decode(cache->data, tile->key.level, tile->key.index, memory, &reason, &failure);
    }
    g_mutex_lock(&cache->lock);
    tile->state = failure ? FAILED : readable ? READY : UNREADABLE;
    tile->reason = reason;
    tile->error = failure;
    tile->pixels = memory;
    if (tile->state != READY) {
        /* Without pixels a tile takes no space; UNREADABLE stays in the table. */
        g_clear_pointer(&tile->pixels, g_free);
        cache->bytes -= tile->bytes;
    }
    if (tile->state == FAILED) {
        g_hash_table_steal(cache->tiles, &tile->key); /* the next caller tries again */
    }
    g_cond_broadcast(&cache->decoded);
}

/* Returns the tile with one more user.  wait: block while another thread decodes it. */
static CachedTile *get(TileCache *cache, int level, int64_t index, size_t bytes, gboolean wait,
                       GError **error)
{
    TileKey key = {level, index};
    g_mutex_lock(&cache->lock);
    CachedTile *tile = g_hash_table_lookup(cache->tiles, &key);
    if (tile && tile->state == PENDING && !wait) {
        g_mutex_unlock(&cache->lock);
        return NULL;
    }
    if (tile) {
        /* A tile in use is not in the list of unused ones. */
        if (tile->users++ == 0 && tile->pixels) {
            g_queue_unlink(&cache->unused, &tile->link);
        }
        while (tile->state == PENDING) {
            g_cond_wait(&cache->decoded, &cache->lock);
        }
    } else {
        tile = g_new0(CachedTile, 1);
        tile->key = key;
        tile->bytes = bytes;
        tile->users = 1;
        /* Entered as PENDING, which is 0, so that other threads wait instead of decoding it too. */
        tile->link.data = tile;
        g_hash_table_insert(cache->tiles, &tile->key, tile);
        fill(cache, tile, make_room(cache, bytes));
    }
    /* The tile may fail for all that wait; each gets a copy of the error. */
    gboolean usable = tile->state != FAILED;
    g_mutex_unlock(&cache->lock);
    if (!usable) {
        if (error) {
            *error = g_error_copy(tile->error);
        }
        tilecache_release(cache, tile);
        return NULL;
    }
    return tile;
}

CachedTile *tilecache_get(TileCache *cache, int level, int64_t index, size_t bytes, GError **error)
{
    return get(cache, level, index, bytes, TRUE, error);
}

CachedTile *tilecache_try(TileCache *cache, int level, int64_t index, size_t bytes)
{
    return get(cache, level, index, bytes, FALSE, NULL);
}

void tilecache_release(TileCache *cache, CachedTile *tile)
{
    g_mutex_lock(&cache->lock);
    if (--tile->users == 0) {
        /* Out of the table since fill(), so its last user frees it. */
        if (tile->state == FAILED) {
            tile_free(tile);
        } else if (tile->pixels) {
            g_queue_push_head_link(&cache->unused, &tile->link);
        }
    }
    g_mutex_unlock(&cache->lock);
}

const uint8_t *tilecache_pixels(const CachedTile *tile, const char **reason)
{
    if (reason) {
        *reason = tile->reason;
    }
    return tile->pixels;
}
