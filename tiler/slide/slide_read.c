/* Reading pixels, and what happens when some cannot be read.
 *
 * An OpenSlide handle that met an error answers every later call with that error.  So a failed read says only that
 * something was wrong, perhaps in the area of another thread.  The handle is then replaced, and the area is read again under
 * a lock through a separate handle (the "salvage" handle): first as a whole, and if that fails block by block (a tile of the file,
 * or 256 px), re-opening the file after each bad block.  Bad blocks are remembered and never read again, so each costs one
 * re-opening.  Which blocks are bad depends only on the file, not on threads or on how areas were divided.  A block that the
 * system fails to read is not a bad block but an error.
 *
 * OpenSlide returns premultiplied ARGB.  Alpha 0 means that nothing was scanned there: no data, which is not white. */
#include "tiler/slide/slide_private.h"
#include "base/error.h"
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { MAX_PIECE = 4096 * 1024 }; /* px read at once, bounds the ARGB buffer */

typedef struct {
    int64_t x, y;
    int width, height;
} Area;

/* Whether any block of the area is known to be unreadable. */
static gboolean touches_bad_block(Slide *slide, int level, const Area *area)
{
    int width = slide->block_width[level], height = slide->block_height[level];
    for (int64_t row = area->y / height; row <= (area->y + area->height - 1) / height; row++) {
        for (int64_t column = area->x / width; column <= (area->x + area->width - 1) / width; column++) {
            if (slide_bad_block(slide, level, column, row)) {
                return TRUE;
            }
        }
    }
    return FALSE;
}

/* Where a read stores its pixels: the corner of the images is level pixel (x, y). */
typedef struct {
    int64_t x, y;
    Image *rgb, *readable;
    gboolean raw_ycbcr; /* OpenSlide returns Y, Cb, Cr as R, G, B */
} Target;

/* As in libjpeg (jdcolor.c), so that the colours are those of a file that declares its samples correctly. */
static void ycbcr_to_rgb(uint8_t *pixel)
{
    /* Coefficients in 1/2^16: 1.402, 0.34414, 0.71414, 1.772. */
    enum { HALF = 1 << 15 };
    const int y = pixel[0], cb = pixel[1] - 128, cr = pixel[2] - 128;
    const int rgb[3] = {y + ((91881 * cr + HALF) >> 16), y + ((-22554 * cb - 46802 * cr + HALF) >> 16),
                        y + ((116130 * cb + HALF) >> 16)};
    for (int c = 0; c < 3; c++) {
        pixel[c] = (uint8_t)CLAMP(rgb[c], 0, 255);
    }
}

/* Stores an area (height, width) of ARGB; un-premultiplies colours where alpha is between 0 and 255. */
static void store_argb(const Target *target, const Area *area, const uint32_t *argb)
{
    for (int j = 0; j < area->height; j++) {
        size_t at = (size_t)(area->y - target->y + j) * target->rgb->width + (size_t)(area->x - target->x);
        uint8_t *rgb = target->rgb->pixels + 3 * at,
                *readable = target->readable ? target->readable->pixels + at : NULL;
        for (int i = 0; i < area->width; i++, rgb += 3) {
            uint32_t pixel = argb[(size_t)j * area->width + i], alpha = pixel >> 24;
            uint32_t sample[3] = {pixel >> 16 & 255, pixel >> 8 & 255, pixel & 255};
            if (alpha == 0) {
                continue; /* already white and unreadable */
            }
            for (int c = 0; c < 3; c++) {
                rgb[c] =
                    (uint8_t)(alpha == 255 ? sample[c] : MIN(255, (sample[c] * 255 + alpha / 2) / alpha));
            }
            if (target->raw_ycbcr) {
                ycbcr_to_rgb(rgb);
            }
            if (readable) {
                readable[i] = 255;
            }
        }
    }
}

/* Reads an area inside the level.  Returns NULL, or OpenSlide's message; errno is then what the read left.  OpenSlide takes
 * whole level-0 coordinates, so with a fractional downsample the area is shifted by at most half a level-0 pixel. */
static const char *read_argb(const Slide *slide, openslide_t *handle, int level, const Area *area,
                             uint32_t *argb)
{
    double scale = slide->openslide_downsample[level];
    errno = 0;
    openslide_read_region(handle, argb, llround((double)area->x * scale), llround((double)area->y * scale),
                          slide->openslide_level[level], area->width, area->height);
    return openslide_get_error(handle);
}

/* Counts the caller as a reader of the current handle. */
static SlideHandle *take_handle(Slide *slide)
{
    g_mutex_lock(&slide->lock);
    /* A handle may be replaced while it is read, so each read counts. */
    SlideHandle *handle = slide->current;
    handle->readers++;
    g_mutex_unlock(&slide->lock);
    return handle;
}

/* Ends the use of a handle; the last reader closes a replaced one. */
static void drop_handle(Slide *slide, SlideHandle *handle)
{
    g_mutex_lock(&slide->lock);
    gboolean last = --handle->readers == 0;
    g_mutex_unlock(&slide->lock);
    if (last) {
        openslide_close(handle->openslide);
        g_free(handle);
    }
}

/* A new handle on the file; NULL with error. */
static openslide_t *reopen(const Slide *slide, GError **error)
{
    openslide_t *handle = NULL;
    if (slide_openslide_open(slide->source, &handle, error) && !handle) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_IO, "%s cannot be opened again", slide->path);
    }
    return handle;
}

/* Replaces a failed handle by a new one, unless another thread has already done so. */
static gboolean replace_handle(Slide *slide, SlideHandle *failed, GError **error)
{
    openslide_t *fresh = reopen(slide, error);
    if (!fresh) {
        return FALSE;
    }
    g_mutex_lock(&slide->lock);
    /* Another thread may have been faster. */
    gboolean ours = slide->current == failed;
    if (ours) {
        slide->current = g_new(SlideHandle, 1);
        *slide->current = (SlideHandle){fresh, 1};
    }
    g_mutex_unlock(&slide->lock);
    if (ours) {
        drop_handle(slide, failed);
    } else {
        openslide_close(fresh);
    }
    return TRUE;
}

/* A new salvage handle, since the old one keeps its error. */
static gboolean reopen_salvage(Slide *slide, GError **error)
{
    g_clear_pointer(&slide->salvage, openslide_close);
    slide->salvage = reopen(slide, error);
    return slide->salvage != NULL;
}

/* Reads the part of the area that is in one block.  It reads the whole block, so that a block's being bad does not depend
 * on the area.  Called with salvage_lock held. */
static gboolean salvage_block(Slide *slide, int level, int64_t column, int64_t row, const Area *area,
                              const Target *target, uint32_t *argb, GError **error)
{
    int width = slide->block_width[level], height = slide->block_height[level];
    Area block = {column * width, row * height, 0, 0};
    if (slide_bad_block(slide, level, column, row)) {
        return TRUE;
    }
    block.width = (int)MIN(width, slide->levels[level].width - block.x);
    block.height = (int)MIN(height, slide->levels[level].height - block.y);
    const char *message = read_argb(slide, slide->salvage, level, &block, argb);
    /* The system failed: the block may be fine, so it is not noted as bad. */
    if (message && slide_openslide_failed(slide->path, message, errno, error)) {
        g_clear_pointer(&slide->salvage, openslide_close);
        return FALSE;
    }
    if (message) {
        return slide_bad_note(slide, level, column, row, message, error) && reopen_salvage(slide, error);
    }
    /* The part of the block that is in the area, row by row. */
    int64_t x0 = MAX(block.x, area->x), x1 = MIN(block.x + block.width, area->x + area->width);
    int64_t y0 = MAX(block.y, area->y), y1 = MIN(block.y + block.height, area->y + area->height);
    for (int64_t y = y0; y < y1; y++) {
        Area line = {x0, y, (int)(x1 - x0), 1};
        store_argb(target, &line, argb + (y - block.y) * block.width + (x0 - block.x));
    }
    return TRUE;
}

/* Reads an area that may have unreadable blocks.  Called with salvage_lock held. */
static gboolean salvage(Slide *slide, int level, const Area *area, const Target *target, uint32_t *argb,
                        GError **error)
{
    int width = slide->block_width[level], height = slide->block_height[level];
    if (!slide->salvage && !reopen_salvage(slide, error)) {
        return FALSE;
    }
    /* The failure may have been that of another area: try the whole area first. */
    if (!touches_bad_block(slide, level, area)) {
        if (!read_argb(slide, slide->salvage, level, area, argb)) {
            store_argb(target, area, argb);
            return TRUE;
        }
        if (!reopen_salvage(slide, error)) {
            return FALSE;
        }
    }
    g_autofree uint32_t *block =
        wsi_try_alloc((size_t)width * height, sizeof *block, "a block of a slide", error);
    if (!block) {
        return FALSE;
    }
    for (int64_t row = area->y / height; row <= (area->y + area->height - 1) / height; row++) {
        for (int64_t column = area->x / width; column <= (area->x + area->width - 1) / width; column++) {
            if (!salvage_block(slide, level, column, row, area, target, block, error)) {
                return FALSE;
            }
        }
    }
    return TRUE;
}

/* Reads an area inside the level by OpenSlide: through the shared handle if possible, else by salvage. */
static gboolean read_piece(Slide *slide, int level, const Area *area, const Target *target, uint32_t *argb,
                           GError **error)
{
    if (!touches_bad_block(slide, level, area)) {
        SlideHandle *handle = take_handle(slide);
        gboolean failed = read_argb(slide, handle->openslide, level, area, argb) != NULL;
        /* A failed handle answers everything with its error, so others get a new one. */
        gboolean ok = !failed || replace_handle(slide, handle, error);
        drop_handle(slide, handle);
        if (!failed) {
            store_argb(target, area, argb);
        }
        if (!failed || !ok) {
            return ok;
        }
    }
    g_mutex_lock(&slide->salvage_lock);
    gboolean ok = salvage(slide, level, area, target, argb, error);
    g_mutex_unlock(&slide->salvage_lock);
    return ok;
}

/* Reads an area in pieces of whole rows, so that the ARGB buffer stays small. */
static gboolean read_by_openslide(Slide *slide, int level, const Area *area, const Target *target,
                                  GError **error)
{
    /* (rows, width) of ARGB. */
    int rows = CLAMP(MAX_PIECE / area->width, 1, area->height);
    g_autofree uint32_t *argb =
        wsi_try_alloc((size_t)rows * area->width, sizeof *argb, "a part of a slide", error);
    if (!argb) {
        return FALSE;
    }
    for (int done = 0; done < area->height; done += rows) {
        Area piece = {area->x, area->y + done, area->width, MIN(rows, area->height - done)};
        if (!read_piece(slide, level, &piece, target, argb, error)) {
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean note_bad_tile(void *data, int level, int64_t column, int64_t row, const char *reason,
                              GError **error)
{
    return slide_bad_note(data, level, column, row, reason, error);
}

gboolean slide_read(Slide *slide, int level, int64_t x, int64_t y, Image *rgb, Image *readable,
                    GError **error)
{
    if (level < 0 || level >= slide->info.level_count) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "%s has no level %d", slide->path, level);
        return FALSE;
    }
    const SlideLevel *geometry = &slide->levels[level];
    gboolean inside =
        x >= 0 && y >= 0 && x <= geometry->width - rgb->width && y <= geometry->height - rgb->height;
    if (!inside || !slide->fast) { /* the fast path writes every pixel inside the level */
        memset(rgb->pixels, 255, image_bytes(rgb));
        if (readable) {
            memset(readable->pixels, 0, image_bytes(readable));
        }
    }
    /* A rectangle outside of the level; without this test, sums of its coordinates could overflow. */
    if (x >= geometry->width || y >= geometry->height || x <= -(int64_t)rgb->width ||
        y <= -(int64_t)rgb->height) {
        return TRUE;
    }
    /* The part of the rectangle inside the level. */
    int64_t x0 = MAX(x, 0), y0 = MAX(y, 0);
    Area area = {x0, y0, (int)(MIN(x + rgb->width, geometry->width) - x0),
                 (int)(MIN(y + rgb->height, geometry->height) - y0)};
    if (slide->fast) {
        return jpegtiff_read(slide->fast, level, x, y, rgb, readable, note_bad_tile, slide, error);
    }
    Target target = {x, y, rgb, readable, slide->raw_ycbcr[level]};
    return read_by_openslide(slide, level, &area, &target, error);
}

gboolean slide_view(Slide *slide, int level, int64_t x, int64_t y, int width, int height, MosaicView *view)
{
    return slide->fast && jpegtiff_view(slide->fast, level, x, y, width, height, view);
}

void slide_release(Slide *slide, MosaicView *view)
{
    jpegtiff_release(slide->fast, view);
}
