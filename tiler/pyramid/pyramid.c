/* A pyramid in one pass over its source.
 *
 * Each level has one band: as many rows as a tile is high.  When a band is full, its tiles are encoded and
 * stored, and the band is halved into the band of the next level, which two of them fill; and so on up.  So memory
 * is one band per level, 2 x width x tile pixels in total, whatever the height, and each row of the source is
 * requested once.  Where the source fills single tiles, level 0 needs no band, only a tile per thread: half of the memory.
 *
 * The columns of a band are independent (the tile size is even, so a tile halves into its own half tile).  The
 * worker pool encodes them, and the tiles are then stored in ascending order, so the bytes do not depend on threads.
 *
 * Most tiles of a mask or of a slide's background have one value only.  They are encoded once per value, and the encoded tile is
 * kept. */
#include "tiler/pyramid/pyramid.h"
#include "tiler/pyramid/halve.h"
#include "tiler/pyramid/pyramid_file.h"
#include "tiler/pyramid/fill_pixels.h"
#include "tiler/pyramid/tile_codec.h"
#include "base/error.h"
#include "base/pool.h"
#include <math.h>
#include <string.h>

enum { MAX_LEVELS = 32, MAX_KEPT_TILES = 256 };

typedef struct {
    uint8_t *pixels; /* (tile, width of the level, channels) */
    float *
        weights; /* (tile, width of the level), of means of floats: how many values of level 0 are in each; NULL at level 0 */
    int rows;    /* filled so far */
    int64_t row; /* number of this row of tiles in the level */
} Band;

typedef struct {
    PyramidSpec spec; /* defaults filled in */
    int pixel_bytes, count;
    PyramidLevel levels[MAX_LEVELS];
    Band bands[MAX_LEVELS];
    int threads;
    TileCodec **codecs;      /* [thread] */
    GByteArray **encoded;    /* [column]: encoded tile of the band being flushed */
    const GByteArray **kept; /* [column]: when not NULL, the kept tile that replaces it */
    void *data;              /* of the source */
    PyramidRule rule;        /* of the plane that is written */
    GMutex lock;             /* guards `constants` */
    GHashTable *constants;   /* pixel bits -> GByteArray */
    PyramidFile *file;
} Writer;

static gboolean is_positive(double value)
{
    return isfinite(value) && value > 0;
}

/* Refuses specifications that no TIFF can have. */
static gboolean check_spec(const PyramidSpec *spec, const char *path, GError **error)
{
    const struct {
        gboolean right;
        const char *what;
    } checks[] = {{spec->width >= 1 && spec->width <= INT32_MAX, "width"},
                  {spec->height >= 1 && spec->height <= INT32_MAX, "height"},
                  {is_positive(spec->mpp_x) && is_positive(spec->mpp_y), "resolution"},
                  {spec->tile >= 16 && spec->tile % 16 == 0 && spec->tile <= 4096, "tile size"},
                  {spec->quality >= 1 && spec->quality <= 100, "JPEG quality"},
                  {spec->min_size >= 1, "smallest level"},
                  {(spec->plane_count >= 1) == (spec->planes != NULL) &&
                       (!spec->planes || (spec->pixels == PYRAMID_FLOAT && spec->layout == PYRAMID_OME)),
                   "planes"}};
    for (guint i = 0; i < G_N_ELEMENTS(checks); i++) {
        if (!checks[i].right) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: cannot write a pyramid: impossible %s", path,
                        checks[i].what);
            return FALSE;
        }
    }
    return TRUE;
}

/* Halves until min_size.  OpenSlide reads whole tiles by TIFFRGBAImageGet, which in libtiff 4.5 skews an image that is smaller than
 * its tile.  So files for OpenSlide have no such level, and smaller tiles when level 0 is that
 * small. */
static void plan_levels(Writer *writer)
{
    int64_t width = writer->spec.width, height = writer->spec.height;
    gboolean whole_tiles = writer->spec.layout == PYRAMID_MULTI_IFD;
    if (whole_tiles) {
        writer->spec.tile = (int)MIN(writer->spec.tile, MAX(MIN(width, height) / 16 * 16, 16));
    }
    int tile = writer->spec.tile, min_size = writer->spec.min_size;
    for (writer->count = 0; writer->count < MAX_LEVELS; width = (width + 1) / 2, height = (height + 1) / 2) {
        if (writer->count > 0 && whole_tiles && MIN(width, height) < tile) {
            break;
        }
        writer->levels[writer->count++] = (PyramidLevel){width, height, (int)((width + tile - 1) / tile),
                                                         (int)((height + tile - 1) / tile)};
        if (width <= min_size && height <= min_size) {
            break;
        }
    }
}

/* Whether each thread has a tile of pixels for the level instead of a band: when the source fills single tiles. */
static gboolean has_own_tiles(const Writer *writer, int k)
{
    return k == 0 && writer->spec.part;
}

/* A codec per thread, a band per level, an output per column. */
static gboolean allocate(Writer *writer, GError **error)
{
    size_t tile = (size_t)writer->spec.tile;
    writer->codecs = g_new0(TileCodec *, writer->threads);
    writer->encoded = g_new0(GByteArray *, writer->levels[0].columns);
    writer->kept = g_new0(const GByteArray *, writer->levels[0].columns);
    writer->constants = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_byte_array_unref);
    for (int t = 0; t < writer->threads; t++) {
        writer->codecs[t] =
            tile_codec_new(writer->spec.pixels, writer->spec.tile, writer->spec.quality, error);
        if (!writer->codecs[t]) {
            return FALSE;
        }
    }
    for (int k = 0; k < writer->count; k++) {
        size_t columns = has_own_tiles(writer, k) ? tile * (size_t)writer->threads
                                                  : (size_t)writer->levels[k].width,
               row_bytes = columns * (size_t)writer->pixel_bytes;
        writer->bands[k].pixels = wsi_try_alloc(tile, row_bytes, "a band of a pyramid level", error);
        if (!writer->bands[k].pixels) {
            return FALSE;
        }
        if (k > 0 && writer->spec.pixels == PYRAMID_FLOAT &&
            !(writer->bands[k].weights =
                  wsi_try_alloc(tile, row_bytes, "a band of a pyramid level", error))) {
            return FALSE;
        }
    }
    for (int c = 0; c < writer->levels[0].columns; c++) {
        writer->encoded[c] = g_byte_array_new();
    }
    return TRUE;
}

static void release(Writer *writer)
{
    for (int t = 0; writer->codecs && t < writer->threads; t++) {
        tile_codec_free(writer->codecs[t]);
    }
    for (int k = 0; k < writer->count; k++) {
        g_free(writer->bands[k].pixels);
        g_free(writer->bands[k].weights);
    }
    for (int c = 0; writer->encoded && c < writer->levels[0].columns; c++) {
        g_clear_pointer(&writer->encoded[c], g_byte_array_unref);
    }
    g_free(writer->codecs);
    g_free(writer->encoded);
    g_free(writer->kept);
    g_clear_pointer(&writer->constants, g_hash_table_unref);
    pyramid_file_free(writer->file);
    g_mutex_clear(&writer->lock);
}

/* A part of a band: the pixels of one tile. */
typedef struct {
    uint8_t *pixels;
    size_t stride; /* bytes */
    int width, height;
} Part;

/* The part of level k's band that the tile in `column` gets. */
static Part part_of(const Writer *writer, int k, int64_t column, int worker)
{
    const int tile = writer->spec.tile, bytes = writer->pixel_bytes;
    const int64_t x = column * tile;
    const Band *band = &writer->bands[k];
    Part part = {band->pixels + x * bytes, (size_t)writer->levels[k].width * bytes,
                 (int)MIN(tile, writer->levels[k].width - x), band->rows};
    if (has_own_tiles(writer, k)) {
        part.stride = (size_t)tile * bytes;
        part.pixels = band->pixels + (size_t)worker * tile * part.stride;
    }
    return part;
}

/* Whether all pixels equal the first: compare the first row with itself shifted by a pixel, then each row with the first. */
static gboolean is_constant(const Part *part, int pixel_bytes)
{
    size_t row_bytes = (size_t)part->width * pixel_bytes;
    if (memcmp(part->pixels, part->pixels + pixel_bytes, row_bytes - pixel_bytes) != 0) {
        return FALSE;
    }
    for (int y = 1; y < part->height; y++) {
        if (memcmp(part->pixels, part->pixels + (size_t)y * part->stride, row_bytes) != 0) {
            return FALSE;
        }
    }
    return TRUE;
}

/* Sets all pixels of a part to the first. */
static void spread(const Part *part, int pixel_bytes)
{
    fill_pixels(part->pixels + pixel_bytes, part->pixels, pixel_bytes, part->width - 1);
    for (int y = 1; y < part->height; y++) {
        memcpy(part->pixels + (size_t)y * part->stride, part->pixels, (size_t)part->width * pixel_bytes);
    }
}

/* Encodes a part by the codec of the worker. */
static gboolean encode(Writer *writer, int worker, const Part *part, GByteArray *out, GError **error)
{
    g_byte_array_set_size(out, 0);
    return tile_codec_encode(writer->codecs[worker], part->pixels, part->stride, part->width, part->height,
                             out, error);
}

/* Encodes a part of one value, or takes the tile of that value that was kept. */
static gboolean encode_constant(Writer *writer, int worker, const Part *part, int64_t column, GError **error)
{
    uint32_t bits = 0;
    memcpy(&bits, part->pixels, writer->pixel_bytes);
    /* The bits of the pixel identify the tile. */
    gpointer key = GUINT_TO_POINTER(bits);
    g_mutex_lock(&writer->lock);
    writer->kept[column] = g_hash_table_lookup(writer->constants, key);
    g_mutex_unlock(&writer->lock);
    if (writer->kept[column]) {
        return TRUE;
    }
    spread(part, writer->pixel_bytes);
    if (!encode(writer, worker, part, writer->encoded[column], error)) {
        return FALSE;
    }
    g_mutex_lock(&writer->lock);
    if (g_hash_table_size(writer->constants) < MAX_KEPT_TILES &&
        !g_hash_table_contains(writer->constants, key)) {
        GByteArray *copy = g_byte_array_sized_new(writer->encoded[column]->len);
        g_byte_array_append(copy, writer->encoded[column]->data, writer->encoded[column]->len);
        g_hash_table_insert(writer->constants, key, copy);
    }
    g_mutex_unlock(&writer->lock);
    return TRUE;
}

/* Halves the part of floats in `column` of level k into the band of the next level; all of its pixels are written. */
static void halve_floats(const Writer *writer, const Part *part, int k, int64_t column)
{
    const Band *from = &writer->bands[k], *next = &writer->bands[k + 1];
    size_t in_stride = (size_t)writer->levels[k].width, stride = (size_t)writer->levels[k + 1].width;
    size_t at = (size_t)next->rows * stride + (size_t)column * (writer->spec.tile / 2);
    const float *in = (const float *)part->pixels;
    float *out = (float *)next->pixels + at;
    if (writer->rule == PYRAMID_MAXIMUM) {
        halve_max_float(in, in_stride, part->width, part->height, out, stride);
    } else {
        const float *weights = from->weights ? from->weights + column * writer->spec.tile : NULL;
        halve_mean_float(in, weights, in_stride, part->width, part->height, out, next->weights + at, stride);
    }
}

/* Halves the part into the band of the next level. */
static void halve(const Writer *writer, const Part *part, gboolean constant, int k, int64_t column)
{
    const Band *next = &writer->bands[k + 1];
    int bytes = writer->pixel_bytes;
    size_t stride = (size_t)writer->levels[k + 1].width * bytes;
    uint8_t *out =
        next->pixels + (size_t)next->rows * stride + (size_t)column * (writer->spec.tile / 2) * bytes;
    if (constant) {
        fill_pixels(out, part->pixels, bytes, (part->width + 1) / 2);
        for (int y = 1; y < (part->height + 1) / 2; y++) {
            memcpy(out + (size_t)y * stride, out, (size_t)((part->width + 1) / 2) * bytes);
        }
    } else if (writer->spec.pixels == PYRAMID_LABEL) {
        halve_max8(part->pixels, part->stride, part->width, part->height, out, stride);
    } else {
        halve_mean_rgb(part->pixels, part->stride, part->width, part->height, out, stride);
    }
}

typedef struct {
    Writer *writer;
    int level;
} Flush;

/* Lets the source fill or draw on a part.  *constant: whether all of its pixels are equal; then perhaps only the first is written. */
static gboolean complete(const Writer *writer, int k, int64_t column, const Part *part, gboolean *constant,
                         GError **error)
{
    const PyramidSpec *spec = &writer->spec;
    int64_t x = column * spec->tile;
    *constant = FALSE;
    if (k == 0 && spec->part &&
        !spec->part(writer->data, x, part->width, part->pixels, part->stride, constant, error)) {
        return FALSE;
    }
    if (k > 0 && spec->draw) {
        spec->draw(writer->data, k, x, writer->bands[k].row * spec->tile, part->width, part->height,
                   part->pixels, part->stride);
    }
    *constant = *constant || is_constant(part, writer->pixel_bytes);
    return TRUE;
}

/* Encodes one tile of a band and halves its pixels; run by a thread of the pool. */
static gboolean flush_column(int64_t column, int worker, void *data, GError **error)
{
    const Flush *flush = data;
    Writer *writer = flush->writer;
    Part part = part_of(writer, flush->level, column, worker);
    gboolean constant;
    if (!complete(writer, flush->level, column, &part, &constant, error)) {
        return FALSE;
    }
    /* A constant part at the border is not a constant tile, unless JPEG repeats its pixels. */
    gboolean whole = part.width == writer->spec.tile && part.height == writer->spec.tile;
    if (flush->level + 1 < writer->count && writer->spec.pixels == PYRAMID_FLOAT) {
        if (constant) {
            spread(&part, writer->pixel_bytes);
        }
        halve_floats(writer, &part, flush->level, column);
    } else if (flush->level + 1 < writer->count) {
        halve(writer, &part, constant, flush->level, column);
    }
    writer->kept[column] = NULL;
    if (constant && (whole || writer->spec.pixels == PYRAMID_RGB_JPEG)) {
        return encode_constant(writer, worker, &part, column, error);
    }
    if (constant) {
        /* The source may have written only the first pixel. */
        spread(&part, writer->pixel_bytes);
    }
    return encode(writer, worker, &part, writer->encoded[column], error);
}

/* Stores the band of level k and halves it into the next one, and continues there while bands are full. */
static gboolean flush_band(Writer *writer, int k, GError **error)
{
    for (; k < writer->count; k++) {
        Band *band = &writer->bands[k];
        /* The last band of a level may be lower than a tile. */
        const PyramidLevel *level = &writer->levels[k];
        gboolean last = band->row * writer->spec.tile + band->rows == level->height;
        if (band->rows < writer->spec.tile && !last) {
            return TRUE;
        }
        Flush flush = {writer, k};
        if (!pool_run(writer->threads, FALSE, level->columns, flush_column, &flush, error)) {
            return FALSE;
        }
        for (int c = 0; c < level->columns; c++) {
            const GByteArray *tile = writer->kept[c] ? writer->kept[c] : writer->encoded[c];
            if (!pyramid_file_add(writer->file, k, band->row * level->columns + c, tile, error)) {
                return FALSE;
            }
        }
        if (k + 1 < writer->count) {
            /* An odd last row becomes a row of its own. */
            writer->bands[k + 1].rows += (band->rows + 1) / 2;
        }
        band->rows = 0;
        band->row++;
    }
    return TRUE;
}

/* Feeds the bands of level 0 from the source. */
static gboolean run_plane(Writer *writer, PyramidSource source, void *data, GError **error)
{
    for (int k = 0; k < writer->count; k++) {
        writer->bands[k].rows = 0;
        writer->bands[k].row = 0;
    }
    writer->data = data;
    for (int64_t y = 0; y < writer->spec.height; y += writer->spec.tile) {
        /* The source fills the band of level 0, one row of tiles at a time. */
        writer->bands[0].rows = (int)MIN(writer->spec.tile, writer->spec.height - y);
        void *pixels = has_own_tiles(writer, 0) ? NULL : writer->bands[0].pixels;
        if (!source(data, y, writer->bands[0].rows, pixels, error) || !flush_band(writer, 0, error)) {
            return FALSE;
        }
    }
    return TRUE;
}

/* data: of the source, for each plane. */
static gboolean run(Writer *writer, const char *path, PyramidSource source, void *const *data,
                    char sha256[65], GError **error)
{
    g_autoptr(GByteArray) tables = g_byte_array_new();
    if (!allocate(writer, error) ||
        (writer->spec.pixels == PYRAMID_RGB_JPEG && !tile_codec_tables(writer->codecs[0], tables, error))) {
        return FALSE;
    }
    writer->file = pyramid_file_open(path, &writer->spec, writer->levels, writer->count, tables, error);
    if (!writer->file) {
        return FALSE;
    }
    for (int p = 0; p < MAX(writer->spec.plane_count, 1); p++) {
        writer->rule = writer->spec.planes ? writer->spec.planes[p].rule : PYRAMID_MEAN;
        if ((p > 0 && !pyramid_file_next_plane(writer->file, error)) ||
            !run_plane(writer, source, data[p], error)) {
            return FALSE;
        }
    }
    return pyramid_file_finish(writer->file, sha256, error);
}

gboolean pyramid_write_planes(const char *path, const PyramidSpec *spec, PyramidSource source,
                              void *const *data, int count, char sha256[65], GError **error)
{
    Writer writer = {
        .spec = *spec, .pixel_bytes = tile_codec_pixel_bytes(spec->pixels), .threads = MAX(spec->threads, 1)};
    writer.spec.tile = spec->tile ? spec->tile : 256;
    writer.spec.quality = spec->quality ? spec->quality : 90;
    writer.spec.min_size = spec->min_size ? spec->min_size : 256;
    if (!check_spec(&writer.spec, path, error)) {
        return FALSE;
    }
    if (count != MAX(spec->plane_count, 1)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "%s: %d planes were given, %d specified", path,
                    count, spec->plane_count);
        return FALSE;
    }
    plan_levels(&writer);
    g_mutex_init(&writer.lock);
    gboolean ok = run(&writer, path, source, data, sha256, error);
    release(&writer);
    return ok;
}

gboolean pyramid_write(const char *path, const PyramidSpec *spec, PyramidSource source, void *data,
                       char sha256[65], GError **error)
{
    return pyramid_write_planes(path, spec, source, &data, 1, sha256, error);
}
