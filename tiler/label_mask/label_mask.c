/* Label masks read by libtiff and libpng themselves.
 *
 * OpenSlide would give colours and needs tiles; a label is a number.  The same check of the geometry goes before as for slides. */
#include "tiler/label_mask/label_mask.h"
#include "base/error.h"
#include "tiler/label_mask/label_mask_private.h"
#include "tiler/tiff/tiffcheck.h"
#include "tiler/tiff/tiffpages.h"
#include "tiler/tiff/tiffsource.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <glib/gstdio.h>

struct LabelMask {
    TiffSource *source; /* one of the two */
    LabelMaskPng *png;
    TIFF *tiff; /* of the source */
    char *path;
    uint32_t width, height, tile_width, tile_height; /* tile_width 0: rows */
    LabelFormat format;
    LabelColours colours;
    LabelPalette palette;
    uint8_t *rgba; /* of a row, where the colours of a palette count */
};

static const char png_magic[8] = {'\x89', 'P', 'N', 'G', '\r', '\n', '\x1a', '\n'};

typedef enum { NO_MASK, A_TIFF, A_PNG } Kind;

/* The first bytes, as many as there are, none of what is no file; FALSE with error when the system fails. */
static gboolean read_head(const char *path, char head[8], ssize_t *bytes, GError **error)
{
    struct stat info;
    int fd = g_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
    gboolean ok = fd >= 0 && fstat(fd, &info) == 0;
    *bytes = ok && S_ISREG(info.st_mode) ? pread(fd, head, 8, 0) : 0;
    ok = (ok && *bytes >= 0) || wsi_error_errno(error, "cannot read", path);
    if (fd >= 0) {
        close(fd);
    }
    return ok;
}

static gboolean find_kind(const char *path, Kind *kind, GError **error)
{
    static const char magics[][4] = {
        {'I', 'I', '*', 0}, {'I', 'I', '+', 0}, {'M', 'M', 0, '*'}, {'M', 'M', 0, '+'}};
    char head[8];
    ssize_t bytes;
    if (!read_head(path, head, &bytes, error)) {
        return FALSE;
    }
    *kind = bytes == sizeof head && memcmp(head, png_magic, sizeof head) == 0 ? A_PNG : NO_MASK;
    for (guint i = 0; bytes >= 4 && i < G_N_ELEMENTS(magics); i++) {
        *kind = memcmp(head, magics[i], 4) == 0 ? A_TIFF : *kind;
    }
    return TRUE;
}

gboolean label_mask_detect(const char *path, gboolean *found, GError **error)
{
    Kind kind = NO_MASK;
    gboolean ok = find_kind(path, &kind, error);
    *found = kind != NO_MASK;
    return ok;
}

/* Compressions that change values, or may: the name of this one, or NULL.  WebP, JPEG 2000, JPEG XR, JPEG XL and LERC have lossless modes
 * too, but the directory does not say which one was used. */
static const char *lossy_compression(uint16_t compression)
{
    static const struct {
        uint16_t tag;
        const char *name;
    } lossy[] = {
        {COMPRESSION_OJPEG, "JPEG"},
        {COMPRESSION_JPEG, "JPEG"},
        {33007, "JPEG"},
        {34892, "JPEG"},
        {33003, "JPEG 2000"},
        {33004, "JPEG 2000"},
        {33005, "JPEG 2000"},
        {COMPRESSION_JP2000, "JPEG 2000"},
        {22610, "JPEG XR"},
        {34934, "JPEG XR"},
        {50002, "JPEG XL"},
        {52546, "JPEG XL"},
        {COMPRESSION_WEBP, "WebP"},
        {COMPRESSION_LERC, "LERC"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(lossy); i++) {
        if (lossy[i].tag == compression) {
            return lossy[i].name;
        }
    }
    return NULL;
}

static gboolean check_compression(const LabelMask *labels, GError **error)
{
    uint16_t compression = COMPRESSION_NONE;
    TIFFGetFieldDefaulted(labels->tiff, TIFFTAG_COMPRESSION, &compression);
    const char *name = lossy_compression(compression);
    if (name) {
        g_set_error(
            error, WSI_ERROR, WSI_ERROR_INPUT,
            "%s is not a label mask: its compression is %s (tag 259 is %d), which may change labels; save it "
            "with Deflate, LZW or ZSTD",
            labels->path, name, compression);
    }
    return !name;
}

/* What keeps a TIFF's pixels from being labels; NULL when nothing does. */
static const char *tiff_problem(const LabelFormat *format, uint16_t photometric, uint16_t sample,
                                uint16_t planes)
{
    static const int deep[] = {1, 2, 4, 8, 16, 32};
    gboolean known = FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(deep); i++) {
        known = known || format->bits == deep[i];
    }
    if (sample != SAMPLEFORMAT_UINT && sample != SAMPLEFORMAT_INT) {
        return sample == SAMPLEFORMAT_IEEEFP ? "its pixels are floats, not whole numbers"
                                             : "its pixels are not whole numbers";
    }
    if (photometric == PHOTOMETRIC_MINISWHITE) { /* viewers show 1 as black, tifffile writes True as 1 */
        return "0 is white in it (WhiteIsZero), and programs do not agree which value is the lesion: save it "
               "as "
               "BlackIsZero (photometric=\"minisblack\")";
    }
    if (photometric == PHOTOMETRIC_YCBCR) {
        return "its colours are YCbCr, which are not kept exactly";
    }
    if (photometric > PHOTOMETRIC_MASK) {
        return "its colours are neither grey, palette nor RGB";
    }
    if (!known || (format->samples > 1 && format->bits != 8)) {
        return "samples of this depth are not read";
    }
    if ((photometric == PHOTOMETRIC_RGB) != (format->samples >= 3) || format->samples > 4) {
        return "the number of samples does not fit the kind of its colours";
    }
    return format->samples > 1 && planes != PLANARCONFIG_CONTIG ? "its colours are stored in separate planes"
                                                                : NULL;
}

static gboolean no_labels(const LabelMask *labels, const char *problem, GError **error)
{
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s is not a label mask: %d sample%s of %d bit%s; %s",
                labels->path, labels->format.samples, labels->format.samples == 1 ? "" : "s",
                labels->format.bits, labels->format.bits == 1 ? "" : "s", problem);
    return FALSE;
}

/* Whether the second or fourth sample, if there is one, is transparency. */
static gboolean has_alpha(const LabelMask *labels)
{
    uint16_t count = 0, *kinds = NULL;
    if (labels->format.samples % 2 == 1) {
        return TRUE;
    }
    return TIFFGetField(labels->tiff, TIFFTAG_EXTRASAMPLES, &count, &kinds) && count == 1 &&
           (kinds[0] == EXTRASAMPLE_ASSOCALPHA || kinds[0] == EXTRASAMPLE_UNASSALPHA);
}

/* Colours of 16 bits; some programs write 8 into them. NULL, or what is wrong. */
static const char *read_palette(LabelMask *labels)
{
    uint16_t *part[3] = {NULL, NULL, NULL};
    gboolean wide = FALSE;
    if (labels->format.bits > 8 ||
        !TIFFGetField(labels->tiff, TIFFTAG_COLORMAP, &part[0], &part[1], &part[2])) {
        return "it has no palette, or one of more than 8 bits";
    }
    int count = 1 << labels->format.bits;
    for (int i = 0; i < 3 * count; i++) {
        wide = wide || part[i / count][i % count] > 255;
    }
    for (int i = 0; i < 3 * count; i++) {
        labels->palette.rgba[i % count][i / count] = (uint8_t)(part[i / count][i % count] >> (wide ? 8 : 0));
        labels->palette.rgba[i % count][3] = 255;
    }
    labels->palette.there = TRUE;
    return NULL;
}

static gboolean check_turned(const LabelMask *labels, uint16_t orientation, GError **error)
{
    const char *turned = tiffpages_turned(orientation);
    if (turned) {
        g_set_error(
            error, WSI_ERROR, WSI_ERROR_INPUT,
            "%s: its orientation (tag 274) is %d, %s: it would not fit the slide; rewrite it with its "
            "pixels in order and orientation 1",
            labels->path, orientation, turned);
    }
    return !turned;
}

/* The pages after the first are its smaller copies, or they are other masks that nobody would read. */
static gboolean check_pages(const LabelMask *labels, GError **error)
{
    g_autoptr(GArray) pages = tiffpages_read(labels->path, error);
    const TiffPage *first = pages ? &g_array_index(pages, TiffPage, 0) : NULL;
    for (guint i = 1; first && i < pages->len; i++) {
        const TiffPage *page = &g_array_index(pages, TiffPage, i);
        const char *why = page->width == first->width && page->height == first->height ? "of the same size"
                          : page->width > first->width || page->height > first->height ? "larger than that"
                          : !tiffpages_one_factor(first->width, first->height, page->width, page->height)
                              ? "of a different aspect ratio"
                          : page->samples != first->samples || page->bits != first->bits ||
                                  page->photometric != first->photometric
                              ? "of other pixels"
                              : NULL;
        if (why) {
            g_set_error(
                error, WSI_ERROR, WSI_ERROR_INPUT,
                "%s is not a label mask: of its %u pages the first has %" G_GINT64_FORMAT
                " x %" G_GINT64_FORMAT " px, and page %u is %s (%" G_GINT64_FORMAT " x %" G_GINT64_FORMAT
                "), not a smaller copy; a mask has one page and its levels: save "
                "each class or plane as a mask of its own, or one label per pixel",
                labels->path, pages->len, first->width, first->height, i + 1, why, page->width, page->height);
            return FALSE;
        }
    }
    return pages != NULL && check_turned(labels, first->orientation, error);
}

/* ImageJ and tifffile can write many planes behind one page, which only their descriptions tell. */
static gboolean check_hidden_planes(const LabelMask *labels, GError **error)
{
    const char *text = NULL, *at;
    if (!TIFFGetField(labels->tiff, TIFFTAG_IMAGEDESCRIPTION, &text) || !text) {
        return TRUE;
    }
    gboolean imagej = g_str_has_prefix(text, "ImageJ=") && (at = strstr(text, "\nimages=")) &&
                      g_ascii_strtoll(at + strlen("\nimages="), NULL, 10) > 1;
    gboolean shaped = *text == '{' && strstr(text, "\"shape\": [") && strstr(text, "\"truncated\": true");
    if (imagej || shaped) {
        g_set_error(
            error, WSI_ERROR, WSI_ERROR_INPUT,
            "%s is not a label mask: it holds several planes (%s stack); save each as a mask of its own, "
            "or one label per pixel",
            labels->path, imagej ? "an ImageJ" : "a tifffile");
    }
    return !imagej && !shaped;
}

static gboolean set_format(LabelMask *labels, GError **error)
{
    uint16_t bits = 0, samples = 0, photometric = PHOTOMETRIC_MINISBLACK, sample = SAMPLEFORMAT_UINT,
             planes = PLANARCONFIG_CONTIG;
    TIFFGetFieldDefaulted(labels->tiff, TIFFTAG_BITSPERSAMPLE, &bits);
    TIFFGetFieldDefaulted(labels->tiff, TIFFTAG_SAMPLESPERPIXEL, &samples);
    TIFFGetFieldDefaulted(labels->tiff, TIFFTAG_SAMPLEFORMAT, &sample);
    TIFFGetFieldDefaulted(labels->tiff, TIFFTAG_PLANARCONFIG, &planes);
    TIFFGetField(labels->tiff, TIFFTAG_PHOTOMETRIC, &photometric);
    labels->format = (LabelFormat){bits, samples, sample == SAMPLEFORMAT_INT};
    const char *problem = tiff_problem(&labels->format, photometric, sample, planes);
    problem = problem || has_alpha(labels) ? problem
                                           : "its last sample is not transparency but a separate channel: "
                                             "save each as a mask of its own, or one label per pixel";
    if (!problem && photometric == PHOTOMETRIC_PALETTE) {
        problem = read_palette(labels);
    }
    return !problem || no_labels(labels, problem, error);
}

static gboolean set_geometry(LabelMask *labels, GError **error)
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

static gboolean open_tiff(LabelMask *labels, GError **error)
{
    gboolean is_tiff;
    if (!tiffcheck_file(labels->path, &is_tiff, error)) {
        return FALSE;
    }
    if (!is_tiff) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s is not a TIFF", labels->path);
        return FALSE;
    }
    labels->source = tiffsource_open(labels->path, error);
    if (!labels->source) {
        return FALSE;
    }
    labels->tiff = tiffsource_tiff(labels->source);
    return check_compression(labels, error) && set_format(labels, error) && set_geometry(labels, error) &&
           check_pages(labels, error) && check_hidden_planes(labels, error);
}

static gboolean open_png(LabelMask *labels, GError **error)
{
    labels->png = label_mask_png_open(labels->path, &labels->width, &labels->height, &labels->format,
                                      &labels->palette, error);
    if (!labels->png) {
        return FALSE;
    }
    return (labels->format.samples == 1 || labels->format.bits == 8 ||
            no_labels(labels, "samples of this depth are not read", error)) &&
           check_turned(labels, label_mask_png_orientation(labels->png), error);
}

LabelMask *label_mask_open(const char *path, GError **error)
{
    g_autoptr(LabelMask) labels = g_new0(LabelMask, 1);
    labels->path = g_strdup(path);
    Kind kind;
    gboolean good =
        find_kind(path, &kind, error) && (kind == A_PNG ? open_png(labels, error) : open_tiff(labels, error));
    label_palette_finish(&labels->palette);
    if (good && labels->palette.counts) {
        labels->rgba = wsi_try_alloc(labels->width, 4, "a row of colours", error);
        good = labels->rgba != NULL;
    }
    return good ? g_steal_pointer(&labels) : NULL;
}

void label_mask_free(LabelMask *labels)
{
    if (!labels) {
        return;
    }
    tiffsource_free(labels->source);
    label_mask_png_free(labels->png);
    g_free(labels->path);
    g_free(labels->rgba);
    g_free(labels);
}

int64_t label_mask_width(const LabelMask *labels)
{
    return labels->width;
}

int64_t label_mask_height(const LabelMask *labels)
{
    return labels->height;
}

static gboolean unreadable(const LabelMask *labels, int64_t y, GError **error)
{
    if (!tiffsource_check(labels->source, error)) {
        return FALSE;
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: the mask cannot be decoded in row %" G_GINT64_FORMAT,
                labels->path, y);
    return FALSE;
}

/* Pixels that follow one another in row y, from x on. */
static gboolean unpack(LabelMask *labels, const uint8_t *pixels, uint32_t x, uint32_t y, uint32_t width,
                       uint8_t *out, GError **error)
{
    static const LabelFormat coloured = {.bits = 8, .samples = 4};
    if (!label_unpack(labels->path, &labels->format, &labels->colours, pixels, x, y, width, out, error)) {
        return FALSE;
    }
    if (!labels->rgba) {
        return TRUE;
    }
    label_palette_expand(&labels->palette, out, width, labels->rgba);
    return label_unpack(labels->path, &coloured, &labels->colours, labels->rgba, x, y, width, out, error);
}

/* A row of tiles, side by side. */
static gboolean read_tiles(LabelMask *labels, uint32_t y, uint8_t *tile, uint8_t *band, GError **error)
{
    uint32_t rows = MIN(labels->tile_height, labels->height - y);
    size_t stride = label_row_bytes(&labels->format, labels->tile_width);
    for (uint32_t x = 0; x < labels->width; x += labels->tile_width) {
        uint32_t columns = MIN(labels->tile_width, labels->width - x);
        if (TIFFReadTile(labels->tiff, tile, x, y, 0, 0) < 0) {
            return unreadable(labels, y, error);
        }
        for (uint32_t j = 0; j < rows; j++) {
            if (!unpack(labels, tile + j * stride, x, y + j, columns, band + (size_t)j * labels->width + x,
                        error)) {
                return FALSE;
            }
        }
    }
    return TRUE;
}

static gboolean read_tiled(LabelMask *labels, LabelMaskRow row, void *data, GError **error)
{
    size_t bytes = MAX((size_t)TIFFTileSize(labels->tiff),
                       label_row_bytes(&labels->format, labels->tile_width) * labels->tile_height);
    g_autofree uint8_t *tile = wsi_try_alloc(bytes, 1, "a tile", error);
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

static gboolean read_row(LabelMask *labels, uint8_t *line, uint32_t y, GError **error)
{
    if (labels->png) {
        return label_mask_png_row(labels->png, line, error);
    }
    return TIFFReadScanline(labels->tiff, line, y, 0) >= 0 || unreadable(labels, y, error);
}

static gboolean read_rows(LabelMask *labels, LabelMaskRow row, void *data, GError **error)
{
    size_t bytes = label_row_bytes(&labels->format, labels->width);
    bytes = labels->tiff ? MAX(bytes, (size_t)TIFFScanlineSize(labels->tiff)) : bytes;
    g_autofree uint8_t *line = wsi_try_alloc(bytes, 1, "a row of a mask", error);
    g_autofree uint8_t *out = line ? wsi_try_alloc(labels->width, 1, "a row of labels", error) : NULL;
    for (uint32_t y = 0; out && y < labels->height; y++) {
        if (!read_row(labels, line, y, error) || !unpack(labels, line, 0, y, labels->width, out, error) ||
            !row(data, y, out, error)) {
            return FALSE;
        }
    }
    return out != NULL;
}

gboolean label_mask_read(LabelMask *labels, LabelMaskRow row, void *data, GError **error)
{
    return labels->tile_width ? read_tiled(labels, row, data, error) : read_rows(labels, row, data, error);
}

char *label_mask_name(const LabelMask *labels, int label)
{
    guint32 colour = labels->colours.colour[label];
    if (labels->format.samples == 1 && !labels->rgba) {
        return g_strdup_printf("%d", label);
    }
    return labels->colours.coloured ? g_strdup_printf("#%06x", colour) : g_strdup_printf("%u", colour & 255);
}

const char *label_mask_note(const LabelMask *labels)
{
    return labels->colours.coloured     ? "an image of colours: each but black is a label"
           : labels->format.samples > 1 ? "an image of RGB that holds greys: their values are the labels"
           : labels->rgba               ? "an image with a palette of greys: their values are the labels"
           : labels->palette.there ? "an image with a palette: the places of the colours in it are the labels"
                                   : NULL;
}
