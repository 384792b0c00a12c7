/* Colour maps for values. */
#pragma once
#include <glib.h>
#include <stdint.h>

/* The 256 colours of a map from low to high, or NULL when there is no map of that name.  Static; thread-safe. */
const uint8_t (*colour_map_find(const char *name))[3];
/* The names of all maps, NULL-terminated.  Caller frees the array alone. */
const char **colour_map_names(void);
/* As colour_map_find, for colours from low to high; NULL with WSI_ERROR_INPUT for an unknown name or an empty range. */
const uint8_t (*colour_map_need(const char *name, double low, double high, GError **error))[3];

/* The colour of a value; values outside of the range take its ends. */
static inline const uint8_t *colour_map_at(const uint8_t (*table)[3], float value, double low, double high)
{
    /* 256 colours over [low, high], to the nearest one. */
    double fraction = CLAMP((value - low) / (high - low), 0, 1);
    return table[(int)(fraction * 255 + 0.5)];
}

/* An opacity in 1/256, for colour_map_blend(). */
static inline int colour_map_weight(double opacity)
{
    return (int)(CLAMP(opacity, 0, 1) * 256 + 0.5);
}

/* over opacity + under (1 - opacity), rounded. */
static inline uint8_t colour_map_blend(uint8_t over, uint8_t under, int weight)
{
    return (uint8_t)((over * weight + under * (256 - weight) + 128) >> 8);
}
