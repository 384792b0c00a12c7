/* The recipe of the tiles that a model was trained on (tile_recipe.h): slides are scored with tiles made the same way. */
#pragma once
#include "flows/models/model.h"
#include "pipeline/slide/tile_recipe.h"

/* Puts the recipe into the specification of a model that is going to be trained. */
void model_recipe_set(ModelSpec *spec, const TileRecipe *recipe);
/* The recipe of a model; `name` is the bundle's, for messages.  WSI_ERROR_INPUT that says what to do when a part is unknown, as in a
 * model that was trained on images. */
gboolean model_recipe_get(const ModelSpec *spec, const char *name, TileRecipe *out, GError **error);
/* Before a run begins: the configuration's own recipe passes its checks, does not contradict score.model, and is complete when slides
 * are to be scored by a model that was trained on images. */
gboolean model_recipe_check_run(const Config *config, GError **error);
