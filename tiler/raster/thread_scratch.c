/* One growing block of memory for each use and thread, freed when the thread ends.  Callers limit their requests
 * (cut.c cuts large areas in blocks), so the memory that a thread keeps is limited too. */
#include "tiler/raster/thread_scratch.h"
#include "base/error.h"

enum { ALIGNMENT = 64 }; /* a cache line, so that no load of a wide register crosses two */

typedef struct {
    size_t bytes[SCRATCH_USES];
    void *memory[SCRATCH_USES]; /* from the allocator */
    void *aligned[SCRATCH_USES];
} Blocks;

static void blocks_free(gpointer data)
{
    Blocks *blocks = data;
    for (int use = 0; use < SCRATCH_USES; use++) {
        g_free(blocks->memory[use]);
    }
    g_free(blocks);
}

void *thread_scratch(ScratchUse use, size_t count, size_t size, const char *what, GError **error)
{
    static GPrivate own = G_PRIVATE_INIT(blocks_free);
    Blocks *blocks = g_private_get(&own);
    size_t bytes, with_margin;
    if (!blocks) {
        blocks = g_new0(Blocks, 1);
        g_private_set(&own, blocks);
    }
    if (__builtin_mul_overflow(count, size, &bytes) ||
        __builtin_add_overflow(bytes, ALIGNMENT, &with_margin)) {
        with_margin = SIZE_MAX; /* wsi_try_alloc() refuses this */
    } else if (bytes <= blocks->bytes[use] && blocks->memory[use]) {
        return blocks->aligned[use];
    }
    g_clear_pointer(&blocks->memory[use], g_free);
    blocks->memory[use] = wsi_try_alloc(with_margin, 1, what, error);
    blocks->bytes[use] = blocks->memory[use] ? bytes : 0;
    blocks->aligned[use] =
        (uint8_t *)blocks->memory[use] + (-(uintptr_t)blocks->memory[use] & (ALIGNMENT - 1));
    return blocks->memory[use] ? blocks->aligned[use] : NULL;
}
