/* Open slides, a few at a time.  Opening takes longer than drawing a tile, and each open slide holds decoded tiles in memory. */
#pragma once
#include "pipeline/cohort/slide_entry.h"

typedef struct SlidePool SlidePool;

/* most: slides that are open at the same time; cache_bytes: of decoded tiles of each. */
SlidePool *slide_pool_new(int most, size_t cache_bytes);
/* No slide may be taken. */
void slide_pool_free(SlidePool *pool);
/* The slide, opened when it is not, until it is given back; waits when too many are in use.  NULL with error.  Thread-safe. */
Slide *slide_pool_take(SlidePool *pool, const Config *config, const SlideEntry *entry, GError **error);
void slide_pool_give(SlidePool *pool, Slide *slide);
