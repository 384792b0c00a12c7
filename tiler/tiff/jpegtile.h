/* Decodes one JPEG stream of a TIFF to RGB. */
#pragma once
#include <glib.h>
#include <stdint.h>

enum { JPEGTILE_MESSAGE = 256 };

typedef struct {
    const uint8_t *tables; /* JPEGTables of the directory, or NULL */
    size_t tables_bytes;
    gboolean
        ycbcr; /* the samples are YCbCr, else RGB; a stream that proves its colour space overrides this */
    int width, height; /* of the stream, px */
    int scale; /* 1, 2, 4 or 8: decode at 1 / scale of the size, from the low frequencies of each block */
} JpegTileSpec;

/* What a stream proves about its samples.  YCbCr: a JFIF marker, Adobe's transform 1, or subsampled components.  RGB: Adobe's transform 0,
 * or components named R, G, B (JFIF 1.02; Adobe TN 5116).  When these contradict each other, nothing is proved. */
typedef enum { JPEGTILE_UNPROVED, JPEGTILE_YCBCR, JPEGTILE_RGB } JpegTileColour;

typedef enum {
    JPEGTILE_DECODED,
    JPEGTILE_UNREADABLE, /* damaged, or not a JPEG of that size with three components */
    JPEGTILE_NO_MEMORY
} JpegTileResult;

/* Decodes the stream to rgb (height / scale, width / scale, 3); a scale other than 1 needs sizes divisible by 8.  When it is not decoded,
 * message says why.  rgb NULL: only the header is examined.  proved may be NULL.  Thread-safe. */
JpegTileResult jpegtile_decode(const JpegTileSpec *spec, const uint8_t *stream, size_t bytes, uint8_t *rgb,
                               JpegTileColour *proved, char message[JPEGTILE_MESSAGE]);
