/* Geometry check of TIFF and BigTIFF files before any library sees them.
 *
 * Libraries believe what a directory declares: a TIFF of 168 bytes with one tile of 2^20 x 2^20 px makes OpenSlide
 * 3.4.1 abort the process.  A file that passes has: directories inside of the file and without a loop (at most 4096),
 * and for each tiled directory a tile of 1..16384 px a side and at most 256 MiB, as many offsets and byte counts as
 * tiles, these arrays and all tiles inside of the file, at most 2^44 px in all, and at most 5000 px of stored tiles a
 * byte of file (JPEG and Deflate cannot do more; tiles of zero bytes are not counted).  The values of every tag, known or not, are inside of
 * the file, and those of one directory are not more bytes than the file has (OpenSlide 3.4.1 allocates whatever a tag's count asks
 * for); of an NDPI file beyond 4 GiB that is not known.
 * Source: TIFF 6.0; BigTIFF as libtiff reads it; NDPI (Hamamatsu) directories, which have 8-byte links. */
#pragma once
#include <glib.h>

/* TRUE when the file is no TIFF (*is_tiff FALSE: other formats are OpenSlide's to recognise) or a sound one (*is_tiff
 * TRUE).  Otherwise WSI_ERROR_INPUT that names file, directory and limit, or the error of the system (base/error.h). Thread-safe. */
gboolean tiffcheck_file(const char *path, gboolean *is_tiff, GError **error);
