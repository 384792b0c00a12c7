/* How tiles are made of a slide: everything but the slide and the place that decides a tile's pixels.
 *
 * A run cuts by the recipe of its configuration.  A model holds the recipe of the tiles that it was trained on, and slides are scored by
 * that one only; a patch set holds its own in tiles.json. */
#pragma once
#include "flows/model.h"
#include "pipeline/config.h"
#include "tiler/cut.h"
#include "tiler/stain_normalise.h"
#include <jansson.h>

typedef struct {
    CutSpec cut;     /* mpp 0: unknown */
    gboolean icc;    /* from the profile in the slide's file to sRGB */
    StainFit target; /* the stain of each slide is normalised to it; STAIN_NONE: it stays */
} Recipe;
#define RECIPE_FILE "tiles.json"

/* The recipe of section tiles; reads tiles.stain_target.  WSI_ERROR_INPUT names the key. */
gboolean recipe_of_config(const Config *config, Recipe *out, GError **error);
/* Of a model; `name` is the bundle's, for messages.  WSI_ERROR_INPUT with what to do when it does not say how slides are to be cut: a bundle
 * of an earlier version, or one of pictures whose um/px nobody gave. */
gboolean recipe_of_model(const ModelSpec *spec, const char *name, Recipe *out, GError **error);
/* Of the patch set in a folder, by its tiles.json, or else (um/px alone, the rest as in out before) by the one um/px in its manifest.csv.
 * *found says whether it has one.  FALSE when what is there cannot be read. */
gboolean recipe_of_patches(const char *folder, Recipe *out, gboolean *found, GError **error);

/* A key of section tiles that the configuration's file gives, and that is not the recipe's, is WSI_ERROR_INPUT naming both values.  `name`:
 * whose recipe it is. */
gboolean recipe_check(const Recipe *recipe, const Config *config, const char *name, GError **error);
/* Before a run begins: the configuration's own recipe, and that it does not contradict score.model. */
gboolean recipe_check_run(const Config *config, GError **error);

/* As JSON, new reference; and back: FALSE with WSI_ERROR_INPUT that names `name`. */
json_t *recipe_json(const Recipe *recipe);
gboolean recipe_parse(const json_t *json, const char *name, Recipe *out, GError **error);
