/* Compares the size of each page with that of its tiles. */
#include "tiler/slide/tiffsmall.h"
#include <tiffio.h>

/* Whether OpenSlide decodes the tiles itself: Aperio's JPEG 2000, and JPEG with three samples. */
static gboolean is_jpeg(const TiffPage *page)
{
    enum { APERIO_JP2K_YCBCR = 33003, APERIO_JP2K_RGB = 33005 };
    if (page->compression == COMPRESSION_JPEG) {
        return page->samples == 3 && page->bits == 8 && page->planar == PLANARCONFIG_CONTIG &&
               (page->photometric == PHOTOMETRIC_RGB || page->photometric == PHOTOMETRIC_YCBCR);
    }
    return page->compression == APERIO_JP2K_YCBCR || page->compression == APERIO_JP2K_RGB;
}

int tiffsmall_first(const GArray *pages, const int *directory, int count, const TiffPage **found)
{
    for (int i = 0; i < count; i++) {
        const TiffPage *page = directory[i] >= 0 ? &g_array_index(pages, TiffPage, directory[i]) : NULL;
        if (page && (page->tile_width > page->width || page->tile_height > page->height) && !is_jpeg(page)) {
            *found = page;
            return i;
        }
    }
    return count;
}
