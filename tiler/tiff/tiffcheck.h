/* Geometry check of TIFF and BigTIFF files before any library reads them.
 *
 * Libraries trust what a directory declares: a TIFF of 168 bytes with one tile of 2^20 x 2^20 px makes OpenSlide
 * 3.4.1 abort the process.  In a file that passes:
 *   - directories are inside the file and form no loop; there are at most 4096;
 *   - a tiled directory has a tile of 1..16384 px a side and at most 256 MiB, and as many offsets and byte counts as tiles;
 *   - these arrays and all tiles are inside the file;
 *   - a directory has at most 2^44 px, and at most 5000 px of stored tiles per byte of file (JPEG and Deflate cannot do more; tiles of
 *     zero bytes do not count);
 *   - the values of every tag, known or not, are inside the file, and those of one directory take no more bytes than the file has
 *     (OpenSlide 3.4.1 allocates what a tag's count asks for).  For an NDPI file beyond 4 GiB the values of tags are not checked.
 * Source: TIFF 6.0; BigTIFF as libtiff reads it; NDPI (Hamamatsu) directories, which have 8-byte links. */
#pragma once
#include <glib.h>

/* TRUE when the file is not a TIFF (*is_tiff FALSE: OpenSlide decides what it is) or is a sound one (*is_tiff TRUE).  Otherwise
 * WSI_ERROR_INPUT that names file, directory and limit, or the error of the system (base/error.h).  Thread-safe. */
gboolean tiffcheck_file(const char *path, gboolean *is_tiff, GError **error);
