/* The colours of tiles: ICC profile, then stain normalisation.
 *
 * Both steps come after resampling and use one tile alone, so the pixels of a tile depend on its position only.  lcms2's cache of
 * the last pixel is switched off, so that all threads can share one transform. */
#include "tiler/colour/tile_colour.h"
#include "base/durable.h"
#include "base/error.h"
#include <lcms2.h>
#include <string.h>

enum { PROFILE_LIMIT = 16 << 20 }; /* bytes; profiles have some kB to some MB */

struct TileColour {
    cmsHTRANSFORM transform; /* NULL: none */
    char profile[65];        /* SHA-256 */
    StainFit source, target;
    char *identity;
};

/* Renews the identity: the profile by its hash, and both fits in full precision. */
static void describe(TileColour *colour)
{
    g_autoptr(GString) text = g_string_new(NULL);
    if (colour->transform) {
        g_string_append_printf(text, "icc %s lcms %d ", colour->profile, cmsGetEncodedCMMversion());
    }
    const StainFit *fits[2] = {&colour->source, &colour->target};
    /* Without two fits no stain changes, so they are not part of the identity. */
    for (int i = 0; i < 2 && colour->source.method != STAIN_NONE && colour->target.method != STAIN_NONE;
         i++) {
        json_t *json = stain_fit_json(fits[i]);
        g_autofree char *dumped = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(17));
        g_string_append(text, dumped);
        json_decref(json);
    }
    g_free(colour->identity);
    colour->identity = g_strdup(text->str);
}

/* Makes the transform from the profile to sRGB. */
static gboolean make_transform(TileColour *colour, const char *path, const void *data, gsize bytes,
                               GError **error)
{
    /* Only RGB profiles can be applied to RGB pixels. */
    cmsHPROFILE own = bytes <= PROFILE_LIMIT ? cmsOpenProfileFromMem(data, (cmsUInt32Number)bytes) : NULL;
    cmsHPROFILE srgb = cmsCreate_sRGBProfile();
    if (own && srgb && cmsGetColorSpace(own) == cmsSigRgbData) {
        colour->transform = cmsCreateTransform(own, TYPE_RGB_8, srgb, TYPE_RGB_8,
                                               cmsGetHeaderRenderingIntent(own), cmsFLAGS_NOCACHE);
    }
    if (own) {
        cmsCloseProfile(own);
    }
    if (srgb) {
        cmsCloseProfile(srgb);
    }
    if (!colour->transform) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: its ICC profile cannot be used", path);
        return FALSE;
    }
    /* The identity of the tiles includes the profile. */
    durable_hash_bytes(data, bytes, colour->profile);
    return TRUE;
}

TileColour *tile_colour_new(const char *path, const void *profile, gsize bytes, GError **error)
{
    g_autoptr(TileColour) colour = g_new0(TileColour, 1);
    if (bytes > 0 && !make_transform(colour, path, profile, bytes, error)) {
        return NULL;
    }
    describe(colour);
    return g_steal_pointer(&colour);
}

void tile_colour_free(TileColour *colour)
{
    if (!colour) {
        return;
    }
    if (colour->transform) {
        cmsDeleteTransform(colour->transform);
    }
    g_free(colour->identity);
    g_free(colour);
}

void tile_colour_set_stain(TileColour *colour, const StainFit *source, const StainFit *target)
{
    colour->source = *source;
    colour->target = *target;
    describe(colour);
}

const char *tile_colour_identity(const TileColour *colour)
{
    return colour->identity;
}

/* Pixels without data are white and stay so. */
static gboolean is_white(const uint8_t *p)
{
    return p[0] == 255 && p[1] == 255 && p[2] == 255;
}

/* Transforms each run of pixels between white ones. */
static void apply_profile(const TileColour *colour, Image *rgb)
{
    /* rgb (H, W, 3) as one run of pixels. */
    uint8_t *end = rgb->pixels + image_bytes(rgb);
    for (uint8_t *p = rgb->pixels, *q; p < end; p = q) {
        q = p;
        if (is_white(p)) {
            q += 3;
            continue;
        }
        while (q < end && !is_white(q)) {
            q += 3;
        }
        cmsDoTransform(colour->transform, p, p, (cmsUInt32Number)((q - p) / 3));
    }
}

void tile_colour_apply(const TileColour *colour, Image *rgb)
{
    if (colour->transform) {
        apply_profile(colour, rgb);
    }
    /* In sRGB now, if the slide has a profile. */
    stain_apply(&colour->source, &colour->target, rgb);
}
