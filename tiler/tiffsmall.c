/* A look at the directories by libtiff. */
#include "tiler/tiffsmall.h"
#include <tiffio.h>

static uint16_t field(TIFF *file, uint32_t tag)
{
    uint16_t value = 0;
    TIFFGetFieldDefaulted(file, tag, &value);
    return value;
}

/* Whether OpenSlide decodes the tiles itself: JPEG 2000 of Aperio, JPEG in three samples. */
static gboolean is_jpeg(TIFF *file)
{
    enum { APERIO_JP2K_YCBCR = 33003, APERIO_JP2K_RGB = 33005 };
    uint16_t compression = field(file, TIFFTAG_COMPRESSION), photometric = field(file, TIFFTAG_PHOTOMETRIC);
    if (compression == COMPRESSION_JPEG) {
        return field(file, TIFFTAG_SAMPLESPERPIXEL) == 3 && field(file, TIFFTAG_BITSPERSAMPLE) == 8 &&
               field(file, TIFFTAG_PLANARCONFIG) == PLANARCONFIG_CONTIG &&
               (photometric == PHOTOMETRIC_RGB || photometric == PHOTOMETRIC_YCBCR);
    }
    return compression == APERIO_JP2K_YCBCR || compression == APERIO_JP2K_RGB;
}

int tiffsmall_first(const char *path, const SlideLevel *levels, int count, int *tile_width, int *tile_height)
{
    TIFF *file = TIFFOpen(path, "rm");
    int first = count;
    do {
        uint32_t columns = 0, rows = 0, across = 0, down = 0;
        if (!file || !TIFFIsTiled(file) || !TIFFGetField(file, TIFFTAG_IMAGEWIDTH, &columns) ||
            !TIFFGetField(file, TIFFTAG_IMAGELENGTH, &rows) ||
            !TIFFGetField(file, TIFFTAG_TILEWIDTH, &across) ||
            !TIFFGetField(file, TIFFTAG_TILELENGTH, &down) || (across <= columns && down <= rows) ||
            is_jpeg(file)) {
            continue;
        }
        for (int i = 0; i < first; i++) {
            if (levels[i].width == columns && levels[i].height == rows) {
                first = i;
                *tile_width = (int)across;
                *tile_height = (int)down;
            }
        }
    } while (file && TIFFReadDirectory(file));
    if (file) {
        TIFFClose(file);
    }
    return first;
}
