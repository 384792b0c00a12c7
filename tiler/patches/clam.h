/* Tile coordinates in HDF5, as CLAM, TRIDENT and programs based on them read them. */
#pragma once
#include <glib.h>
#include <stdint.h>

typedef struct {
    const char *name;                    /* of the slide */
    const char *save_path;               /* as CLAM has it: the folder of such files */
    int patch_level;                     /* level that tiles are read from */
    int64_t patch_size;                  /* side of a tile at that level, px */
    double downsample_x, downsample_y;   /* of that level */
    int64_t level_width, level_height;   /* of that level, px */
    int64_t level0_width, level0_height; /* px */
    double mpp;                          /* of level 0, um/px */
    int target_size, target_overlap;     /* px of a tile at target_mpp, for programs that resample to it */
    double target_mpp;
} ClamSpec;

/* Writes the dataset `coords` (count x 2, int64: x, y of the top-left corner in level-0 px) with CLAM's attributes patch_size, patch_level,
 * downsample, downsampled_level_dim, level_dim, name, save_path (its wsi_core/WholeSlideImage.py), and in addition target_patch_size and
 * target_mpp.  The same bytes for the same input.  One thread at a time. */
gboolean clam_write(const char *path, const ClamSpec *spec, const int64_t *xy, int64_t count, char sha256[65],
                    GError **error);
/* The same dataset with TRIDENT's attributes (its trident/IO.py): patch_size at the target magnification, patch_size_level0,
 * level0_magnification and target_magnification (10 / um/px, as whole numbers if possible), overlap, name, savetodir, level0_width,
 * level0_height; and in addition level0_mpp and target_mpp. */
gboolean clam_trident_write(const char *path, const ClamSpec *spec, const int64_t *xy, int64_t count,
                            char sha256[65], GError **error);
