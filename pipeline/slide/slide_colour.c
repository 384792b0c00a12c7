/* From the configuration to the colours of tiles. */
#include "pipeline/slide/slide_colour.h"
#include "base/error.h"
#include "pipeline/write/json.h"
#include "pipeline/slide/tiles.h"
#include "tiler/imagefile/imagefile.h"

enum { SAMPLE_TILES = 48, SAMPLE_PIXELS = 500000 };

gboolean slide_colour_wants_fit(const Config *config)
{
    return !g_str_equal(config->tiles_stain, stain_method_name(STAIN_NONE));
}

/* Adds tiles at even distances in the grid's order. */
static gboolean add_tiles(const CutSpec *cut, Slide *slide, const Grid *grid, StainSample *sample,
                          GError **error)
{
    guint count = MIN(grid->tiles->len, SAMPLE_TILES);
    g_autoptr(Image) rgb = image_new(cut->size, cut->size, 3, error);
    g_autoptr(Image) valid = rgb ? image_new(cut->size, cut->size, 1, error) : NULL;
    int step = (int)MAX(1, (int64_t)count * cut->size * cut->size / SAMPLE_PIXELS);
    for (guint i = 0; valid && i < count; i++) {
        const Tile *tile = &g_array_index(grid->tiles, Tile, (guint)((guint64)i * grid->tiles->len / count));
        if (!cut_tile(slide, cut, tile->x, tile->y, rgb, valid, NULL, error) ||
            !stain_sample_add(sample, rgb, valid, step, error)) {
            return FALSE;
        }
    }
    return valid != NULL;
}

gboolean slide_colour_fit(const Recipe *recipe, Slide *slide, const Image *tissue, StainFit *fit,
                          GError **error)
{
    GridSpec spec = {.size = recipe->cut.size, .mpp = recipe->cut.mpp, .edge = EDGE_DROP, .min_tissue = 0.5};
    g_autoptr(Grid) grid = tiles_grid(slide, &spec, tissue, error);
    g_autoptr(StainSample) sample = stain_sample_new();
    if (!grid || !add_tiles(&recipe->cut, slide, grid, sample, error) ||
        !stain_fit(sample, recipe->target.method, fit, error)) {
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

gboolean slide_colour_read(const char *path, StainFit *fit, GError **error)
{
    json_t *json = json_read(path, error);
    gboolean good = json && stain_fit_parse(json, path, fit, error);
    json_decref(json);
    return good;
}

gboolean slide_colour_set(const Recipe *recipe, Slide *slide, const StainFit *fit, GError **error)
{
    if (!recipe->icc && !fit) {
        return TRUE;
    }
    g_autoptr(Colour) colour = colour_new(slide_info(slide)->path, recipe->icc, error);
    if (!colour) {
        return FALSE;
    }
    if (fit) {
        colour_set_stain(colour, fit, &recipe->target);
    }
    slide_set_colour(slide, g_steal_pointer(&colour));
    return TRUE;
}

gboolean slide_colour_open(const Config *config, Slide *slide, const char *fit_path, GError **error)
{
    Recipe recipe;
    StainFit fit;
    return recipe_of_config(config, &recipe, error) &&
           (!fit_path || slide_colour_read(fit_path, &fit, error)) &&
           slide_colour_set(&recipe, slide, fit_path ? &fit : NULL, error);
}
