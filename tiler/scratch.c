/* One growing block of memory for each use and thread, freed when the thread ends.  Callers bound what they ask for
 * (cut.c cuts large areas in blocks), so what a thread keeps is bounded too. */
#include "tiler/scratch.h"
#include "base/error.h"

typedef struct {
    size_t bytes[SCRATCH_USES];
    void *memory[SCRATCH_USES];
} Blocks;

static void blocks_free(gpointer data)
{
    Blocks *blocks = data;
    for (int use = 0; use < SCRATCH_USES; use++) {
        g_free(blocks->memory[use]);
    }
    g_free(blocks);
}

void *scratch(ScratchUse use, size_t count, size_t size, const char *what, GError **error)
{
    static GPrivate own = G_PRIVATE_INIT(blocks_free);
    Blocks *blocks = g_private_get(&own);
    size_t bytes;
    if (!blocks) {
        blocks = g_new0(Blocks, 1);
        g_private_set(&own, blocks);
    }
    if (!__builtin_mul_overflow(count, size, &bytes) && bytes <= blocks->bytes[use] && blocks->memory[use]) {
        return blocks->memory[use];
    }
    g_clear_pointer(&blocks->memory[use], g_free);
    blocks->memory[use] = wsi_try_alloc(count, size, what, error);
    blocks->bytes[use] = blocks->memory[use] ? count * size : 0;
    return blocks->memory[use];
}
