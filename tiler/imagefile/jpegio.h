/* libjpeg without exit(): errors come back by longjmp, output goes to a GByteArray.  For .c files of this
 * room only.
 *
 * Use: memset the libjpeg struct to 0, jpegio_errors_init, set jpeg.err, then in a small function `if
 * (setjmp(errors.jump)) return FALSE;` around the calls, and jpeg_destroy at the end in every case. */
#pragma once
#include <glib.h>
#include <setjmp.h>
#include <stdio.h>
#include <jpeglib.h>

typedef struct {
    struct jpeg_error_mgr base; /* first: libjpeg hands back a pointer to it */
    jmp_buf jump;
    gboolean damaged; /* a warning that means wrong or missing pixels */
    char message[JMSG_LENGTH_MAX];
} JpegErrors;

/* Returns the manager to store in jpeg.err. */
struct jpeg_error_mgr *jpegio_errors_init(JpegErrors *errors);
/* Compressed data is appended to `out`, which the caller keeps.  The manager is freed with the compressor. */
void jpegio_to_bytes(struct jpeg_compress_struct *jpeg, GByteArray *out);
