/* What the pages of a TIFF say about the slide, where OpenSlide ignores it.
 *
 * OpenSlide 3.4.1 treats the first page as level 0, and every tiled page that is flagged as reduced as a level, whatever it shows.  It
 * ignores orientations, trusts the Photometric tag of JPEG streams that prove another colour space, and does not know classic
 * big-endian files.  Here the pages decide.  Where OpenSlide cannot follow them, the levels come from the pages
 * and the fast path reads them. */
#include "tiler/slide/slide_private.h"
#include "base/error.h"
#include "tiler/slide/tiffsmall.h"
#include <string.h>

#define PX "%" G_GINT64_FORMAT " x %" G_GINT64_FORMAT " px"

/* Whether a level of this vendor is one directory with one grid of tiles. */
static gboolean has_plain_levels(const char *vendor)
{
    return g_strcmp0(vendor, "aperio") == 0 || g_strcmp0(vendor, "generic-tiff") == 0;
}

gboolean slide_tiff_is_own(const GArray *pages, openslide_t *handle)
{
    const TiffPage *largest = tiffpages_largest(pages);
    /* A file that OpenSlide does not know counts as generic. */
    const char *vendor =
        handle ? openslide_get_property_value(handle, OPENSLIDE_PROPERTY_NAME_VENDOR) : "generic-tiff";
    /* OpenSlide takes the first page for level 0, even where the largest is another one. */
    return largest && g_strcmp0(vendor, "generic-tiff") == 0 && (!handle || largest->directory != 0);
}

/* Why the page is not a level of an image of that size; NULL when it is. */
static const char *why_no_level(const TiffPage *page, int64_t width0, int64_t height0)
{
    return page->aside ? "it is a label, macro or mask"
           : !tiffpages_one_factor(width0, height0, page->width, page->height) ? "its aspect ratio differs"
                                                                               : NULL;
}

int slide_tiff_directory(const Slide *slide, const GArray *pages, openslide_t *handle, int level)
{
    int64_t width, height;
    int number =
        0; /* of this level among OpenSlide's levels of the same size, which are in the order of the file */
    openslide_get_level_dimensions(handle, level, &width, &height);
    for (int i = 0; i < level; i++) {
        int64_t other_width, other_height;
        openslide_get_level_dimensions(handle, i, &other_width, &other_height);
        number += other_width == width && other_height == height;
    }
    /* For a generic TIFF OpenSlide takes only pages that are flagged as reduced. */
    const gboolean flagged = strcmp(slide->vendor, "generic-tiff") == 0;
    const TiffPage *page = tiffpages_of_size(pages, width, height, flagged, number);
    return page ? page->directory : -1;
}

/* The page of a directory; NULL for -1. */
static const TiffPage *page_in(const GArray *pages, int directory)
{
    return directory >= 0 ? &g_array_index(pages, TiffPage, directory) : NULL;
}

gboolean slide_tiff_leaves_out(Slide *slide, const GArray *pages, openslide_t *handle, int level)
{
    int64_t width0, height0, width, height;
    if (!has_plain_levels(slide->vendor)) {
        return FALSE;
    }
    openslide_get_level0_dimensions(handle, &width0, &height0);
    openslide_get_level_dimensions(handle, level, &width, &height);
    const TiffPage *page = page_in(pages, slide_tiff_directory(slide, pages, handle, level));
    /* Without a page only the size can be compared. */
    const TiffPage unknown = {.width = width, .height = height};
    const char *why = why_no_level(page ? page : &unknown, width0, height0);
    /* Two levels of one size: the first one counts. */
    for (int i = 0; !why && i < slide->info.level_count; i++) {
        why = slide->levels[i].width == width && slide->levels[i].height == height
                  ? "an earlier level is as large"
                  : NULL;
    }
    if (why) {
        slide_level_note(slide, "a page of " PX " is not a level of the slide: %s; it is not read", width,
                         height, why);
    }
    return why != NULL;
}

/* ---- properties of the levels ---- */

/* Refuses a level that is turned or mirrored. */
static gboolean check_orientation(const Slide *slide, const TiffPage *page, GError **error)
{
    const char *turned = tiffpages_turned(page->orientation);
    if (!turned) {
        return TRUE;
    }
    g_set_error(
        error, WSI_ERROR, WSI_ERROR_INPUT,
        "%s: directory %d: its orientation tag (274) is %d, %s: annotations and tiles would not match; "
        "rewrite the slide with its pixels in order and orientation 1",
        slide->path, page->directory, page->orientation, turned);
    return FALSE;
}

/* A page in strips that is larger than all tiled pages is the image, so the tiled pages are not the slide. */
static gboolean check_strips(const Slide *slide, const GArray *pages, GError **error)
{
    const TiffPage *largest = tiffpages_largest(pages);
    for (guint i = 0; i < pages->len; i++) {
        const TiffPage *page = &g_array_index(pages, TiffPage, i);
        if (page->tile_width == 0 && !page->aside &&
            page->width * page->height > largest->width * largest->height) {
            g_set_error(
                error, WSI_ERROR, WSI_ERROR_INPUT,
                "%s: its largest page (directory %d, " PX ") is stored in strips, and the tiled one of " PX
                " is smaller; a slide must be tiled (vips tiffsave IN OUT --tile --pyramid makes one)",
                slide->path, page->directory, page->width, page->height, largest->width, largest->height);
            return FALSE;
        }
    }
    return TRUE;
}

/* Checks the orientation of each level, and counts its missing tiles. */
static gboolean check_levels(Slide *slide, const GArray *pages, GError **error)
{
    if (strcmp(slide->vendor, "generic-tiff") == 0 && !check_strips(slide, pages, error)) {
        return FALSE;
    }
    for (int i = 0; i < slide->info.level_count; i++) {
        SlideLevel *level = &slide->levels[i];
        const TiffPage *page = page_in(pages, slide->directory[i]);
        if (page && !check_orientation(slide, page, error)) {
            return FALSE;
        }
        if (page) {
            level->tiles = page->tiles;
            level->missing_tiles = page->missing;
        }
    }
    return TRUE;
}

/* Notes that the streams contradict the TIFF; ycbcr: what the streams prove. */
static void note_colours(Slide *slide, int level, gboolean ycbcr)
{
    slide_level_note(
        slide,
        "level %d: its JPEG streams show that its tiles are %s, but the TIFF says %s; they are read as %s",
        level, ycbcr ? "YCbCr" : "RGB", ycbcr ? "RGB" : "YCbCr", ycbcr ? "YCbCr" : "RGB");
}

/* OpenSlide shows samples as the TIFF declares them.  YCbCr that is shown as RGB can be converted.  RGB that was converted as if it
 * were YCbCr cannot be recovered, because values were clipped. */
static gboolean prove_colours(Slide *slide, const GArray *pages, GError **error)
{
    for (int level = 0; level < slide->info.level_count; level++) {
        const TiffPage *page = page_in(pages, slide->directory[level]);
        GError *why = NULL;
        gboolean ycbcr;
        /* A fast path on this level alone finds out what its streams prove. */
        JpegTiff *tiff = page ? jpegtiff_open(slide->source, 1, &page, FALSE, TRUE, 0, &why) : NULL;
        gboolean differs = tiff && jpegtiff_contradicted(tiff, 0, &ycbcr);
        jpegtiff_free(tiff);
        if (why) {
            g_propagate_error(error, why);
            return FALSE;
        }
        if (differs && !ycbcr) {
            g_set_error(
                error, WSI_ERROR, WSI_ERROR_INPUT,
                "%s: directory %d: its JPEG streams show that its tiles are RGB, but the TIFF says YCbCr; "
                "OpenSlide shows false colours",
                slide->path, page->directory);
            return FALSE;
        }
        if (differs) {
            slide->raw_ycbcr[level] = TRUE;
            note_colours(slide, level, ycbcr);
        }
    }
    return TRUE;
}

/* Leaves out the levels from the first one that libtiff scrambles; the next larger level replaces them. */
static gboolean leave_out_small_levels(Slide *slide, const GArray *pages, GError **error)
{
    const TiffPage *page = NULL;
    /* Levels get smaller, so all from `first` on are affected. */
    int first = tiffsmall_first(pages, slide->directory, slide->info.level_count, &page);
    if (first == 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s: an image of " PX
                    " in tiles of %d x %d px that are not JPEG cannot be read (OpenSlide with "
                    "libtiff 4.5 scrambles it): tiles must not be larger than the image",
                    slide->path, slide->levels[0].width, slide->levels[0].height, page->tile_width,
                    page->tile_height);
        return FALSE;
    }
    /* Smaller levels are left out as well. */
    slide->info.level_count = first;
    return TRUE;
}

/* ---- the fast path ---- */

/* Cutting goes along rows of output tiles, which extend a little into the rows of file tiles above and below.  About four rows of file
 * tiles must stay in the cache until the next row, or they are decoded twice. */
static size_t cache_for(const TiffPage *page)
{
    /* Bytes of a row of tiles; + tile_width rounds up to whole tiles. */
    int64_t row = (page->width + page->tile_width) * page->tile_height * 3;
    return (size_t)CLAMP(4 * row + (8 << 20), (int64_t)64 << 20, (int64_t)160 << 20);
}

/* Adds level `from` at 1 / scale. */
static gboolean add_scaled(Slide *slide, int from, int scale)
{
    int count = slide->info.level_count;
    const SlideLevel *stored = &slide->levels[from];
    if (!jpegtiff_add_scaled(slide->fast, from, scale)) {
        return FALSE;
    }
    /* Sizes round down, as in jpegtiff_add_scaled(). */
    const SlideLevel added = {.width = stored->width / scale,
                              .height = stored->height / scale,
                              .downsample_x = stored->downsample_x * scale,
                              .downsample_y = stored->downsample_y * scale,
                              .scaled = TRUE};
    slide->levels = g_renew(SlideLevel, slide->levels, count + 1);
    slide->levels[count] = added;
    slide->info.levels = slide->levels;
    slide->info.level_count = count + 1;
    return TRUE;
}

/* Fills the gaps between the stored levels, each from the next larger stored level. */
static void add_scaled_levels(Slide *slide)
{
    int stored = slide->info.level_count;
    for (int from = 0; from < stored; from++) {
        /* The scales at which libjpeg decodes a block to 4, 2 or 1 px. */
        for (int scale = 2; scale <= 8; scale *= 2) {
            double downsample = slide->levels[from].downsample_x * scale;
            /* A level at this downsample is worth adding only if no stored level is between it and `from`. */
            gboolean gap = TRUE;
            for (int i = 0; i < stored; i++) {
                gap = gap && !(slide->levels[i].downsample_x > slide->levels[from].downsample_x * 1.001 &&
                               slide->levels[i].downsample_x < downsample * 1.001);
            }
            if (!gap || !add_scaled(slide, from, scale)) {
                break;
            }
        }
    }
}

/* Opens the fast path on one page per level.  TRUE with slide->fast NULL when it cannot read them; FALSE with an error. */
static gboolean open_fast(Slide *slide, const TiffPage *const *pages, const SlideOptions *options,
                          GError **error)
{
    const int count = slide->info.level_count;
    /* Without an OpenSlide handle the levels come from the pages. */
    const gboolean own = slide->current == NULL;
    /* OpenSlide paints a missing tile of an Aperio slide from the next larger level, which the fast path does not. */
    const gboolean sparse_allowed = own || strcmp(slide->vendor, "aperio") != 0;
    GError *why = NULL;
    size_t cache_bytes = options->cache_bytes ? options->cache_bytes : cache_for(pages[0]);
    /* NULL without an error: some page is unusual. */
    slide->fast = jpegtiff_open(slide->source, count, pages, own, sparse_allowed, cache_bytes, &why);
    slide->info.fast_path = slide->fast != NULL;
    if (why) {
        g_propagate_error(error, why);
        return FALSE;
    }
    for (int i = 0; slide->fast && i < count; i++) {
        gboolean ycbcr;
        jpegtiff_tile_size(slide->fast, i, &slide->block_width[i], &slide->block_height[i]);
        if (jpegtiff_contradicted(slide->fast, i, &ycbcr)) {
            note_colours(slide, i, ycbcr);
        }
    }
    if (slide->fast && options->dct_levels) {
        add_scaled_levels(slide);
    }
    return TRUE;
}

gboolean slide_tiff_open(Slide *slide, const GArray *pages, const SlideOptions *options, GError **error)
{
    const int count = slide->info.level_count;
    /* The page of each level; NULL when it is not known. */
    g_autofree const TiffPage **of_level = g_new0(const TiffPage *, count);
    /* The fast path needs a page for every level. */
    gboolean all = !options->no_fast_path && has_plain_levels(slide->vendor);
    for (int i = 0; i < count; i++) {
        of_level[i] = page_in(pages, slide->directory[i]);
        all = all && of_level[i];
    }
    if (!check_levels(slide, pages, error) || (all && !open_fast(slide, of_level, options, error))) {
        return FALSE;
    }
    return slide->fast || (leave_out_small_levels(slide, pages, error) && prove_colours(slide, pages, error));
}

/* ---- slides that OpenSlide does not read ---- */

/* Whether the page, which is not the largest, is a level of the slide; notes why not. */
static gboolean is_own_level(Slide *slide, const TiffPage *page, const TiffPage *largest)
{
    const char *why = page->tile_width == 0                ? "it is stored in strips"
                      : page->aside                        ? "it is a label, macro or mask"
                      : !(page->kind & 1) && !page->aperio ? "it is not flagged as reduced"
                      : page->width == largest->width      ? "the largest is as wide"
                      : page->orientation != largest->orientation
                          ? "its orientation differs"
                          : why_no_level(page, largest->width, largest->height);
    if (why) {
        slide_level_note(slide, "directory %d, " PX ", is not a level of the slide: %s; it is not read",
                         page->directory, page->width, page->height, why);
    }
    return !why;
}

static gint larger_first(gconstpointer a, gconstpointer b)
{
    const TiffPage *p = *(const TiffPage *const *)a, *q = *(const TiffPage *const *)b;
    /* The order of the file decides between equal widths. */
    return p->width != q->width ? (p->width < q->width) - (p->width > q->width) : p->directory - q->directory;
}

/* The largest page and its levels, in order of decreasing width.  Caller unrefs. */
static GPtrArray *own_pages(Slide *slide, const GArray *pages, const TiffPage *largest)
{
    GPtrArray *own = g_ptr_array_new();
    for (guint i = 0; i < pages->len; i++) {
        const TiffPage *page = &g_array_index(pages, TiffPage, i);
        if (page == largest || is_own_level(slide, page, largest)) {
            g_ptr_array_add(own, (gpointer)page);
        }
    }
    g_ptr_array_sort(own, larger_first);
    /* Of two pages of one width the first in the file stays. */
    for (guint i = own->len; i-- > 1;) {
        if (((const TiffPage *)own->pdata[i])->width == ((const TiffPage *)own->pdata[i - 1])->width) {
            const TiffPage *page = own->pdata[i];
            slide_level_note(slide,
                             "directory %d, " PX ", is not a level of the slide: an earlier one is as wide",
                             page->directory, page->width, page->height);
            g_ptr_array_remove_index(own, i);
        }
    }
    return own;
}

gboolean slide_tiff_open_own(Slide *slide, const GArray *pages, const SlideOptions *options, GError **error)
{
    const TiffPage *largest = tiffpages_largest(pages);
    if (!check_strips(slide, pages, error)) {
        return FALSE;
    }
    g_autoptr(GPtrArray) own = own_pages(slide, pages, largest);
    slide_level_reserve(slide, (int)own->len);
    slide->info.level_count = (int)own->len;
    for (guint i = 0; i < own->len; i++) {
        const TiffPage *page = own->pdata[i];
        slide->levels[i] =
            slide_level_geometry(largest->width, largest->height, page->width, page->height, 0);
        /* Never used for reading, but kept consistent. */
        slide->openslide_downsample[i] = slide->levels[i].downsample_x;
        slide->directory[i] = page->directory;
        slide->levels[i].tiles = page->tiles;
        slide->levels[i].missing_tiles = page->missing;
    }
    if (!check_orientation(slide, largest, error) || !leave_out_small_levels(slide, pages, error) ||
        !open_fast(slide, (const TiffPage *const *)own->pdata, options, error)) {
        return FALSE;
    }
    if (!slide->fast) {
        g_autofree char *what = tiffpages_describe(largest);
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s: neither OpenSlide nor libtiff can decode its tiles (%s)", slide->path, what);
    }
    return slide->fast != NULL;
}
