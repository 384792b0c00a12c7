/* From the configuration to the colours of tiles. */
#include "pipeline/colouring.h"
#include "base/error.h"
#include "pipeline/json.h"
#include "pipeline/tiles.h"
#include "tiler/picture.h"

enum { SAMPLE_TILES = 48, SAMPLE_PIXELS = 500000 };

static StainMethod method_of(const Config *config)
{
    StainMethod method = STAIN_NONE;
    stain_method_parse(config->tiles_stain, &method);
    return method;
}

gboolean colouring_wants_fit(const Config *config)
{
    return method_of(config) != STAIN_NONE;
}

/* Adds tiles at even distances in the grid's order. */
static gboolean add_tiles(const Config *config, Slide *slide, const Grid *grid, StainSample *sample,
                          GError **error)
{
    CutSpec spec = tiles_cut_spec(config);
    guint count = MIN(grid->tiles->len, SAMPLE_TILES);
    g_autoptr(Image) rgb = image_new(spec.size, spec.size, 3, error);
    g_autoptr(Image) valid = rgb ? image_new(spec.size, spec.size, 1, error) : NULL;
    int step = (int)MAX(1, (int64_t)count * spec.size * spec.size / SAMPLE_PIXELS);
    for (guint i = 0; valid && i < count; i++) {
        const Tile *tile = &g_array_index(grid->tiles, Tile, (guint)((guint64)i * grid->tiles->len / count));
        if (!cut_tile(slide, &spec, tile->x, tile->y, rgb, valid, NULL, error) ||
            !stain_sample_add(sample, rgb, valid, step, error)) {
            return FALSE;
        }
    }
    return valid != NULL;
}

gboolean colouring_fit(const Config *config, Slide *slide, const Image *tissue, StainFit *fit, GError **error)
{
    GridSpec spec = {
        .size = config->tiles_size, .mpp = config->tiles_mpp, .edge = EDGE_DROP, .min_tissue = 0.5};
    g_autoptr(Grid) grid = tiles_grid(slide, &spec, tissue, error);
    g_autoptr(StainSample) sample = stain_sample_new();
    if (!grid || !add_tiles(config, slide, grid, sample, error) ||
        !stain_fit(sample, method_of(config), fit, error)) {
        return FALSE;
    }
    /* To the digits of the file, so that it makes no difference whether the fit comes from there. */
    json_t *exact = stain_fit_json(fit);
    g_autofree char *text = json_dumps(exact, JSON_REAL_PRECISION(15));
    json_t *rounded = json_loads(text, 0, NULL);
    gboolean good = stain_fit_parse(rounded, slide_info(slide)->path, fit, error);
    json_decref(exact);
    json_decref(rounded);
    return good;
}

gboolean colouring_read(const char *path, StainFit *fit, GError **error)
{
    json_t *json = json_read(path, error);
    gboolean good = json && stain_fit_parse(json, path, fit, error);
    json_decref(json);
    return good;
}

static gboolean is_json(const char *path)
{
    g_autofree char *lower = g_ascii_strdown(path, -1);
    return g_str_has_suffix(lower, ".json");
}

/* The target: a fit as JSON, a picture, or by default the reference of Macenko's program. */
static gboolean read_target(const Config *config, StainFit *target, GError **error)
{
    const char *path = config->tiles_stain_target;
    StainMethod method = method_of(config);
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
    if (is_json(path)) {
        if (!colouring_read(path, target, error)) {
            return FALSE;
        }
    } else {
        g_autoptr(Image) picture = picture_read(path, error);
        g_autoptr(StainSample) sample = stain_sample_new();
        if (!picture || !stain_sample_add(sample, picture, NULL, 1, error) ||
            !stain_fit(sample, method, target, error)) {
            return FALSE;
        }
    }
    if (target->method != method) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s is no target for tiles.stain: %s (%s)", path,
                    config->tiles_stain,
                    target->method == STAIN_NONE ? "too little tissue" : stain_method_name(target->method));
        return FALSE;
    }
    return TRUE;
}

gboolean colouring_check(const Config *config, GError **error)
{
    StainFit target;
    if (colouring_wants_fit(config)) {
        return read_target(config, &target, error);
    }
    if (*config->tiles_stain_target) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "tiles.stain_target is given, but tiles.stain is none: nothing is normalised to it");
        return FALSE;
    }
    return TRUE;
}

gboolean colouring_set(const Config *config, Slide *slide, const StainFit *fit, GError **error)
{
    if (!config->tiles_icc && !fit) {
        return TRUE;
    }
    StainFit target;
    g_autoptr(Colour) colour = colour_new(slide_info(slide)->path, config->tiles_icc, error);
    if (!colour || (fit && !read_target(config, &target, error))) {
        return FALSE;
    }
    if (fit) {
        colour_set_stain(colour, fit, &target);
    }
    slide_set_colour(slide, g_steal_pointer(&colour));
    return TRUE;
}
