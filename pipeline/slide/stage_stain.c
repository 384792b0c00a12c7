/* stain: the fit of a slide's stain, for tiles.stain.
 *
 * It is fitted once per slide, before any tile is cut, so all stages change the tiles of a slide in the same way. */
#include "pipeline/job/stages.h"
#include "pipeline/slide/coloured_slide.h"
#include "pipeline/slide/slide_stain.h"
#include "pipeline/slide/tile_recipe.h"
#include "pipeline/slide/tissue_mask.h"
#include "pipeline/write/json.h"

gboolean stage_stain(Work *work, GError **error)
{
    const Config *config = work->run->config;
    g_autofree char *mask_path = work_input(work, "tissue", "mask", error);
    g_autoptr(Image) tissue = mask_path ? tissue_mask_read(mask_path, error) : NULL;
    g_autoptr(Slide) slide = tissue ? coloured_slide_open(work, work->slide, error) : NULL;
    StainFit fit;
    TileRecipe recipe;
    if (!slide || !tile_recipe_of_config(config, &recipe, error) || !work_tick(work, 0, 1, "slides", error) ||
        !slide_stain_fit(&recipe.cut, recipe.target.method, slide, tissue, &fit, error)) {
        return FALSE;
    }
    char sha256[65];
    g_autofree char *path = work_output(work, "stain.json");
    return json_write(path, stain_fit_json(&fit), sha256, error) &&
           work_publish(work, "fit", path, sha256, error);
}
