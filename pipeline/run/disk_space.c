/* The estimate.
 *
 * Patches take nearly all of the space: 1.9 bytes per pixel as PNG of synthetic tissue at 1 um/px, at most 3 (no compression).  A cell of
 * the score map (8 px of a tile) takes 12 bytes in scoremap.npy, heatmap.ome.tif, heatmap.tif and scores.csv together, at most 34, with probabilities; and 1.5 bytes in
 * regions.geojson and predicted_mask.tif, 25 when the map is noise around the threshold.  A tile of tiles.geojson.gz takes 135 bytes.  A px of
 * overlay.tif with its levels takes 0.25 bytes at a quality of 85, glass included, 1.1 when the map is noise.  Everything else takes about 2 MB per
 * slide. */
#include "pipeline/run/disk_space.h"
#include "pipeline/run/stage_table.h"
#include "pipeline/cohort/slide_entry.h"
#include "tiler/heatmap/overlay.h"
#include <math.h>
#include <sys/statvfs.h>

#define MOST_OPENED 20
#define TISSUE (1.0 / 3)
#define SLIDE_BYTES 2e6
#define CELL_PX 8

static gboolean wants(const Run *run, const char *stage, const SlideEntry *entry)
{
    return stage_find(stage)->wanted(run, entry);
}

/* Adds what is written about a score map. */
static void add_scores(DiskSpace *need, const Run *run, const SlideEntry *entry, const SlideInfo *info,
                       double um2)
{
    const Config *config = run->config;
    const double cell = config->heatmap_cell_um > 0 ? config->heatmap_cell_um : CELL_PX * config->tiles_mpp;
    const double cells = um2 / (cell * cell);
    need->likely += 12 * cells;
    need->most += 34 * cells;
    if (wants(run, "regions", entry)) {
        const double stride = config->tiles_size * config->tiles_mpp * (1 - config->score_overlap);
        const double tiles = config->regions_tiles ? um2 / (stride * stride) : 0;
        need->likely += 1.5 * cells + TISSUE * tiles * 135;
        need->most += 26 * cells + tiles * 200;
    }
    if (wants(run, "overlay", entry)) {
        const OverlayFrame frame = overlay_frame(info, config->heatmap_overlay_mpp);
        /* Measured: twice as much at 95, four times at 100. */
        const int quality = config->heatmap_overlay_quality;
        const double px = (double)frame.width * (double)frame.height *
                          (quality > 95   ? 4
                           : quality > 85 ? 2
                                          : 1);
        need->likely += 0.25 * px;
        need->most += 1.5 * px;
    }
}

/* Adds the space for one slide. */
static void add_slide(DiskSpace *need, const Run *run, const SlideEntry *entry, const SlideInfo *info)
{
    const Config *config = run->config;
    double um2 = (double)info->levels[0].width * info->mpp_x * (double)info->levels[0].height * info->mpp_y;
    double overlap =
        config->tiles_overlap < 1 ? config->tiles_overlap : config->tiles_overlap / config->tiles_size;
    double px = um2 / (config->tiles_mpp * config->tiles_mpp) / pow(1 - MIN(overlap, 0.99), 2);
    gboolean jpeg = g_str_equal(config->dataset_image, "jpeg");
    if (wants(run, "cut", entry)) {
        need->likely += TISSUE * px * (jpeg ? 0.5 : 1.9);
        need->most += px * (jpeg ? 1.5 : 3);
    }
    if (wants(run, "score", entry)) {
        add_scores(need, run, entry, info, um2);
    }
    need->likely += SLIDE_BYTES;
    need->most += 2 * SLIDE_BYTES;
}

DiskSpace disk_space_needed(const Run *run)
{
    DiskSpace need = {0};
    guint n = run->slides->len, step = MAX(1, (n + MOST_OPENED - 1) / MOST_OPENED);
    for (guint i = 0; i < n; i += step) {
        const SlideEntry *entry = run->slides->pdata[i];
        g_autoptr(Slide) slide = slide_entry_open(run->config, entry, NULL);
        if (slide && slide_info(slide)->mpp_source != MPP_NONE) {
            add_slide(&need, run, entry, slide_info(slide));
            need.opened++;
        } else {
            need.failed++;
        }
    }
    if (need.opened > 0) {
        need.likely *= (double)n / need.opened;
        need.most *= (double)n / need.opened;
    }
    return need;
}

double disk_space_free(const char *folder)
{
    g_autofree char *path = g_canonicalize_filename(folder, NULL);
    struct statvfs facts;
    while (statvfs(path, &facts) != 0) {
        char *parent = g_path_get_dirname(path);
        if (g_str_equal(parent, path)) {
            g_free(parent);
            return -1;
        }
        g_free(path);
        path = parent;
    }
    return (double)facts.f_bavail * (double)facts.f_frsize;
}
