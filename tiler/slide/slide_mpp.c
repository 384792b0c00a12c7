/* The resolution of a slide, in um/px of level 0, and where the figure comes from. */
#include "tiler/slide/slide_private.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

/* No scanner has a resolution outside these limits.  Image programs write 72 to 600 dpi (353 to 42 um/px) when they do not know
 * the resolution. */
static const double MIN_MPP = 0.005, MAX_MPP = 40;

/* Whether a scanner can have this resolution. */
static gboolean plausible(double mpp)
{
    return mpp >= MIN_MPP && mpp <= MAX_MPP;
}

/* um/px from the tags that OpenSlide repeats as properties; 0 when they do not say it. */
static double tag_mpp(openslide_t *handle, const char *name)
{
    const char *unit = openslide_get_property_value(handle, "tiff.ResolutionUnit");
    /* Pixels per inch or centimetre, so um/px = um per unit / pixels per unit. */
    double per_unit = slide_openslide_number(handle, name);
    double um = g_strcmp0(unit, "centimeter") == 0 ? 1e4 : g_strcmp0(unit, "inch") == 0 ? 25400 : 0;
    return per_unit > 0 ? um / per_unit : 0;
}

/* What the file says; MPP_NONE when it says nothing plausible.  OpenSlide 4 repeats the tags of a generic TIFF as openslide.mpp-x and -y,
 * so the tags are read first.  page: the page of level 0 when OpenSlide does not read the slide; else NULL. */
static MppSource file_mpp(const Slide *slide, openslide_t *handle, const TiffPage *page, double *x, double *y)
{
    /* Aperio states um/px in its description, other TIFFs pixels per unit in their tags. */
    if (page) {
        *x = page->aperio ? page->aperio_mpp : page->mpp_x;
        *y = page->aperio ? page->aperio_mpp : page->mpp_y;
        if (plausible(*x) && plausible(*y)) {
            return page->aperio ? MPP_FILE : MPP_TIFF_TAGS;
        }
        *x = *y = 0;
        return MPP_NONE;
    }
    *x = tag_mpp(handle, "tiff.XResolution");
    *y = tag_mpp(handle, "tiff.YResolution");
    if (strcmp(slide->vendor, "generic-tiff") == 0 && plausible(*x) && plausible(*y)) {
        return MPP_TIFF_TAGS;
    }
    *x = slide_openslide_number(handle, OPENSLIDE_PROPERTY_NAME_MPP_X);
    *y = slide_openslide_number(handle, OPENSLIDE_PROPERTY_NAME_MPP_Y);
    if (plausible(*x) && plausible(*y)) {
        return MPP_FILE;
    }
    *x = *y = 0;
    return MPP_NONE;
}

gboolean slide_mpp_set(Slide *slide, openslide_t *handle, const TiffPage *page, const SlideOptions *options,
                       GError **error)
{
    SlideInfo *info = &slide->info;
    double given_x = options->mpp_x, given_y = options->mpp_y;
    if (!isfinite(given_x) || !isfinite(given_y) || given_x < 0 || given_y < 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: a resolution of %g x %g um/px is not possible",
                    slide->path, given_x, given_y);
        return FALSE;
    }
    info->objective = page ? page->aperio_power
                           : MAX(0, slide_openslide_number(handle, OPENSLIDE_PROPERTY_NAME_OBJECTIVE_POWER));
    info->mpp_source = file_mpp(slide, handle, page, &info->mpp_x, &info->mpp_y);
    if (given_x > 0 || given_y > 0) {
        /* An axis that is not given has the file's value, or else that of the other axis. */
        double fallback = MAX(given_x, given_y);
        info->mpp_x = given_x > 0 ? given_x : info->mpp_x > 0 ? info->mpp_x : fallback;
        info->mpp_y = given_y > 0 ? given_y : info->mpp_y > 0 ? info->mpp_y : fallback;
        info->mpp_source = MPP_OVERRIDE;
    } else if (info->mpp_source == MPP_NONE && options->use_objective && info->objective > 0) {
        /* The usual rule: 40 x is 0.25 um/px, 20 x is 0.5. */
        info->mpp_x = info->mpp_y = 10 / info->objective;
        info->mpp_source = MPP_OBJECTIVE;
    }
    return TRUE;
}

const char *slide_mpp_source_name(MppSource source)
{
    static const char *const names[] = {"none", "file", "tiff tags", "override", "objective"};
    return names[source];
}
