/* A look at the directories by libtiff. */
#include "tiler/tiffsmall.h"
#include <tiffio.h>

/* Whether OpenSlide decodes tiles of this compression itself. */
static gboolean is_jpeg(TIFF *file)
{
    enum { APERIO_JP2K_YCBCR = 33003, APERIO_JP2K_RGB = 33005 };
    uint16_t compression = 0;
    TIFFGetFieldDefaulted(file, TIFFTAG_COMPRESSION, &compression);
    return compression == COMPRESSION_JPEG || compression == APERIO_JP2K_YCBCR ||
           compression == APERIO_JP2K_RGB;
}

gboolean tiffsmall_level(const char *path, int64_t width, int64_t height, int *tile_width, int *tile_height)
{
    TIFF *file = TIFFOpen(path, "rm");
    gboolean found = FALSE;
    do {
        uint32_t columns = 0, rows = 0, across = 0, down = 0;
        if (!file || !TIFFIsTiled(file) || !TIFFGetField(file, TIFFTAG_IMAGEWIDTH, &columns) ||
            !TIFFGetField(file, TIFFTAG_IMAGELENGTH, &rows) ||
            !TIFFGetField(file, TIFFTAG_TILEWIDTH, &across) ||
            !TIFFGetField(file, TIFFTAG_TILELENGTH, &down)) {
            continue;
        }
        found = columns == width && rows == height && (across > columns || down > rows) && !is_jpeg(file);
        *tile_width = (int)across;
        *tile_height = (int)down;
    } while (file && !found && TIFFReadDirectory(file));
    if (file) {
        TIFFClose(file);
    }
    return found;
}
