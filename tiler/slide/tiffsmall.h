/* Levels that OpenSlide cannot show.
 *
 * OpenSlide 3.4.1 asks libtiff for whole tiles; libtiff 4.5.0 takes a tile that is wider or higher than its image for one of the
 * image's size.  What comes of it is scrambled, part of it memory that nobody wrote, without any error.  JPEG (of
 * three samples) and JPEG 2000 tiles, which OpenSlide decodes itself, are not touched by this. */
#pragma once
#include "tiler/tiff/tiffpages.h"

/* The first of the levels whose page is smaller than one of its tiles and not JPEG; count when there is none.  *page then is that page.
 * directory: of each level the directory that it is stored in, or -1.  Also where libtiff is another version: such a level is of no
 * worth beside the next larger one. */
int tiffsmall_first(const GArray *pages, const int *directory, int count, const TiffPage **page);
