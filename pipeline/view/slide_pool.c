/* One thread opens a slide while others that want it wait.  What is not in use is closed when another slide needs its place, the longest unused
 * first. */
#include "pipeline/view/slide_pool.h"

typedef struct {
    const SlideEntry *entry; /* of the cohort, which outlives the pool; NULL: a free place */
    Slide *slide;            /* NULL: a thread is opening it */
    int users;
    int64_t used; /* counts up with each use */
} Place;

struct SlidePool {
    GMutex lock; /* guards the rest */
    GCond changed;
    size_t cache_bytes;
    int most;
    int64_t clock;
    Place *places;
};

SlidePool *slide_pool_new(int most, size_t cache_bytes)
{
    SlidePool *pool = g_new0(SlidePool, 1);
    g_mutex_init(&pool->lock);
    g_cond_init(&pool->changed);
    pool->most = most;
    pool->cache_bytes = cache_bytes;
    pool->places = g_new0(Place, most);
    return pool;
}

void slide_pool_free(SlidePool *pool)
{
    if (pool) {
        for (int i = 0; i < pool->most; i++) {
            slide_free(pool->places[i].slide);
        }
        g_cond_clear(&pool->changed);
        g_mutex_clear(&pool->lock);
        g_free(pool->places);
        g_free(pool);
    }
}

static Slide *open_slide(const SlidePool *pool, const Config *config, const SlideEntry *entry, GError **error)
{
    SlideOptions options = {.mpp_x = entry->mpp_x,
                            .mpp_y = entry->mpp_y,
                            .use_objective = config->slides_objective,
                            .cache_bytes = pool->cache_bytes,
                            .dct_levels = TRUE};
    return slide_open(entry->path, &options, error);
}

/* The place of the slide, or the one that it may have, or NULL while all are in use. */
static Place *find_place(SlidePool *pool, const SlideEntry *entry)
{
    Place *best = NULL;
    for (int i = 0; i < pool->most; i++) {
        Place *place = &pool->places[i];
        if (place->entry == entry) {
            return place;
        }
        if (place->users == 0 && (!best || place->used < best->used)) {
            best = place;
        }
    }
    return best;
}

Slide *slide_pool_take(SlidePool *pool, const Config *config, const SlideEntry *entry, GError **error)
{
    g_mutex_lock(&pool->lock);
    Place *place;
    while (!(place = find_place(pool, entry)) || (place->entry == entry && !place->slide)) {
        g_cond_wait(&pool->changed, &pool->lock);
    }
    place->users++;
    place->used = ++pool->clock;
    Slide *slide = place->slide;
    if (place->entry == entry) {
        g_mutex_unlock(&pool->lock);
        return slide;
    }
    place->entry = entry;
    place->slide = NULL;
    g_mutex_unlock(&pool->lock);
    slide_free(slide);
    slide = open_slide(pool, config, entry, error);
    g_mutex_lock(&pool->lock);
    place->slide = slide;
    if (!slide) {
        place->entry = NULL;
        place->users = 0;
    }
    g_cond_broadcast(&pool->changed);
    g_mutex_unlock(&pool->lock);
    return slide;
}

void slide_pool_give(SlidePool *pool, Slide *slide)
{
    g_mutex_lock(&pool->lock);
    for (int i = 0; i < pool->most; i++) {
        pool->places[i].users -= pool->places[i].slide == slide;
    }
    g_cond_broadcast(&pool->changed);
    g_mutex_unlock(&pool->lock);
}
