/* Reads the directories by libtiff, after tiffcheck.h has found them sound. */
#include "tiler/tiff/tiffpages.h"
#include "tiler/tiff/tiffsource.h"
#include <math.h>
#include <string.h>

/* A tag of 16 bits, or its default. */
static uint16_t short_field(TIFF *tiff, uint32_t tag)
{
    uint16_t value = 0;
    TIFFGetFieldDefaulted(tiff, tag, &value);
    return value;
}

/* um/px from pixels per unit of length; 0 when the tags do not say it. */
static double tag_mpp(TIFF *tiff, uint32_t tag)
{
    float per_unit = 0;
    uint16_t unit = RESUNIT_INCH;
    if (!TIFFGetField(tiff, tag, &per_unit) || !(per_unit > 0) || !isfinite(per_unit)) {
        return 0;
    }
    TIFFGetFieldDefaulted(tiff, TIFFTAG_RESOLUTIONUNIT, &unit);
    /* um per unit / pixels per unit. */
    return (unit == RESUNIT_CENTIMETER ? 1e4 : unit == RESUNIT_INCH ? 25400 : 0) / (double)per_unit;
}

/* Whether the whole line is the name of a page that is not a level, as scanners write them: "label", "Macro image", "Label_Image",
 * "label 387x463".  Lines that only begin with such a word ("Barcode: 123") are facts of the slide, which its levels have too. */
static gboolean names_aside(const char *line)
{
    static const char *const words[] = {"label", "macro", "thumbnail", "barcode"};
    gsize at = 0;
    for (gsize w = 0; w < G_N_ELEMENTS(words) && at == 0; w++) {
        at = g_ascii_strncasecmp(line, words[w], strlen(words[w])) == 0 ? strlen(words[w]) : 0;
    }
    if (at == 0) {
        return FALSE;
    }
    /* An optional "image" after the word. */
    at += strspn(line + at, " _");
    at += g_ascii_strncasecmp(line + at, "image", 5) == 0 ? 5 : 0;
    at += strspn(line + at, " ");
    /* An optional size, "387x463". */
    gsize digits = strspn(line + at, "0123456789");
    if (digits && (line[at + digits] == 'x' || line[at + digits] == 'X')) {
        at += digits + 1;
        at += strspn(line + at, "0123456789");
    }
    return line[at + strspn(line + at, " \t")] == '\0';
}

/* Whether a line of the description or the page name names the page. */
static gboolean is_named_aside(TIFF *tiff)
{
    static const uint32_t texts[] = {TIFFTAG_IMAGEDESCRIPTION, TIFFTAG_PAGENAME};
    for (gsize t = 0; t < G_N_ELEMENTS(texts); t++) {
        const char *text = NULL;
        /* At most 64 lines: a description may be long. */
        g_auto(GStrv) lines = TIFFGetField(tiff, texts[t], &text) && text ? g_strsplit_set(text, "\r\n", 64)
                                                                          : g_new0(char *, 1);
        for (char **line = lines; *line; line++) {
            if (names_aside(*line)) {
                return TRUE;
            }
        }
    }
    return FALSE;
}

/* Whether NewSubfileType flags the page as a label, macro or mask. */
static gboolean is_flagged_aside(uint32_t kind)
{
    enum { MACRO = 8 /* Aperio's */ };
    return (kind & (FILETYPE_MASK | MACRO)) != 0;
}

/* The number after "|NAME = " in Aperio's description; 0 when there is none. */
static double aperio_number(const char *text, const char *name)
{
    g_autofree char *key = g_strdup_printf("|%s = ", name);
    const char *at = strstr(text, key);
    /* With a decimal point in every locale. */
    double value = at ? g_ascii_strtod(at + strlen(key), NULL) : 0;
    return isfinite(value) && value > 0 ? value : 0;
}

/* Aperio's description starts with "Aperio" and holds "|MPP = 0.2500|AppMag = 40". */
static void read_aperio(TIFF *tiff, TiffPage *page)
{
    const char *text = NULL;
    if (TIFFGetField(tiff, TIFFTAG_IMAGEDESCRIPTION, &text) && text && g_str_has_prefix(text, "Aperio")) {
        page->aperio = TRUE;
        page->aperio_mpp = aperio_number(text, "MPP");
        page->aperio_power = aperio_number(text, "AppMag");
    }
}

/* A tile of zero bytes was never stored. */
static void count_tiles(TIFF *tiff, TiffPage *page)
{
    uint64_t *counts = NULL;
    page->tiles = (int64_t)TIFFNumberOfTiles(tiff);
    if (TIFFGetField(tiff, TIFFTAG_TILEBYTECOUNTS, &counts) && counts) {
        for (int64_t i = 0; i < page->tiles; i++) {
            page->missing += counts[i] == 0;
        }
    }
}

/* Describes the current directory. */
static TiffPage page_of(TIFF *tiff)
{
    uint32_t width = 0, height = 0, tile_width = 0, tile_height = 0;
    TiffPage page = {.directory = (int)TIFFCurrentDirectory(tiff),
                     .compression = short_field(tiff, TIFFTAG_COMPRESSION),
                     .photometric = short_field(tiff, TIFFTAG_PHOTOMETRIC),
                     .orientation = short_field(tiff, TIFFTAG_ORIENTATION),
                     .bits = short_field(tiff, TIFFTAG_BITSPERSAMPLE),
                     .samples = short_field(tiff, TIFFTAG_SAMPLESPERPIXEL),
                     .planar = short_field(tiff, TIFFTAG_PLANARCONFIG),
                     .mpp_x = tag_mpp(tiff, TIFFTAG_XRESOLUTION),
                     .mpp_y = tag_mpp(tiff, TIFFTAG_YRESOLUTION)};
    TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width);
    TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height);
    /* 0 when the tag is missing: a full-resolution page. */
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SUBFILETYPE, &page.kind);
    page.width = width;
    page.height = height;
    page.aside = is_flagged_aside(page.kind) || is_named_aside(tiff);
    read_aperio(tiff, &page);
    if (TIFFIsTiled(tiff) && TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &tile_width) &&
        TIFFGetField(tiff, TIFFTAG_TILELENGTH, &tile_height)) {
        page.tile_width = (int)tile_width;
        page.tile_height = (int)tile_height;
        count_tiles(tiff, &page);
    }
    return page;
}

/* A name alone does not exclude the image: the largest tiled page is the slide, whatever its description says. */
static void keep_largest(const GArray *pages)
{
    /* The same choice as in tiffpages_largest(), but names do not count yet. */
    TiffPage *largest = NULL;
    for (guint i = 0; i < pages->len; i++) {
        TiffPage *page = &g_array_index(pages, TiffPage, i);
        if (page->tile_width > 0 && !is_flagged_aside(page->kind) &&
            (!largest || page->width * page->height > largest->width * largest->height)) {
            largest = page;
        }
    }
    if (largest) {
        largest->aside = FALSE;
    }
}

GArray *tiffpages_read(const char *path, GError **error)
{
    g_autoptr(TiffSource) source = tiffsource_open(path, error);
    if (!source) {
        return NULL;
    }
    g_autoptr(GArray) pages = g_array_new(FALSE, FALSE, sizeof(TiffPage));
    do {
        TiffPage page = page_of(tiffsource_tiff(source));
        g_array_append_val(pages, page);
    } while (TIFFReadDirectory(tiffsource_tiff(source)));
    keep_largest(pages);
    return tiffsource_check(source, error) ? g_steal_pointer(&pages) : NULL;
}

const TiffPage *tiffpages_largest(const GArray *pages)
{
    const TiffPage *largest = NULL;
    for (guint i = 0; i < pages->len; i++) {
        const TiffPage *page = &g_array_index(pages, TiffPage, i);
        /* A slide is tiled, so pages in strips do not count. */
        if (page->tile_width > 0 && !page->aside &&
            (!largest || page->width * page->height > largest->width * largest->height)) {
            largest = page;
        }
    }
    return largest;
}

const TiffPage *tiffpages_of_size(const GArray *pages, int64_t width, int64_t height, gboolean flagged,
                                  int number)
{
    for (guint i = 0; i < pages->len; i++) {
        const TiffPage *page = &g_array_index(pages, TiffPage, i);
        /* OpenSlide's rule for a generic TIFF: the first page, and those flagged as reduced. */
        gboolean level = !flagged || page->directory == 0 || (page->kind & FILETYPE_REDUCEDIMAGE);
        if (level && page->tile_width > 0 && page->width == width && page->height == height &&
            number-- == 0) {
            return page;
        }
    }
    return NULL;
}

gboolean tiffpages_one_factor(int64_t width0, int64_t height0, int64_t width, int64_t height)
{
    /* A size is off by less than 1 px, however it was rounded, so the factor of each side is in (size0 / (size + 1), size0 / (size - 1)).
     * The ranges of width and height must overlap. */
    double low = MAX((double)width0 / (double)(width + 1), (double)height0 / (double)(height + 1));
    double high = MIN(width > 1 ? (double)width0 / (double)(width - 1) : INFINITY,
                      height > 1 ? (double)height0 / (double)(height - 1) : INFINITY);
    return low <= high;
}

const char *tiffpages_turned(uint16_t orientation)
{
    static const char *const names[] = {"mirrored left to right", "turned by 180 degrees",
                                        "mirrored top to bottom", "mirrored at the diagonal",
                                        "turned by 90 degrees",   "mirrored at the other diagonal",
                                        "turned by 270 degrees"};
    /* 1 is upright, 0 is missing; names begin at 2. */
    return orientation <= 1 ? NULL : orientation <= 8 ? names[orientation - 2] : "which does not exist";
}

char *tiffpages_describe(const TiffPage *page)
{
    return g_strdup_printf("compression %d, photometric %d, %d samples of %d bits", page->compression,
                           page->photometric, page->samples, page->bits);
}
