/* Everything that a flow or a run owns (buffers, small structs, prepared convolutions), freed together.
 *
 * The first failure is kept and later requests return NULL, so code that sets up many buffers needs one arena_check() at its
 * end.  Until then it must not write to what it got.  Not thread-safe. */
#pragma once
#include "flows/kernels/kernels.h"

typedef struct Arena Arena;

Arena *arena_new(void);
void arena_free(Arena *arena);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Arena, arena_free)
/* count zeroed numbers at an address that is a multiple of 64.  what: for the error message. */
real *arena_real(Arena *arena, int64_t count, const char *what);
double *arena_double(Arena *arena, int64_t count, const char *what);
int *arena_int(Arena *arena, int64_t count, const char *what);
/* A zeroed struct; never fails. */
void *arena_struct(Arena *arena, size_t size);
/* A convolution that lives as long as the arena. */
Conv *arena_conv(Arena *arena, const Kernels *kernels, const ConvSpec *spec, const real *weight,
                 const real *bias);
/* Returns the whole pages of numbers[0..count) to the system.  From then on they read as zeros. */
void arena_give_back(real *numbers, int64_t count);
/* TRUE when nothing failed; else the first error. */
gboolean arena_check(Arena *arena, GError **error);
