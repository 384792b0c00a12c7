/* Recipes: from the configuration, in a bundle, beside a patch set; and whether two of them agree.
 *
 * A recipe in a file is complete: the stain target is written as the numbers of its fit, never as the path it came from, so a model still
 * means the same when the picture has moved.  Reading is strict, since a key that is not known here may change pixels. */
#include "pipeline/recipe.h"
#include "base/error.h"
#include "base/listing.h"
#include "pipeline/colouring.h"
#include "pipeline/json.h"
#include "pipeline/tiles.h"
#include "tiler/patchset.h"
#include "tiler/picture.h"
#include <math.h>
#include <string.h>

static const double SMALLEST_MPP = 0.05;

/* ---- from the configuration ---- */

static gboolean is_json(const char *path)
{
    g_autofree char *lower = g_ascii_strdown(path, -1);
    return g_str_has_suffix(lower, ".json");
}

static gboolean fit_picture(const char *path, StainMethod method, StainFit *target, GError **error)
{
    g_autoptr(Image) picture = picture_read(path, error);
    g_autoptr(StainSample) sample = stain_sample_new();
    return picture && stain_sample_add(sample, picture, NULL, 1, error) &&
           stain_fit(sample, method, target, error);
}

/* The target: a fit as JSON, a picture, or by default the reference of Macenko's program. */
static gboolean read_target(const Config *config, StainMethod method, StainFit *target, GError **error)
{
    const char *path = config->tiles_stain_target;
    if (!*path && method == STAIN_MACENKO) {
        *target = stain_macenko_reference;
        return TRUE;
    }
    if (!*path) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "tiles.stain: %s needs tiles.stain_target, a picture or the stain.json of a slide",
                    config->tiles_stain);
        return FALSE;
    }
    if (!(is_json(path) ? colouring_read(path, target, error) : fit_picture(path, method, target, error))) {
        return FALSE;
    }
    if (target->method != method) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s is no target for tiles.stain: %s (%s)", path,
                    config->tiles_stain,
                    target->method == STAIN_NONE ? "too little tissue" : stain_method_name(target->method));
        return FALSE;
    }
    return TRUE;
}

/* Only pictures may be of unknown um/px. */
static gboolean check_mpp(const Config *config, GError **error)
{
    gboolean on_slides = *config->slides_folder || *config->slides_manifest;
    gboolean may_be_unknown = *config->patches_folder && !on_slides;
    if (config->tiles_mpp < SMALLEST_MPP && !(config->tiles_mpp == 0 && may_be_unknown)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "tiles.mpp is %g: allowed are %g to 64; 0, unknown, only with patches.folder and no "
                    "slides%s",
                    config->tiles_mpp, SMALLEST_MPP,
                    *config->patches_folder
                        ? " (with both, give the um/px of the pictures, at which tiles are cut too)"
                        : "");
        return FALSE;
    }
    return TRUE;
}

gboolean recipe_of_config(const Config *config, Recipe *out, GError **error)
{
    StainMethod method = STAIN_NONE;
    stain_method_parse(config->tiles_stain, &method);
    *out = (Recipe){.cut = tiles_cut_spec(config), .icc = config->tiles_icc};
    if (method == STAIN_NONE && *config->tiles_stain_target) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "tiles.stain_target is given, but tiles.stain is none: nothing is normalised to it");
        return FALSE;
    }
    return method == STAIN_NONE || read_target(config, method, &out->target, error);
}

/* ---- as JSON ---- */

json_t *recipe_json(const Recipe *recipe)
{
    return json_pack("{s:i, s:f, s:s, s:b, s:o}", "size", recipe->cut.size, "mpp", recipe->cut.mpp, "filter",
                     filter_name(recipe->cut.filter), "icc", recipe->icc, "stain_target",
                     stain_fit_json(&recipe->target));
}

gboolean recipe_parse(const json_t *json, const char *name, Recipe *out, GError **error)
{
    int size, icc;
    double mpp;
    const char *filter;
    json_t *target;
    *out = (Recipe){0};
    gboolean ok = json_unpack((json_t *)json, "{s:i, s:F, s:s, s:b, s:o !}", "size", &size, "mpp", &mpp,
                              "filter", &filter, "icc", &icc, "stain_target", &target) == 0 &&
                  size > 0 && mpp >= 0 && isfinite(mpp) && filter_parse(filter, &out->cut.filter);
    if (!ok) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s does not say how tiles are made (size, mpp, filter, icc, stain_target)", name);
        return FALSE;
    }
    out->cut.size = size;
    out->cut.mpp = mpp;
    out->icc = icc;
    return stain_fit_parse(target, name, &out->target, error);
}

/* ---- of others ---- */

gboolean recipe_of_model(const ModelSpec *spec, const char *name, Recipe *out, GError **error)
{
    if (!spec->cut) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s does not say how its tiles were cut (a model of an earlier version): no slide can be "
                    "scored with it, only pictures; train it again",
                    name);
        return FALSE;
    }
    if (!recipe_parse(spec->cut, name, out, error)) {
        return FALSE;
    }
    if (out->cut.size != spec->tile_size || out->cut.mpp != spec->mpp) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s contradicts itself: tiles of %d px at %g um/px and of %d px at %g", name,
                    spec->tile_size, spec->mpp, out->cut.size, out->cut.mpp);
        return FALSE;
    }
    if (out->cut.mpp == 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s was trained on pictures of unknown um/px: no slide can be scored with it, only "
                    "pictures; train it again with tiles.mpp, the um/px of its tiles",
                    name);
        return FALSE;
    }
    return TRUE;
}

/* The um/px that all patches of a manifest have; 0 when there is none or several, and when it is no manifest of ours.  FALSE with error
 * when it cannot be read. */
static gboolean manifest_mpp(const char *manifest, double *out, GError **error)
{
    FileKind kind;
    g_autoptr(GError) why = NULL;
    *out = 0;
    if (!listing_kind(manifest, &kind, error)) {
        return FALSE;
    }
    if (kind == FILE_ABSENT) {
        return TRUE;
    }
    g_autoptr(GPtrArray) patches = patchset_read_manifest(manifest, &why);
    if (why && wsi_error_is_system(why)) {
        g_propagate_error(error, g_steal_pointer(&why));
        return FALSE;
    }
    double mpp = patches && patches->len > 0 ? ((const Patch *)patches->pdata[0])->mpp : 0;
    for (guint i = 0; patches && i < patches->len; i++) {
        mpp = ((const Patch *)patches->pdata[i])->mpp == mpp ? mpp : 0;
    }
    *out = isfinite(mpp) && mpp > 0 ? mpp : 0;
    return TRUE;
}

gboolean recipe_of_patches(const char *folder, Recipe *out, gboolean *found, GError **error)
{
    g_autofree char *path = g_build_filename(folder, RECIPE_FILE, NULL);
    g_autofree char *manifest = g_build_filename(folder, "manifest.csv", NULL);
    FileKind kind;
    if (!listing_kind(path, &kind, error)) {
        return FALSE;
    }
    if (kind != FILE_ABSENT) {
        json_t *json = json_read(path, error);
        gboolean ok = json && recipe_parse(json, path, out, error);
        json_decref(json);
        *found = ok;
        return ok;
    }
    double mpp;
    if (!manifest_mpp(manifest, &mpp, error)) {
        return FALSE;
    }
    *found = mpp > 0;
    out->cut.mpp = mpp > 0 ? mpp : out->cut.mpp;
    return TRUE;
}

/* ---- contradictions ---- */

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

/* What can be compared, in words. */
static void describe(const Recipe *recipe, char *words[ITEMS])
{
    words[0] = g_strdup_printf("%d", recipe->cut.size);
    words[1] = number_text(recipe->cut.mpp);
    words[2] = g_strdup(filter_name(recipe->cut.filter));
    words[3] = g_strdup(recipe->icc ? "true" : "false");
    words[4] = g_strdup(stain_method_name(recipe->target.method));
    words[5] = target_text(&recipe->target);
}

gboolean recipe_check(const Recipe *recipe, const Config *config, const char *name, GError **error)
{
    static const char *const keys[ITEMS] = {"size", "mpp", "filter", "icc", "stain", "stain_target"};
    Recipe own;
    if (!check_mpp(config, error) || !recipe_of_config(config, &own, error)) {
        return FALSE;
    }
    char *mine[ITEMS], *its[ITEMS];
    describe(&own, mine);
    describe(recipe, its);
    gboolean ok = TRUE;
    for (int i = 0; i < ITEMS; i++) {
        gboolean same = i == 5 ? same_target(&own.target, &recipe->target) : g_str_equal(mine[i], its[i]);
        if (ok && !same && config_given(config, "tiles", keys[i])) {
            g_set_error(
                error, WSI_ERROR, WSI_ERROR_INPUT,
                "tiles.%s is %s in the configuration, but %s in %s: give that value or leave the key out",
                keys[i], mine[i], its[i], name);
            ok = FALSE;
        }
        g_free(mine[i]);
        g_free(its[i]);
    }
    return ok;
}

gboolean recipe_check_run(const Config *config, GError **error)
{
    Recipe recipe;
    if (!check_mpp(config, error) || !recipe_of_config(config, &recipe, error)) {
        return FALSE;
    }
    gboolean on_slides = *config->slides_folder || *config->slides_manifest;
    if (!*config->score_model || !on_slides || g_str_equal(config->score_slides, "none")) {
        return TRUE;
    }
    ModelSpec spec;
    Calibration calibration;
    if (!model_describe(config->score_model, &spec, &calibration, error)) {
        return FALSE;
    }
    gboolean ok = recipe_of_model(&spec, config->score_model, &recipe, error) &&
                  recipe_check(&recipe, config, config->score_model, error);
    model_spec_clear(&spec);
    return ok;
}
