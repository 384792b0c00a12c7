/* Label masks read by libtiff and libpng themselves.
 *
 * OpenSlide returns colours and needs tiles; a label is a number.  As for slides, tiffcheck.h checks the geometry first. */
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
    TiffSource *source; /* either this or png */
    LabelMaskPng *png;
    TIFF *tiff; /* of the source */
    char *path;
    uint32_t width, height, tile_width, tile_height; /* tile_width 0: read by rows */
    LabelFormat format;
    LabelColours colours;
    LabelPalette palette;
    uint8_t *rgba; /* (W, 4) of a row; NULL unless the colours of a palette are the labels */
};

static const char png_magic[8] = {'\x89', 'P', 'N', 'G', '\r', '\n', '\x1a', '\n'};

typedef enum { NO_MASK, A_TIFF, A_PNG } Kind;

/* The first bytes, as many as there are; none when it is not a regular file.  FALSE with error when the system fails. */
static gboolean read_head(const char *path, char head[8], ssize_t *bytes, GError **error)
{
    struct stat info;
    /* O_NONBLOCK: opening a pipe must not block. */
    int fd = g_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
    gboolean ok = fd >= 0 && fstat(fd, &info) == 0;
    *bytes = ok && S_ISREG(info.st_mode) ? pread(fd, head, 8, 0) : 0;
    ok = (ok && *bytes >= 0) || wsi_error_errno(error, "cannot read", path);
    if (fd >= 0) {
        close(fd);
    }
    return ok;
}

/* TIFF: classic and BigTIFF in both byte orders. */
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

/* The name of a compression that changes values or may change them; NULL for others.  WebP, JPEG 2000, JPEG XR, JPEG XL and LERC also have
 * lossless modes, but the directory does not say which mode was used. */
static const char *lossy_compression(uint16_t compression)
{
    static const struct {
        uint16_t tag;
        const char *name;
    } lossy[] = {
        {COMPRESSION_OJPEG, "JPEG"},
        {COMPRESSION_JPEG, "JPEG"},
        {33007, "JPEG"},      /* alternative JPEG */
        {34892, "JPEG"},      /* lossy JPEG of DNG */
        {33003, "JPEG 2000"}, /* Aperio, YCbCr */
        {33004, "JPEG 2000"},
        {33005, "JPEG 2000"}, /* Aperio, RGB */
        {COMPRESSION_JP2000, "JPEG 2000"},
        {22610, "JPEG XR"}, /* Hamamatsu NDPI */
        {34934, "JPEG XR"},
        {50002, "JPEG XL"},
        {52546, "JPEG XL"}, /* DNG 1.7 */
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

/* Refuses compressions that may change labels. */
static gboolean check_compression(const LabelMask *mask, GError **error)
{
    uint16_t compression = COMPRESSION_NONE;
    TIFFGetFieldDefaulted(mask->tiff, TIFFTAG_COMPRESSION, &compression);
    const char *name = lossy_compression(compression);
    if (name) {
        g_set_error(
            error, WSI_ERROR, WSI_ERROR_INPUT,
            "%s is not a label mask: its compression is %s (tag 259 is %d), which may change labels; save it "
            "with Deflate, LZW or ZSTD",
            mask->path, name, compression);
    }
    return !name;
}

/* Why the pixels of a TIFF are not labels; NULL when they are. */
static const char *tiff_problem(const LabelFormat *format, uint16_t photometric, uint16_t sample,
                                uint16_t planes)
{
    static const int deep[] = {1, 2, 4, 8, 16, 32};
    /* Whether the depth is one that label_unpack() knows. */
    gboolean known = FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(deep); i++) {
        known = known || format->bits == deep[i];
    }
    if (sample != SAMPLEFORMAT_UINT && sample != SAMPLEFORMAT_INT) {
        return sample == SAMPLEFORMAT_IEEEFP ? "its pixels are floats, not whole numbers"
                                             : "its pixels are not whole numbers";
    }
    if (photometric == PHOTOMETRIC_MINISWHITE) { /* viewers show 1 as black, tifffile writes True as 1 */
        return "0 is white in it (WhiteIsZero), and programs disagree about which value is the lesion: save "
               "it "
               "as BlackIsZero (photometric=\"minisblack\")";
    }
    if (photometric == PHOTOMETRIC_YCBCR) {
        return "its colours are YCbCr, which does not keep them exactly";
    }
    /* Above it: CMYK, CIELAB, raw sensor data. */
    if (photometric > PHOTOMETRIC_MASK) {
        return "its colours are neither grey, palette nor RGB";
    }
    /* The samples of a colour are read as bytes only. */
    if (!known || (format->samples > 1 && format->bits != 8)) {
        return "samples of this depth are not supported";
    }
    /* RGB has 3 samples, all others 1; one more is alpha. */
    if ((photometric == PHOTOMETRIC_RGB) != (format->samples >= 3) || format->samples > 4) {
        return "the number of samples does not match its colour space";
    }
    return format->samples > 1 && planes != PLANARCONFIG_CONTIG ? "its colours are stored in separate planes"
                                                                : NULL;
}

/* Refuses the mask with its pixel format and the reason. */
static gboolean no_labels(const LabelMask *mask, const char *problem, GError **error)
{
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s is not a label mask: %d sample%s of %d bit%s; %s",
                mask->path, mask->format.samples, mask->format.samples == 1 ? "" : "s", mask->format.bits,
                mask->format.bits == 1 ? "" : "s", problem);
    return FALSE;
}

/* Whether the second or fourth sample, if present, is transparency. */
static gboolean has_alpha(const LabelMask *mask)
{
    /* One or three samples have no extra one. */
    uint16_t count = 0, *kinds = NULL;
    if (mask->format.samples % 2 == 1) {
        return TRUE;
    }
    return TIFFGetField(mask->tiff, TIFFTAG_EXTRASAMPLES, &count, &kinds) && count == 1 &&
           (kinds[0] == EXTRASAMPLE_ASSOCALPHA || kinds[0] == EXTRASAMPLE_UNASSALPHA);
}

/* Reads the palette.  TIFF has colours of 16 bits, but some programs write 8-bit values.  Returns NULL, or what is wrong. */
static const char *read_palette(LabelMask *mask)
{
    /* Red, green, blue: 2^bits values each. */
    uint16_t *part[3] = {NULL, NULL, NULL};
    /* Whether any value needs 16 bits. */
    gboolean wide = FALSE;
    if (mask->format.bits > 8 || !TIFFGetField(mask->tiff, TIFFTAG_COLORMAP, &part[0], &part[1], &part[2])) {
        return "it has no palette, or one of more than 8 bits";
    }
    int count = 1 << mask->format.bits;
    for (int i = 0; i < 3 * count; i++) {
        wide = wide || part[i / count][i % count] > 255;
    }
    /* Colours of 16 bits keep their high byte. */
    for (int i = 0; i < 3 * count; i++) {
        mask->palette.rgba[i % count][i / count] = (uint8_t)(part[i / count][i % count] >> (wide ? 8 : 0));
        mask->palette.rgba[i % count][3] = 255;
    }
    mask->palette.there = TRUE;
    return NULL;
}

/* Refuses an orientation other than upright. */
static gboolean check_turned(const LabelMask *mask, uint16_t orientation, GError **error)
{
    const char *turned = tiffpages_turned(orientation);
    if (turned) {
        g_set_error(
            error, WSI_ERROR, WSI_ERROR_INPUT,
            "%s: its orientation (tag 274) is %d, %s: it would not match the slide; rewrite it with its "
            "pixels in order and orientation 1",
            mask->path, orientation, turned);
    }
    return !turned;
}

/* Checks that the pages after the first are its smaller copies; other masks there would be ignored. */
static gboolean check_pages(const LabelMask *mask, GError **error)
{
    g_autoptr(GArray) pages = tiffpages_read(mask->path, error);
    /* The mask is the first page. */
    const TiffPage *first = pages ? &g_array_index(pages, TiffPage, 0) : NULL;
    /* The first rule that a page breaks is reported. */
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
                mask->path, pages->len, first->width, first->height, i + 1, why, page->width, page->height);
            return FALSE;
        }
    }
    return pages != NULL && check_turned(mask, first->orientation, error);
}

/* ImageJ and tifffile can store several planes in one page; only the description shows it. */
static gboolean check_hidden_planes(const LabelMask *mask, GError **error)
{
    const char *text = NULL, *at;
    if (!TIFFGetField(mask->tiff, TIFFTAG_IMAGEDESCRIPTION, &text) || !text) {
        return TRUE;
    }
    /* ImageJ writes "images=N", tifffile a JSON object with "shape" and "truncated".  A stack of one image is a
     * plain mask. */
    gboolean imagej = g_str_has_prefix(text, "ImageJ=") && (at = strstr(text, "\nimages=")) &&
                      g_ascii_strtoll(at + strlen("\nimages="), NULL, 10) > 1;
    gboolean shaped = *text == '{' && strstr(text, "\"shape\": [") && strstr(text, "\"truncated\": true");
    if (imagej || shaped) {
        g_set_error(
            error, WSI_ERROR, WSI_ERROR_INPUT,
            "%s is not a label mask: it holds several planes (%s stack); save each as a separate mask, "
            "or one label per pixel",
            mask->path, imagej ? "an ImageJ" : "a tifffile");
    }
    return !imagej && !shaped;
}

/* Finds out how pixels are stored, and refuses what cannot be labels. */
static gboolean set_format(LabelMask *mask, GError **error)
{
    uint16_t bits = 0, samples = 0, photometric = PHOTOMETRIC_MINISBLACK, sample = SAMPLEFORMAT_UINT,
             planes = PLANARCONFIG_CONTIG;
    TIFFGetFieldDefaulted(mask->tiff, TIFFTAG_BITSPERSAMPLE, &bits);
    TIFFGetFieldDefaulted(mask->tiff, TIFFTAG_SAMPLESPERPIXEL, &samples);
    TIFFGetFieldDefaulted(mask->tiff, TIFFTAG_SAMPLEFORMAT, &sample);
    TIFFGetFieldDefaulted(mask->tiff, TIFFTAG_PLANARCONFIG, &planes);
    /* A missing tag leaves the default, BlackIsZero. */
    TIFFGetField(mask->tiff, TIFFTAG_PHOTOMETRIC, &photometric);
    mask->format = (LabelFormat){bits, samples, sample == SAMPLEFORMAT_INT};
    const char *problem = tiff_problem(&mask->format, photometric, sample, planes);
    problem = problem || has_alpha(mask) ? problem
                                         : "its last sample is not transparency but a separate channel: "
                                           "save each channel as a separate mask, or one label per pixel";
    /* For a palette the colours are needed too: they may be the labels. */
    if (!problem && photometric == PHOTOMETRIC_PALETTE) {
        problem = read_palette(mask);
    }
    return !problem || no_labels(mask, problem, error);
}

/* Reads the size and the tile size; the latter is 0 for strips. */
static gboolean set_geometry(LabelMask *mask, GError **error)
{
    TIFFGetField(mask->tiff, TIFFTAG_IMAGEWIDTH, &mask->width);
    TIFFGetField(mask->tiff, TIFFTAG_IMAGELENGTH, &mask->height);
    /* Without tiles the file is read row by row, whatever its strips are. */
    if (TIFFIsTiled(mask->tiff)) {
        TIFFGetField(mask->tiff, TIFFTAG_TILEWIDTH, &mask->tile_width);
        TIFFGetField(mask->tiff, TIFFTAG_TILELENGTH, &mask->tile_height);
    }
    if (mask->width < 1 || mask->height < 1 || mask->width > INT32_MAX || mask->height > INT32_MAX ||
        (TIFFIsTiled(mask->tiff) && (mask->tile_width < 1 || mask->tile_height < 1))) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: impossible size of %u x %u px", mask->path,
                    mask->width, mask->height);
        return FALSE;
    }
    return TRUE;
}

/* The geometry check comes before libtiff sees the file. */
static gboolean open_tiff(LabelMask *mask, GError **error)
{
    gboolean is_tiff;
    if (!tiffcheck_file(mask->path, &is_tiff, error)) {
        return FALSE;
    }
    if (!is_tiff) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s is not a TIFF", mask->path);
        return FALSE;
    }
    mask->source = tiffsource_open(mask->path, error);
    if (!mask->source) {
        return FALSE;
    }
    mask->tiff = tiffsource_tiff(mask->source);
    return check_compression(mask, error) && set_format(mask, error) && set_geometry(mask, error) &&
           check_pages(mask, error) && check_hidden_planes(mask, error);
}

/* libpng checks a PNG itself. */
static gboolean open_png(LabelMask *mask, GError **error)
{
    mask->png =
        label_mask_png_open(mask->path, &mask->width, &mask->height, &mask->format, &mask->palette, error);
    if (!mask->png) {
        return FALSE;
    }
    /* Colours of 16 bits are refused; greys of 16 bits are fine while they are at most 255. */
    return (mask->format.samples == 1 || mask->format.bits == 8 ||
            no_labels(mask, "samples of this depth are not supported", error)) &&
           check_turned(mask, label_mask_png_orientation(mask->png), error);
}

LabelMask *label_mask_open(const char *path, GError **error)
{
    g_autoptr(LabelMask) mask = g_new0(LabelMask, 1);
    mask->path = g_strdup(path);
    Kind kind;
    gboolean good =
        find_kind(path, &kind, error) && (kind == A_PNG ? open_png(mask, error) : open_tiff(mask, error));
    /* A palette may decide that colours are the labels; these need a buffer. */
    label_palette_finish(&mask->palette);
    if (good && mask->palette.counts) {
        mask->rgba = wsi_try_alloc(mask->width, 4, "a row of colours", error);
        good = mask->rgba != NULL;
    }
    return good ? g_steal_pointer(&mask) : NULL;
}

void label_mask_free(LabelMask *mask)
{
    if (!mask) {
        return;
    }
    tiffsource_free(mask->source);
    label_mask_png_free(mask->png);
    g_free(mask->path);
    g_free(mask->rgba);
    g_free(mask);
}

int64_t label_mask_width(const LabelMask *mask)
{
    return mask->width;
}

int64_t label_mask_height(const LabelMask *mask)
{
    return mask->height;
}

/* Reports a row that cannot be decoded, or the error of the system that caused it. */
static gboolean unreadable(const LabelMask *mask, int64_t y, GError **error)
{
    if (!tiffsource_check(mask->source, error)) {
        return FALSE;
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: the mask cannot be decoded in row %" G_GINT64_FORMAT,
                mask->path, y);
    return FALSE;
}

/* The labels of consecutive pixels of row y, from x on. */
static gboolean unpack(LabelMask *mask, const uint8_t *pixels, uint32_t x, uint32_t y, uint32_t width,
                       uint8_t *out, GError **error)
{
    /* When the colours of a palette are the labels, indices become colours first, then labels. */
    static const LabelFormat coloured = {.bits = 8, .samples = 4};
    if (!label_unpack(mask->path, &mask->format, &mask->colours, pixels, x, y, width, out, error)) {
        return FALSE;
    }
    if (!mask->rgba) {
        return TRUE;
    }
    /* rgba (W, 4): the colours of the indices in `out`, which then become labels. */
    label_palette_expand(&mask->palette, out, width, mask->rgba);
    return label_unpack(mask->path, &coloured, &mask->colours, mask->rgba, x, y, width, out, error);
}

/* A row of tiles, side by side. */
static gboolean read_tiles(LabelMask *mask, uint32_t y, uint8_t *tile, uint8_t *band, GError **error)
{
    uint32_t rows = MIN(mask->tile_height, mask->height - y);
    size_t stride = label_row_bytes(&mask->format, mask->tile_width);
    for (uint32_t x = 0; x < mask->width; x += mask->tile_width) {
        /* Of the tile at the right border only this many columns are inside. */
        uint32_t columns = MIN(mask->tile_width, mask->width - x);
        /* Tiles at the border are stored whole; only the part inside the image is used. */
        if (TIFFReadTile(mask->tiff, tile, x, y, 0, 0) < 0) {
            return unreadable(mask, y, error);
        }
        for (uint32_t j = 0; j < rows; j++) {
            if (!unpack(mask, tile + j * stride, x, y + j, columns, band + (size_t)j * mask->width + x,
                        error)) {
                return FALSE;
            }
        }
    }
    return TRUE;
}

/* Decodes a row of tiles into a band (tile_height, W), then passes its rows on. */
static gboolean read_tiled(LabelMask *mask, LabelMaskRow row, void *data, GError **error)
{
    /* The larger of what libtiff writes and what label_unpack() reads. */
    size_t bytes = MAX((size_t)TIFFTileSize(mask->tiff),
                       label_row_bytes(&mask->format, mask->tile_width) * mask->tile_height);
    g_autofree uint8_t *tile = wsi_try_alloc(bytes, 1, "a tile", error);
    g_autofree uint8_t *band =
        tile ? wsi_try_alloc(mask->width, MIN(mask->tile_height, mask->height), "a row of tiles", error)
             : NULL;
    for (uint32_t y = 0; band && y < mask->height; y += mask->tile_height) {
        /* All tiles of this row of tiles, then their pixel rows from top to bottom. */
        if (!read_tiles(mask, y, tile, band, error)) {
            return FALSE;
        }
        for (uint32_t j = 0; j < mask->tile_height && y + j < mask->height; j++) {
            if (!row(data, y + j, band + (size_t)j * mask->width, error)) {
                return FALSE;
            }
        }
    }
    return band != NULL;
}

/* Row y, encoded as in the file. */
static gboolean read_row(LabelMask *mask, uint8_t *line, uint32_t y, GError **error)
{
    if (mask->png) {
        return label_mask_png_row(mask->png, line, error);
    }
    return TIFFReadScanline(mask->tiff, line, y, 0) >= 0 || unreadable(mask, y, error);
}

/* For PNG and for TIFF in strips. */
static gboolean read_rows(LabelMask *mask, LabelMaskRow row, void *data, GError **error)
{
    size_t bytes = label_row_bytes(&mask->format, mask->width);
    /* libtiff's own size of a row may be larger. */
    bytes = mask->tiff ? MAX(bytes, (size_t)TIFFScanlineSize(mask->tiff)) : bytes;
    g_autofree uint8_t *line = wsi_try_alloc(bytes, 1, "a row of a mask", error);
    g_autofree uint8_t *out = line ? wsi_try_alloc(mask->width, 1, "a row of labels", error) : NULL;
    for (uint32_t y = 0; out && y < mask->height; y++) {
        if (!read_row(mask, line, y, error) || !unpack(mask, line, 0, y, mask->width, out, error) ||
            !row(data, y, out, error)) {
            return FALSE;
        }
    }
    return out != NULL;
}

gboolean label_mask_read(LabelMask *mask, LabelMaskRow row, void *data, GError **error)
{
    return mask->tile_width ? read_tiled(mask, row, data, error) : read_rows(mask, row, data, error);
}

char *label_mask_name(const LabelMask *mask, int label)
{
    /* Greys keep their value as name, since such a mask was a grey image. */
    guint32 colour = mask->colours.colour[label];
    if (mask->format.samples == 1 && !mask->rgba) {
        return g_strdup_printf("%d", label);
    }
    /* A grey that was saved as RGB has three equal bytes. */
    return mask->colours.coloured ? g_strdup_printf("#%06x", colour) : g_strdup_printf("%u", colour & 255);
}

const char *label_mask_note(const LabelMask *mask)
{
    return mask->colours.coloured     ? "an image of colours: each colour except black is a label"
           : mask->format.samples > 1 ? "an RGB image of greys: their values are the labels"
           : mask->rgba               ? "an image with a palette of greys: their values are the labels"
           : mask->palette.there      ? "an image with a palette: the indices into it are the labels"
                                      : NULL;
}
