/* clam: the positions of a slide's tiles, for CLAM and TRIDENT (dataset.clam).
 *
 * CLAM reads patch_size pixels of a stored level and resizes them itself.  So patch_size is the tile's footprint at the level that we cut
 * from, rounded to whole pixels, while our own tiles are cut at sub-pixel positions and scale.  TRIDENT reads patch_size times the ratio of
 * two magnifications.  Both programs find the file by the name of the slide's file. */
#include "base/error.h"
#include "pipeline/cohort/loader_stem.h"
#include "pipeline/job/stages.h"
#include "pipeline/slide/slide_grid.h"
#include "pipeline/slide/tile_table.h"
#include "pipeline/write/json.h"
#include "tiler/cut/grid.h"
#include "tiler/patches/clam.h"
#include <math.h>

#define CLAM_FOLDER "clam/patches"
#define TRIDENT_FOLDER "trident/patches"

static int64_t nearest(double value)
{
    return (int64_t)floor(value + 0.5);
}

/* The um/px of the square that stands for a tile.  When the pixels are not square, it is the um/px that keeps the tile's area.  A difference
 * of one level-0 px is only rounding. */
static double square_mpp(const Config *config, const SlideInfo *info)
{
    double um = config->tiles_size * config->tiles_mpp;
    return fabs(um / info->mpp_x - um / info->mpp_y) <= 1 ? info->mpp_x : sqrt(info->mpp_x * info->mpp_y);
}

/* Where the square of `side` px starts along one axis: centred on the tile (from, length), but within the slide. */
static int64_t centred(double from, double length, double side, int64_t whole)
{
    return CLAMP(nearest(from + (length - side) / 2), 0, MAX(0, whole - nearest(side)));
}

/* Both formats have one side per tile.  The note for slides where that is not exact; NULL otherwise.  Caller frees. */
static char *square_text(const Config *config, const SlideInfo *info)
{
    double um = config->tiles_size * config->tiles_mpp, mpp = square_mpp(config, info), side = um / mpp;
    if (mpp == info->mpp_x) {
        return NULL;
    }
    return g_strdup_printf(
        "its pixels are not square (%g x %g um), and CLAM and TRIDENT read squares of pixels: "
        "instead of its tiles of %g x %g um they get squares with the same centre and area, %g x %g um, "
        "which differ from the tiles of the patch set",
        info->mpp_x, info->mpp_y, um, um, nearest(side) * info->mpp_x, nearest(side) * info->mpp_y);
}

static gboolean publish_notes(Work *work, const SlideInfo *info, GError **error)
{
    char sha256[65];
    g_autofree char *text = square_text(work->run->config, info), *path = work_output(work, "clam.json");
    json_t *notes = json_array();
    if (text) {
        json_array_append_new(notes, json_string(text));
    }
    return json_write(path, json_pack("{s:o}", "notes", notes), sha256, error) &&
           work_publish(work, "notes", path, sha256, error);
}

static ClamSpec clam_spec(const Work *work, const Slide *slide)
{
    const Config *config = work->run->config;
    const SlideInfo *info = slide_info(slide);
    int number = slide_grid_level(config, slide);
    const SlideLevel *level = &info->levels[number];
    double mpp = square_mpp(config, info),
           footprint = config->tiles_size * config->tiles_mpp / mpp; /* level-0 px */
    double overlap = config->tiles_overlap;
    return (ClamSpec){.patch_level = number,
                      .patch_size = MAX(1, nearest(footprint / level->downsample_x)),
                      .downsample_x = level->downsample_x,
                      .downsample_y = level->downsample_y,
                      .level_width = level->width,
                      .level_height = level->height,
                      .level0_width = info->levels[0].width,
                      .level0_height = info->levels[0].height,
                      .mpp = mpp,
                      .target_size = config->tiles_size,
                      .target_overlap = (int)nearest(overlap < 1 ? overlap * config->tiles_size : overlap),
                      .target_mpp = config->tiles_mpp};
}

/* Writes the file for one of the two programs. */
static gboolean publish(Work *work, const char *kind, ClamSpec *spec, const int64_t *xy, int64_t count,
                        GError **error)
{
    char sha256[65];
    gboolean trident = g_str_equal(kind, "trident");
    g_autofree char *stem = loader_stem_of(work->run->slides, work->slide, trident);
    g_autofree char *name = g_strdup_printf(trident ? "%s_patches.h5" : "%s.h5", stem);
    g_autofree char *utf8 = g_utf8_make_valid(stem, -1);
    spec->name = utf8;
    spec->save_path = trident ? "trident" : CLAM_FOLDER;
    g_autofree char *path =
        g_build_filename(work->run->folder, trident ? TRIDENT_FOLDER : CLAM_FOLDER, name, NULL);
    gboolean ok = trident ? clam_trident_write(path, spec, xy, count, sha256, error)
                          : clam_write(path, spec, xy, count, sha256, error);
    return ok && work_publish(work, kind, path, sha256, error);
}

gboolean stage_clam(Work *work, GError **error)
{
    g_autofree char *table = work_input(work, "grid", "tiles", error);
    g_autoptr(GArray) tiles = table ? tile_table_read(table, error) : NULL;
    g_autoptr(Slide) slide = tiles ? slide_entry_open(work->run->config, work->slide, error) : NULL;
    g_autofree int64_t *xy =
        slide ? wsi_try_alloc(2 * MAX((size_t)tiles->len, 1), sizeof *xy, "positions of tiles", error) : NULL;
    if (!xy) {
        return FALSE;
    }
    const Config *config = work->run->config;
    const SlideInfo *info = slide_info(slide);
    double um = config->tiles_size * config->tiles_mpp, side = um / square_mpp(config, info);
    gboolean square = square_mpp(config, info) == info->mpp_x;
    for (guint i = 0; i < tiles->len; i++) {
        const Tile *tile = &g_array_index(tiles, Tile, i);
        xy[2 * i] =
            square ? nearest(tile->x) : centred(tile->x, um / info->mpp_x, side, info->levels[0].width);
        xy[2 * i + 1] =
            square ? nearest(tile->y) : centred(tile->y, um / info->mpp_y, side, info->levels[0].height);
    }
    ClamSpec spec = clam_spec(work, slide);
    return publish(work, "clam", &spec, xy, tiles->len, error) &&
           publish(work, "trident", &spec, xy, tiles->len, error) && publish_notes(work, info, error);
}
