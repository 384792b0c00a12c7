/* Scratch memory of the kernels, shared by all convolutions of a process.
 *
 * A convolution needs tens of MB while it runs and nothing between runs.  If each kept its own, a flow with 40 convolutions
 * would hold gigabytes per thread.  Here a call takes a block and gives it back, so there are as many blocks as threads that
 * compute at the same time, each as large as the largest call needs.  All functions are thread-safe. */
#pragma once
#include <glib.h>

/* Called once for each prepared convolution: from now on blocks of `bytes` can be taken.  FALSE with WSI_ERROR_MEMORY. */
gboolean scratch_join(size_t bytes, GError **error);
/* Undoes one join; the last one frees all blocks, none of which may be taken. */
void scratch_leave(void);
/* A block of at least `bytes` (for which the caller has joined), 64-byte aligned, with any content.  Never fails: when there
 * is no memory for a further block, it waits until another thread gives one back. */
char *scratch_take(size_t bytes);
void scratch_give(char *block);

/* bytes rounded up to a multiple of 64, so that what follows is aligned as well. */
static inline size_t scratch_round(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}
