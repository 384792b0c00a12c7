/* Levels that OpenSlide scrambles: those smaller than one of their tiles.
 *
 * OpenSlide 3.4.1 asks libtiff for whole tiles.  libtiff 4.5.0 treats a tile that is wider or higher than its image as if it had the
 * size of the image.  The result is scrambled, and partly uninitialised memory, without any error.  JPEG tiles (of three samples) and
 * JPEG 2000 tiles are safe: OpenSlide decodes them itself. */
#pragma once
#include "tiler/tiff/tiffpages.h"

/* The first level whose page is smaller than one of its tiles and not JPEG, with that page in *page; count when there is none.
 * directory: the directory of each level, or -1.  The answer is the same for every version of libtiff: such a level is worthless when
 * the next larger level exists. */
int tiffsmall_first(const GArray *pages, const int *directory, int count, const TiffPage **page);
