/* The fast path: structure by libtiff, bytes by pread(), pixels by libjpeg-turbo, tiles in a shared cache.
 *
 * OpenSlide 3.4.1 goes through libtiff and composes tiles with cairo, which costs several times the decoding.  libtiff's handles cannot be
 * shared between threads either; so libtiff is asked once, at opening, where the tiles are, and then the file is a descriptor that any
 * thread reads from.
 *
 * It opens only what it surely shows as OpenSlide does; everything unusual is left to OpenSlide: several directories of
 * the same size, other compressions, sample layouts or orientations, missing tiles where OpenSlide would paint them
 * from another level. */
#include "tiler/jpegtiff.h"
#include "tiler/jpegtile.h"
#include "tiler/scratch.h"
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
    int stored; /* the level whose tiles these are: itself, or the one that it is decoded from at 1 / tile.scale */
    JpegTileSpec tile;
    uint64_t *offsets,
        *counts; /* of the tiles, row-major; 0 bytes = not stored; the stored level owns them */
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
    if (!TIFFGetField(file, TIFFTAG_JPEGTABLES, &tables_bytes, &tables)) {
        tables_bytes = 0;
    }
    level->tile = (JpegTileSpec){.tables = tables_bytes ? g_memdup2(tables, tables_bytes) : NULL,
                                 .tables_bytes = tables_bytes,
                                 .ycbcr = photometric == PHOTOMETRIC_YCBCR,
                                 .width = (int)tile_width,
                                 .height = (int)tile_height,
                                 .scale = 1};
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
        tiff->levels[i].stored = i;
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
        if (tiff->levels[i].stored == i) {
            g_free((uint8_t *)tiff->levels[i].tile.tables);
            g_free(tiff->levels[i].offsets);
            g_free(tiff->levels[i].counts);
        }
    }
    if (tiff->fd >= 0) {
        close(tiff->fd);
    }
    g_free(tiff->levels);
    g_free(tiff);
}

/* Of the decoded tile. */
static int tile_columns(const JpegLevel *level)
{
    return level->tile.width / level->tile.scale;
}

static int tile_rows(const JpegLevel *level)
{
    return level->tile.height / level->tile.scale;
}

void jpegtiff_tile_size(const JpegTiff *tiff, int level, int *width, int *height)
{
    *width = tile_columns(&tiff->levels[level]);
    *height = tile_rows(&tiff->levels[level]);
}

gboolean jpegtiff_add_scaled(JpegTiff *tiff, int level, int scale)
{
    JpegLevel added = tiff->levels[level];
    if (added.tile.width % 8 || added.tile.height % 8 || added.width < scale || added.height < scale) {
        return FALSE;
    }
    /* The last pixel of a row that does not divide would hold padding: it is left out. */
    added.width /= scale;
    added.height /= scale;
    added.tile.scale = scale;
    tiff->levels = g_renew(JpegLevel, tiff->levels, tiff->level_count + 1);
    tiff->levels[tiff->level_count++] = added;
    return TRUE;
}

/* Half open, level px. */
typedef struct {
    int64_t x0, y0, x1, y1;
} Span;

static Span common(const Span *a, const Span *b)
{
    return (Span){MAX(a->x0, b->x0), MAX(a->y0, b->y0), MIN(a->x1, b->x1), MIN(a->y1, b->y1)};
}

/* Copies the part of the tile (its span: `tile`) into rasters whose corner is level pixel (x, y); pixels NULL: no data there. */
static void copy_part(const uint8_t *pixels, const Span *tile, const Span *part, int64_t x, int64_t y,
                      Image *rgb, Image *valid)
{
    size_t columns = (size_t)(part->x1 - part->x0);
    for (int64_t row = part->y0; row < part->y1; row++) {
        size_t to = (size_t)(row - y) * rgb->width + (size_t)(part->x0 - x);
        size_t from = (size_t)((row - tile->y0) * (tile->x1 - tile->x0) + part->x0 - tile->x0);
        if (pixels) {
            memcpy(rgb->pixels + 3 * to, pixels + 3 * from, 3 * columns);
        } else {
            memset(rgb->pixels + 3 * to, 255, 3 * columns);
        }
        if (valid) {
            memset(valid->pixels + to, pixels ? 255 : 0, columns);
        }
    }
}

gboolean jpegtiff_read(JpegTiff *tiff, int level, int64_t x, int64_t y, Image *rgb, Image *valid,
                       JpegTiffBad bad, void *data, GError **error)
{
    const JpegLevel *from = &tiff->levels[level];
    const int width = tile_columns(from), height = tile_rows(from);
    const Span raster = {x, y, x + rgb->width, y + rgb->height}, whole = {0, 0, from->width, from->height};
    const Span area = common(&raster, &whole);
    for (int64_t row = area.y0 / height; row * height < area.y1; row++) {
        for (int64_t column = area.x0 / width; column * width < area.x1; column++) {
            const Span tile = {column * width, row * height, (column + 1) * width, (row + 1) * height};
            const Span part = common(&tile, &area);
            int64_t index = row * from->columns + column;
            const char *reason;
            if (from->counts[index] == 0) {
                copy_part(NULL, &tile, &part, x, y, rgb, valid);
                continue;
            }
            CachedTile *cached = tilecache_get(tiff->cache, level, index, (size_t)width * height * 3, error);
            if (!cached) {
                return FALSE;
            }
            const uint8_t *pixels = tilecache_pixels(cached, &reason);
            gboolean ok = pixels || bad(data, from->stored, column, row, reason, error);
            copy_part(pixels, &tile, &part, x, y, rgb, valid);
            tilecache_release(tiff->cache, cached);
            if (!ok) {
                return FALSE;
            }
        }
    }
    return TRUE;
}

/* Tiles of a view stay in memory beyond the cache's limit. */
enum { MAX_VIEW = 16 << 20 /* bytes */ };

/* Holds the tiles of `columns` from tile `first` on.  What another thread is decoding comes last: perhaps it is done by then. */
static gboolean hold(JpegTiff *tiff, MosaicView *view, int level, int64_t first, int64_t columns)
{
    const JpegLevel *from = &tiff->levels[level];
    size_t bytes = (size_t)tile_columns(from) * (size_t)tile_rows(from) * 3;
    for (int i = 0; i < view->count; i++) {
        int64_t index = first + i / columns * from->columns + i % columns;
        if (from->counts[index] == 0) {
            return FALSE;
        }
        view->held[i] = tilecache_try(tiff->cache, level, index, bytes);
    }
    for (int i = 0; i < view->count; i++) {
        int64_t index = first + i / columns * from->columns + i % columns;
        if (!view->held[i]) {
            view->held[i] = tilecache_get(tiff->cache, level, index, bytes, NULL);
        }
        if (!view->held[i] || !tilecache_pixels(view->held[i], NULL)) {
            return FALSE;
        }
    }
    return TRUE;
}

/* The rows of one part of the view, top to bottom, and its end. */
static void point_to_rows(const JpegLevel *from, MosaicView *view, int part, int64_t x, int64_t y, int *ends,
                          const uint8_t **rows)
{
    const int64_t width = tile_columns(from), height = tile_rows(from), column = x / width + part;
    const int64_t begin = part > 0 ? 0 : x % width;
    ends[part] = (int)MIN((column + 1) * width - x, view->mosaic.width);
    for (int i = 0; i < view->mosaic.height; i++) {
        int64_t row = (y + i) / height - y / height;
        const uint8_t *pixels = tilecache_pixels(view->held[row * view->mosaic.parts + part], NULL);
        rows[(size_t)part * (size_t)view->mosaic.height + (size_t)i] =
            pixels + ((y + i) % height * width + begin) * 3;
    }
}

gboolean jpegtiff_view(JpegTiff *tiff, int level, int64_t x, int64_t y, int width, int height,
                       MosaicView *view)
{
    const JpegLevel *from = &tiff->levels[level];
    const int64_t tile_width = tile_columns(from), tile_height = tile_rows(from);
    *view = (MosaicView){.count = 0};
    if (x < 0 || y < 0 || width > from->width - x || height > from->height - y) {
        return FALSE;
    }
    const int64_t column = x / tile_width, row = y / tile_height,
                  columns = (x + width - 1) / tile_width - column + 1,
                  rows = (y + height - 1) / tile_height - row + 1;
    if (columns * rows * tile_width * tile_height * 3 > MAX_VIEW) {
        return FALSE;
    }
    const size_t tiles = (size_t)(columns * rows);
    view->held = scratch(SCRATCH_VIEW_TILES, tiles, sizeof(void *), "a view", NULL);
    int *ends = scratch(SCRATCH_VIEW_ENDS, (size_t)columns, sizeof *ends, "a view", NULL);
    const uint8_t **pixels =
        scratch(SCRATCH_VIEW_ROWS, (size_t)columns * (size_t)height, sizeof *pixels, "a view", NULL);
    if (!view->held || !ends || !pixels) {
        return FALSE;
    }
    memset(view->held, 0, tiles * sizeof(void *));
    view->count = (int)tiles;
    gboolean ok = hold(tiff, view, level, row * from->columns + column, columns);
    view->mosaic = (Mosaic){width, height, 3, (int)columns, ends, pixels};
    for (int part = 0; ok && part < columns; part++) {
        point_to_rows(from, view, part, x, y, ends, pixels);
    }
    if (!ok) {
        jpegtiff_release(tiff, view);
    }
    return ok;
}

void jpegtiff_release(JpegTiff *tiff, MosaicView *view)
{
    for (int i = 0; i < view->count; i++) {
        if (view->held[i]) {
            tilecache_release(tiff->cache, view->held[i]);
        }
    }
}
