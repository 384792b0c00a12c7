/* Metrics of the pixels of score maps with masks.  One thread. */
#pragma once
#include "base/image.h"
#include <jansson.h>

typedef struct PixelSet PixelSet;
PixelSet *pixel_set_new(void);
void pixel_set_free(PixelSet *set);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PixelSet, pixel_set_free)
/* Takes over a map (NaN = no score, not counted), also when it fails.  mask: 1 channel, of the map's size, not 0 = anomalous; NULL = normal.
 * patient: NULL = not known.  FALSE with WSI_ERROR_MEMORY, or WSI_ERROR_INPUT when there are too many pixels. */
gboolean pixel_set_add(PixelSet *set, Map *map, const Image *mask, const char *patient, GError **error);
/* Once, after all maps were added.  name, names: what a map is of, "image" and "images"; the bootstrap draws patients when those of all maps are known,
 * else these.
 * {NAMES, "without_mask", "pixels", "without_score", "regions", "prevalence", "auroc", "average_precision", "best_f1", "threshold", "aupro",
 * "aupro_limit", "intervals": as evaluation_intervals, or "absent": why}.  NULL with WSI_ERROR_MEMORY. */
json_t *pixel_set_metrics(PixelSet *set, const char *name, const char *names, GError **error);
