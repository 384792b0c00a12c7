/* Values of bytes by name: the least recently used are forgotten when they are more than a limit together. */
#pragma once
#include <glib.h>

typedef struct ByteCache ByteCache;

ByteCache *byte_cache_new(gsize limit_bytes);
void byte_cache_free(ByteCache *cache);
/* A new reference, or NULL.  Thread-safe, as the next. */
GBytes *byte_cache_get(ByteCache *cache, const char *name);
/* Keeps a reference of its own.  A value above the limit is not kept. */
void byte_cache_put(ByteCache *cache, const char *name, GBytes *value);
