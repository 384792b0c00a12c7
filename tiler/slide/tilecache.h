/* A cache of decoded tiles, shared by all threads; each tile is decoded once and kept as long as it fits. */
#pragma once
#include <glib.h>
#include <stdint.h>

typedef struct TileCache TileCache;
typedef struct CachedTile CachedTile;

/* Fills `pixels` with the tile.  FALSE with *reason (the cache frees it) when its data are damaged; FALSE with an error when the system
 * failed, so that another try may succeed.  Called without locks held, by one thread per tile. */
typedef gboolean (*TileDecode)(void *data, int level, int64_t index, uint8_t *pixels, char **reason,
                               GError **error);

TileCache *tilecache_new(size_t limit_bytes, TileDecode decode, void *data);
/* No tile may be in use. */
void tilecache_free(TileCache *cache);

/* The tile, decoded into `bytes` bytes when it is not in the cache; it stays until it is released.  An unreadable tile has no pixels and is
 * remembered.  NULL with the decoder's error, or WSI_ERROR_MEMORY; failures are not remembered.  Only tiles in use can exceed the
 * limit. */
CachedTile *tilecache_get(TileCache *cache, int level, int64_t index, size_t bytes, GError **error);
/* The same, but also NULL without error while another thread decodes the tile. */
CachedTile *tilecache_try(TileCache *cache, int level, int64_t index, size_t bytes);
void tilecache_release(TileCache *cache, CachedTile *tile);
/* NULL when the tile is unreadable; *reason (may be NULL, borrowed) then says why. */
const uint8_t *tilecache_pixels(const CachedTile *tile, const char **reason);
