/* The fast path: structure by libtiff, bytes by pread(), pixels by libjpeg-turbo, tiles in a shared cache.
 *
 * OpenSlide 3.4.1 goes through libtiff and composes tiles with cairo, which takes several times as long as the decoding.  Threads also cannot
 * share a libtiff handle.  So libtiff only finds out, at opening, where the tiles are; after that all threads read from one file
 * descriptor.
 *
 * The fast path opens only files that it certainly shows as OpenSlide does.  Everything unusual is left to OpenSlide: several
 * directories of the same size, other compressions or sample layouts, missing tiles where OpenSlide would paint them from another
 * level.  Files that OpenSlide does not read at all (any = TRUE) may have tiles of any kind: libtiff decodes those that are not plain
 * JPEG, one at a time.
 *
 * A tile with damaged bytes stays unreadable.  A read that fails in the system is an error, and the next caller tries it again. */
#include "tiler/slide/jpegtiff.h"
#include "tiler/tiff/jpegtile.h"
#include "tiler/raster/thread_scratch.h"
#include "tiler/slide/tilecache.h"
#include "tiler/tiff/tiffsource.h"
#include "base/error.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <glib/gstdio.h>

typedef struct {
    int64_t width, height, columns, rows;
    int stored; /* the level that holds the tiles: this one, or the one that it is decoded from at 1 / tile.scale */
    JpegTileSpec tile;
    gboolean contradicted; /* the streams prove another colour space than the directory says */
    int directory;         /* -1 unless libtiff decodes the tiles */
    /* Of the tiles' bytes, (rows, columns); a count of 0 = not stored.  The stored level owns both arrays. */
    uint64_t *offsets, *counts;
} JpegLevel;

struct JpegTiff {
    char *path;
    int fd, level_count;
    JpegLevel *levels;
    TileCache *cache;
    GMutex lock;        /* guards `source` */
    TiffSource *source; /* NULL = no level needs libtiff */
};

static gboolean read_stream(const JpegTiff *tiff, uint64_t at, uint8_t *out, uint64_t bytes, GError **error)
{
    while (bytes > 0) {
        ssize_t got = pread(tiff->fd, out, bytes, (off_t)at);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return wsi_error_errno(error, "cannot read", tiff->path);
        }
        if (got == 0) { /* it was long enough when it was opened */
            g_set_error(error, WSI_ERROR, WSI_ERROR_IO, "%s became shorter while it was read", tiff->path);
            return FALSE;
        }
        out += got;
        at += (uint64_t)got;
        bytes -= (uint64_t)got;
    }
    return TRUE;
}

/* Reads and decodes a JPEG tile; with pixels NULL only its header. */
static gboolean decode_jpeg(const JpegTiff *tiff, const JpegLevel *from, int64_t index, uint8_t *pixels,
                            JpegTileColour *proved, char **reason, GError **error)
{
    char message[JPEGTILE_MESSAGE];
    g_autofree uint8_t *stream = g_try_malloc(from->counts[index]);
    if (!stream) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_MEMORY,
                    "%s: no memory for a tile of %" G_GUINT64_FORMAT " bytes", tiff->path,
                    from->counts[index]);
        return FALSE;
    }
    if (!read_stream(tiff, from->offsets[index], stream, from->counts[index], error)) {
        return FALSE;
    }
    JpegTileResult result =
        jpegtile_decode(&from->tile, stream, from->counts[index], pixels, proved, message);
    if (result == JPEGTILE_NO_MEMORY) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_MEMORY, "%s: %s", tiff->path, message);
    } else if (result == JPEGTILE_UNREADABLE) {
        *reason = g_strdup(message);
    }
    return result == JPEGTILE_DECODED;
}

/* Decodes a tile of any kind by libtiff, which returns it bottom up as ABGR. */
static gboolean decode_any(JpegTiff *tiff, const JpegLevel *from, int64_t index, uint8_t *pixels,
                           char **reason, GError **error)
{
    const uint32_t width = (uint32_t)from->tile.width, height = (uint32_t)from->tile.height;
    /* libtiff addresses a tile by a pixel in it. */
    const uint32_t x = (uint32_t)(index % from->columns) * width,
                   y = (uint32_t)(index / from->columns) * height;
    g_autofree uint32_t *raster = wsi_try_alloc((size_t)width * height, sizeof *raster, "a tile", error);
    if (!raster) {
        return FALSE;
    }
    g_mutex_lock(&tiff->lock);
    TIFF *file = tiffsource_tiff(tiff->source);
    gboolean decoded =
        TIFFSetDirectory(file, (tdir_t)from->directory) && TIFFReadRGBATile(file, x, y, raster);
    gboolean ok = tiffsource_check(tiff->source, error);
    g_mutex_unlock(&tiff->lock);
    if (ok && !decoded) {
        *reason = g_strdup("libtiff cannot decode the tile");
    }
    for (uint32_t row = 0; ok && decoded && row < height; row++) {
        /* libtiff's first row is the lowest one. */
        const uint32_t *line = raster + (size_t)(height - 1 - row) * width;
        for (uint32_t i = 0; i < width; i++, pixels += 3) {
            pixels[0] = (uint8_t)TIFFGetR(line[i]);
            pixels[1] = (uint8_t)TIFFGetG(line[i]);
            pixels[2] = (uint8_t)TIFFGetB(line[i]);
        }
    }
    return ok && decoded;
}

/* The TileDecode of the cache. */
static gboolean decode_tile(void *data, int level, int64_t index, uint8_t *pixels, char **reason,
                            GError **error)
{
    JpegTiff *tiff = data;
    const JpegLevel *from = &tiff->levels[level];
    return from->directory >= 0 ? decode_any(tiff, from, index, pixels, reason, error)
                                : decode_jpeg(tiff, from, index, pixels, NULL, reason, error);
}

/* 8-bit JPEG of three contiguous samples, which jpegtile.c decodes. */
static gboolean is_plain_jpeg(const TiffPage *page)
{
    return page->compression == COMPRESSION_JPEG && page->bits == 8 && page->samples == 3 &&
           page->planar == PLANARCONFIG_CONTIG &&
           (page->photometric == PHOTOMETRIC_YCBCR || page->photometric == PHOTOMETRIC_RGB);
}

/* Whether libtiff converts the current directory's tiles to RGB without loss (it would drop an alpha channel). */
static gboolean is_colour(TIFF *file, const TiffPage *page)
{
    char why_not[1024]; /* libtiff writes at most this many bytes */
    return (page->samples == 1 || page->samples == 3) && TIFFRGBAImageOK(file, why_not);
}

/* Makes a level of the page: finds where its tiles are. */
static gboolean take_page(TIFF *file, const TiffPage *page, JpegLevel *level)
{
    uint32_t tables_bytes = 0;
    uint64_t *offsets = NULL, *counts = NULL;
    void *tables = NULL;
    if (page->tile_width < 1 || !TIFFSetDirectory(file, (tdir_t)page->directory) ||
        (!is_plain_jpeg(page) && !is_colour(file, page)) ||
        !TIFFGetField(file, TIFFTAG_TILEOFFSETS, &offsets) ||
        !TIFFGetField(file, TIFFTAG_TILEBYTECOUNTS, &counts)) {
        return FALSE;
    }
    level->width = page->width;
    level->height = page->height;
    /* Tiles at the right and lower border are stored whole. */
    level->columns = (level->width - 1) / page->tile_width + 1;
    level->rows = (level->height - 1) / page->tile_height + 1;
    size_t tiles = (size_t)(level->columns * level->rows);
    /* Otherwise the arrays would be read past their ends. */
    if (TIFFNumberOfTiles(file) < tiles) {
        return FALSE;
    }
    /* Copied, because libtiff's arrays are those of its current directory. */
    level->offsets = g_memdup2(offsets, tiles * sizeof *offsets);
    level->counts = g_memdup2(counts, tiles * sizeof *counts);
    if (!TIFFGetField(file, TIFFTAG_JPEGTABLES, &tables_bytes, &tables)) {
        tables_bytes = 0;
    }
    /* Plain JPEG does not need libtiff any more. */
    level->directory = is_plain_jpeg(page) ? -1 : page->directory;
    level->tile = (JpegTileSpec){.tables = tables_bytes ? g_memdup2(tables, tables_bytes) : NULL,
                                 .tables_bytes = tables_bytes,
                                 .ycbcr = page->photometric == PHOTOMETRIC_YCBCR,
                                 .width = page->tile_width,
                                 .height = page->tile_height,
                                 .scale = 1};
    return TRUE;
}

/* Checks the first tile with a readable header: whether it is what the directory declares, and which colour space its stream proves. */
static gboolean probe(JpegTiff *tiff, JpegLevel *from, gboolean sparse_allowed, GError **error)
{
    gboolean readable = from->directory >= 0;
    for (int64_t i = 0; i < from->columns * from->rows; i++) {
        g_autofree char *reason = NULL;
        g_autoptr(GError) failure = NULL;
        JpegTileColour proved = JPEGTILE_UNPROVED;
        /* A missing tile is only allowed where OpenSlide would not paint it from another level. */
        if (from->counts[i] == 0 && !sparse_allowed) {
            return FALSE;
        }
        if (from->counts[i] == 0 || readable) {
            continue;
        }
        readable = decode_jpeg(tiff, from, i, NULL, &proved, &reason, &failure);
        if (failure) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return FALSE;
        }
        /* What the stream proves counts more than the tag. */
        if (readable && proved != JPEGTILE_UNPROVED) {
            from->contradicted = from->tile.ycbcr != (proved == JPEGTILE_YCBCR);
            from->tile.ycbcr = proved == JPEGTILE_YCBCR;
        }
    }
    return readable;
}

static gboolean open_levels(JpegTiff *tiff, const TiffPage *const *pages, gboolean any,
                            gboolean sparse_allowed, GError **error)
{
    gboolean ok = TRUE;
    tiff->source = tiffsource_open(tiff->path, error);
    for (int i = 0; tiff->source && ok && i < tiff->level_count; i++) {
        tiff->levels[i].stored = i;
        ok = (any || is_plain_jpeg(pages[i])) &&
             take_page(tiffsource_tiff(tiff->source), pages[i], &tiff->levels[i]);
    }
    if (!tiff->source || !tiffsource_check(tiff->source, error) || !ok) {
        return FALSE;
    }
    /* From here on all tiles are read through the descriptor. */
    if (!any) {
        g_clear_pointer(&tiff->source, tiffsource_free);
    }
    tiff->fd = g_open(tiff->path, O_RDONLY | O_CLOEXEC, 0);
    if (tiff->fd < 0) {
        return wsi_error_errno(error, "cannot open", tiff->path);
    }
    for (int i = 0; ok && i < tiff->level_count; i++) {
        ok = probe(tiff, &tiff->levels[i], sparse_allowed, error);
    }
    return ok;
}

JpegTiff *jpegtiff_open(const char *path, int level_count, const TiffPage *const *pages, gboolean any,
                        gboolean sparse_allowed, size_t cache_bytes, GError **error)
{
    JpegTiff *tiff = g_new0(JpegTiff, 1);
    tiff->path = g_strdup(path);
    tiff->fd = -1;
    tiff->level_count = level_count;
    tiff->levels = g_new0(JpegLevel, level_count);
    tiff->cache = tilecache_new(cache_bytes, decode_tile, tiff);
    g_mutex_init(&tiff->lock);
    if (!open_levels(tiff, pages, any, sparse_allowed, error)) {
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
        /* Scaled levels borrow these arrays. */
        if (tiff->levels[i].stored == i) {
            g_free((uint8_t *)tiff->levels[i].tile.tables);
            g_free(tiff->levels[i].offsets);
            g_free(tiff->levels[i].counts);
        }
    }
    if (tiff->fd >= 0) {
        close(tiff->fd);
    }
    tiffsource_free(tiff->source);
    g_mutex_clear(&tiff->lock);
    g_free(tiff->levels);
    g_free(tiff->path);
    g_free(tiff);
}

/* Size of a decoded tile, px. */
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

gboolean jpegtiff_contradicted(const JpegTiff *tiff, int level, gboolean *ycbcr)
{
    *ycbcr = tiff->levels[level].tile.ycbcr;
    return tiff->levels[level].contradicted;
}

gboolean jpegtiff_add_scaled(JpegTiff *tiff, int level, int scale)
{
    /* Blocks of 8 x 8 px are scaled alone, so a tile must consist of whole blocks. */
    JpegLevel added = tiff->levels[level];
    if (added.directory >= 0 || added.tile.width % 8 || added.tile.height % 8 || added.width < scale ||
        added.height < scale) {
        return FALSE;
    }
    /* Rounding down leaves out a last pixel that would partly be padding. */
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

/* The intersection of two spans; empty when x1 <= x0 or y1 <= y0. */
static Span common(const Span *a, const Span *b)
{
    return (Span){MAX(a->x0, b->x0), MAX(a->y0, b->y0), MIN(a->x1, b->x1), MIN(a->y1, b->y1)};
}

/* Copies `part` of the tile that spans `tile` to images whose corner is level pixel (x, y).  pixels NULL: the tile has no data. */
static void copy_part(const uint8_t *pixels, const Span *tile, const Span *part, int64_t x, int64_t y,
                      Image *rgb, Image *readable)
{
    /* rgb (H, W, 3), readable (H, W), the tile (tile height, tile width, 3). */
    size_t columns = (size_t)(part->x1 - part->x0);
    for (int64_t row = part->y0; row < part->y1; row++) {
        size_t to = (size_t)(row - y) * rgb->width + (size_t)(part->x0 - x);
        size_t from = (size_t)((row - tile->y0) * (tile->x1 - tile->x0) + part->x0 - tile->x0);
        if (pixels) {
            memcpy(rgb->pixels + 3 * to, pixels + 3 * from, 3 * columns);
        } else {
            memset(rgb->pixels + 3 * to, 255, 3 * columns);
        }
        if (readable) {
            memset(readable->pixels + to, pixels ? 255 : 0, columns);
        }
    }
}

gboolean jpegtiff_read(JpegTiff *tiff, int level, int64_t x, int64_t y, Image *rgb, Image *readable,
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
            /* Never stored: white and without data, but no damage. */
            if (from->counts[index] == 0) {
                copy_part(NULL, &tile, &part, x, y, rgb, readable);
                continue;
            }
            CachedTile *cached = tilecache_get(tiff->cache, level, index, (size_t)width * height * 3, error);
            if (!cached) {
                return FALSE;
            }
            const uint8_t *pixels = tilecache_pixels(cached, &reason);
            /* A damaged tile is reported, and its pixels are without data. */
            gboolean ok = pixels || bad(data, from->stored, column, row, reason, error);
            copy_part(pixels, &tile, &part, x, y, rgb, readable);
            tilecache_release(tiff->cache, cached);
            if (!ok) {
                return FALSE;
            }
        }
    }
    return TRUE;
}

enum {
    MAX_VIEW = 16 << 20
}; /* bytes of tiles, which stay in memory beyond the cache's limit while the view is held */

/* Holds the tiles of the view: `columns` per row, from tile `first` on.  Tiles that another thread is decoding come last, since they
 * may be done by then. */
static gboolean hold(JpegTiff *tiff, MosaicView *view, int level, int64_t first, int64_t columns)
{
    const JpegLevel *from = &tiff->levels[level];
    size_t bytes = (size_t)tile_columns(from) * (size_t)tile_rows(from) * 3;
    for (int i = 0; i < view->count; i++) {
        int64_t index = first + i / columns * from->columns + i % columns;
        if (from->counts[index] == 0) {
            return FALSE;
        }
        /* First pass: what is there, or what nobody else decodes now. */
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

/* Sets the row pointers of one part of the view, top to bottom, and where the part ends. */
static void point_to_rows(const JpegLevel *from, MosaicView *view, int part, int64_t x, int64_t y, int *ends,
                          const uint8_t **rows)
{
    const int64_t width = tile_columns(from), height = tile_rows(from), column = x / width + part;
    /* A part is a column of tiles; only the first one starts inside a tile. */
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
    /* A view cannot show anything outside of the level. */
    if (x < 0 || y < 0 || width > from->width - x || height > from->height - y) {
        return FALSE;
    }
    /* The tiles that the rectangle touches. */
    const int64_t column = x / tile_width, row = y / tile_height,
                  columns = (x + width - 1) / tile_width - column + 1,
                  rows = (y + height - 1) / tile_height - row + 1;
    if (columns * rows * tile_width * tile_height * 3 > MAX_VIEW) {
        return FALSE;
    }
    const size_t tiles = (size_t)(columns * rows);
    view->held = thread_scratch(SCRATCH_VIEW_TILES, tiles, sizeof(void *), "a view", NULL);
    int *ends = thread_scratch(SCRATCH_VIEW_ENDS, (size_t)columns, sizeof *ends, "a view", NULL);
    const uint8_t **pixels =
        thread_scratch(SCRATCH_VIEW_ROWS, (size_t)columns * (size_t)height, sizeof *pixels, "a view", NULL);
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
