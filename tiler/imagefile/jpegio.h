/* libjpeg without exit(): errors return by longjmp, output goes to a GByteArray.  For this room only.
 *
 * Use: memset the libjpeg struct to 0, call jpegio_errors_init() and set jpeg.err.  Then, in a small function, write `if
 * (setjmp(errors.jump)) return FALSE;` before the calls.  Call jpeg_destroy() at the end in every case. */
#pragma once
#include <glib.h>
#include <setjmp.h>
#include <stdio.h>
#include <jpeglib.h>

typedef struct {
    struct jpeg_error_mgr base; /* first, since libjpeg passes a pointer to it back */
    jmp_buf jump;
    gboolean damaged; /* there was a warning that means wrong or missing pixels */
    char message[JMSG_LENGTH_MAX];
} JpegErrors;

/* Returns the manager for jpeg.err. */
struct jpeg_error_mgr *jpegio_errors_init(JpegErrors *errors);
/* Compressed data is appended to `out`, which the caller keeps.  The sink is freed with the compressor. */
void jpegio_to_bytes(struct jpeg_compress_struct *jpeg, GByteArray *out);
