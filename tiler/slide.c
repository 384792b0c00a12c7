/* Opening a slide: what it is, how large, and at which resolution.
 *
 * Nothing is believed without need.  Our own walk over the TIFF comes first, because OpenSlide aborts the process on
 * some broken files and calls a truncated one "not a slide".  OpenSlide gives the levels and the vendor's facts; what
 * it does not know in 3.4.1 (the resolution of generic TIFFs) is taken from the properties it passes on.
 *
 * Downsamples: a vendor's driver may know them, then they are taken as they are.  For the others OpenSlide divides
 * sizes, which are rounded: 250 / 62 = 4.03 for a level that was made by halving twice.  Whoever uses that figure
 * drifts across the slide, so a level whose size is what dividing by a whole number gives has that number. */
#include "tiler/slide_private.h"
#include "base/durable.h"
#include "base/error.h"
#include "tiler/tiffcheck.h"
#include "tiler/tiffsmall.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <glib/gstdio.h>
#include <tiffio.h>

/* Resolutions beyond these are no scanner's: 72 to 600 dpi (353 to 42 um) is what picture programs write when
 * they know nothing. */
static const double MIN_MPP = 0.005, MAX_MPP = 40;

/* libtiff's messages name offsets of untrusted files and would go to stderr; what matters comes back as an error. */
static void no_message(const char *module, const char *format, va_list args)
{
}

static void silence_libraries(void)
{
    static gsize done;
    if (g_once_init_enter(&done)) {
        TIFFSetErrorHandler(no_message);
        TIFFSetWarningHandler(no_message);
        g_once_init_leave(&done, 1);
    }
}

openslide_t *slide_openslide(const char *path, GError **error)
{
    openslide_t *handle = openslide_open(path);
    if (!handle) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s is not a whole-slide image: OpenSlide knows no such format (a TIFF must be tiled)",
                    path);
        return NULL;
    }
    const char *message = openslide_get_error(handle);
    if (message) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: OpenSlide: %s", path, message);
        openslide_close(handle);
        return NULL;
    }
    return handle;
}

/* A property that is a finite number, or 0. */
static double number_property(openslide_t *handle, const char *name)
{
    const char *text = openslide_get_property_value(handle, name);
    char *end = NULL;
    double value = text ? g_ascii_strtod(text, &end) : 0;
    return text && end != text && isfinite(value) ? value : 0;
}

/* The same, or NAN. */
static double known_property(openslide_t *handle, const char *name)
{
    return openslide_get_property_value(handle, name) ? number_property(handle, name) : NAN;
}

/* TRUE when `size` is size0 / factor, rounded up or down. */
static gboolean divides(int64_t size0, int64_t size, int64_t factor)
{
    return size == size0 / factor || size == (size0 + factor - 1) / factor;
}

static SlideLevel level_geometry(openslide_t *handle, int level, int64_t width0, int64_t height0)
{
    SlideLevel out = {.scaled = FALSE};
    double given = openslide_get_level_downsample(handle, level);
    openslide_get_level_dimensions(handle, level, &out.width, &out.height);
    double ratio_x = (double)width0 / (double)out.width, ratio_y = (double)height0 / (double)out.height;
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

static gboolean read_levels(Slide *slide, openslide_t *handle, GError **error)
{
    int count = openslide_get_level_count(handle);
    int64_t width0, height0;
    openslide_get_level0_dimensions(handle, &width0, &height0);
    if (count < 1 || width0 < 1 || height0 < 1) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s has no picture", slide->path);
        return FALSE;
    }
    slide->levels = g_new0(SlideLevel, count);
    slide->openslide_downsample = g_new0(double, count);
    slide->block_width = g_new0(int, count);
    slide->block_height = g_new0(int, count);
    slide->info.levels = slide->levels;
    slide->info.level_count = count;
    for (int i = 0; i < count; i++) {
        g_autofree char *width_name = g_strdup_printf("openslide.level[%d].tile-width", i);
        g_autofree char *height_name = g_strdup_printf("openslide.level[%d].tile-height", i);
        double tile_width = number_property(handle, width_name),
               tile_height = number_property(handle, height_name);
        gboolean tiled = tile_width >= 64 && tile_width <= 2048 && tile_height >= 64 && tile_height <= 2048;
        slide->levels[i] = level_geometry(handle, i, width0, height0);
        if (slide->levels[i].width < 1 || slide->levels[i].height < 1) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: level %d is empty", slide->path, i);
            return FALSE;
        }
        slide->openslide_downsample[i] = openslide_get_level_downsample(handle, i);
        slide->block_width[i] = tiled ? (int)tile_width : 256;
        slide->block_height[i] = tiled ? (int)tile_height : 256;
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
 * the tags come first. */
static MppSource file_mpp(const Slide *slide, openslide_t *handle, double *x, double *y)
{
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

static gboolean set_mpp(Slide *slide, openslide_t *handle, const SlideOptions *options, GError **error)
{
    SlideInfo *info = &slide->info;
    double given_x = options->mpp_x, given_y = options->mpp_y;
    if (!isfinite(given_x) || !isfinite(given_y) || given_x < 0 || given_y < 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: a resolution of %g x %g um/px was given",
                    slide->path, given_x, given_y);
        return FALSE;
    }
    info->objective = MAX(0, number_property(handle, OPENSLIDE_PROPERTY_NAME_OBJECTIVE_POWER));
    info->mpp_source = file_mpp(slide, handle, &info->mpp_x, &info->mpp_y);
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
    int fd = g_open(slide->path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0 || fstat(fd, &status) != 0) {
        wsi_error_errno(error, "cannot read", slide->path);
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
    gboolean ok = hash_part(slide->path, fd, 0, part, sum, error) &&
                  hash_part(slide->path, fd, MAX(0, status.st_size - part), part, sum, error);
    close(fd);
    g_strlcpy(slide->info.fingerprint, g_checksum_get_string(sum), sizeof slide->info.fingerprint);
    return ok;
}

/* Cutting goes along rows of tiles, which reach a little into the tiles of the file above and below.  Those of four rows must stay until
 * the next row, or they are decoded twice. */
static size_t cache_for(const Slide *slide)
{
    int64_t row = (slide->levels[0].width + slide->block_width[0]) * slide->block_height[0] * 3;
    return (size_t)CLAMP(4 * row + (8 << 20), (int64_t)64 << 20, (int64_t)160 << 20);
}

/* The fast path serves the vendors whose levels are plain directories of one grid of tiles. */
static void open_fast_path(Slide *slide, const SlideOptions *options)
{
    int count = slide->info.level_count;
    gboolean aperio = strcmp(slide->vendor, "aperio") == 0;
    if (options->no_fast_path || (!aperio && strcmp(slide->vendor, "generic-tiff") != 0)) {
        return;
    }
    g_autofree int64_t *widths = g_new(int64_t, count), *heights = g_new(int64_t, count);
    for (int i = 0; i < count; i++) {
        widths[i] = slide->levels[i].width;
        heights[i] = slide->levels[i].height;
    }
    size_t cache_bytes = options->cache_bytes ? options->cache_bytes : cache_for(slide);
    /* OpenSlide paints a missing tile of an Aperio slide from the next larger level: left to OpenSlide. */
    slide->fast = jpegtiff_open(slide->path, count, widths, heights, !aperio, cache_bytes);
    slide->info.fast_path = slide->fast != NULL;
    for (int i = 0; slide->fast && i < count; i++) {
        jpegtiff_tile_size(slide->fast, i, &slide->block_width[i], &slide->block_height[i]);
    }
}

/* Adds level `from` at 1 / scale. */
static gboolean add_scaled(Slide *slide, int from, int scale)
{
    int count = slide->info.level_count;
    const SlideLevel *stored = &slide->levels[from];
    if (!jpegtiff_add_scaled(slide->fast, from, scale)) {
        return FALSE;
    }
    const SlideLevel added = {stored->width / scale, stored->height / scale, stored->downsample_x * scale,
                              stored->downsample_y * scale, TRUE};
    slide->levels = g_renew(SlideLevel, slide->levels, count + 1);
    slide->levels[count] = added;
    slide->info.levels = slide->levels;
    slide->info.level_count = count + 1;
    return TRUE;
}

/* Fills the gaps between the stored levels, each from the next larger stored one. */
static void add_scaled_levels(Slide *slide)
{
    int stored = slide->info.level_count;
    for (int from = 0; from < stored; from++) {
        for (int scale = 2; scale <= 8; scale *= 2) {
            double downsample = slide->levels[from].downsample_x * scale;
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

/* Only levels before the first that OpenSlide scrambles are used; the next larger one serves for those. */
static gboolean leave_out_small_levels(Slide *slide, GError **error)
{
    const SlideLevel *whole = &slide->levels[0];
    int tile_width, tile_height;
    int first =
        tiffsmall_first(slide->path, slide->levels, slide->info.level_count, &tile_width, &tile_height);
    if (first == 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s: a picture of %" G_GINT64_FORMAT " x %" G_GINT64_FORMAT
                    " px in tiles of %d x %d px that are not JPEG cannot be read (OpenSlide with libtiff 4.5 "
                    "scrambles it): tiles must not be larger than the picture",
                    slide->path, whole->width, whole->height, tile_width, tile_height);
        return FALSE;
    }
    slide->info.level_count = first;
    return TRUE;
}

static gboolean open_parts(Slide *slide, const SlideOptions *options, GError **error)
{
    gboolean is_tiff;
    if (!tiffcheck_file(slide->path, &is_tiff, error)) {
        return FALSE;
    }
    openslide_t *handle = slide_openslide(slide->path, error);
    if (!handle) {
        return FALSE;
    }
    slide->current = g_new0(SlideHandle, 1);
    *slide->current = (SlideHandle){handle, 1};
    const char *vendor = openslide_get_property_value(handle, OPENSLIDE_PROPERTY_NAME_VENDOR);
    slide->info.vendor = slide->vendor = g_strdup(vendor ? vendor : "unknown");
    if (!read_levels(slide, handle, error) || !set_mpp(slide, handle, options, error) ||
        !set_fingerprint(slide, error)) {
        return FALSE;
    }
    slide->info.bounds = read_bounds(slide, handle);
    slide->info.offset_x_nm = known_property(handle, "hamamatsu.XOffsetFromSlideCentre");
    slide->info.offset_y_nm = known_property(handle, "hamamatsu.YOffsetFromSlideCentre");
    if (is_tiff) {
        open_fast_path(slide, options);
        if (!slide->fast && !leave_out_small_levels(slide, error)) {
            return FALSE;
        }
    }
    if (slide->fast && options->dct_levels) {
        add_scaled_levels(slide);
    }
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
    slide_bad_init(slide);
    return open_parts(slide, options ? options : &none, error) ? g_steal_pointer(&slide) : NULL;
}

void slide_set_colour(Slide *slide, Colour *colour)
{
    colour_free(slide->colour);
    slide->colour = colour;
}

const Colour *slide_colour(const Slide *slide)
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
    colour_free(slide->colour);
    slide_bad_clear(slide);
    g_mutex_clear(&slide->lock);
    g_mutex_clear(&slide->salvage_lock);
    g_free(slide->levels);
    g_free(slide->openslide_downsample);
    g_free(slide->block_width);
    g_free(slide->block_height);
    g_free(slide->vendor);
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
