/* Tiles to train on from image files. */
#pragma once
#include "pipeline/training/train_tiles.h"

/* The images of patches.folder/train/good, and of train/Ungood when anomalies are wanted.  Their names may give the slide. */
gboolean train_images_use_folder(TrainTiles *tiles, GError **error);
/* The training images (Patch*) of a manifest. */
gboolean train_images_use_manifest(TrainTiles *tiles, const char *manifest, const GPtrArray *patches,
                                   GError **error);
/* Notes how many images of patches.folder/train/good are not among the tiles so far: they are not used, as their slide and patient are
 * unknown.  Call it before the draw, which leaves out others.  In a run's own patch set there are none: files that it did not write are
 * removed. */
gboolean train_images_note_unlisted(TrainTiles *tiles, GError **error);
