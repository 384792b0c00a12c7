/* Encodes single TIFF tiles in memory, so that tiles can be encoded by several threads and kept.  For .c
 * files of this room only.  One codec belongs to one thread at a time. */
#pragma once
#include "tiler/pyramid/pyramid.h"

typedef struct TileCodec TileCodec;

TileCodec *tile_codec_new(PyramidPixels pixels, int tile, int quality, GError **error);
void tile_codec_free(TileCodec *codec);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TileCodec, tile_codec_free)
/* Appends the encoded tile to out.  pixels: tile x tile, packed; scrambled by the call. */
gboolean tile_codec_encode(TileCodec *codec, void *pixels, GByteArray *out, GError **error);
/* JPEG: appends the tables (TIFF tag JPEGTables) that the tiles leave out. */
gboolean tile_codec_tables(TileCodec *codec, GByteArray *out, GError **error);

/* Chroma is kept at full resolution from this quality on. */
#define TILE_CODEC_SUBSAMPLING(quality) ((quality) >= 90 ? 1 : 2)
/* Bytes of a pixel. */
static inline int tile_codec_pixel_bytes(PyramidPixels pixels)
{
    return pixels == PYRAMID_LABEL ? 1 : pixels == PYRAMID_FLOAT ? 4 : 3;
}
