/* Writes the TIFF file by libtiff.
 *
 * libtiff writes one directory at a time, but a pyramid made in one pass produces tiles of all levels in turn.
 * Tiles of level 0 go straight into the file.  The encoded tiles of the reduced levels, a third of the data, wait
 * in a second temporary file (the spool), and are copied when their directory is written.  Memory holds only
 * their positions.
 *
 * In the OME layout the number of SubIFDs must be known when the directory of level 0 is written; libtiff then
 * links the next directories from there instead of from the main chain.  The next plane follows in the main chain.
 *
 * Whether the file is BigTIFF is decided before the first byte, from the largest size that the tiles can have. */
#include "tiler/pyramid/pyramid_file.h"
#include "tiler/pyramid/ome.h"
#include "tiler/pyramid/tile_codec.h"
#include "base/durable.h"
#include "base/error.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <tiffio.h>
#include <unistd.h>
#include <glib/gstdio.h>

typedef struct {
    int64_t offset;
    uint32_t bytes;
} Spooled;

struct PyramidFile {
    const PyramidSpec *spec;
    const PyramidLevel *levels;
    int count, plane;
    const GByteArray *jpeg_tables;
    Durable *target, *spool;
    TIFF *tiff;
    char message[256]; /* libtiff's last error */
    Spooled **spooled; /* [level][tile]; NULL for level 0 */
    int64_t spool_size;
};

/* Keeps libtiff's last error for tiff_failed(). */
G_GNUC_PRINTF(4, 0)
static int on_tiff_error(TIFF *tiff, void *data, const char *module, const char *format, va_list args)
{
    PyramidFile *file = data;
    g_vsnprintf(file->message, sizeof file->message, format, args);
    return 1;
}

/* Warnings are ignored. */
static int on_tiff_warning(TIFF *tiff, void *data, const char *module, const char *format, va_list args)
{
    return 1;
}

/* Makes our error of libtiff's message; a full disk has a code of its own. */
static gboolean tiff_failed(PyramidFile *file, GError **error)
{
    WsiErrorCode code = errno == ENOSPC || errno == EDQUOT ? WSI_ERROR_FULL : WSI_ERROR_IO;
    g_set_error(error, WSI_ERROR, code, "cannot write %s: %s", durable_temp_path(file->target),
                file->message[0] ? file->message : "libtiff reports no reason");
    return FALSE;
}

/* Largest possible size: Deflate may grow data by less than 1/1000 + 64 bytes; a JPEG coefficient takes at
 * most 26 bits. */
static gboolean needs_bigtiff(const PyramidSpec *spec, const PyramidLevel *levels, int count, int tile)
{
    double tile_bytes = (double)tile * tile * tile_codec_pixel_bytes(spec->pixels);
    double worst = spec->pixels == PYRAMID_RGB_JPEG ? tile_bytes * 26 / 8 + 1024 : tile_bytes * 1.001 + 64;
    /* Room for directories and descriptions. */
    double total = 1 << 20;
    for (int k = 0; k < count; k++) {
        total += (double)levels[k].columns * levels[k].rows * (worst + 16);
    }
    return total * MAX(spec->plane_count, 1) > 4294967295.0;
}

static gboolean open_tiff(PyramidFile *file, GError **error)
{
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    TIFFOpenOptionsSetErrorHandlerExtR(options, on_tiff_error, file);
    TIFFOpenOptionsSetWarningHandlerExtR(options, on_tiff_warning, file);
    /* "8": BigTIFF; "l": little-endian on every machine. */
    const char *mode = needs_bigtiff(file->spec, file->levels, file->count, file->spec->tile) ? "w8l" : "wl";
    file->tiff = TIFFOpenExt(durable_temp_path(file->target), mode, options);
    TIFFOpenOptionsFree(options);
    return file->tiff || tiff_failed(file, error);
}

/* How pixels are stored. */
static gboolean set_pixel_tags(TIFF *tiff, const PyramidSpec *spec, const GByteArray *jpeg_tables)
{
    gboolean rgb = spec->pixels == PYRAMID_RGB_JPEG || spec->pixels == PYRAMID_RGB_LOSSLESS;
    gboolean jpeg = spec->pixels == PYRAMID_RGB_JPEG, real = spec->pixels == PYRAMID_FLOAT;
    gboolean ok =
        TIFFSetField(tiff, TIFFTAG_COMPRESSION, jpeg ? COMPRESSION_JPEG : COMPRESSION_ADOBE_DEFLATE) &&
        TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, real ? 32 : 8) &&
        TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, rgb ? 3 : 1) &&
        TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, real ? SAMPLEFORMAT_IEEEFP : SAMPLEFORMAT_UINT) &&
        TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG) &&
        TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC,
                     jpeg  ? PHOTOMETRIC_YCBCR
                     : rgb ? PHOTOMETRIC_RGB
                           : PHOTOMETRIC_MINISBLACK);
    if (ok && jpeg) {
        int sub = TILE_CODEC_SUBSAMPLING(spec->quality);
        ok = TIFFSetField(tiff, TIFFTAG_YCBCRSUBSAMPLING, sub, sub) &&
             TIFFSetField(tiff, TIFFTAG_JPEGTABLES, jpeg_tables->len, jpeg_tables->data);
    } else if (ok && rgb) {
        /* Differences of neighbours compress better. */
        ok = TIFFSetField(tiff, TIFFTAG_PREDICTOR, PREDICTOR_HORIZONTAL);
    }
    return ok;
}

/* GDAL's tag for the value that means no data.  libtiff does not know it, so each directory starts without it, and programs that use libtiff may
 * warn; therefore only level 0 has it. */
enum { TAG_GDAL_NODATA = 42113 };
static gboolean set_no_data(TIFF *tiff)
{
    static const TIFFFieldInfo tag = {TAG_GDAL_NODATA, -1,   -1,    TIFF_ASCII,
                                      FIELD_CUSTOM,    TRUE, FALSE, "GDAL_NODATA"};
    return TIFFMergeFieldInfo(tiff, &tag, 1) == 0 && TIFFSetField(tiff, TAG_GDAL_NODATA, "nan");
}

/* The description of level 0: OME-XML, or the given text with non-ASCII bytes replaced. */
static char *description(const PyramidSpec *spec)
{
    if (spec->layout == PYRAMID_OME) {
        return ome_xml(spec);
    }
    char *text = g_strdup(spec->description);
    for (char *c = text; c && *c; c++) {
        if (!g_ascii_isprint(*c)) {
            *c = '?';
        }
    }
    return text;
}

/* All tags of level k; the resolution is halved with each level. */
static gboolean set_tags(PyramidFile *file, int k)
{
    const PyramidSpec *spec = file->spec;
    const PyramidLevel *level = &file->levels[k];
    TIFF *tiff = file->tiff;
    /* Pixels per cm = 10000 um / (um/px 2^k). */
    double scale = (double)((int64_t)1 << k);
    g_autofree char *text = k == 0 && file->plane == 0 ? description(spec) : NULL;
    gboolean ok = TIFFSetField(tiff, TIFFTAG_SUBFILETYPE, k == 0 ? 0 : FILETYPE_REDUCEDIMAGE) &&
                  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, (uint32_t)level->width) &&
                  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, (uint32_t)level->height) &&
                  TIFFSetField(tiff, TIFFTAG_TILEWIDTH, (uint32_t)spec->tile) &&
                  TIFFSetField(tiff, TIFFTAG_TILELENGTH, (uint32_t)spec->tile) &&
                  TIFFSetField(tiff, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT) &&
                  TIFFSetField(tiff, TIFFTAG_RESOLUTIONUNIT, RESUNIT_CENTIMETER) &&
                  TIFFSetField(tiff, TIFFTAG_XRESOLUTION, 10000 / (spec->mpp_x * scale)) &&
                  TIFFSetField(tiff, TIFFTAG_YRESOLUTION, 10000 / (spec->mpp_y * scale)) &&
                  TIFFSetField(tiff, TIFFTAG_SOFTWARE, "wsiflow " WSIFLOW_VERSION) &&
                  set_pixel_tags(tiff, spec, file->jpeg_tables) &&
                  (k > 0 || !spec->planes || !spec->planes[file->plane].no_data || set_no_data(tiff)) &&
                  (!text || TIFFSetField(tiff, TIFFTAG_IMAGEDESCRIPTION, text));
    if (ok && k == 0 && spec->layout == PYRAMID_OME && file->count > 1) {
        /* Reserves the links; libtiff fills them in when it writes the next directories. */
        g_autofree toff_t *nowhere_yet = g_new0(toff_t, file->count - 1);
        ok = TIFFSetField(tiff, TIFFTAG_SUBIFD, file->count - 1, nowhere_yet);
    }
    return ok;
}

/* The temporary file for tiles of reduced levels, and the list of their positions. */
static gboolean open_spool(PyramidFile *file, const char *path, GError **error)
{
    g_autofree char *spool_path = g_strconcat(path, ".levels", NULL);
    file->spooled = g_new0(Spooled *, file->count);
    for (int k = 1; k < file->count; k++) {
        file->spooled[k] = wsi_try_alloc((size_t)file->levels[k].columns * file->levels[k].rows,
                                         sizeof(Spooled), "the list of tiles", error);
        if (!file->spooled[k]) {
            return FALSE;
        }
    }
    file->spool = file->count > 1 ? durable_open(spool_path, error) : NULL;
    return file->count == 1 || file->spool;
}

PyramidFile *pyramid_file_open(const char *path, const PyramidSpec *spec, const PyramidLevel *levels,
                               int count, const GByteArray *jpeg_tables, GError **error)
{
    g_autoptr(PyramidFile) file = g_new0(PyramidFile, 1);
    file->spec = spec;
    file->levels = levels;
    file->count = count;
    file->jpeg_tables = jpeg_tables;
    file->target = durable_open(path, error);
    if (!file->target || !open_spool(file, path, error) || !open_tiff(file, error)) {
        return NULL;
    }
    if (!set_tags(file, 0)) {
        tiff_failed(file, error);
        return NULL;
    }
    return g_steal_pointer(&file);
}

void pyramid_file_free(PyramidFile *file)
{
    if (!file) {
        return;
    }
    if (file->tiff) {
        TIFFClose(file->tiff);
    }
    for (int k = 0; file->spooled && k < file->count; k++) {
        g_free(file->spooled[k]);
    }
    g_free(file->spooled);
    durable_free(file->spool);
    durable_free(file->target);
    g_free(file);
}

/* Stores an encoded tile as it is. */
static gboolean write_tile(PyramidFile *file, int64_t tile, void *data, size_t bytes, GError **error)
{
    return TIFFWriteRawTile(file->tiff, (uint32_t)tile, data, (tmsize_t)bytes) == (tmsize_t)bytes ||
           tiff_failed(file, error);
}

gboolean pyramid_file_add(PyramidFile *file, int level, int64_t tile, const GByteArray *encoded,
                          GError **error)
{
    if (level == 0) {
        return write_tile(file, tile, encoded->data, encoded->len, error);
    }
    /* Tiles of reduced levels arrive in between those of level 0. */
    file->spooled[level][tile] = (Spooled){file->spool_size, encoded->len};
    file->spool_size += encoded->len;
    return durable_write(file->spool, encoded->data, encoded->len, error);
}

/* Copies a tile from the spool to the file. */
static gboolean copy_tile(PyramidFile *file, int fd, int64_t tile, const Spooled *from, GByteArray *buffer,
                          GError **error)
{
    g_byte_array_set_size(buffer, from->bytes);
    for (size_t done = 0; done < from->bytes;) {
        ssize_t got = pread(fd, buffer->data + done, from->bytes - done, from->offset + (off_t)done);
        if (got == 0) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_IO, "%s ends too early, at byte %" G_GINT64_FORMAT,
                        durable_temp_path(file->spool), from->offset + (gint64)done);
            return FALSE;
        }
        if (got < 0 && errno != EINTR) {
            return wsi_error_errno(error, "cannot read back", durable_temp_path(file->spool));
        }
        done += got > 0 ? (size_t)got : 0;
    }
    return write_tile(file, tile, buffer->data, buffer->len, error);
}

/* One directory per level, from level 1 on. */
static gboolean write_reduced_levels(PyramidFile *file, int fd, GError **error)
{
    g_autoptr(GByteArray) buffer = g_byte_array_new();
    for (int k = 1; k < file->count; k++) {
        if (!set_tags(file, k)) {
            return tiff_failed(file, error);
        }
        int64_t tiles = (int64_t)file->levels[k].columns * file->levels[k].rows;
        for (int64_t t = 0; t < tiles; t++) {
            if (!copy_tile(file, fd, t, &file->spooled[k][t], buffer, error)) {
                return FALSE;
            }
        }
        if (!TIFFWriteDirectory(file->tiff)) {
            return tiff_failed(file, error);
        }
    }
    return TRUE;
}

/* The directories of a plane: level 0 was written already, except for its directory. */
static gboolean finish_plane(PyramidFile *file, GError **error)
{
    if (!TIFFWriteDirectory(file->tiff)) {
        return tiff_failed(file, error);
    }
    if (file->count > 1) {
        int fd = g_open(durable_temp_path(file->spool), O_RDONLY | O_CLOEXEC, 0);
        if (fd < 0) {
            return wsi_error_errno(error, "cannot open", durable_temp_path(file->spool));
        }
        gboolean ok = write_reduced_levels(file, fd, error);
        close(fd);
        if (!ok) {
            return FALSE;
        }
    }
    return TRUE;
}

gboolean pyramid_file_next_plane(PyramidFile *file, GError **error)
{
    if (!finish_plane(file, error)) {
        return FALSE;
    }
    file->plane++;
    return set_tags(file, 0) || tiff_failed(file, error);
}

gboolean pyramid_file_finish(PyramidFile *file, char sha256[65], GError **error)
{
    if (!finish_plane(file, error)) {
        return FALSE;
    }
    TIFFClose(g_steal_pointer(&file->tiff));
    return durable_commit(file->target, sha256, NULL, error);
}
