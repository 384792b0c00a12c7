/* How tiles are made of a slide: everything but the slide and the place that decides a tile's pixels.
 *
 * A run cuts by the recipe of its configuration.  A model holds the recipe of the tiles that it was trained on, and slides are scored by
 * that one only; a patch set holds its own in tiles.json. */
#pragma once
#include "pipeline/config/config.h"
#include "tiler/cut/cut.h"
#include "tiler/colour/stain_normalise.h"
#include "tiler/slide/slide.h"
#include <jansson.h>

/* Parts that images of others do not tell. */
enum { RECIPE_FILTER = 1, RECIPE_ICC = 2, RECIPE_STAIN = 4 };

typedef struct {
    CutSpec cut;      /* mpp 0: unknown */
    gboolean icc;     /* from the profile in the slide's file to sRGB */
    StainFit target;  /* the stain of each slide is normalised to it; STAIN_NONE: it stays */
    unsigned unknown; /* RECIPE_FILTER | ...: the members of these parts mean nothing */
} TileRecipe;
#define TILE_RECIPE_FILE "tiles.json"

/* The recipe of section tiles; reads tiles.stain_target.  WSI_ERROR_INPUT names the key. */
gboolean tile_recipe_of_config(const Config *config, TileRecipe *out, GError **error);
/* Its size, um/px and filter alone. */
CutSpec tile_recipe_cut_spec(const Config *config);
/* What is unknown, and the configuration's file gives, becomes that. */
gboolean tile_recipe_complete(TileRecipe *recipe, const Config *config, GError **error);
/* The keys of what is unknown, "tiles.mpp, tiles.filter"; NULL = all is known.  Caller frees. */
char *tile_recipe_unknown_keys(const TileRecipe *recipe);

/* A key of section tiles that the configuration's file gives, and that is not the recipe's, is WSI_ERROR_INPUT naming both values.  `name`:
 * whose recipe it is. */
gboolean tile_recipe_check(const TileRecipe *recipe, const Config *config, const char *name, GError **error);
/* As JSON, new reference, null for what is unknown (of um/px: 0); and back: FALSE with WSI_ERROR_INPUT that names `name`. */
json_t *tile_recipe_json(const TileRecipe *recipe);
gboolean tile_recipe_parse(const json_t *json, const char *name, TileRecipe *out, GError **error);

/* ---- colours ---- */
/* From now on tiles of the slide are cut in the colours that the recipe asks for.  Call it before any tile is cut.  fit: the slide's
 * own stain; NULL: no stain normalisation. */
gboolean tile_recipe_colour_slide(const TileRecipe *recipe, Slide *slide, const StainFit *fit,
                                  GError **error);
/* The same by the configuration, with the fit in a file (NULL: none). */
gboolean tile_recipe_colour_by_config(const Config *config, Slide *slide, const char *fit_path,
                                      GError **error);
