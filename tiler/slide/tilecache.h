/* Decoded tiles, kept as long as they fit; shared by all threads, each tile decoded once. */
#pragma once
#include <glib.h>
#include <stdint.h>

typedef struct TileCache TileCache;
typedef struct CachedTile CachedTile;

/* Fills `pixels` with the tile.  FALSE with *reason (freed by the cache) when its data are damaged; FALSE with an error when the system
 * failed, which may be another time.  Called without locks held, by one thread a tile. */
typedef gboolean (*TileDecode)(void *data, int level, int64_t index, uint8_t *pixels, char **reason,
                               GError **error);

TileCache *tilecache_new(size_t limit_bytes, TileDecode decode, void *data);
/* No tile may be in use. */
void tilecache_free(TileCache *cache);

/* The tile, decoded into `bytes` bytes if need be; it stays until released.  Unreadable tiles have no pixels and are
 * remembered.  NULL with the error of a decoder that failed, or WSI_ERROR_MEMORY; that is not remembered.  The limit is exceeded only by tiles
 * in use. */
CachedTile *tilecache_get(TileCache *cache, int level, int64_t index, size_t bytes, GError **error);
/* The same, but NULL without error also while another thread decodes the tile. */
CachedTile *tilecache_try(TileCache *cache, int level, int64_t index, size_t bytes);
void tilecache_release(TileCache *cache, CachedTile *tile);
/* NULL when the tile is unreadable, *reason (may be NULL, borrowed) then says why. */
const uint8_t *tilecache_pixels(const CachedTile *tile, const char **reason);
/* How often tiles were decoded since the beginning. */
int64_t tilecache_decoded(TileCache *cache);
