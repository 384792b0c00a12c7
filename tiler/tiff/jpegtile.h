/* One JPEG stream of a TIFF to RGB. */
#pragma once
#include <glib.h>
#include <stdint.h>

enum { JPEGTILE_MESSAGE = 256 };

typedef struct {
    const uint8_t *tables; /* JPEGTables of the directory, or NULL */
    size_t tables_bytes;
    gboolean ycbcr;    /* the samples are YCbCr, where the stream proves nothing else; otherwise RGB */
    int width, height; /* of the stream */
    int scale; /* 1, 2, 4 or 8: decode at that part of the size, from the low frequencies of each block */
} JpegTileSpec;

/* What a stream proves of its samples: a JFIF marker, Adobe's transform and subsampled components are of YCbCr; Adobe's "no transform"
 * and components named R, G, B are of RGB (JFIF 1.02; Adobe TN 5116). Where they contradict each other nothing is proved. */
typedef enum { JPEGTILE_UNPROVED, JPEGTILE_YCBCR, JPEGTILE_RGB } JpegTileColour;

typedef enum {
    JPEGTILE_DECODED,
    /* Not a JPEG of that size with three components, or damaged (decoders show something for damaged data). */
    JPEGTILE_UNREADABLE,
    JPEGTILE_NO_MEMORY
} JpegTileResult;

/* Decodes the stream to rgb (width / scale x height / scale x 3; a scale other than 1 needs sizes divisible by 8).  What is not decoded has a
 * message.  rgb NULL: the header alone is examined.  proved may be NULL.  Thread-safe. */
JpegTileResult jpegtile_decode(const JpegTileSpec *spec, const uint8_t *stream, size_t bytes, uint8_t *rgb,
                               JpegTileColour *proved, char message[JPEGTILE_MESSAGE]);
