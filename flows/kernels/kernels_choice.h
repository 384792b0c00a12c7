/* Which algorithm a convolution runs: measured once per shape, remembered, written down, imposed. */
#pragma once
#include "flows/kernels/kernels.h"

typedef enum { CONV_FORWARD, CONV_BACKWARD_DATA, CONV_BACKWARD_WEIGHTS } ConvDirection;

/* The text that names a shape: all that could change which algorithm is fastest. Caller frees. */
char *choice_key(const char *kernels, const ConvSpec *spec, ConvDirection direction);

/* Runs candidate `index` once: the seconds it took, or a negative number when it does not apply. */
typedef double (*ChoiceTrial)(void *data, int index);

#define CHOICE_LIMIT 8 /* candidates */

/* The choice for `key` among names[0..count): the imposed or remembered one, or the fastest in a trial that no
 * other thread's trial disturbs.  `first_only`: no trial, the first one that applies.  -1 with WSI_ERROR_INPUT when the imposed one is
 * unknown or does not apply on this machine, or when none applies. */
int choice_make(const char *key, const char *const *names, int count, gboolean first_only, ChoiceTrial trial,
                void *data, GError **error);
