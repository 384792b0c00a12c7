/* Grids of slides, and their limits. */
#include "pipeline/slide/slide_grid.h"
#include "base/error.h"

void slide_grid_spec(const Config *config, GridSpec *spec)
{
    *spec = (GridSpec){.size = config->tiles_size,
                       .mpp = config->tiles_mpp,
                       .overlap = config->tiles_overlap < 1 ? config->tiles_overlap * config->tiles_size
                                                            : config->tiles_overlap,
                       .min_tissue = config->tiles_min_tissue};
    edge_policy_parse(config->tiles_edge, &spec->edge);
}

gboolean slide_grid_check_mpp(const Slide *slide, GError **error)
{
    const SlideInfo *info = slide_info(slide);
    if (info->mpp_source != MPP_NONE) {
        return TRUE;
    }
    g_set_error(
        error, WSI_ERROR, WSI_ERROR_INPUT,
        "%s does not state its resolution (um/px): set it in the column mpp of slides.manifest, or for "
        "all slides with "
        "slides.mpp%s",
        info->path,
        info->objective > 0 ? ", or allow 10 / nominal magnification with slides.objective: true" : "");
    return FALSE;
}

/* Upsampling invents pixels.  It is allowed as far as the nominal resolutions of scanners differ, not from one objective to the next. */
gboolean slide_grid_check_upsampling(const Config *config, const Slide *slide, double mpp, GError **error)
{
    const SlideInfo *info = slide_info(slide);
    double own = MAX(info->mpp_x, info->mpp_y);
    if (own <= mpp * config->tiles_max_upsampling * (1 + 1e-9)) {
        return TRUE;
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                "%s: tiles at %g um/px would be %.3g times finer than its level 0 (%g um/px), but "
                "tiles.max_upsampling is %g: set tiles.mpp to %g or more, or raise tiles.max_upsampling",
                info->path, mpp, own / mpp, own, config->tiles_max_upsampling, own);
    return FALSE;
}

Grid *slide_grid_new(const Slide *slide, const GridSpec *spec, const Image *tissue, GError **error)
{
    const SlideInfo *info = slide_info(slide);
    return grid_new(spec, &info->bounds, info->mpp_x, info->mpp_y, tissue, info->levels[0].width,
                    info->levels[0].height, error);
}

int slide_grid_level(const Config *config, const Slide *slide)
{
    const SlideInfo *info = slide_info(slide);
    return slide_best_level(slide, config->tiles_mpp / MAX(info->mpp_x, info->mpp_y));
}
