/* A list of blocks under one lock.
 *
 * A free block goes back to the thread that had it last, whose cache may still hold it.  Joining makes sure that at least
 * one block of the wanted size exists, so scratch_take always returns: in the worst case threads take turns.
 * Invariant: nothing is allocated once every thread has run its largest convolution. */
#include "flows/kernels/scratch.h"
#include "base/error.h"
#include <stdlib.h>

typedef struct {
    char *memory;
    size_t bytes;
    GThread *last;
    gboolean taken;
} Block;

static GMutex lock;
static GCond given;
static GArray *blocks; /* of Block */
static int users;      /* joins that were not undone */

/* On failure the block stays as it was: others may have joined for its present size. */
static gboolean block_grow(Block *block, size_t bytes)
{
    char *memory = aligned_alloc(64, scratch_round(bytes));
    if (!memory) {
        return FALSE;
    }
    free(block->memory);
    block->memory = memory;
    block->bytes = bytes;
    return TRUE;
}

/* The free block that suits this thread best: its own last one, else a large enough one, else any. */
static Block *best_free(size_t bytes)
{
    Block *best = NULL;
    int best_rank = 0;
    for (guint i = 0; i < blocks->len; i++) {
        Block *block = &g_array_index(blocks, Block, i);
        /* 4: own and large enough; 3: own; 2: large enough; 1: any. */
        int rank = 1 + (block->bytes >= bytes) + 2 * (block->last == g_thread_self());
        if (!block->taken && rank > best_rank) {
            best = block;
            best_rank = rank;
        }
    }
    return best;
}

/* A block of at least `bytes`, free or not; or NULL. */
static Block *large_enough(size_t bytes, gboolean also_taken)
{
    for (guint i = 0; i < blocks->len; i++) {
        Block *block = &g_array_index(blocks, Block, i);
        if (block->bytes >= bytes && (also_taken || !block->taken)) {
            return block;
        }
    }
    return NULL;
}

/* A further block, or NULL. */
static Block *add_block(size_t bytes)
{
    Block fresh = {0};
    if (!block_grow(&fresh, bytes)) {
        return NULL;
    }
    g_array_append_val(blocks, fresh);
    return &g_array_index(blocks, Block, blocks->len - 1);
}

gboolean scratch_join(size_t bytes, GError **error)
{
    g_mutex_lock(&lock);
    if (!blocks) {
        blocks = g_array_new(FALSE, TRUE, sizeof(Block));
    }
    /* A block of 0 bytes could not be distinguished from none. */
    bytes = MAX(bytes, 1);
    gboolean ok = large_enough(bytes, TRUE) != NULL;
    if (!ok) {
        Block *block = best_free(bytes);
        ok = block ? block_grow(block, bytes) : add_block(bytes) != NULL;
    }
    users += ok;
    g_mutex_unlock(&lock);
    if (!ok) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_MEMORY, "no memory for a convolution (%zu bytes)", bytes);
    }
    return ok;
}

void scratch_leave(void)
{
    g_mutex_lock(&lock);
    /* No convolution is left, so no block is in use. */
    if (--users == 0) {
        for (guint i = 0; i < blocks->len; i++) {
            free(g_array_index(blocks, Block, i).memory);
        }
        g_clear_pointer(&blocks, g_array_unref);
    }
    g_mutex_unlock(&lock);
}

/* A free block, grown or added where needed; NULL: the caller has to wait for one. */
static Block *take_one(size_t bytes)
{
    Block *block = best_free(bytes);
    if (block && (block->bytes >= bytes || block_grow(block, bytes))) {
        return block;
    }
    /* No free block: add one.  A free block that cannot grow: use another that is large enough. */
    Block *fresh = block ? NULL : add_block(bytes);
    return fresh ? fresh : large_enough(bytes, FALSE);
}

char *scratch_take(size_t bytes)
{
    bytes = MAX(bytes, 1);
    g_mutex_lock(&lock);
    Block *block;
    while (!(block = take_one(bytes))) {
        g_cond_wait(&given, &lock);
    }
    block->taken = TRUE;
    block->last = g_thread_self();
    char *memory = block->memory;
    g_mutex_unlock(&lock);
    return memory;
}

void scratch_give(char *memory)
{
    g_mutex_lock(&lock);
    for (guint i = 0; i < blocks->len; i++) {
        Block *block = &g_array_index(blocks, Block, i);
        if (block->memory == memory) {
            block->taken = FALSE;
        }
    }
    /* All waiting threads look again, because they may need different sizes. */
    g_cond_broadcast(&given);
    g_mutex_unlock(&lock);
}
