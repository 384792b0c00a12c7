/* From a tile to a patch.
 *
 * Cutting, training from slides and verification all use this file, so they agree on which tiles are patches and what their images show. */
#include "pipeline/patchset/patch_cut.h"
#include "base/durable.h"
#include "pipeline/patchset/tile_label.h"
#include "pipeline/slide/lesion_fractions.h"
#include "pipeline/slide/tile_recipe.h"
#include "pipeline/write/json.h"
#include "tiler/cut/cut.h"
#include "tiler/cut/grid.h"
#include "tiler/tissue/quality.h"
#include <math.h>
#include <string.h>

/* Increment it when the same slide and configuration give other bytes. */
#define PIXELS_VERSION 3

Patch *patch_of_tile(const Config *config, const SlideEntry *entry, const GArray *tiles,
                     const GArray *fractions, int number)
{
    static const LesionFraction none = {0};
    const Tile *tile = &g_array_index(tiles, Tile, number);
    const LesionFraction *lesion = fractions ? &g_array_index(fractions, LesionFraction, number) : &none;
    TileLabel label = tile_label(config, entry, lesion);
    gboolean train = g_str_equal(entry->split, "train");
    if (label == TILE_AMBIGUOUS || (label == TILE_UNGOOD && train && !config->dataset_train_anomalies)) {
        return NULL;
    }
    Patch *patch = g_new0(Patch, 1);
    patch->slide = g_strdup(entry->id);
    patch->patient = g_strdup(entry->patient);
    g_autofree char *file = g_path_get_basename(entry->path);
    patch->slide_file = g_utf8_make_valid(file, -1);
    patch->x = (int64_t)floor(tile->x + 0.5);
    patch->y = (int64_t)floor(tile->y + 0.5);
    patch->mpp = config->tiles_mpp;
    patch->tissue_fraction = tile->tissue_fraction;
    patch->lesion_fraction = lesion->fraction;
    patch->hard = label == TILE_GOOD && tile_is_hard(config, lesion);
    patch->label = g_strdup(label == TILE_GOOD ? "good" : "Ungood");
    patch->split = g_strdup(entry->split);
    patch->fold = entry->fold;
    return patch;
}

double patch_side(const Config *config, double mpp_x, double mpp_y)
{
    double least = fmin(mpp_x, mpp_y);
    return least > 0 ? floor(config->tiles_size * config->tiles_mpp / least + 0.5) : 0;
}

const char *patch_extension(const Config *config)
{
    return g_str_equal(config->dataset_image, "jpeg") ? "jpg" : "png";
}

int patch_jpeg_quality(const Config *config)
{
    return g_str_equal(config->dataset_image, "jpeg") ? config->dataset_jpeg_quality : 0;
}

/* A channel of the colour by its number. */
static double *sample_of(GlassColour *glass, int c)
{
    double *const samples[] = {&glass->red, &glass->green, &glass->blue};
    return samples[c];
}

gboolean patch_glass(const char *facts, const Slide *slide, GlassColour *glass, GError **error)
{
    *glass = (GlassColour){.red = 255, .green = 255, .blue = 255};
    g_autoptr(Image) pixel = image_new(1, 1, 3, error);
    json_t *root = pixel ? json_read(facts, error) : NULL;
    if (!root) {
        return FALSE;
    }
    const json_t *colour = json_object_get(root, "background");
    glass->greyscale = json_is_true(json_object_get(root, "greyscale"));
    glass->found = json_array_size(colour) == 3;
    for (int c = 0; glass->found && c < 3; c++) {
        *sample_of(glass, c) = json_number_value(json_array_get(colour, (size_t)c));
        pixel->pixels[c] = (uint8_t)lround(CLAMP(*sample_of(glass, c), 0, 255));
    }
    json_decref(root);
    if (glass->found && slide_colour(slide)) {
        tile_colour_apply(slide_colour(slide), pixel);
        for (int c = 0; c < 3; c++) {
            *sample_of(glass, c) = pixel->pixels[c];
        }
    }
    return TRUE;
}

void patch_pixels_hash(const Config *config, const Slide *slide, const GlassColour *glass, char pixels[17])
{
    const SlideInfo *info = slide_info(slide);
    char sha256[65], number[G_ASCII_DTOSTR_BUF_SIZE];
    const double numbers[] = {info->mpp_x,      info->mpp_y, config->tiles_mpp, config->tiles_overlap,
                              glass->greyscale, glass->red,  glass->green,      glass->blue};
    g_autoptr(GString) text = g_string_new(NULL);
    g_string_append_printf(text, "%d %s %d %s %s %d", PIXELS_VERSION, info->fingerprint, config->tiles_size,
                           config->tiles_edge, config->tiles_filter, patch_jpeg_quality(config));
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        g_string_append_c(text, ' ');
        g_string_append(text, g_ascii_formatd(number, sizeof number, "%.17g", numbers[i]));
    }
    if (slide_colour(slide)) {
        g_string_append_printf(text, " %s", tile_colour_identity(slide_colour(slide)));
    }
    durable_hash_bytes(text->str, text->len, sha256);
    g_strlcpy(pixels, sha256, 17);
}

gboolean patch_cut(const Config *config, Slide *slide, const GlassColour *glass, double x, double y,
                   Image *rgb, double *readable_fraction, unsigned *flags, GError **error)
{
    CutSpec spec = tile_recipe_cut_spec(config);
    Quality quality;
    if (!flags) {
        return cut_tile(slide, &spec, x, y, rgb, NULL, readable_fraction, error);
    }
    g_autoptr(Image) readable = image_new(spec.size, spec.size, 1, error);
    if (!readable || !cut_tile(slide, &spec, x, y, rgb, readable, readable_fraction, error) ||
        !quality_measure(rgb, readable, spec.mpp, glass, &quality, error)) {
        return FALSE;
    }
    *flags = quality.flags;
    return TRUE;
}

gboolean patch_cut_encoded(const Config *config, Slide *slide, const GlassColour *glass, double x, double y,
                           Image *rgb, GByteArray *out, double *readable_fraction, unsigned *flags,
                           GError **error)
{
    return patch_cut(config, slide, glass, x, y, rgb, readable_fraction, flags, error) &&
           patchset_encode(rgb, patch_jpeg_quality(config), out, error);
}
