/* Opening a slide: what the file is, its levels, and its resolution.
 *
 * A file is not trusted.  Our own walk over the TIFF directories comes first, because OpenSlide aborts the process on some broken files
 * and reports a truncated file as "not a slide".  OpenSlide then gives the levels and the vendor's properties; the pages of the TIFF
 * correct both where they disagree (slide_tiff.c). */
#include "tiler/slide/slide_private.h"
#include "base/error.h"
#include "tiler/slide/dicom.h"
#include "tiler/slide/notslide.h"
#include "tiler/tiff/tiffcheck.h"
#include "tiler/tiff/tiffpages.h"

/* Adds OpenSlide's level `number` as the next level.  pages: of a TIFF; NULL for other formats. */
static gboolean add_level(Slide *slide, openslide_t *handle, const GArray *pages, int number, GError **error)
{
    int64_t width0, height0, width, height;
    /* The number differs from OpenSlide's after a page that was left out. */
    const int to = slide->info.level_count++;
    g_autofree char *width_name = g_strdup_printf("openslide.level[%d].tile-width", number);
    g_autofree char *height_name = g_strdup_printf("openslide.level[%d].tile-height", number);
    /* The block that is lost together: OpenSlide's tile, or 256 px when it is missing or of an odd size. */
    double tile_width = slide_openslide_number(handle, width_name),
           tile_height = slide_openslide_number(handle, height_name);
    gboolean tiled = tile_width >= 64 && tile_width <= 2048 && tile_height >= 64 && tile_height <= 2048;
    openslide_get_level0_dimensions(handle, &width0, &height0);
    openslide_get_level_dimensions(handle, number, &width, &height);
    if (width < 1 || height < 1) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: level %d is empty", slide->path, number);
        return FALSE;
    }
    slide->openslide_level[to] = number;
    slide->directory[to] = pages ? slide_tiff_directory(slide, pages, handle, number) : -1;
    slide->openslide_downsample[to] = openslide_get_level_downsample(handle, number);
    /* Corrects a downsample that OpenSlide got from rounded sizes. */
    slide->levels[to] = slide_level_geometry(width0, height0, width, height, slide->openslide_downsample[to]);
    slide->block_width[to] = tiled ? (int)tile_width : 256;
    slide->block_height[to] = tiled ? (int)tile_height : 256;
    return TRUE;
}

/* Adds those of OpenSlide's levels that are levels of the slide. */
static gboolean read_levels(Slide *slide, openslide_t *handle, const GArray *pages, GError **error)
{
    /* OpenSlide reports -1 for a handle with an error. */
    int count = openslide_get_level_count(handle);
    int64_t width0, height0;
    openslide_get_level0_dimensions(handle, &width0, &height0);
    if (count < 1 || width0 < 1 || height0 < 1) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s has no image", slide->path);
        return FALSE;
    }
    slide_level_reserve(slide, count);
    for (int i = 0; i < count; i++) {
        /* Level 0 stays; a page that is not a level is noted and skipped. */
        if (i > 0 && pages && slide_tiff_leaves_out(slide, pages, handle, i)) {
            continue;
        }
        if (!add_level(slide, handle, pages, i, error)) {
            return FALSE;
        }
    }
    return TRUE;
}

/* The scanned area, cut off at the slide; the whole slide when there is none. */
static Rect read_bounds(const Slide *slide, openslide_t *handle)
{
    const Rect whole = {0, 0, (double)slide->levels[0].width, (double)slide->levels[0].height};
    /* All in level-0 px; missing properties are 0. */
    double x = slide_openslide_number(handle, OPENSLIDE_PROPERTY_NAME_BOUNDS_X);
    double y = slide_openslide_number(handle, OPENSLIDE_PROPERTY_NAME_BOUNDS_Y);
    double width = slide_openslide_number(handle, OPENSLIDE_PROPERTY_NAME_BOUNDS_WIDTH);
    double height = slide_openslide_number(handle, OPENSLIDE_PROPERTY_NAME_BOUNDS_HEIGHT);
    /* MIRAX bounds may extend beyond the slide. */
    double x1 = MIN(x + width, whole.width), y1 = MIN(y + height, whole.height);
    x = MAX(x, 0);
    y = MAX(y, 0);
    return x1 > x && y1 > y ? (Rect){x, y, x1 - x, y1 - y} : whole;
}

/* The pages of a TIFF; an empty array when libtiff cannot read the file, since OpenSlide may. */
static GArray *read_pages(const char *path, GError **error)
{
    GError *why = NULL;
    GArray *pages = tiffpages_read(path, &why);
    /* libtiff may refuse a file that OpenSlide reads by itself. */
    if (!pages && g_error_matches(why, WSI_ERROR, WSI_ERROR_INPUT)) {
        g_clear_error(&why);
        return g_array_new(FALSE, FALSE, sizeof(TiffPage));
    }
    if (why) {
        g_propagate_error(error, why);
    }
    return pages;
}

/* Explains why a file that nothing can read is not a slide. */
static gboolean refuse_unknown(const Slide *slide, const GArray *pages, GError **error)
{
    /* The file is fine, but the library is too old. */
    if (slide->dicom) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s is a DICOM slide, which OpenSlide %s does not read: OpenSlide 4.0 and later do",
                    slide->path, openslide_get_version());
        return FALSE;
    }
    g_autofree char *reason = notslide_reason(slide->path, pages && pages->len > 0 ? pages : NULL, error);
    if (reason) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s is not a whole-slide image: %s", slide->path,
                    reason);
    }
    return FALSE;
}

/* Sets what the slide is.  handle NULL: OpenSlide does not know the file, and its levels come from the pages. */
static gboolean open_known(Slide *slide, openslide_t *handle, const GArray *pages,
                           const SlideOptions *options, GError **error)
{
    if (!handle) {
        const TiffPage *largest = tiffpages_largest(pages);
        slide->info.vendor = slide->vendor = g_strdup(largest->aperio ? "aperio" : "generic-tiff");
        return slide_mpp_set(slide, NULL, largest, options, error) &&
               slide_tiff_open_own(slide, pages, options, error) && slide_fingerprint_set(slide, error);
    }
    const char *vendor = openslide_get_property_value(handle, OPENSLIDE_PROPERTY_NAME_VENDOR);
    slide->info.vendor = slide->vendor = g_strdup(vendor ? vendor : "unknown");
    return read_levels(slide, handle, pages, error) && slide_mpp_set(slide, handle, NULL, options, error) &&
           slide_fingerprint_set(slide, error) && (!pages || slide_tiff_open(slide, pages, options, error));
}

static gboolean is_dicom(openslide_t *handle)
{
    return g_strcmp0(openslide_get_property_value(handle, OPENSLIDE_PROPERTY_NAME_VENDOR), "dicom") == 0;
}

/* The order matters: the geometry check, then the pages, then OpenSlide. */
static gboolean open_parts(Slide *slide, const SlideOptions *options, GError **error)
{
    gboolean is_tiff;
    slide->source = dicom_source(slide->path, &slide->dicom, error);
    if (!slide->source || !tiffcheck_file(slide->source, &is_tiff, error)) {
        return FALSE;
    }
    g_autoptr(GArray) pages = is_tiff ? read_pages(slide->source, error) : NULL;
    openslide_t *handle = NULL;
    if ((is_tiff && !pages) || !slide_openslide_open(slide->source, &handle, error)) {
        return FALSE;
    }
    if (handle && is_dicom(handle)) { /* a DICOM file may be a TIFF as well */
        g_clear_pointer(&pages, g_array_unref);
    }
    /* When the pages decide, OpenSlide is not used at all. */
    const gboolean own = pages && slide_tiff_is_own(pages, handle);
    if (own && handle) {
        g_clear_pointer(&handle, openslide_close);
    }
    if (!handle && !own) {
        return refuse_unknown(slide, pages, error);
    }
    if (handle) {
        /* One reader: the slide itself. */
        slide->current = g_new0(SlideHandle, 1);
        *slide->current = (SlideHandle){handle, 1};
    }
    if (!open_known(slide, handle, pages, options, error)) {
        return FALSE;
    }
    slide->info.bounds = read_bounds(slide, handle);
    slide->info.offset_x_nm = slide_openslide_known(handle, "hamamatsu.XOffsetFromSlideCentre");
    slide->info.offset_y_nm = slide_openslide_known(handle, "hamamatsu.YOffsetFromSlideCentre");
    return TRUE;
}

Slide *slide_open(const char *path, const SlideOptions *options, GError **error)
{
    static const SlideOptions none;
    slide_openslide_silence();
    /* slide_free() copes with a slide that is only partly opened. */
    g_autoptr(Slide) slide = g_new0(Slide, 1);
    slide->info.path = slide->path = g_strdup(path);
    g_mutex_init(&slide->lock);
    g_mutex_init(&slide->salvage_lock);
    slide->info.notes = slide->notes = g_ptr_array_new_with_free_func(g_free);
    slide_bad_init(slide);
    return open_parts(slide, options ? options : &none, error) ? g_steal_pointer(&slide) : NULL;
}

void slide_set_colour(Slide *slide, TileColour *colour)
{
    tile_colour_free(slide->colour);
    slide->colour = colour;
}

const TileColour *slide_colour(const Slide *slide)
{
    return slide->colour;
}

void slide_free(Slide *slide)
{
    if (!slide) {
        return;
    }
    if (slide->current) {
        openslide_close(slide->current->openslide);
        g_free(slide->current);
    }
    if (slide->salvage) {
        openslide_close(slide->salvage);
    }
    jpegtiff_free(slide->fast);
    tile_colour_free(slide->colour);
    slide_bad_clear(slide);
    g_mutex_clear(&slide->lock);
    g_mutex_clear(&slide->salvage_lock);
    g_free(slide->levels);
    g_free(slide->openslide_level);
    g_free(slide->directory);
    g_free(slide->openslide_downsample);
    g_free(slide->raw_ycbcr);
    g_ptr_array_unref(slide->notes);
    g_free(slide->block_width);
    g_free(slide->block_height);
    g_free(slide->vendor);
    g_free(slide->source);
    g_free(slide->path);
    g_free(slide);
}

const SlideInfo *slide_info(const Slide *slide)
{
    return &slide->info;
}

int slide_best_level(const Slide *slide, double scale)
{
    int best = 0;
    for (int i = 1; i < slide->info.level_count; i++) {
        /* Both axes must be fine enough. */
        double downsample = MAX(slide->levels[i].downsample_x, slide->levels[i].downsample_y);
        double best_downsample = MAX(slide->levels[best].downsample_x, slide->levels[best].downsample_y);
        /* Downsamples come from rounded sizes, so 4 may be 4.0003. */
        if (downsample <= scale * (1 + 1e-3) && downsample > best_downsample) {
            best = i;
        }
    }
    return best;
}
