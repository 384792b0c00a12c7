/* The fast path: structure by libtiff, bytes by pread(), pixels by libjpeg-turbo, tiles in a shared cache.
 *
 * OpenSlide 3.4.1 decodes JPEG tiles through libtiff's RGBA interface and composes them with cairo, which costs several
 * times the decoding.  libtiff's handles cannot be shared between threads either; so libtiff is asked once, at opening, where
 * the tiles are, and then the file is a descriptor that any thread reads from.
 *
 * It opens only what it surely shows as OpenSlide does; everything unusual is left to OpenSlide: several directories of
 * the same size, other compressions, sample layouts or orientations, missing tiles where OpenSlide would paint them
 * from another level. */
#include "tiler/jpegtiff.h"
#include "tiler/jpegtile.h"
#include "tiler/tilecache.h"
#include "base/error.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <glib/gstdio.h>
#include <tiffio.h>

typedef struct {
    int64_t width, height, columns, rows;
    JpegTileSpec tile;
    uint8_t *tables;
    uint64_t *offsets, *counts; /* of the tiles, row-major; count 0 = not stored */
} JpegLevel;

struct JpegTiff {
    int fd, level_count;
    JpegLevel *levels;
    TileCache *cache;
};

static gboolean read_stream(int fd, uint64_t at, uint8_t *out, uint64_t bytes, char **reason)
{
    while (bytes > 0) {
        ssize_t got = pread(fd, out, bytes, (off_t)at);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            *reason = g_strdup(got < 0 ? g_strerror(errno) : "the file ends inside of the tile");
            return FALSE;
        }
        out += got;
        at += (uint64_t)got;
        bytes -= (uint64_t)got;
    }
    return TRUE;
}

/* Reads and decodes tile `index`; pixels NULL examines the header alone. */
static gboolean decode_tile(void *data, int level, int64_t index, uint8_t *pixels, char **reason)
{
    const JpegTiff *tiff = data;
    const JpegLevel *from = &tiff->levels[level];
    char message[JPEGTILE_MESSAGE];
    g_autofree uint8_t *stream = g_try_malloc(from->counts[index]);
    if (!stream) {
        *reason = g_strdup_printf("no memory for a tile of %" G_GUINT64_FORMAT " bytes", from->counts[index]);
        return FALSE;
    }
    if (!read_stream(tiff->fd, from->offsets[index], stream, from->counts[index], reason)) {
        return FALSE;
    }
    if (!jpegtile_decode(&from->tile, stream, from->counts[index], pixels, message)) {
        *reason = g_strdup(message);
        return FALSE;
    }
    return TRUE;
}

static gboolean short_field_is(TIFF *file, uint32_t tag, int wanted)
{
    uint16_t value = 0;
    return TIFFGetFieldDefaulted(file, tag, &value) && value == wanted;
}

/* Takes the current directory of `file` as the level when it is of the plain kind. */
static gboolean take_directory(TIFF *file, JpegLevel *level)
{
    uint16_t photometric = 0;
    uint32_t tile_width = 0, tile_height = 0, tables_bytes = 0;
    uint64_t *offsets = NULL, *counts = NULL;
    void *tables = NULL;
    if (!short_field_is(file, TIFFTAG_COMPRESSION, COMPRESSION_JPEG) ||
        !short_field_is(file, TIFFTAG_BITSPERSAMPLE, 8) ||
        !short_field_is(file, TIFFTAG_SAMPLESPERPIXEL, 3) ||
        !short_field_is(file, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG) ||
        !short_field_is(file, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT) ||
        !TIFFGetField(file, TIFFTAG_PHOTOMETRIC, &photometric) ||
        (photometric != PHOTOMETRIC_YCBCR && photometric != PHOTOMETRIC_RGB) ||
        !TIFFGetField(file, TIFFTAG_TILEWIDTH, &tile_width) ||
        !TIFFGetField(file, TIFFTAG_TILELENGTH, &tile_height) ||
        !TIFFGetField(file, TIFFTAG_TILEOFFSETS, &offsets) ||
        !TIFFGetField(file, TIFFTAG_TILEBYTECOUNTS, &counts)) {
        return FALSE;
    }
    level->columns = (level->width - 1) / tile_width + 1;
    level->rows = (level->height - 1) / tile_height + 1;
    size_t tiles = (size_t)(level->columns * level->rows);
    if (TIFFNumberOfTiles(file) != tiles) {
        return FALSE;
    }
    level->offsets = g_memdup2(offsets, tiles * sizeof *offsets);
    level->counts = g_memdup2(counts, tiles * sizeof *counts);
    if (TIFFGetField(file, TIFFTAG_JPEGTABLES, &tables_bytes, &tables) && tables_bytes > 0) {
        level->tables = g_memdup2(tables, tables_bytes);
    }
    level->tile = (JpegTileSpec){level->tables, tables_bytes, photometric == PHOTOMETRIC_YCBCR,
                                 (int)tile_width, (int)tile_height};
    return TRUE;
}

/* Finds the one tiled directory of the level's size. */
static gboolean find_level(TIFF *file, JpegLevel *level)
{
    int found = 0;
    if (!TIFFSetDirectory(file, 0)) {
        return FALSE;
    }
    do {
        uint32_t width = 0, height = 0;
        TIFFGetField(file, TIFFTAG_IMAGEWIDTH, &width);
        TIFFGetField(file, TIFFTAG_IMAGELENGTH, &height);
        if (!TIFFIsTiled(file) || width != level->width || height != level->height) {
            continue;
        }
        if (++found > 1 || !take_directory(file, level)) {
            return FALSE;
        }
    } while (TIFFReadDirectory(file));
    return found == 1;
}

/* The level's tiles are of the kind that their directory declares: the first with a readable header tells. */
static gboolean probe(JpegTiff *tiff, int level, gboolean sparse_allowed)
{
    const JpegLevel *from = &tiff->levels[level];
    gboolean readable = FALSE;
    for (int64_t i = 0; i < from->columns * from->rows; i++) {
        g_autofree char *reason = NULL;
        if (from->counts[i] == 0 && !sparse_allowed) {
            return FALSE;
        }
        if (from->counts[i] > 0 && !readable) {
            readable = decode_tile(tiff, level, i, NULL, &reason);
        }
    }
    return readable;
}

static gboolean open_levels(JpegTiff *tiff, const char *path, const int64_t *widths, const int64_t *heights,
                            gboolean sparse_allowed)
{
    TIFF *file = TIFFOpen(path, "rm");
    gboolean ok = file != NULL;
    for (int i = 0; ok && i < tiff->level_count; i++) {
        tiff->levels[i].width = widths[i];
        tiff->levels[i].height = heights[i];
        ok = find_level(file, &tiff->levels[i]);
    }
    if (file) {
        TIFFClose(file);
    }
    tiff->fd = ok ? g_open(path, O_RDONLY | O_CLOEXEC, 0) : -1;
    ok = ok && tiff->fd >= 0;
    for (int i = 0; ok && i < tiff->level_count; i++) {
        ok = probe(tiff, i, sparse_allowed);
    }
    return ok;
}

JpegTiff *jpegtiff_open(const char *path, int level_count, const int64_t *widths, const int64_t *heights,
                        gboolean sparse_allowed, size_t cache_bytes)
{
    JpegTiff *tiff = g_new0(JpegTiff, 1);
    tiff->fd = -1;
    tiff->level_count = level_count;
    tiff->levels = g_new0(JpegLevel, level_count);
    tiff->cache = tilecache_new(cache_bytes, decode_tile, tiff);
    if (!open_levels(tiff, path, widths, heights, sparse_allowed)) {
        g_clear_pointer(&tiff, jpegtiff_free);
    }
    return tiff;
}

void jpegtiff_free(JpegTiff *tiff)
{
    if (!tiff) {
        return;
    }
    tilecache_free(tiff->cache);
    for (int i = 0; i < tiff->level_count; i++) {
        g_free(tiff->levels[i].tables);
        g_free(tiff->levels[i].offsets);
        g_free(tiff->levels[i].counts);
    }
    if (tiff->fd >= 0) {
        close(tiff->fd);
    }
    g_free(tiff->levels);
    g_free(tiff);
}

void jpegtiff_tile_size(const JpegTiff *tiff, int level, int *width, int *height)
{
    *width = tiff->levels[level].tile.width;
    *height = tiff->levels[level].tile.height;
}

/* Copies the part [x0, x1) x [y0, y1) (level px) of the tile at (left, top) into rasters whose corner is (x, y). */
static void copy_part(const uint8_t *pixels, int tile_width, int64_t left, int64_t top, int64_t x0,
                      int64_t y0, int64_t x1, int64_t y1, int64_t x, int64_t y, Image *rgb, Image *valid)
{
    size_t columns = (size_t)(x1 - x0);
    for (int64_t row = y0; row < y1; row++) {
        size_t to = (size_t)(row - y) * rgb->width + (size_t)(x0 - x);
        memcpy(rgb->pixels + 3 * to, pixels + 3 * ((row - top) * tile_width + (x0 - left)), 3 * columns);
        if (valid) {
            memset(valid->pixels + to, 255, columns);
        }
    }
}

gboolean jpegtiff_read(JpegTiff *tiff, int level, int64_t x, int64_t y, Image *rgb, Image *valid,
                       JpegTiffBad bad, void *data, GError **error)
{
    const JpegLevel *from = &tiff->levels[level];
    int tile_width = from->tile.width, tile_height = from->tile.height;
    int64_t x0 = MAX(x, 0), x1 = MIN(x + rgb->width, from->width);
    int64_t y0 = MAX(y, 0), y1 = MIN(y + rgb->height, from->height);
    memset(rgb->pixels, 255, image_bytes(rgb));
    if (valid) {
        memset(valid->pixels, 0, image_bytes(valid));
    }
    for (int64_t row = y0 / tile_height; row * tile_height < y1; row++) {
        for (int64_t column = x0 / tile_width; column * tile_width < x1; column++) {
            const char *reason;
            int64_t index = row * from->columns + column, left = column * tile_width, top = row * tile_height;
            if (from->counts[index] == 0) {
                continue;
            }
            CachedTile *tile =
                tilecache_get(tiff->cache, level, index, (size_t)tile_width * tile_height * 3, error);
            if (!tile) {
                return FALSE;
            }
            const uint8_t *pixels = tilecache_pixels(tile, &reason);
            gboolean ok = pixels || bad(data, level, column, row, reason, error);
            if (pixels) {
                copy_part(pixels, tile_width, left, top, MAX(x0, left), MAX(y0, top),
                          MIN(x1, left + tile_width), MIN(y1, top + tile_height), x, y, rgb, valid);
            }
            tilecache_release(tiff->cache, tile);
            if (!ok) {
                return FALSE;
            }
        }
    }
    return TRUE;
}
