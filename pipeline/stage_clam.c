/* clam: the places of a slide's tiles as CLAM and its descendants read them (dataset.clam).
 *
 * CLAM reads patch_size pixels of a stored level and resizes them itself, so patch_size is the tile's footprint at the level that we cut
 * from, to the nearest pixel; our own tiles are cut at sub-pixel places and scale. */
#include "base/error.h"
#include "pipeline/cutting.h"
#include "pipeline/stage.h"
#include "tiler/clam.h"
#include <math.h>

#define CLAM_FOLDER "clam/patches"

static int64_t nearest(double value)
{
    return (int64_t)floor(value + 0.5);
}

static ClamSpec clam_spec(const Work *work, const Slide *slide)
{
    const Config *config = work->run->config;
    const SlideInfo *info = slide_info(slide);
    int number = cutting_level(config, slide);
    const SlideLevel *level = &info->levels[number];
    double footprint = config->tiles_size * config->tiles_mpp / info->mpp_x; /* level-0 px */
    return (ClamSpec){.name = work->slide->id,
                      .save_path = CLAM_FOLDER,
                      .patch_level = number,
                      .patch_size = MAX(1, nearest(footprint / level->downsample_x)),
                      .downsample_x = level->downsample_x,
                      .downsample_y = level->downsample_y,
                      .level_width = level->width,
                      .level_height = level->height,
                      .target_size = config->tiles_size,
                      .target_mpp = config->tiles_mpp};
}

gboolean stage_clam(Work *work, GError **error)
{
    g_autofree char *table = work_input(work, "grid", "tiles", error);
    g_autoptr(GArray) tiles = table ? tiles_read(table, error) : NULL;
    g_autoptr(Slide) slide = tiles ? work_open_entry(work->run->config, work->slide, error) : NULL;
    g_autofree int64_t *xy =
        slide ? wsi_try_alloc(2 * MAX((size_t)tiles->len, 1), sizeof *xy, "places of tiles", error) : NULL;
    if (!xy) {
        return FALSE;
    }
    for (guint i = 0; i < tiles->len; i++) {
        const Tile *tile = &g_array_index(tiles, Tile, i);
        xy[2 * i] = nearest(tile->x);
        xy[2 * i + 1] = nearest(tile->y);
    }
    char sha256[65];
    ClamSpec spec = clam_spec(work, slide);
    g_autofree char *name = g_strdup_printf("%s.h5", work->slide->id);
    g_autofree char *path = g_build_filename(work->run->folder, CLAM_FOLDER, name, NULL);
    return clam_write(path, &spec, xy, tiles->len, sha256, error) &&
           work_publish(work, "clam", path, sha256, error);
}
