/* Colours of tiles.
 *
 * Both steps come after resampling, on the tile alone: what a tile holds stays a function of its place.  lcms2's own cache of the last
 * pixel is switched off, so that one transform serves all threads. */
#include "tiler/colour/tile_colour.h"
#include "base/durable.h"
#include "base/error.h"
#include "tiler/label_mask/label_mask.h"
#include "tiler/slide/openslide_icc.h"
#include "tiler/tiff/tiffsource.h"
#include <lcms2.h>
#include <string.h>

enum { PROFILE_LIMIT = 16 << 20 };

struct TileColour {
    cmsHTRANSFORM transform; /* NULL: none */
    char profile[65];        /* SHA-256 */
    StainFit source, target;
    char *identity;
};

static void describe(TileColour *colour)
{
    g_autoptr(GString) text = g_string_new(NULL);
    if (colour->transform) {
        g_string_append_printf(text, "icc %s lcms %d ", colour->profile, cmsGetEncodedCMMversion());
    }
    const StainFit *fits[2] = {&colour->source, &colour->target};
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

static gboolean make_transform(TileColour *colour, const char *path, const void *data, uint32_t bytes,
                               GError **error)
{
    cmsHPROFILE own = bytes <= PROFILE_LIMIT ? cmsOpenProfileFromMem(data, bytes) : NULL;
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
    durable_hash_bytes(data, bytes, colour->profile);
    return TRUE;
}

static gboolean read_other_profile(TileColour *colour, const char *path, GError **error)
{
    g_autofree void *data = NULL;
    gsize bytes;
    return openslide_icc_read(path, &data, &bytes, error) &&
           (bytes == 0 || make_transform(colour, path, data, (uint32_t)bytes, error));
}

static gboolean read_profile(TileColour *colour, const char *path, GError **error)
{
    gboolean is_tiff = FALSE;
    if (!g_file_test(path, G_FILE_TEST_IS_DIR) && !label_mask_detect(path, &is_tiff, error)) {
        return FALSE;
    }
    if (!is_tiff) {
        return read_other_profile(colour, path, error);
    }
    g_autoptr(TiffSource) source = tiffsource_open(path, error);
    uint32_t bytes = 0;
    void *data = NULL;
    if (!source) {
        return FALSE;
    }
    if (TIFFGetField(tiffsource_tiff(source), TIFFTAG_ICCPROFILE, &bytes, &data) && bytes > 0) {
        return make_transform(colour, path, data, bytes, error);
    }
    return tiffsource_check(source, error);
}

TileColour *tile_colour_new(const char *path, gboolean icc, GError **error)
{
    g_autoptr(TileColour) colour = g_new0(TileColour, 1);
    if (icc && !read_profile(colour, path, error)) {
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

gboolean tile_colour_has_profile(const TileColour *colour)
{
    return colour->transform != NULL;
}

const char *tile_colour_identity(const TileColour *colour)
{
    return colour->identity;
}

static gboolean is_white(const uint8_t *p)
{
    return p[0] == 255 && p[1] == 255 && p[2] == 255;
}

/* Run by run between white pixels. */
static void apply_profile(const TileColour *colour, Image *rgb)
{
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
    stain_apply(&colour->source, &colour->target, rgb);
}
