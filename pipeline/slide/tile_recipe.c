/* Recipes: read from the configuration, written to and read from JSON, compared, applied to a slide.
 *
 * A recipe in a file is complete: it holds the stain target as the numbers of its fit, never as the path of the target image, so a model
 * keeps its meaning when that image moves.  Parsing is strict, because an unknown key may change pixels. */
#include "pipeline/slide/tile_recipe.h"
#include "base/error.h"
#include "pipeline/slide/slide_stain.h"
#include "tiler/colour/tile_colour.h"
#include "tiler/imagefile/imagefile.h"
#include "tiler/slide/slide_icc.h"
#include <math.h>
#include <string.h>

/* ---- from the configuration ---- */

static gboolean is_json(const char *path)
{
    g_autofree char *lower = g_ascii_strdown(path, -1);
    return g_str_has_suffix(lower, ".json");
}

static gboolean fit_image(const char *path, StainMethod method, StainFit *target, GError **error)
{
    g_autoptr(Image) image = imagefile_read(path, error);
    g_autoptr(StainSample) sample = stain_sample_new();
    return image && stain_sample_add(sample, image, NULL, 1, error) &&
           stain_fit(sample, method, target, error);
}

/* The target is a fit in JSON, an image to fit, or by default the reference of Macenko's program (stain_macenko_reference). */
static gboolean read_target(const Config *config, StainMethod method, StainFit *target, GError **error)
{
    const char *path = config->tiles_stain_target;
    if (!*path && method == STAIN_MACENKO) {
        *target = stain_macenko_reference;
        return TRUE;
    }
    if (!*path) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "tiles.stain: %s needs tiles.stain_target: an image or the stain.json of a slide",
                    config->tiles_stain);
        return FALSE;
    }
    if (!(is_json(path) ? slide_stain_read(path, target, error) : fit_image(path, method, target, error))) {
        return FALSE;
    }
    if (target->method != method) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s is not a target for tiles.stain: %s (%s)", path,
                    config->tiles_stain,
                    target->method == STAIN_NONE ? "too little tissue" : stain_method_name(target->method));
        return FALSE;
    }
    return TRUE;
}

CutSpec tile_recipe_cut_spec(const Config *config)
{
    CutSpec spec = {.size = config->tiles_size, .mpp = config->tiles_mpp};
    filter_parse(config->tiles_filter, &spec.filter);
    return spec;
}

gboolean tile_recipe_of_config(const Config *config, TileRecipe *out, GError **error)
{
    StainMethod method = STAIN_NONE;
    stain_method_parse(config->tiles_stain, &method);
    *out = (TileRecipe){.cut = tile_recipe_cut_spec(config), .icc = config->tiles_icc};
    if (method == STAIN_NONE && *config->tiles_stain_target) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "tiles.stain_target is given, but tiles.stain is none: nothing is normalised to it");
        return FALSE;
    }
    return method == STAIN_NONE || read_target(config, method, &out->target, error);
}

/* ---- as JSON ---- */

json_t *tile_recipe_json(const TileRecipe *recipe)
{
    unsigned u = recipe->unknown;
    return json_pack("{s:i, s:f, s:o, s:o, s:o}", "size", recipe->cut.size, "mpp", recipe->cut.mpp, "filter",
                     u & RECIPE_FILTER ? json_null() : json_string(filter_name(recipe->cut.filter)), "icc",
                     u & RECIPE_ICC ? json_null() : json_boolean(recipe->icc), "stain_target",
                     u & RECIPE_STAIN ? json_null() : stain_fit_json(&recipe->target));
}

gboolean tile_recipe_parse(const json_t *json, const char *name, TileRecipe *out, GError **error)
{
    int size;
    double mpp;
    json_t *filter, *icc, *target;
    *out = (TileRecipe){0};
    gboolean ok = json_unpack((json_t *)json, "{s:i, s:F, s:o, s:o, s:o !}", "size", &size, "mpp", &mpp,
                              "filter", &filter, "icc", &icc, "stain_target", &target) == 0 &&
                  size > 0 && mpp >= 0 && isfinite(mpp) && (json_is_null(icc) || json_is_boolean(icc)) &&
                  (json_is_null(filter) ||
                   (json_is_string(filter) && filter_parse(json_string_value(filter), &out->cut.filter)));
    if (!ok) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s does not say how tiles are made (size, mpp, filter, icc, stain_target)", name);
        return FALSE;
    }
    out->cut.size = size;
    out->cut.mpp = mpp;
    out->icc = json_is_true(icc);
    out->unknown = (json_is_null(filter) ? RECIPE_FILTER : 0) | (json_is_null(icc) ? RECIPE_ICC : 0) |
                   (json_is_null(target) ? RECIPE_STAIN : 0);
    return json_is_null(target) || stain_fit_parse(target, name, &out->target, error);
}

/* ---- unknown parts ---- */

char *tile_recipe_unknown_keys(const TileRecipe *recipe)
{
    static const struct {
        unsigned part;
        const char *key;
    } parts[] = {{RECIPE_FILTER, "tiles.filter"}, {RECIPE_ICC, "tiles.icc"}, {RECIPE_STAIN, "tiles.stain"}};
    g_autoptr(GPtrArray) keys = g_ptr_array_new();
    if (recipe->cut.mpp == 0) {
        g_ptr_array_add(keys, "tiles.mpp");
    }
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (recipe->unknown & parts[i].part) {
            g_ptr_array_add(keys, (char *)parts[i].key);
        }
    }
    g_ptr_array_add(keys, NULL);
    return keys->len > 1 ? g_strjoinv(", ", (char **)keys->pdata) : NULL;
}

gboolean tile_recipe_complete(TileRecipe *recipe, const Config *config, GError **error)
{
    TileRecipe stated;
    if (!tile_recipe_of_config(config, &stated, error)) {
        return FALSE;
    }
    if (recipe->cut.mpp == 0 && config_given(config, "tiles", "mpp")) {
        recipe->cut.mpp = stated.cut.mpp;
    }
    if (recipe->unknown & RECIPE_FILTER && config_given(config, "tiles", "filter")) {
        recipe->cut.filter = stated.cut.filter;
        recipe->unknown &= ~(unsigned)RECIPE_FILTER;
    }
    if (recipe->unknown & RECIPE_ICC && config_given(config, "tiles", "icc")) {
        recipe->icc = stated.icc;
        recipe->unknown &= ~(unsigned)RECIPE_ICC;
    }
    if (recipe->unknown & RECIPE_STAIN && config_given(config, "tiles", "stain")) {
        recipe->target = stated.target;
        recipe->unknown &= ~(unsigned)RECIPE_STAIN;
    }
    return TRUE;
}

/* ---- comparison ---- */

static gboolean same_numbers(const double *a, const double *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (fabs(a[i] - b[i]) > 1e-9 * (1 + fabs(a[i]))) {
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean same_target(const StainFit *a, const StainFit *b)
{
    return a->method == b->method && same_numbers(&a->stains[0][0], &b->stains[0][0], 6) &&
           same_numbers(a->densities, b->densities, 2) && same_numbers(a->mean, b->mean, 3) &&
           same_numbers(a->sd, b->sd, 3);
}

static char *target_text(const StainFit *target)
{
    json_t *json = stain_fit_json(target);
    char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(6));
    json_decref(json);
    return text;
}

static char *number_text(double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    return g_strdup(g_ascii_formatd(text, sizeof text, "%.9g", value));
}

enum { ITEMS = 6 };

/* The values that are compared, as text. */
static void describe(const TileRecipe *recipe, char *words[ITEMS])
{
    words[0] = g_strdup_printf("%d", recipe->cut.size);
    words[1] = number_text(recipe->cut.mpp);
    words[2] = g_strdup(filter_name(recipe->cut.filter));
    words[3] = g_strdup(recipe->icc ? "true" : "false");
    words[4] = g_strdup(stain_method_name(recipe->target.method));
    words[5] = target_text(&recipe->target);
}

gboolean tile_recipe_check(const TileRecipe *recipe, const Config *config, const char *name, GError **error)
{
    static const char *const keys[ITEMS] = {"size", "mpp", "filter", "icc", "stain", "stain_target"};
    static const unsigned parts[ITEMS] = {0, 0, RECIPE_FILTER, RECIPE_ICC, RECIPE_STAIN, RECIPE_STAIN};
    TileRecipe own;
    if (!tile_recipe_of_config(config, &own, error)) {
        return FALSE;
    }
    char *mine[ITEMS], *its[ITEMS];
    describe(&own, mine);
    describe(recipe, its);
    gboolean ok = TRUE;
    for (int i = 0; i < ITEMS; i++) {
        gboolean same = i == 5 ? same_target(&own.target, &recipe->target) : g_str_equal(mine[i], its[i]);
        if (ok && !same && !(recipe->unknown & parts[i]) && config_given(config, "tiles", keys[i])) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                        "tiles.%s is %s in the configuration, but %s in %s: use that value or remove the key",
                        keys[i], mine[i], its[i], name);
            ok = FALSE;
        }
        g_free(mine[i]);
        g_free(its[i]);
    }
    return ok;
}

/* ---- colours ---- */

gboolean tile_recipe_colour_slide(const TileRecipe *recipe, Slide *slide, const StainFit *fit, GError **error)
{
    if (!recipe->icc && !fit) {
        return TRUE;
    }
    const char *path = slide_info(slide)->path;
    g_autofree void *profile = NULL;
    gsize bytes = 0;
    if (recipe->icc && !slide_icc_read(path, &profile, &bytes, error)) {
        return FALSE;
    }
    g_autoptr(TileColour) colour = tile_colour_new(path, profile, bytes, error);
    if (!colour) {
        return FALSE;
    }
    if (fit) {
        tile_colour_set_stain(colour, fit, &recipe->target);
    }
    slide_set_colour(slide, g_steal_pointer(&colour));
    return TRUE;
}

gboolean tile_recipe_colour_by_config(const Config *config, Slide *slide, const char *fit_path,
                                      GError **error)
{
    TileRecipe recipe;
    StainFit fit;
    return tile_recipe_of_config(config, &recipe, error) &&
           (!fit_path || slide_stain_read(fit_path, &fit, error)) &&
           tile_recipe_colour_slide(&recipe, slide, fit_path ? &fit : NULL, error);
}
