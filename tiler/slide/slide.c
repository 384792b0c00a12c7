/* Opening a slide: what it is, how large, and at which resolution.
 *
 * Nothing is believed without need.  Our own walk over the TIFF comes first, because OpenSlide aborts the process on
 * some broken files and calls a truncated one "not a slide".  OpenSlide gives the levels and the vendor's facts; what
 * it does not know in 3.4.1 (the resolution of generic TIFFs) is taken from the properties it passes on.
 *
 * Downsamples: a vendor's driver may know them, then they are taken as they are.  For the others OpenSlide divides
 * sizes, which are rounded: 250 / 62 = 4.03 for a level that was made by halving twice.  Whoever uses that figure
 * drifts across the slide, so a level whose size is what dividing by a whole number gives has that number. */
#include "tiler/slide/slide_private.h"
#include "base/durable.h"
#include "base/error.h"
#include "tiler/slide/dicom.h"
#include "tiler/slide/notslide.h"
#include "tiler/tiff/tiffcheck.h"
#include "tiler/tiff/tiffpages.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <glib/gstdio.h>
#include <tiffio.h>

/* Resolutions beyond these are no scanner's: 72 to 600 dpi (353 to 42 um) is what image programs write when
 * they know nothing. */
static const double MIN_MPP = 0.005, MAX_MPP = 40;

/* libtiff's messages name offsets of untrusted files and would go to stderr; what matters comes back as an error. */
static void no_message(const char *module, const char *format, va_list args)
{
}

static void no_log(const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
}

static void silence_libraries(void)
{
    static gsize done;
    if (g_once_init_enter(&done)) {
        TIFFSetErrorHandler(no_message);
        TIFFSetWarningHandler(no_message);
        g_log_set_handler("Openslide", G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE, no_log, NULL);
        g_once_init_leave(&done, 1);
    }
}

gboolean slide_system_failed(const char *path, const char *message, int number, GError **error)
{
    g_autofree char *text = message ? g_strdup_printf("OpenSlide: %s", message) : NULL;
    return wsi_error_library(error, "cannot read", path, text, number);
}

/* One try.  *settled: another would end in the same way. */
static gboolean try_openslide(const char *path, openslide_t **handle, gboolean *resolved, GError **error)
{
    errno = 0;
    *handle = openslide_open(path);
    const int number = errno;
    const char *message = *handle ? openslide_get_error(*handle) : NULL;
    /* Also what opens may have been read in part: a directory that could not be read is one less to OpenSlide. */
    gboolean failed = slide_system_failed(path, message, number, error);
    *resolved = failed || (*handle && !message);
    if (message && !failed) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: OpenSlide: %s", path, message);
    }
    if (*handle && (message || failed)) {
        g_clear_pointer(handle, openslide_close);
        return FALSE;
    }
    return !failed;
}

gboolean slide_openslide(const char *path, openslide_t **handle, GError **error)
{
    gboolean resolved;
    GError *first = NULL;
    if (try_openslide(path, handle, &resolved, &first) && resolved) {
        return TRUE;
    }
    if (!resolved) { /* errno does not always survive: what OpenSlide refuses, it is asked twice */
        g_clear_error(&first);
        return try_openslide(path, handle, &resolved, error);
    }
    g_propagate_error(error, first);
    return FALSE;
}

void slide_note(Slide *slide, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_ptr_array_add(slide->notes, g_strdup_vprintf(format, args));
    va_end(args);
}

/* A property that is a finite number, or 0. */
static double number_property(openslide_t *handle, const char *name)
{
    const char *text = handle ? openslide_get_property_value(handle, name) : NULL;
    char *end = NULL;
    double value = text ? g_ascii_strtod(text, &end) : 0;
    return text && end != text && isfinite(value) ? value : 0;
}

/* The same, or NAN. */
static double known_property(openslide_t *handle, const char *name)
{
    return handle && openslide_get_property_value(handle, name) ? number_property(handle, name) : NAN;
}

/* TRUE when `size` is size0 / factor, rounded up or down. */
static gboolean divides(int64_t size0, int64_t size, int64_t factor)
{
    return size == size0 / factor || size == (size0 + factor - 1) / factor;
}

SlideLevel slide_level_geometry(int64_t width0, int64_t height0, int64_t width, int64_t height, double given)
{
    SlideLevel out = {.width = width, .height = height};
    double ratio_x = (double)width0 / (double)width, ratio_y = (double)height0 / (double)height;
    given = given > 0 ? given : (ratio_x + ratio_y) / 2;
    int64_t whole = llround(given);
    out.downsample_x = out.downsample_y = given;
    if (fabs(given - (ratio_x + ratio_y) / 2) > 1e-9 * given) {
        return out; /* the driver knows better than the sizes */
    }
    if (whole >= 1 && divides(width0, out.width, whole) && divides(height0, out.height, whole)) {
        out.downsample_x = out.downsample_y = (double)whole;
        return out;
    }
    /* A level of one or two pixels says nothing exact about its factor; a pyramid of halvings does. */
    int64_t power = (int64_t)1 << lround(log2(given));
    if (divides(width0, out.width, power) && divides(height0, out.height, power)) {
        out.downsample_x = out.downsample_y = (double)power;
        return out;
    }
    out.downsample_x = ratio_x;
    out.downsample_y = ratio_y;
    return out;
}

void slide_set_level_count(Slide *slide, int count)
{
    slide->levels = g_new0(SlideLevel, count);
    slide->openslide_level = g_new0(int, count);
    slide->directory = g_new0(int, count);
    slide->openslide_downsample = g_new0(double, count);
    slide->raw_ycbcr = g_new0(gboolean, count);
    slide->block_width = g_new0(int, count);
    slide->block_height = g_new0(int, count);
    slide->info.levels = slide->levels;
}

/* Adds OpenSlide's level `number` as the next one.  pages: of a TIFF, or NULL. */
static gboolean add_level(Slide *slide, openslide_t *handle, const GArray *pages, int number, GError **error)
{
    int64_t width0, height0, width, height;
    const int to = slide->info.level_count++;
    g_autofree char *width_name = g_strdup_printf("openslide.level[%d].tile-width", number);
    g_autofree char *height_name = g_strdup_printf("openslide.level[%d].tile-height", number);
    double tile_width = number_property(handle, width_name),
           tile_height = number_property(handle, height_name);
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
    slide->levels[to] = slide_level_geometry(width0, height0, width, height, slide->openslide_downsample[to]);
    slide->block_width[to] = tiled ? (int)tile_width : 256;
    slide->block_height[to] = tiled ? (int)tile_height : 256;
    return TRUE;
}

/* pages: of a TIFF, or NULL. */
static gboolean read_levels(Slide *slide, openslide_t *handle, const GArray *pages, GError **error)
{
    int count = openslide_get_level_count(handle);
    int64_t width0, height0;
    openslide_get_level0_dimensions(handle, &width0, &height0);
    if (count < 1 || width0 < 1 || height0 < 1) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s has no image", slide->path);
        return FALSE;
    }
    slide_set_level_count(slide, count);
    for (int i = 0; i < count; i++) {
        if (i > 0 && pages && slide_tiff_leaves_out(slide, pages, handle, i)) {
            continue;
        }
        if (!add_level(slide, handle, pages, i, error)) {
            return FALSE;
        }
    }
    return TRUE;
}

static Rect read_bounds(const Slide *slide, openslide_t *handle)
{
    const Rect whole = {0, 0, (double)slide->levels[0].width, (double)slide->levels[0].height};
    double x = number_property(handle, OPENSLIDE_PROPERTY_NAME_BOUNDS_X);
    double y = number_property(handle, OPENSLIDE_PROPERTY_NAME_BOUNDS_Y);
    double width = number_property(handle, OPENSLIDE_PROPERTY_NAME_BOUNDS_WIDTH);
    double height = number_property(handle, OPENSLIDE_PROPERTY_NAME_BOUNDS_HEIGHT);
    /* MIRAX bounds may start before the slide or end after it. */
    double x1 = MIN(x + width, whole.width), y1 = MIN(y + height, whole.height);
    x = MAX(x, 0);
    y = MAX(y, 0);
    return x1 > x && y1 > y ? (Rect){x, y, x1 - x, y1 - y} : whole;
}

static gboolean plausible(double mpp)
{
    return mpp >= MIN_MPP && mpp <= MAX_MPP;
}

static double tag_mpp(openslide_t *handle, const char *name)
{
    const char *unit = openslide_get_property_value(handle, "tiff.ResolutionUnit");
    double per_unit = number_property(handle, name);
    double um = g_strcmp0(unit, "centimeter") == 0 ? 1e4 : g_strcmp0(unit, "inch") == 0 ? 25400 : 0;
    return per_unit > 0 ? um / per_unit : 0;
}

/* What the file says; MPP_NONE when it says nothing plausible.  OpenSlide 4 repeats a generic TIFF's tags as a property of its own, so
 * the tags come first.  page: where OpenSlide does not read the slide, of its level 0. */
static MppSource file_mpp(const Slide *slide, openslide_t *handle, const TiffPage *page, double *x, double *y)
{
    if (page) {
        *x = page->aperio ? page->aperio_mpp : page->mpp_x;
        *y = page->aperio ? page->aperio_mpp : page->mpp_y;
        if (plausible(*x) && plausible(*y)) {
            return page->aperio ? MPP_FILE : MPP_TIFF_TAGS;
        }
        *x = *y = 0;
        return MPP_NONE;
    }
    *x = tag_mpp(handle, "tiff.XResolution");
    *y = tag_mpp(handle, "tiff.YResolution");
    if (strcmp(slide->vendor, "generic-tiff") == 0 && plausible(*x) && plausible(*y)) {
        return MPP_TIFF_TAGS;
    }
    *x = number_property(handle, OPENSLIDE_PROPERTY_NAME_MPP_X);
    *y = number_property(handle, OPENSLIDE_PROPERTY_NAME_MPP_Y);
    if (plausible(*x) && plausible(*y)) {
        return MPP_FILE;
    }
    *x = *y = 0;
    return MPP_NONE;
}

static gboolean set_mpp(Slide *slide, openslide_t *handle, const TiffPage *page, const SlideOptions *options,
                        GError **error)
{
    SlideInfo *info = &slide->info;
    double given_x = options->mpp_x, given_y = options->mpp_y;
    if (!isfinite(given_x) || !isfinite(given_y) || given_x < 0 || given_y < 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: a resolution of %g x %g um/px was given",
                    slide->path, given_x, given_y);
        return FALSE;
    }
    info->objective =
        page ? page->aperio_power : MAX(0, number_property(handle, OPENSLIDE_PROPERTY_NAME_OBJECTIVE_POWER));
    info->mpp_source = file_mpp(slide, handle, page, &info->mpp_x, &info->mpp_y);
    if (given_x > 0 || given_y > 0) {
        /* An axis that is not given is the file's, or else like the other one. */
        double fallback = MAX(given_x, given_y);
        info->mpp_x = given_x > 0 ? given_x : info->mpp_x > 0 ? info->mpp_x : fallback;
        info->mpp_y = given_y > 0 ? given_y : info->mpp_y > 0 ? info->mpp_y : fallback;
        info->mpp_source = MPP_OVERRIDE;
    } else if (info->mpp_source == MPP_NONE && options->use_objective && info->objective > 0) {
        info->mpp_x = info->mpp_y = 10 / info->objective;
        info->mpp_source = MPP_OBJECTIVE;
    }
    return TRUE;
}

static gboolean hash_part(const char *path, int fd, int64_t at, int64_t bytes, GChecksum *sum, GError **error)
{
    enum { PIECE = 1 << 16 };
    g_autofree guchar *buffer = g_malloc(PIECE);
    while (bytes > 0) {
        ssize_t got = pread(fd, buffer, (size_t)MIN(bytes, PIECE), at);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return wsi_error_errno(error, "cannot read", path);
        }
        if (got == 0) {
            break;
        }
        g_checksum_update(sum, buffer, got);
        at += got;
        bytes -= got;
    }
    return TRUE;
}

static gboolean set_fingerprint(Slide *slide, GError **error)
{
    const int64_t part = 1 << 20;
    struct stat status;
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    int fd = g_open(slide->source, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0 || fstat(fd, &status) != 0) {
        wsi_error_errno(error, "cannot read", slide->source);
        if (fd >= 0) {
            close(fd);
        }
        return FALSE;
    }
    g_autoptr(GString) text = g_string_new("wsiflow slide 1\n");
    g_string_append_printf(text, "%" G_GINT64_FORMAT " bytes\n", (gint64)status.st_size);
    for (int i = 0; i < slide->info.level_count; i++) {
        g_string_append_printf(text, "%" G_GINT64_FORMAT " x %" G_GINT64_FORMAT "\n", slide->levels[i].width,
                               slide->levels[i].height);
    }
    g_checksum_update(sum, (const guchar *)text->str, (gssize)text->len);
    gboolean ok = hash_part(slide->source, fd, 0, part, sum, error) &&
                  hash_part(slide->source, fd, MAX(0, status.st_size - part), part, sum, error);
    close(fd);
    g_strlcpy(slide->info.fingerprint, g_checksum_get_string(sum), sizeof slide->info.fingerprint);
    return ok;
}

/* The pages of a TIFF; none where libtiff cannot read what another reader can. */
static GArray *read_pages(const char *path, GError **error)
{
    GError *why = NULL;
    GArray *pages = tiffpages_read(path, &why);
    if (!pages && g_error_matches(why, WSI_ERROR, WSI_ERROR_INPUT)) {
        g_clear_error(&why);
        return g_array_new(FALSE, FALSE, sizeof(TiffPage));
    }
    if (why) {
        g_propagate_error(error, why);
    }
    return pages;
}

static gboolean refuse_unknown(const Slide *slide, const GArray *pages, GError **error)
{
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

/* handle NULL: OpenSlide does not know the file, which has pages. */
static gboolean open_known(Slide *slide, openslide_t *handle, const GArray *pages,
                           const SlideOptions *options, GError **error)
{
    if (!handle) {
        const TiffPage *largest = tiffpages_largest(pages);
        slide->info.vendor = slide->vendor = g_strdup(largest->aperio ? "aperio" : "generic-tiff");
        return set_mpp(slide, NULL, largest, options, error) &&
               slide_tiff_open_own(slide, pages, options, error) && set_fingerprint(slide, error);
    }
    const char *vendor = openslide_get_property_value(handle, OPENSLIDE_PROPERTY_NAME_VENDOR);
    slide->info.vendor = slide->vendor = g_strdup(vendor ? vendor : "unknown");
    return read_levels(slide, handle, pages, error) && set_mpp(slide, handle, NULL, options, error) &&
           set_fingerprint(slide, error) && (!pages || slide_tiff_open(slide, pages, options, error));
}

static gboolean is_dicom(openslide_t *handle)
{
    return g_strcmp0(openslide_get_property_value(handle, OPENSLIDE_PROPERTY_NAME_VENDOR), "dicom") == 0;
}

static gboolean open_parts(Slide *slide, const SlideOptions *options, GError **error)
{
    gboolean is_tiff;
    slide->source = dicom_source(slide->path, &slide->dicom, error);
    if (!slide->source || !tiffcheck_file(slide->source, &is_tiff, error)) {
        return FALSE;
    }
    g_autoptr(GArray) pages = is_tiff ? read_pages(slide->source, error) : NULL;
    openslide_t *handle = NULL;
    if ((is_tiff && !pages) || !slide_openslide(slide->source, &handle, error)) {
        return FALSE;
    }
    if (handle && is_dicom(handle)) { /* it may be a TIFF as well */
        g_clear_pointer(&pages, g_array_unref);
    }
    const gboolean own = pages && slide_tiff_is_own(pages, handle);
    if (own && handle) {
        g_clear_pointer(&handle, openslide_close);
    }
    if (!handle && !own) {
        return refuse_unknown(slide, pages, error);
    }
    if (handle) {
        slide->current = g_new0(SlideHandle, 1);
        *slide->current = (SlideHandle){handle, 1};
    }
    if (!open_known(slide, handle, pages, options, error)) {
        return FALSE;
    }
    slide->info.bounds = read_bounds(slide, handle);
    slide->info.offset_x_nm = known_property(handle, "hamamatsu.XOffsetFromSlideCentre");
    slide->info.offset_y_nm = known_property(handle, "hamamatsu.YOffsetFromSlideCentre");
    return TRUE;
}

Slide *slide_open(const char *path, const SlideOptions *options, GError **error)
{
    static const SlideOptions none;
    silence_libraries();
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

const char *mpp_source_name(MppSource source)
{
    static const char *const names[] = {"none", "file", "tiff tags", "override", "objective"};
    return names[source];
}

int slide_best_level(const Slide *slide, double scale)
{
    int best = 0;
    for (int i = 1; i < slide->info.level_count; i++) {
        double downsample = MAX(slide->levels[i].downsample_x, slide->levels[i].downsample_y);
        double best_downsample = MAX(slide->levels[best].downsample_x, slide->levels[best].downsample_y);
        if (downsample <= scale * (1 + 1e-3) && downsample > best_downsample) {
            best = i;
        }
    }
    return best;
}
