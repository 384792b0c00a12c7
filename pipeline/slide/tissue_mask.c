/* Options and files of tissue masks. */
#include "pipeline/slide/tissue_mask.h"
#include "tiler/imagefile/imagefile.h"

TissueOptions tissue_mask_options(const Config *config)
{
    TissueOptions options = tissue_defaults;
    options.mpp = config->tissue_mpp;
    options.min_area_um2 = config->tissue_min_area_um2;
    options.max_hole_um2 = config->tissue_max_hole_um2;
    return options;
}

Image *tissue_mask_read(const char *path, GError **error)
{
    g_autoptr(Image) rgb = imagefile_read(path, error);
    Image *mask = rgb ? image_new(rgb->width, rgb->height, 1, error) : NULL;
    for (size_t i = 0; mask && i < image_bytes(mask); i++) {
        mask->pixels[i] = rgb->pixels[3 * i];
    }
    return mask;
}

gboolean tissue_mask_from_raster(Tissue *tissue, const Slide *slide, const Raster *raster, gboolean within,
                                 GError **error)
{
    g_autoptr(Image) mask = image_new(tissue->mask->width, tissue->mask->height, 1, error);
    if (!mask) {
        return FALSE;
    }
    const SlideLevel *level = &slide_info(slide)->levels[0];
    const Rect whole = {0, 0, (double)level->width, (double)level->height};
    int64_t kept = 0;
    raster_fill(raster, &whole, mask);
    for (size_t i = 0; i < image_bytes(mask); i++) {
        tissue->mask->pixels[i] = mask->pixels[i] && (!within || tissue->mask->pixels[i]) ? 255 : 0;
        kept += tissue->mask->pixels[i] != 0;
    }
    tissue->tissue_fraction = (double)kept / (double)image_bytes(mask);
    return TRUE;
}
