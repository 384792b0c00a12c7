/* How tiles are made of a slide: everything but the slide and the place that decides a tile's pixels.
 *
 * A run cuts by the recipe of its configuration.  A model holds the recipe of the tiles that it was trained on, and slides are scored by
 * that one only; a patch set holds its own in tiles.json. */
#pragma once
#include "flows/models/model.h"
#include "pipeline/config/config.h"
#include "tiler/cut/cut.h"
#include "tiler/cut/stain_normalise.h"
#include <jansson.h>

/* Parts that images of others do not tell. */
enum { RECIPE_FILTER = 1, RECIPE_ICC = 2, RECIPE_STAIN = 4 };

typedef struct {
    CutSpec cut;      /* mpp 0: unknown */
    gboolean icc;     /* from the profile in the slide's file to sRGB */
    StainFit target;  /* the stain of each slide is normalised to it; STAIN_NONE: it stays */
    unsigned unknown; /* RECIPE_FILTER | ...: the members of these parts mean nothing */
} Recipe;
#define RECIPE_FILE "tiles.json"

/* The recipe of section tiles; reads tiles.stain_target.  WSI_ERROR_INPUT names the key. */
gboolean recipe_of_config(const Config *config, Recipe *out, GError **error);
/* Of a model; `name` is the bundle's, for messages.  WSI_ERROR_INPUT with what to do when it does not say how slides are to be cut: one
 * of images of which something is unknown. */
gboolean recipe_of_model(const ModelSpec *spec, const char *name, Recipe *out, GError **error);
/* Of the patch set in a folder: by its tiles.json; without one the um/px (0 = unknown) is the one in its manifest.csv, and filter, ICC and
 * stain are unknown.  FALSE when what is there cannot be read, or when it cannot be found out whether it is there. */
gboolean recipe_of_patches(const char *folder, Recipe *out, GError **error);
/* What is unknown, and the configuration's file gives, becomes that. */
gboolean recipe_state(Recipe *recipe, const Config *config, GError **error);
/* The keys of what is unknown, "tiles.mpp, tiles.filter"; NULL = all is known.  Caller frees. */
char *recipe_unknown(const Recipe *recipe);

/* A key of section tiles that the configuration's file gives, and that is not the recipe's, is WSI_ERROR_INPUT naming both values.  `name`:
 * whose recipe it is. */
gboolean recipe_check(const Recipe *recipe, const Config *config, const char *name, GError **error);
/* Before a run begins: the configuration's own recipe, and that it does not contradict score.model. */
gboolean recipe_check_run(const Config *config, GError **error);

/* As JSON, new reference, null for what is unknown (of um/px: 0); and back: FALSE with WSI_ERROR_INPUT that names `name`. */
json_t *recipe_json(const Recipe *recipe);
gboolean recipe_parse(const json_t *json, const char *name, Recipe *out, GError **error);
