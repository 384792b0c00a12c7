/* A hash table for finding and a queue for forgetting: its head is the value that was used last. */
#include "pipeline/view/byte_cache.h"

typedef struct {
    char *name;
    GBytes *value;
    GList link; /* in `used` */
} Entry;

struct ByteCache {
    GMutex lock;       /* guards the rest */
    GHashTable *names; /* name -> Entry*, owned */
    GQueue used;       /* Entry* */
    gsize bytes, limit;
};

static void entry_free(gpointer data)
{
    Entry *entry = data;
    g_bytes_unref(entry->value);
    g_free(entry->name);
    g_free(entry);
}

ByteCache *byte_cache_new(gsize limit_bytes)
{
    ByteCache *cache = g_new0(ByteCache, 1);
    g_mutex_init(&cache->lock);
    cache->names = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, entry_free);
    cache->limit = limit_bytes;
    return cache;
}

void byte_cache_free(ByteCache *cache)
{
    if (cache) {
        g_hash_table_unref(cache->names);
        g_mutex_clear(&cache->lock);
        g_free(cache);
    }
}

static void forget(ByteCache *cache, Entry *entry)
{
    cache->bytes -= g_bytes_get_size(entry->value);
    g_queue_unlink(&cache->used, &entry->link);
    g_hash_table_remove(cache->names, entry->name);
}

GBytes *byte_cache_get(ByteCache *cache, const char *name)
{
    g_mutex_lock(&cache->lock);
    Entry *entry = g_hash_table_lookup(cache->names, name);
    GBytes *value = entry ? g_bytes_ref(entry->value) : NULL;
    if (entry) {
        g_queue_unlink(&cache->used, &entry->link);
        g_queue_push_head_link(&cache->used, &entry->link);
    }
    g_mutex_unlock(&cache->lock);
    return value;
}

void byte_cache_put(ByteCache *cache, const char *name, GBytes *value)
{
    gsize bytes = g_bytes_get_size(value);
    if (bytes > cache->limit) {
        return;
    }
    g_mutex_lock(&cache->lock);
    Entry *former = g_hash_table_lookup(cache->names, name);
    if (former) {
        forget(cache, former);
    }
    while (cache->bytes + bytes > cache->limit) {
        forget(cache, g_queue_peek_tail(&cache->used));
    }
    Entry *entry = g_new0(Entry, 1);
    entry->name = g_strdup(name);
    entry->value = g_bytes_ref(value);
    entry->link.data = entry;
    cache->bytes += bytes;
    g_hash_table_insert(cache->names, entry->name, entry);
    g_queue_push_head_link(&cache->used, &entry->link);
    g_mutex_unlock(&cache->lock);
}
