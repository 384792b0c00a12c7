/* Label masks read by libtiff itself.
 *
 * OpenSlide would give colours and needs tiles; a label is a number.  The same check of the geometry goes before as for slides. */
#include "tiler/labels.h"
#include "base/error.h"
#include "tiler/tiffcheck.h"
#include <stdio.h>
#include <string.h>
#include <tiffio.h>

struct Labels {
    TIFF *tiff;
    char *path;
    uint32_t width, height, tile_width, tile_height; /* tile_width 0: strips */
};

gboolean labels_detect(const char *path)
{
    static const char magics[][4] = {
        {'I', 'I', '*', 0}, {'I', 'I', '+', 0}, {'M', 'M', 0, '*'}, {'M', 'M', 0, '+'}};
    char head[4];
    FILE *file = fopen(path, "rb");
    gboolean found = FALSE;
    if (file && fread(head, 1, sizeof head, file) == sizeof head) {
        for (guint i = 0; i < G_N_ELEMENTS(magics); i++) {
            found = found || memcmp(head, magics[i], sizeof head) == 0;
        }
    }
    if (file) {
        fclose(file);
    }
    return found;
}

/* libtiff's messages would go to stderr; what matters comes back as an error. */
static int no_message(TIFF *tiff, void *data, const char *module, const char *format, va_list args)
{
    return 1;
}

static TIFF *open_quietly(const char *path)
{
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    TIFFOpenOptionsSetErrorHandlerExtR(options, no_message, NULL);
    TIFFOpenOptionsSetWarningHandlerExtR(options, no_message, NULL);
    TIFF *tiff = TIFFOpenExt(path, "rm", options);
    TIFFOpenOptionsFree(options);
    return tiff;
}

static gboolean check_kind(const Labels *labels, GError **error)
{
    uint16_t bits = 0, samples = 0, photometric = 0, format = SAMPLEFORMAT_UINT;
    TIFFGetFieldDefaulted(labels->tiff, TIFFTAG_BITSPERSAMPLE, &bits);
    TIFFGetFieldDefaulted(labels->tiff, TIFFTAG_SAMPLESPERPIXEL, &samples);
    TIFFGetFieldDefaulted(labels->tiff, TIFFTAG_SAMPLEFORMAT, &format);
    TIFFGetField(labels->tiff, TIFFTAG_PHOTOMETRIC, &photometric);
    if (bits == 8 && samples == 1 && format == SAMPLEFORMAT_UINT && photometric != PHOTOMETRIC_MINISWHITE) {
        return TRUE;
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                "%s is no label mask: %u sample%s of %u bits; one of 8 bits is needed", labels->path, samples,
                samples == 1 ? "" : "s", bits);
    return FALSE;
}

static gboolean set_geometry(Labels *labels, GError **error)
{
    TIFFGetField(labels->tiff, TIFFTAG_IMAGEWIDTH, &labels->width);
    TIFFGetField(labels->tiff, TIFFTAG_IMAGELENGTH, &labels->height);
    if (TIFFIsTiled(labels->tiff)) {
        TIFFGetField(labels->tiff, TIFFTAG_TILEWIDTH, &labels->tile_width);
        TIFFGetField(labels->tiff, TIFFTAG_TILELENGTH, &labels->tile_height);
    }
    if (labels->width < 1 || labels->height < 1 || labels->width > INT32_MAX || labels->height > INT32_MAX ||
        (TIFFIsTiled(labels->tiff) && (labels->tile_width < 1 || labels->tile_height < 1))) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: impossible size of %u x %u px", labels->path,
                    labels->width, labels->height);
        return FALSE;
    }
    return TRUE;
}

Labels *labels_open(const char *path, GError **error)
{
    gboolean is_tiff;
    if (!tiffcheck_file(path, &is_tiff, error)) {
        return NULL;
    }
    g_autoptr(Labels) labels = g_new0(Labels, 1);
    labels->path = g_strdup(path);
    labels->tiff = is_tiff ? open_quietly(path) : NULL;
    if (!labels->tiff) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s is not a TIFF that libtiff can open", path);
        return NULL;
    }
    return check_kind(labels, error) && set_geometry(labels, error) ? g_steal_pointer(&labels) : NULL;
}

void labels_free(Labels *labels)
{
    if (!labels) {
        return;
    }
    if (labels->tiff) {
        TIFFClose(labels->tiff);
    }
    g_free(labels->path);
    g_free(labels);
}

int64_t labels_width(const Labels *labels)
{
    return labels->width;
}

int64_t labels_height(const Labels *labels)
{
    return labels->height;
}

static gboolean unreadable(const Labels *labels, int64_t y, GError **error)
{
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: the mask cannot be decoded in row %" G_GINT64_FORMAT,
                labels->path, y);
    return FALSE;
}

/* A row of tiles, side by side. */
static gboolean read_tiles(Labels *labels, uint32_t y, uint8_t *tile, uint8_t *band, GError **error)
{
    uint32_t rows = MIN(labels->tile_height, labels->height - y);
    for (uint32_t x = 0; x < labels->width; x += labels->tile_width) {
        uint32_t columns = MIN(labels->tile_width, labels->width - x);
        if (TIFFReadTile(labels->tiff, tile, x, y, 0, 0) < 0) {
            return unreadable(labels, y, error);
        }
        for (uint32_t j = 0; j < rows; j++) {
            memcpy(band + (size_t)j * labels->width + x, tile + (size_t)j * labels->tile_width, columns);
        }
    }
    return TRUE;
}

static gboolean read_tiled(Labels *labels, LabelsRow row, void *data, GError **error)
{
    g_autofree uint8_t *tile = wsi_try_alloc(labels->tile_width, labels->tile_height, "a tile", error);
    g_autofree uint8_t *band =
        tile ? wsi_try_alloc(labels->width, MIN(labels->tile_height, labels->height), "a row of tiles", error)
             : NULL;
    for (uint32_t y = 0; band && y < labels->height; y += labels->tile_height) {
        if (!read_tiles(labels, y, tile, band, error)) {
            return FALSE;
        }
        for (uint32_t j = 0; j < labels->tile_height && y + j < labels->height; j++) {
            if (!row(data, y + j, band + (size_t)j * labels->width, error)) {
                return FALSE;
            }
        }
    }
    return band != NULL;
}

static gboolean read_strips(Labels *labels, LabelsRow row, void *data, GError **error)
{
    size_t bytes = MAX((size_t)labels->width, (size_t)TIFFScanlineSize(labels->tiff));
    g_autofree uint8_t *line = wsi_try_alloc(bytes, 1, "a row of a mask", error);
    for (uint32_t y = 0; line && y < labels->height; y++) {
        if (TIFFReadScanline(labels->tiff, line, y, 0) < 0) {
            return unreadable(labels, y, error);
        }
        if (!row(data, y, line, error)) {
            return FALSE;
        }
    }
    return line != NULL;
}

gboolean labels_read(Labels *labels, LabelsRow row, void *data, GError **error)
{
    return labels->tile_width ? read_tiled(labels, row, data, error) : read_strips(labels, row, data, error);
}
