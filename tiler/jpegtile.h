/* One JPEG stream of a TIFF to RGB. */
#pragma once
#include <glib.h>
#include <stdint.h>

enum { JPEGTILE_MESSAGE = 256 };

typedef struct {
    const uint8_t *tables; /* JPEGTables of the directory, or NULL */
    size_t tables_bytes;
    gboolean ycbcr;    /* the samples are YCbCr, whatever the stream says; else RGB */
    int width, height; /* of the stream */
    int scale; /* 1, 2, 4 or 8: decode at that part of the size, from the low frequencies of each block */
} JpegTileSpec;

/* Decodes the stream to rgb (width / scale x height / scale x 3; a scale other than 1 needs sizes divisible by 8).  FALSE with a message when it is not a JPEG of that size with
 * three components, or when it is damaged (decoders show something for damaged data; here it counts as unreadable).
 * rgb NULL: the header alone is examined.  Thread-safe. */
gboolean jpegtile_decode(const JpegTileSpec *spec, const uint8_t *stream, size_t bytes, uint8_t *rgb,
                         char message[JPEGTILE_MESSAGE]);
