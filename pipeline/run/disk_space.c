/* The estimate.
 *
 * Patches take nearly all of the space: 1.9 bytes per pixel as PNG of synthetic tissue at 1 um/px, at most 3 (no compression).  A cell of
 * the score map (8 px of a tile) takes 12 bytes in scoremap.npy, heatmap.ome.tif, heatmap.tif and scores.csv together, at most 28.
 * Everything else takes about 2 MB per slide. */
#include "pipeline/run/disk_space.h"
#include "pipeline/run/stage_table.h"
#include "pipeline/cohort/slide_entry.h"
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
        double cell = config->heatmap_cell_um > 0 ? config->heatmap_cell_um : CELL_PX * config->tiles_mpp;
        need->likely += 12 * um2 / (cell * cell);
        need->most += 28 * um2 / (cell * cell);
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
