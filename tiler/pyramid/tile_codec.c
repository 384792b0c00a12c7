/* Encodes one tile at a time: JPEG by libjpeg-turbo, or predictor and Deflate by libdeflate.
 *
 * libtiff can only encode into the directory that it is writing, one tile after the other.  A pyramid that
 * is written in one pass produces several levels at the same time, so tiles are encoded here and passed to
 * libtiff as raw bytes.
 *
 * JPEG tiles are abbreviated streams: quantisation and Huffman tables are in the tag JPEGTables (TIFF
 * Technical Note 2), which saves 600 bytes per tile.  There are no JFIF or Adobe markers: Photometric
 * says YCbCr.  Floats are deflated without a predictor.  The floating-point predictor 3 would make them smaller, but tifffile needs a
 * package for it that Debian does not have, and viewers without it show nothing. */
#include "tiler/pyramid/tile_codec.h"
#include "tiler/imagefile/jpegio.h"
#include "base/error.h"
#include "tiler/pyramid/fill_pixels.h"
#include <libdeflate.h>
#include <math.h>
#include <string.h>

enum { ROWS = 16 }; /* a divisor of every tile size */

struct TileCodec {
    PyramidPixels pixels;
    int tile, quality;
    struct jpeg_compress_struct jpeg;
    JpegErrors errors;
    struct libdeflate_compressor *zip;
    uint8_t *whole;  /* tile x tile px, packed */
    uint8_t *packed; /* room for a compressed tile */
    size_t packed_bytes;
};

/* Sets up the compressor; the parameters hold for all tiles. */
static gboolean start_jpeg(TileCodec *codec)
{
    struct jpeg_compress_struct *jpeg = &codec->jpeg;
    jpeg->err = jpegio_errors_init(&codec->errors);
    if (setjmp(codec->errors.jump)) {
        return FALSE;
    }
    jpeg_create_compress(jpeg);
    jpeg->image_width = jpeg->image_height = (JDIMENSION)codec->tile;
    jpeg->input_components = 3;
    jpeg->in_color_space = JCS_RGB;
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, codec->quality, TRUE);
    jpeg->comp_info[0].h_samp_factor = jpeg->comp_info[0].v_samp_factor =
        TILE_CODEC_SUBSAMPLING(codec->quality);
    jpeg->write_JFIF_header = FALSE;
    jpeg->write_Adobe_marker = FALSE;
    return TRUE;
}

/* Measured on synthetic tissue: images and scores are noisy, so a high level gains little (of scores, level 6 saves 2 % at 55 % of the speed; of
 * images 6 % at a quarter).  It does pay for the outlines in masks.  zlib needs 3.6 times as long for the size of level 1. */
static const int deflate_levels[] = {[PYRAMID_RGB_LOSSLESS] = 1, [PYRAMID_LABEL] = 6, [PYRAMID_FLOAT] = 1};

/* Sets up the compressor, with room for the largest possible output. */
static gboolean start_deflate(TileCodec *codec)
{
    codec->zip = libdeflate_alloc_compressor(deflate_levels[codec->pixels]);
    if (!codec->zip) {
        return FALSE;
    }
    size_t raw = (size_t)codec->tile * codec->tile * tile_codec_pixel_bytes(codec->pixels);
    codec->packed_bytes = libdeflate_zlib_compress_bound(codec->zip, raw);
    codec->packed = g_try_malloc(codec->packed_bytes);
    return codec->packed != NULL;
}

TileCodec *tile_codec_new(PyramidPixels pixels, int tile, int quality, GError **error)
{
    g_autoptr(TileCodec) codec = g_new0(TileCodec, 1);
    codec->pixels = pixels;
    codec->tile = tile;
    codec->quality = quality;
    codec->whole = g_try_malloc((size_t)tile * tile * tile_codec_pixel_bytes(pixels));
    if (codec->whole && (pixels == PYRAMID_RGB_JPEG ? start_jpeg(codec) : start_deflate(codec))) {
        return g_steal_pointer(&codec);
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_MEMORY, "no memory to encode tiles of %d px", tile);
    return NULL;
}

void tile_codec_free(TileCodec *codec)
{
    if (!codec) {
        return;
    }
    if (codec->pixels == PYRAMID_RGB_JPEG) {
        jpeg_destroy_compress(&codec->jpeg);
    }
    if (codec->zip) {
        libdeflate_free_compressor(codec->zip);
    }
    g_free(codec->packed);
    g_free(codec->whole);
    g_free(codec);
}

/* Resets the compressor, and makes our error of libjpeg's message. */
static gboolean jpeg_failed(TileCodec *codec, GError **error)
{
    jpeg_abort_compress(&codec->jpeg);
    g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "JPEG tile encoder: %s", codec->errors.message);
    return FALSE;
}

/* An abbreviated table-only stream. */
static gboolean write_tables(TileCodec *codec, GByteArray *out)
{
    if (setjmp(codec->errors.jump)) {
        return FALSE;
    }
    jpegio_to_bytes(&codec->jpeg, out);
    jpeg_suppress_tables(&codec->jpeg, FALSE);
    jpeg_write_tables(&codec->jpeg);
    return TRUE;
}

gboolean tile_codec_tables(TileCodec *codec, GByteArray *out, GError **error)
{
    return write_tables(codec, out) || jpeg_failed(codec, error);
}

/* Copies the given part of a tile to the whole tile, and fills the rest. */
static void complete(TileCodec *codec, const uint8_t *pixels, size_t stride, int width, int height)
{
    static const uint8_t zero[4] = {0};
    const float no_data = NAN;
    const int bytes = tile_codec_pixel_bytes(codec->pixels);
    const gboolean repeat = codec->pixels == PYRAMID_RGB_JPEG;
    const void *outside = codec->pixels == PYRAMID_FLOAT ? (const void *)&no_data : zero;
    const size_t row_bytes = (size_t)codec->tile * bytes, given = (size_t)width * bytes;
    for (int y = 0; y < codec->tile; y++) {
        uint8_t *row = codec->whole + (size_t)y * row_bytes;
        if (y < height) {
            const uint8_t *from = pixels + (size_t)y * stride;
            memcpy(row, from, given);
            fill_pixels(row + given, repeat ? from + given - bytes : outside, bytes, codec->tile - width);
        } else if (repeat) {
            memcpy(row, row - row_bytes, row_bytes);
        } else {
            fill_pixels(row, outside, bytes, codec->tile);
        }
    }
}

/* An abbreviated image stream without tables. */
static gboolean write_jpeg(TileCodec *codec, const uint8_t *pixels, size_t stride, GByteArray *out)
{
    if (setjmp(codec->errors.jump)) {
        return FALSE;
    }
    jpegio_to_bytes(&codec->jpeg, out);
    jpeg_suppress_tables(&codec->jpeg, TRUE);
    jpeg_start_compress(&codec->jpeg, FALSE);
    while (codec->jpeg.next_scanline < codec->jpeg.image_height) {
        JSAMPROW rows[ROWS];
        for (size_t i = 0; i < ROWS; i++) {
            rows[i] = (JSAMPROW)(uintptr_t)(pixels + (codec->jpeg.next_scanline + i) * stride);
        }
        jpeg_write_scanlines(&codec->jpeg, rows, ROWS);
    }
    jpeg_finish_compress(&codec->jpeg);
    return TRUE;
}

/* Predictor 2: each sample minus the one to its left. */
static void difference_rgb(uint8_t *pixels, int tile)
{
    for (int y = 0; y < tile; y++) {
        uint8_t *row = pixels + (size_t)y * tile * 3;
        /* From right to left, so that the left neighbour is still the original. */
        for (int i = tile * 3 - 1; i >= 3; i--) {
            row[i] = (uint8_t)(row[i] - row[i - 3]);
        }
    }
}

static gboolean write_deflate(TileCodec *codec, GByteArray *out, GError **error)
{
    if (codec->pixels == PYRAMID_RGB_LOSSLESS) {
        difference_rgb(codec->whole, codec->tile);
    }
    const size_t raw = (size_t)codec->tile * codec->tile * tile_codec_pixel_bytes(codec->pixels);
    const size_t packed =
        libdeflate_zlib_compress(codec->zip, codec->whole, raw, codec->packed, codec->packed_bytes);
    if (packed == 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL,
                    "Deflate tile encoder: no room for a tile of %zu bytes", raw);
        return FALSE;
    }
    g_byte_array_append(out, codec->packed, (guint)packed);
    return TRUE;
}

gboolean tile_codec_encode(TileCodec *codec, const uint8_t *pixels, size_t stride, int width, int height,
                           GByteArray *out, GError **error)
{
    /* Only JPEG takes rows where they are; the predictor overwrites them. */
    const gboolean jpeg = codec->pixels == PYRAMID_RGB_JPEG;
    if (jpeg && width == codec->tile && height == codec->tile) {
        return write_jpeg(codec, pixels, stride, out) || jpeg_failed(codec, error);
    }
    complete(codec, pixels, stride, width, height);
    if (jpeg) {
        return write_jpeg(codec, codec->whole, (size_t)codec->tile * 3, out) || jpeg_failed(codec, error);
    }
    return write_deflate(codec, out, error);
}
