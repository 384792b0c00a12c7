/* The blocks of a slide that cannot be read.  A block is a tile of the file, or 256 x 256 px.  Bad blocks are remembered, so each is tried
 * once. */
#include "tiler/slide/slide_private.h"
#include "base/error.h"

enum { MAX_BAD_BLOCKS = 64 }; /* each costs one re-opening of the file when OpenSlide reads */

typedef struct {
    int level;
    int64_t column, row;
} BlockKey;

/* Multiplicative hash of the three numbers. */
static guint block_hash(gconstpointer key)
{
    const BlockKey *block = key;
    return (guint)block->level * 2654435761u + (guint)block->column * 40503u + (guint)block->row * 65599u;
}

static gboolean block_equal(gconstpointer a, gconstpointer b)
{
    const BlockKey *p = a, *q = b;
    return p->level == q->level && p->column == q->column && p->row == q->row;
}

static void bad_area_free(gpointer data)
{
    BadArea *area = data;
    g_free(area->reason);
    g_free(area);
}

void slide_bad_init(Slide *slide)
{
    slide->bad_blocks = g_hash_table_new_full(block_hash, block_equal, g_free, NULL);
    slide->bad_areas = g_ptr_array_new_with_free_func(bad_area_free);
}

void slide_bad_clear(Slide *slide)
{
    g_clear_pointer(&slide->bad_blocks, g_hash_table_unref);
    g_clear_pointer(&slide->bad_areas, g_ptr_array_unref);
}

gboolean slide_bad_note(Slide *slide, int level, int64_t column, int64_t row, const char *reason,
                        GError **error)
{
    const SlideLevel *geometry = &slide->levels[level];
    /* Corner of the block, level px; blocks at the border are cut off there. */
    int64_t x = column * slide->block_width[level], y = row * slide->block_height[level];
    BlockKey key = {level, column, row};
    gboolean ok = TRUE;
    g_mutex_lock(&slide->lock);
    /* Another thread may have recorded the block already. */
    if (g_hash_table_add(slide->bad_blocks, g_memdup2(&key, sizeof key))) {
        BadArea *area = g_new(BadArea, 1);
        *area = (BadArea){level,
                          x,
                          y,
                          MIN(slide->block_width[level], geometry->width - x),
                          MIN(slide->block_height[level], geometry->height - y),
                          g_strdup(reason)};
        g_ptr_array_add(slide->bad_areas, area);
        /* The fast path has no limit: its bad tiles cost no re-opening. */
        ok = slide->fast || slide->bad_areas->len <= MAX_BAD_BLOCKS;
    }
    g_mutex_unlock(&slide->lock);
    /* Past this a file is damaged beyond use, and each further block would cost a re-opening. */
    if (!ok) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: more than %d areas cannot be read; the last: %s",
                    slide->path, MAX_BAD_BLOCKS, reason);
    }
    return ok;
}

/* By level, then top to bottom, then left to right. */
static gint compare_areas(gconstpointer a, gconstpointer b)
{
    const BadArea *p = *(BadArea *const *)a, *q = *(BadArea *const *)b;
    return p->level != q->level ? p->level - q->level
           : p->y != q->y       ? (p->y > q->y) - (p->y < q->y)
                                : (p->x > q->x) - (p->x < q->x);
}

const GPtrArray *slide_bad_areas(const Slide *slide)
{
    g_ptr_array_sort(slide->bad_areas, compare_areas); /* the order in which threads found them varies */
    return slide->bad_areas;
}

gboolean slide_bad_block(Slide *slide, int level, int64_t column, int64_t row)
{
    BlockKey key = {level, column, row};
    g_mutex_lock(&slide->lock);
    gboolean bad = g_hash_table_contains(slide->bad_blocks, &key);
    g_mutex_unlock(&slide->lock);
    return bad;
}
