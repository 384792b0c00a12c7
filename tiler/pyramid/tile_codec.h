/* Encodes single TIFF tiles in memory, so that several threads can encode tiles, and encoded tiles can be kept.  For this
 * folder only.  A codec is used by one thread at a time. */
#pragma once
#include "tiler/pyramid/pyramid_spec.h"

typedef struct TileCodec TileCodec;

TileCodec *tile_codec_new(PyramidPixels pixels, int tile, int quality, GError **error);
void tile_codec_free(TileCodec *codec);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TileCodec, tile_codec_free)
/* Appends the encoded tile to out.  Its upper left width x height px are given, `stride` bytes from row to row.  Beyond them JPEG repeats the
 * last pixels (which avoids ringing at the border), and values are 0 or "no data". */
gboolean tile_codec_encode(TileCodec *codec, const uint8_t *pixels, size_t stride, int width, int height,
                           GByteArray *out, GError **error);
/* JPEG only: appends the tables (TIFF tag JPEGTables) that the tiles omit. */
gboolean tile_codec_tables(TileCodec *codec, GByteArray *out, GError **error);

/* Chroma has full resolution from this quality on. */
#define TILE_CODEC_SUBSAMPLING(quality) ((quality) >= 90 ? 1 : 2)
/* Bytes of a pixel. */
static inline int tile_codec_pixel_bytes(PyramidPixels pixels)
{
    return pixels == PYRAMID_LABEL ? 1 : pixels == PYRAMID_FLOAT ? 4 : 3;
}
