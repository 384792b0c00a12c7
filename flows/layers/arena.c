/* A list of allocations.  A run makes a few hundred of them once, and all are freed together at its end.
 * Sizes come from files and configurations, so failed allocations are reported as errors and never abort the program. */
#include "flows/layers/arena.h"
#include "base/error.h"
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define ALIGNMENT 64 /* a cache line and a 512-bit register */

typedef struct {
    const Kernels *kernels;
    Conv *conv;
} OwnedConv;

struct Arena {
    GPtrArray *blocks;
    GArray *convs;
    GError *error;
};

Arena *arena_new(void)
{
    Arena *arena = g_new0(Arena, 1);
    arena->blocks = g_ptr_array_new_with_free_func(g_free);
    arena->convs = g_array_new(FALSE, FALSE, sizeof(OwnedConv));
    return arena;
}

void arena_free(Arena *arena)
{
    if (!arena) {
        return;
    }
    /* A convolution is freed by the entry of the kernel table that made it. */
    for (guint i = 0; i < arena->convs->len; i++) {
        OwnedConv owned = g_array_index(arena->convs, OwnedConv, i);
        owned.kernels->conv_free(owned.conv);
    }
    /* Convolutions may point into blocks, so blocks go last. */
    g_array_unref(arena->convs);
    g_ptr_array_unref(arena->blocks);
    g_clear_error(&arena->error);
    g_free(arena);
}

/* Zeroed numbers at a multiple of ALIGNMENT, which takes up to ALIGNMENT - 1 bytes more. */
static void *take(Arena *arena, int64_t count, size_t size, const char *what)
{
    size_t extra = ALIGNMENT / size;
    /* After a failure everything fails, so callers check once, with arena_check. */
    if (arena->error) {
        return NULL;
    }
    char *block = wsi_try_alloc((size_t)count + extra, size, what, &arena->error);
    if (!block) {
        return NULL;
    }
    g_ptr_array_add(arena->blocks, block);
    /* The outer remainder leaves a block that is aligned already where it is. */
    return block + (ALIGNMENT - (uintptr_t)block % ALIGNMENT) % ALIGNMENT;
}

real *arena_real(Arena *arena, int64_t count, const char *what)
{
    return take(arena, count, sizeof(real), what);
}

double *arena_double(Arena *arena, int64_t count, const char *what)
{
    return take(arena, count, sizeof(double), what);
}

int *arena_int(Arena *arena, int64_t count, const char *what)
{
    return take(arena, count, sizeof(int), what);
}

void *arena_struct(Arena *arena, size_t size)
{
    /* Small and of a fixed size: not data that a file sizes. */
    void *block = g_malloc0(size);
    g_ptr_array_add(arena->blocks, block);
    return block;
}

Conv *arena_conv(Arena *arena, const Kernels *kernels, const ConvSpec *spec, const real *weight,
                 const real *bias)
{
    if (arena->error) {
        return NULL;
    }
    /* The arena keeps the entry, because its conv_free must free the convolution. */
    OwnedConv owned = {kernels, kernels->conv_new(spec, weight, bias, &arena->error)};
    if (owned.conv) {
        g_array_append_val(arena->convs, owned);
    }
    return owned.conv;
}

void arena_give_back(real *numbers, int64_t count)
{
    /* Only whole pages: the rest of the first and the last one may belong to other allocations. */
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t first = ((uintptr_t)numbers + page - 1) / page * page;
    uintptr_t end = (uintptr_t)(numbers + count) / page * page;
    if (end > first) {
        madvise((void *)first, end - first, MADV_DONTNEED);
    }
}

gboolean arena_check(Arena *arena, GError **error)
{
    if (!arena->error) {
        return TRUE;
    }
    /* A copy: the arena keeps the error, and may be asked again. */
    g_propagate_error(error, g_error_copy(arena->error));
    return FALSE;
}
