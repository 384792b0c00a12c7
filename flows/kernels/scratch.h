/* Scratch memory of the kernels, shared by all convolutions of a process.
 *
 * A convolution needs tens of MB while it runs and nothing in between.  Were each to keep its own, a flow with 40
 * of them would hold gigabytes a thread.  Here a call takes a block and gives it back, so there are as many blocks as
 * threads that compute at the same time, each as large as the largest call. */
#pragma once
#include <glib.h>

/* Called once for each prepared convolution: from now on blocks of `bytes` can be had; WSI_ERROR_MEMORY otherwise. */
gboolean scratch_join(size_t bytes, GError **error);
/* Undoes one join; the last one frees all blocks. */
void scratch_leave(void);
/* A block of at least `bytes` (joined before), 64-byte aligned, with any content.  Never fails: when the system has
 * no more memory for a further block it waits until another thread gives one back. */
char *scratch_take(size_t bytes);
void scratch_give(char *block);

/* Bytes rounded up so that what follows is aligned as well. */
static inline size_t scratch_round(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}
