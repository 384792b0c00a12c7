/* The recipe of tiles: everything that decides the pixels of a tile, except the slide and the position on it.
 *
 * A run cuts tiles by the recipe in its configuration.  A model holds the recipe of the tiles that it was trained on, and slides are scored
 * by that recipe only.  A patch set holds its recipe in tiles.json. */
#pragma once
#include "pipeline/config/config.h"
#include "tiler/colour/stain_normalise.h"
#include "tiler/cut/cut.h"
#include "tiler/slide/slide.h"
#include <jansson.h>

/* Parts that may be unknown for images that another program made. */
enum { RECIPE_FILTER = 1, RECIPE_ICC = 2, RECIPE_STAIN = 4 };

typedef struct {
    CutSpec cut;      /* um/px 0: unknown */
    gboolean icc;     /* the slide's ICC profile is applied: colours become sRGB */
    StainFit target;  /* the stain of each slide is normalised to it; STAIN_NONE: no normalisation */
    unsigned unknown; /* RECIPE_FILTER | ...: the members of these parts are not set */
} TileRecipe;
#define TILE_RECIPE_FILE "tiles.json"

/* The recipe in section tiles of the configuration; reads the file tiles.stain_target.  WSI_ERROR_INPUT names the key that is wrong. */
gboolean tile_recipe_of_config(const Config *config, TileRecipe *out, GError **error);
/* Only size, um/px and filter of that recipe; reads no file. */
CutSpec tile_recipe_cut_spec(const Config *config);
/* Fills in the unknown parts that the configuration file gives. */
gboolean tile_recipe_complete(TileRecipe *recipe, const Config *config, GError **error);
/* The keys of the unknown parts, as "tiles.mpp, tiles.filter"; NULL when all is known.  Caller frees. */
char *tile_recipe_unknown_keys(const TileRecipe *recipe);

/* FALSE with WSI_ERROR_INPUT that names both values when the configuration file gives a key of section tiles another value than the recipe
 * has.  `name`: what the recipe is from, for the message. */
gboolean tile_recipe_check(const TileRecipe *recipe, const Config *config, const char *name, GError **error);
/* As JSON (new reference), with null for an unknown part and 0 for unknown um/px.  Parsing is strict; WSI_ERROR_INPUT names `name`. */
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
