/* tissue: the tissue mask and overview images.  grid: the tiles on the tissue. */
#include "pipeline/job/stages.h"
#include "pipeline/slide/lesions.h"
#include "pipeline/slide/slide_grid.h"
#include "pipeline/slide/slide_json.h"
#include "pipeline/slide/tile_table.h"
#include "pipeline/slide/tissue_mask.h"
#include "pipeline/slide/tissue_outlines.h"
#include "pipeline/write/json.h"
#include "tiler/imagefile/imagefile.h"

static gboolean publish_image(Work *work, const char *name, const char *file, const Image *image,
                              GError **error)
{
    char sha256[65];
    g_autofree char *path = work_output(work, file);
    return imagefile_write_png(path, image, sha256, error) && work_publish(work, name, path, sha256, error);
}

/* Removes tissue outside of the slide's regions of interest.  *none: slides.groups names regions, but this annotation has none. */
static gboolean keep_region(const Work *work, const Slide *slide, Tissue *tissue, gboolean *none,
                            GError **error)
{
    Raster *found;
    if (!lesions_region(work->run->config, work->slide, slide, &found, error)) {
        return FALSE;
    }
    g_autoptr(Raster) region = found;
    *none = !region && work->slide->annotation && lesions_have_regions(work->run->config);
    return !region || tissue_mask_from_raster(tissue, slide, region, TRUE, error);
}

/* Where the tissue is from.  missing: tissue.outlines names a folder, but this slide has no file in it. */
typedef struct {
    gboolean outlines, missing, no_region;
} TissueSource;

/* The tissue that people outlined, else what was found, within the slide's regions of interest. */
static gboolean find_source(const Work *work, const Slide *slide, Tissue *tissue, TissueSource *source,
                            GPtrArray *warnings, GError **error)
{
    const Config *config = work->run->config;
    if (!tissue_outlines_apply(config, work->slide->path, slide, tissue, &source->outlines, warnings,
                               error)) {
        return FALSE;
    }
    source->missing = *config->tissue_outlines && !source->outlines;
    return keep_region(work, slide, tissue, &source->no_region, error);
}

/* tissue.geojson is for people: it is in no key, so another frame repeats nothing. */
static gboolean publish_outlines(Work *work, const Slide *slide, const Tissue *tissue, GError **error)
{
    char sha256[65];
    g_autofree char *path = work_output(work, "tissue.geojson");
    return tissue_outlines_write(path, work->run->config, work->slide->id, slide, tissue->mask, sha256,
                                 error) &&
           work_publish(work, ".outlines", path, sha256, error);
}

gboolean stage_tissue(Work *work, GError **error)
{
    TissueOptions options = tissue_mask_options(work->run->config);
    g_autoptr(Slide) slide = slide_entry_open(work->run->config, work->slide, error);
    g_autoptr(Tissue) tissue = slide ? tissue_find(slide, &options, error) : NULL;
    TissueSource source = {0};
    g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
    gboolean ok = tissue && find_source(work, slide, tissue, &source, notes, error);
    g_autoptr(Image) outlined = ok ? tissue_image(tissue, error) : NULL;
    if (!outlined || !work_tick(work, 1, 1, "slides", error)) {
        return FALSE;
    }
    char sha256[65];
    g_autofree char *path = work_output(work, "tissue.json");
    json_t *warnings = slide_json_warnings(tissue);
    json_auto_t *own = json_texts(notes);
    json_array_extend(warnings, own);
    if (source.no_region) {
        json_array_append_new(warnings, json_string("its annotation has no region of interest (roi in "
                                                    "slides.groups), so all of its tissue is used"));
    }
    json_t *facts =
        json_pack("{s:s, s:b, s:f, s:f, s:f, s:o, s:b, s:o, s:f, s:f, s:I, s:o}", "source",
                  source.outlines ? "outlines" : "detected", "outlines_missing", source.missing,
                  "tissue_fraction", tissue->tissue_fraction, "pen_fraction", tissue->pen_fraction,
                  "no_data_fraction", tissue->no_data_fraction, "background", slide_json_glass(tissue),
                  "greyscale", tissue->glass.greyscale, "warnings", warnings, "level0_px_per_mask_px_x",
                  tissue->scale_x, "level0_px_per_mask_px_y", tissue->scale_y, "bad_areas",
                  (json_int_t)slide_bad_areas(slide)->len, "bad_area_list", slide_json_bad_areas(slide));
    return publish_image(work, "mask", "tissue.png", tissue->mask, error) &&
           publish_image(work, "overview", "overview.png", tissue->overview, error) &&
           publish_image(work, "outlined", "tissue_outline.png", outlined, error) &&
           publish_outlines(work, slide, tissue, error) && json_write(path, facts, sha256, error) &&
           work_publish(work, "facts", path, sha256, error);
}

gboolean stage_grid(Work *work, GError **error)
{
    GridSpec spec;
    slide_grid_spec(work->run->config, &spec);
    g_autofree char *mask_path = work_input(work, "tissue", "mask", error);
    g_autoptr(Image) mask = mask_path ? tissue_mask_read(mask_path, error) : NULL;
    g_autoptr(Slide) slide = mask ? slide_entry_open(work->run->config, work->slide, error) : NULL;
    gboolean good = slide && slide_grid_check_upsampling(work->run->config, slide, spec.mpp, error);
    g_autoptr(Grid) grid = good ? slide_grid_new(slide, &spec, mask, error) : NULL;
    if (!grid) {
        return FALSE;
    }
    char sha256[65];
    g_autofree char *path = work_output(work, "tiles.csv");
    return tile_table_write(path, grid, work->slide->split, sha256, error) &&
           work_publish(work, "tiles", path, sha256, error);
}
