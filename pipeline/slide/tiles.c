/* Tiles as tables, and the rules that the configuration sets for them. */
#include "pipeline/slide/tiles.h"
#include "base/csv.h"
#include "base/durable.h"
#include "base/error.h"
#include "tiler/imagefile/imagefile.h"
#include <string.h>

#define HEADER "column,row,x,y,tissue_fraction,split\n"

int64_t tiles_empty_bytes(void)
{
    return (int64_t)strlen(HEADER);
}

static void put_number(GString *out, double value, char end)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append(out, g_ascii_formatd(text, sizeof text, "%.17g", value));
    g_string_append_c(out, end);
}

gboolean tiles_write(const char *path, const Grid *grid, const char *split, char sha256[65], GError **error)
{
    g_autoptr(GString) out = g_string_new(HEADER);
    for (guint i = 0; i < grid->tiles->len; i++) {
        const Tile *tile = &g_array_index(grid->tiles, Tile, i);
        g_string_append_printf(out, "%d,%d,", tile->column, tile->row);
        put_number(out, tile->x, ',');
        put_number(out, tile->y, ',');
        put_number(out, tile->tissue_fraction, ',');
        csv_cell(out, split, '\n');
    }
    return durable_write_file(path, out->str, out->len, sha256, error);
}

GArray *tiles_read(const char *path, GError **error)
{
    static const char *const names[] = {"column", "row", "x", "y", "tissue_fraction"};
    g_autoptr(Csv) csv = csv_read(path, error);
    int columns[G_N_ELEMENTS(names)];
    double values[G_N_ELEMENTS(names)];
    for (size_t c = 0; c < G_N_ELEMENTS(names); c++) {
        if (!csv || (columns[c] = csv_need(csv, names[c], error)) < 0) {
            return NULL;
        }
    }
    g_autoptr(GArray) tiles = g_array_sized_new(FALSE, FALSE, sizeof(Tile), csv_rows(csv));
    for (int row = 0; row < csv_rows(csv); row++) {
        for (size_t c = 0; c < G_N_ELEMENTS(names); c++) {
            if (!csv_number(csv, row, columns[c], &values[c], error)) {
                return NULL;
            }
        }
        Tile tile = {(int)values[0], (int)values[1], values[2], values[3], values[4]};
        g_array_append_val(tiles, tile);
    }
    return g_steal_pointer(&tiles);
}

Image *tiles_read_mask(const char *path, GError **error)
{
    g_autoptr(Image) rgb = imagefile_read(path, error);
    Image *mask = rgb ? image_new(rgb->width, rgb->height, 1, error) : NULL;
    for (size_t i = 0; mask && i < image_bytes(mask); i++) {
        mask->pixels[i] = rgb->pixels[3 * i];
    }
    return mask;
}

TissueOptions tiles_tissue_options(const Config *config)
{
    TissueOptions options = tissue_defaults;
    options.mpp = config->tissue_mpp;
    options.min_area_um2 = config->tissue_min_area_um2;
    options.max_hole_um2 = config->tissue_max_hole_um2;
    return options;
}

void tiles_grid_spec(const Config *config, GridSpec *spec)
{
    *spec = (GridSpec){.size = config->tiles_size,
                       .mpp = config->tiles_mpp,
                       .overlap = config->tiles_overlap < 1 ? config->tiles_overlap * config->tiles_size
                                                            : config->tiles_overlap,
                       .min_tissue = config->tiles_min_tissue};
    edge_policy_parse(config->tiles_edge, &spec->edge);
}

CutSpec tiles_cut_spec(const Config *config)
{
    CutSpec spec = {.size = config->tiles_size, .mpp = config->tiles_mpp};
    filter_parse(config->tiles_filter, &spec.filter);
    return spec;
}

gboolean tiles_need_mpp(const Slide *slide, GError **error)
{
    const SlideInfo *info = slide_info(slide);
    if (info->mpp_source != MPP_NONE) {
        return TRUE;
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                "%s does not say its resolution (um/px); give it in the column mpp of slides.manifest, for "
                "all slides as "
                "slides.mpp%s",
                info->path,
                info->objective > 0 ? ", or allow 10 / nominal magnification by slides.objective: true" : "");
    return FALSE;
}

/* Upsampling makes pixels up: it is allowed as far as nominal resolutions of scanners differ, not from one objective to the next. */
gboolean tiles_check_upsampling(const Config *config, const Slide *slide, double mpp, GError **error)
{
    const SlideInfo *info = slide_info(slide);
    double own = MAX(info->mpp_x, info->mpp_y);
    if (own <= mpp * config->tiles_max_upsampling * (1 + 1e-9)) {
        return TRUE;
    }
    g_set_error(
        error, WSI_ERROR, WSI_ERROR_INPUT,
        "%s: tiles at %g um/px would be %.3g times finer than its level 0 (%g um/px), and "
        "tiles.max_upsampling allows %g; ask for tiles.mpp of %g or more, or set tiles.max_upsampling",
        info->path, mpp, own / mpp, own, config->tiles_max_upsampling, own);
    return FALSE;
}

Grid *tiles_grid(const Slide *slide, const GridSpec *spec, const Image *tissue, GError **error)
{
    const SlideInfo *info = slide_info(slide);
    return grid_new(spec, &info->bounds, info->mpp_x, info->mpp_y, tissue, info->levels[0].width,
                    info->levels[0].height, error);
}
