/* A patch set that is given to a run (patches.folder): this program's or another's. */
#pragma once
#include "pipeline/slide/tile_recipe.h"

/* The manifest.csv next to images or shards, as patchset_read_manifest.  When it is not the manifest of a patch set, the error says what
 * to do. */
GPtrArray *patch_folder_manifest(const char *path, GError **error);
/* How the patches were made: by the folder's tiles.json.  Without one the um/px is that of all patches in its manifest.csv (0 = unknown),
 * and filter, ICC and stain are unknown.  FALSE when a file is there but cannot be read. */
gboolean patch_folder_recipe(const char *folder, TileRecipe *out, GError **error);
