/* Choices of algorithms by timing: measured once per shape, remembered, written as text, imposed. */
#pragma once
#include "flows/kernels/kernels.h"

/* The key of a convolution: everything that can change which algorithm is fastest.  Caller frees. */
char *choice_key(const char *kernels, const ConvSpec *spec, ConvDirection direction);

/* Runs candidate `index` once.  Returns the seconds it took, or a negative number when it does not apply. */
typedef double (*ChoiceTrial)(void *data, int index);

#define CHOICE_LIMIT 8 /* most candidates */

/* The index of the choice for `key` among names[0..count): the imposed or remembered one, or the fastest in a trial, during which
 * no other thread runs one.  first_only: the first candidate that applies, without a trial.  -1 with WSI_ERROR_INPUT when the
 * imposed name is unknown or no candidate applies. */
int choice_make(const char *key, const char *const *names, int count, gboolean first_only, ChoiceTrial trial,
                void *data, GError **error);
