/* Colour maps for values.  For this folder only. */
#pragma once
#include <glib.h>
#include <stdint.h>

/* The 256 colours of a map from low to high, or NULL when there is no map of that name.  Static; thread-safe. */
const uint8_t (*colour_map_find(const char *name))[3];
/* "turbo, viridis, inferno", for messages.  Caller frees. */
char *colour_map_names(void);
