/* Everything that a flow or a run owns: buffers, small structs, prepared convolutions; freed together.
 *
 * The first failure is remembered and later requests return NULL, so that code which sets up many buffers needs one
 * check at its end; until then it may not write into what it got. */
#pragma once
#include "flows/kernels/kernels.h"

typedef struct Arena Arena;

Arena *arena_new(void);
void arena_free(Arena *arena);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Arena, arena_free)
/* count numbers, zeroed, at a multiple of 64 bytes. `what` is for the message. */
real *arena_real(Arena *arena, int64_t count, const char *what);
double *arena_double(Arena *arena, int64_t count, const char *what);
int *arena_int(Arena *arena, int64_t count, const char *what);
/* A zeroed struct; never fails. */
void *arena_struct(Arena *arena, size_t size);
/* A convolution that lives as long as the arena. */
Conv *arena_conv(Arena *arena, const Kernels *kernels, const ConvSpec *spec, const real *weight,
                 const real *bias);
/* The whole pages of numbers that nobody reads again go back to the system; they read as zeros then. */
void arena_give_back(real *numbers, int64_t count);
/* TRUE when nothing failed; else the first error. */
gboolean arena_check(Arena *arena, GError **error);
