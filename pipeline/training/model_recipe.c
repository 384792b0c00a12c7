/* Recipes in models, and the check of a run's recipe before it begins. */
#include "pipeline/training/model_recipe.h"
#include "base/error.h"
#include "pipeline/patchset/patch_folder.h"
#include "pipeline/slide/tile_recipe.h"

/* um/px; as fine as any scanner. */
static const double SMALLEST_MPP = 0.05;

void model_recipe_set(ModelSpec *spec, const TileRecipe *recipe)
{
    spec->mpp = recipe->cut.mpp;
    json_decref(spec->tile_recipe);
    spec->tile_recipe = tile_recipe_json(recipe);
}

gboolean model_recipe_get(const ModelSpec *spec, const char *name, TileRecipe *out, GError **error)
{
    if (!tile_recipe_parse(spec->tile_recipe, name, out, error)) {
        return FALSE;
    }
    if (out->cut.size != spec->tile_size || out->cut.mpp != spec->mpp) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s contradicts itself: its tiles are %d px at %g um/px, and %d px at %g um/px", name,
                    spec->tile_size, spec->mpp, out->cut.size, out->cut.mpp);
        return FALSE;
    }
    g_autofree char *unknown = tile_recipe_unknown_keys(out);
    if (unknown) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s was trained on images, and how they were made from slides is unknown (%s): it "
                    "can score images, but no slide; train it again with these keys in the configuration",
                    name, unknown);
        return FALSE;
    }
    return TRUE;
}

/* ---- before a run ---- */

/* Only images may have unknown um/px. */
static gboolean check_mpp(const Config *config, GError **error)
{
    gboolean on_slides = *config->slides_folder || *config->slides_manifest;
    gboolean may_be_unknown = *config->patches_folder && !on_slides;
    if (config->tiles_mpp < SMALLEST_MPP && !(config->tiles_mpp == 0 && may_be_unknown)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "tiles.mpp is %g: allowed are %g to 64, and 0 (unknown) only with patches.folder and no "
                    "slides%s",
                    config->tiles_mpp, SMALLEST_MPP,
                    *config->patches_folder
                        ? " (with both, give the um/px of the images; tiles are cut at it, too)"
                        : "");
        return FALSE;
    }
    return TRUE;
}

/* For a run that trains on images and scores slides with that model. */
static gboolean check_images(const Config *config, GError **error)
{
    TileRecipe recipe;
    if (!patch_folder_recipe(config->patches_folder, &recipe, error) ||
        !tile_recipe_complete(&recipe, config, error)) {
        return FALSE;
    }
    recipe.cut.mpp = config->tiles_mpp; /* check_mpp made sure that it is known */
    g_autofree char *unknown = tile_recipe_unknown_keys(&recipe);
    if (unknown) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "how the images of %s were made from slides is unknown (%s), so their model cannot score "
                    "slides; give these keys, or set score.slides: none",
                    config->patches_folder, unknown);
    }
    return !unknown;
}

gboolean model_recipe_check_run(const Config *config, GError **error)
{
    TileRecipe recipe;
    if (!check_mpp(config, error) || !tile_recipe_of_config(config, &recipe, error)) {
        return FALSE;
    }
    gboolean on_slides = *config->slides_folder || *config->slides_manifest;
    if (!on_slides || g_str_equal(config->score_slides, "none")) {
        return TRUE;
    }
    if (!*config->score_model) {
        return !*config->patches_folder || !config->train_run || check_images(config, error);
    }
    ModelSpec spec;
    Calibration calibration;
    if (!model_describe(config->score_model, &spec, &calibration, error)) {
        return FALSE;
    }
    gboolean ok = model_recipe_get(&spec, config->score_model, &recipe, error) &&
                  tile_recipe_check(&recipe, config, config->score_model, error);
    model_spec_clear(&spec);
    return ok;
}
