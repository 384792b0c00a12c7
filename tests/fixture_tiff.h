/* Small slides for tests: tiled TIFF pyramids written with libtiff, and files broken on purpose. */
#pragma once
#include "base/error.h"
#include "base/image.h"
#include "base/rng.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <glib/gstdio.h>
#include <tiffio.h>

typedef struct {
    int tile;        /* px; 0 = 64 */
    int levels;      /* 0 = 1 */
    int compression; /* of libtiff; 0 = JPEG */
    int photometric; /* 0 = YCbCr with JPEG, else RGB */
    int subsampling; /* of YCbCr; 0 = 2 */
    gboolean big;    /* BigTIFF */
    gboolean big_endian;
    double per_unit; /* X and YResolution; 0 = none */
    int unit;        /* RESUNIT_*; 0 = cm */
    const char *description;
    int sparse_tile; /* number of a level-0 tile that is not stored; 0 = none (tile 0 always is) */
} FixtureSpec;

static inline char *fixture_folder(void)
{
    g_autoptr(GError) error = NULL;
    char *folder = g_dir_make_tmp("wsiflow-slide-XXXXXX", &error);
    g_assert_no_error(error);
    return folder;
}

static inline void fixture_remove(char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *inner = g_build_filename(folder, name, NULL);
        g_remove(inner);
    }
    g_rmdir(folder);
    g_free(folder);
}

static inline Image *fixture_image(int width, int height, int channels)
{
    g_autoptr(GError) error = NULL;
    Image *image = image_new(width, height, channels, &error);
    g_assert_no_error(error);
    return image;
}

/* An image with structure at all scales, values in the middle of the range, different at every position. */
static inline Image *fixture_texture(int width, int height, uint64_t seed)
{
    Image *image = fixture_image(width, height, 3);
    Rng rng = rng_at(seed, 0, 0);
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            double wave = 30 * sin(x * 0.11 + y * 0.05) + 25 * cos(y * 0.13 - x * 0.02),
                   noise = 12 * rng_normal(&rng);
            for (int c = 0; c < 3; c++) {
                double value = 130 + wave * (c == 1 ? -1 : 1) + noise + 20 * c * sin((x + c * y) * 0.01);
                image->pixels[3 * ((size_t)y * width + x) + c] = (uint8_t)CLAMP(value, 20, 235);
            }
        }
    }
    return image;
}

static inline Image *fixture_constant(int width, int height, uint8_t red, uint8_t green, uint8_t blue)
{
    Image *image = fixture_image(width, height, 3);
    for (size_t i = 0; i < (size_t)width * height; i++) {
        image->pixels[3 * i] = red;
        image->pixels[3 * i + 1] = green;
        image->pixels[3 * i + 2] = blue;
    }
    return image;
}

/* Means of 2 x 2 px; an odd last row or column counts twice (size rounded up) or is dropped. */
static inline Image *fixture_halve(const Image *from, gboolean round_up)
{
    Image *to = fixture_image((from->width + round_up) / 2, (from->height + round_up) / 2, from->channels);
    for (int y = 0; y < to->height; y++) {
        for (int x = 0; x < to->width; x++) {
            for (int c = 0; c < 3; c++) {
                int sum = 2;
                for (int k = 0; k < 4; k++) {
                    int sx = MIN(2 * x + (k & 1), from->width - 1), sy = MIN(2 * y + k / 2, from->height - 1);
                    sum += from->pixels[3 * ((size_t)sy * from->width + sx) + c];
                }
                to->pixels[3 * ((size_t)y * to->width + x) + c] = (uint8_t)(sum / 4);
            }
        }
    }
    return to;
}

static inline void fixture_tags(TIFF *tiff, const FixtureSpec *spec, const Image *image, int level)
{
    int compression = spec->compression ? spec->compression : COMPRESSION_JPEG,
        tile = spec->tile ? spec->tile : 64;
    int photometric = spec->photometric                 ? spec->photometric
                      : compression == COMPRESSION_JPEG ? PHOTOMETRIC_YCBCR
                                                        : PHOTOMETRIC_RGB;
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, image->width);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, image->height);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 3);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(tiff, TIFFTAG_TILEWIDTH, tile);
    TIFFSetField(tiff, TIFFTAG_TILELENGTH, tile);
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, compression);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, photometric);
    TIFFSetField(tiff, TIFFTAG_SUBFILETYPE, level ? FILETYPE_REDUCEDIMAGE : 0);
    if (photometric == PHOTOMETRIC_YCBCR) {
        int subsampling = spec->subsampling ? spec->subsampling : 2;
        TIFFSetField(tiff, TIFFTAG_YCBCRSUBSAMPLING, subsampling, subsampling);
        TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    }
    if (spec->per_unit > 0) {
        TIFFSetField(tiff, TIFFTAG_XRESOLUTION, spec->per_unit / (1 << level));
        TIFFSetField(tiff, TIFFTAG_YRESOLUTION, spec->per_unit / (1 << level));
        TIFFSetField(tiff, TIFFTAG_RESOLUTIONUNIT, spec->unit ? spec->unit : RESUNIT_CENTIMETER);
    }
    if (spec->description) {
        TIFFSetField(tiff, TIFFTAG_IMAGEDESCRIPTION, spec->description);
    }
}

static inline void fixture_directory(TIFF *tiff, const FixtureSpec *spec, const Image *image, int level)
{
    int tile = spec->tile ? spec->tile : 64, columns = (image->width + tile - 1) / tile;
    int count = columns * ((image->height + tile - 1) / tile);
    g_autofree uint8_t *pixels = g_malloc((size_t)tile * tile * 3);
    fixture_tags(tiff, spec, image, level);
    for (int t = 0; t < count; t++) {
        for (int j = 0; j < tile; j++) {
            for (int i = 0; i < tile; i++) {
                int x = MIN(t % columns * tile + i, image->width - 1),
                    y = MIN(t / columns * tile + j, image->height - 1);
                memcpy(pixels + 3 * ((size_t)j * tile + i),
                       image->pixels + 3 * ((size_t)y * image->width + x), 3);
            }
        }
        if (level > 0 || t == 0 || t != spec->sparse_tile) {
            g_assert_cmpint(TIFFWriteEncodedTile(tiff, (uint32_t)t, pixels, (tmsize_t)tile * tile * 3), >, 0);
        }
    }
    g_assert_true(TIFFWriteDirectory(tiff));
}

/* Writes the pyramid of the image; levels are halved with sizes rounded up. */
static inline void fixture_write(const char *path, const FixtureSpec *spec, const Image *image)
{
    TIFF *tiff = TIFFOpen(path, spec->big_endian ? spec->big ? "w8b" : "wb" : spec->big ? "w8" : "w");
    g_assert_nonnull(tiff);
    const Image *level = image;
    g_autoptr(Image) owned = NULL;
    for (int i = 0; i < MAX(spec->levels, 1); i++) {
        fixture_directory(tiff, spec, level, i);
        Image *next = fixture_halve(level, TRUE);
        image_free(owned);
        level = owned = next;
    }
    TIFFClose(tiff);
}

/* Where tile `tile` of directory `directory` lies. */
static inline void fixture_tile_position(const char *path, int directory, int tile, uint64_t *offset,
                                         uint64_t *bytes)
{
    uint64_t *offsets = NULL, *counts = NULL;
    TIFF *tiff = TIFFOpen(path, "r");
    g_assert_true(tiff && TIFFSetDirectory(tiff, (uint16_t)directory));
    g_assert_true(TIFFGetField(tiff, TIFFTAG_TILEOFFSETS, &offsets) &&
                  TIFFGetField(tiff, TIFFTAG_TILEBYTECOUNTS, &counts));
    *offset = offsets[tile];
    *bytes = counts[tile];
    TIFFClose(tiff);
}

/* Overwrites bytes of a file. */
static inline void fixture_patch(const char *path, uint64_t offset, const void *bytes, size_t count)
{
    FILE *file = fopen(path, "r+b");
    g_assert_nonnull(file);
    g_assert_cmpint(fseek(file, (long)offset, SEEK_SET), ==, 0);
    g_assert_cmpuint(fwrite(bytes, 1, count, file), ==, count);
    fclose(file);
}

/* Fills the tile with bytes that no decoder takes for pixels. */
static inline void fixture_break_tile(const char *path, int directory, int tile)
{
    uint64_t offset, bytes;
    fixture_tile_position(path, directory, tile, &offset, &bytes);
    g_autofree uint8_t *junk = g_malloc(bytes);
    memset(junk, 0x55, bytes);
    fixture_patch(path, offset, junk, bytes);
}
