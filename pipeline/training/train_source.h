/* Where the tiles to train on come from, by the configuration. */
#pragma once
#include "pipeline/training/train_tiles.h"

/* With patches.folder: its manifest.csv, else its images train/good, else its shards train-*.tar; how they were made and whether images
 * are repeated is checked.  Without it, by train.source: the table of normal tiles (`normals`, normal_table.h), cut from `slides`
 * (SlideEntry*, borrowed) in the stain of `fits` (path of each slide's fit, or NULL; borrowed); or `manifest`, of the run's own patch set.
 * At most train.max_tiles normals, drawn evenly over patients, slides and positions (tile_origins.h).  What is not needed may be NULL. */
TrainTiles *train_source_open(const Config *config, const char *manifest, const char *normals,
                              const GPtrArray *slides, const GPtrArray *fits, GError **error);
