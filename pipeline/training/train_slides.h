/* Tiles to train on, cut from the slides while training. */
#pragma once
#include "pipeline/training/train_tiles.h"

/* The tiles of a table (normal_table.h).  slides: SlideEntry*; fits[i]: the path of the stain fit of slide i, or NULL.  Both are borrowed. */
gboolean train_slides_use(TrainTiles *tiles, const char *table, const GPtrArray *slides,
                          const GPtrArray *fits, GError **error);
