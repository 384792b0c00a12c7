/* The stain of a slide.
 *
 * The fit is rounded to the digits of its file, so it is the same whether it was read from there or computed. */
#include "pipeline/slide/slide_stain.h"
#include "pipeline/slide/slide_grid.h"
#include "pipeline/write/json.h"

enum { SAMPLE_TILES = 48, SAMPLE_PIXELS = 500000 };

gboolean slide_stain_wanted(const Config *config)
{
    return !g_str_equal(config->tiles_stain, stain_method_name(STAIN_NONE));
}

/* Adds evenly spaced tiles, in the order of the grid. */
static gboolean add_tiles(const CutSpec *cut, Slide *slide, const Grid *grid, StainSample *sample,
                          GError **error)
{
    guint count = MIN(grid->tiles->len, SAMPLE_TILES);
    g_autoptr(Image) rgb = image_new(cut->size, cut->size, 3, error);
    g_autoptr(Image) readable = rgb ? image_new(cut->size, cut->size, 1, error) : NULL;
    int step = (int)MAX(1, (int64_t)count * cut->size * cut->size / SAMPLE_PIXELS);
    for (guint i = 0; readable && i < count; i++) {
        const Tile *tile = &g_array_index(grid->tiles, Tile, (guint)((guint64)i * grid->tiles->len / count));
        if (!cut_tile(slide, cut, tile->x, tile->y, rgb, readable, NULL, error) ||
            !stain_sample_add(sample, rgb, readable, step, error)) {
            return FALSE;
        }
    }
    return readable != NULL;
}

gboolean slide_stain_fit(const CutSpec *cut, StainMethod method, Slide *slide, const Image *tissue,
                         StainFit *fit, GError **error)
{
    GridSpec spec = {.size = cut->size, .mpp = cut->mpp, .edge = EDGE_DROP, .min_tissue = 0.5};
    g_autoptr(Grid) grid = slide_grid_new(slide, &spec, tissue, error);
    g_autoptr(StainSample) sample = stain_sample_new();
    if (!grid || !add_tiles(cut, slide, grid, sample, error) || !stain_fit(sample, method, fit, error)) {
        return FALSE;
    }
    /* Write and parse it once, so that the numbers are those that a reader of the file gets. */
    json_t *exact = stain_fit_json(fit);
    g_autofree char *text = json_dumps(exact, JSON_REAL_PRECISION(15));
    json_t *rounded = json_loads(text, 0, NULL);
    gboolean good = stain_fit_parse(rounded, slide_info(slide)->path, fit, error);
    json_decref(exact);
    json_decref(rounded);
    return good;
}

gboolean slide_stain_read(const char *path, StainFit *fit, GError **error)
{
    json_t *json = json_read(path, error);
    gboolean good = json && stain_fit_parse(json, path, fit, error);
    json_decref(json);
    return good;
}
