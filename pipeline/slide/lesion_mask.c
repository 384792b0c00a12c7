/* Lesion masks.
 *
 * The raster gives rows as spans and the pyramid asks for parts of some rows, so a mask of 97,792 x 221,184 px needs memory for a few rows
 * of tiles only.  Nearly all of its tiles have one value, which the spans show without looking at pixels.
 *
 * Label masks of other programs are read by tiler/ and traced by annotations/; only rows of labels pass between them. */
#include "pipeline/slide/lesion_mask.h"
#include "annotations/read/annotation_read.h"
#include "annotations/read/contour_annotation.h"
#include "base/error.h"
#include "tiler/label_mask/label_mask.h"
#include "tiler/pyramid/pyramid.h"
#include "tiler/tiff/tiffpages.h"
#include <math.h>
#include <string.h>

typedef struct {
    const LesionMaskSpec *spec;
    int64_t width, height, set;
    int rows;         /* of the current band */
    GPtrArray *spans; /* of each row: array of int64_t as in raster.h, clipped to the mask */
} MaskRows;

static void keep_inside(GArray *spans, int64_t width)
{
    guint kept = 0;
    for (guint i = 0; i < spans->len; i += 2) {
        int64_t from = MAX(g_array_index(spans, int64_t, i), 0),
                to = MIN(g_array_index(spans, int64_t, i + 1), width);
        if (from < to) {
            g_array_index(spans, int64_t, kept++) = from;
            g_array_index(spans, int64_t, kept++) = to;
        }
    }
    g_array_set_size(spans, kept);
}

static gboolean mask_rows(void *data, int64_t y, int rows, void *pixels, GError **error)
{
    MaskRows *mask = data;
    const LesionMaskSpec *spec = mask->spec;
    mask->rows = rows;
    for (int row = 0; row < rows; row++) {
        if (mask->spans->len == (guint)row) {
            g_ptr_array_add(mask->spans, g_array_new(FALSE, FALSE, sizeof(int64_t)));
        }
        GArray *spans = mask->spans->pdata[row];
        raster_row_max(spec->raster, spec->factor, y + row, spans);
        keep_inside(spans, mask->width);
        for (guint i = 0; i < spans->len; i += 2) {
            mask->set += g_array_index(spans, int64_t, i + 1) - g_array_index(spans, int64_t, i);
        }
    }
    return !spec->tick || spec->tick(spec->data, y, mask->height, error);
}

/* The first span that ends beyond x, as an index of the array; its length when there is none. */
static guint first_beyond(const GArray *spans, int64_t x)
{
    guint low = 0, high = spans->len / 2;
    while (low < high) {
        guint middle = (low + high) / 2;
        if (g_array_index(spans, int64_t, 2 * middle + 1) <= x) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return 2 * low;
}

/* 0 or 1 when all pixels [x, end) of the row are, else -1. */
static int value_of(const GArray *spans, int64_t x, int64_t end)
{
    guint i = first_beyond(spans, x);
    if (i == spans->len || g_array_index(spans, int64_t, i) >= end) {
        return 0;
    }
    return g_array_index(spans, int64_t, i) <= x && g_array_index(spans, int64_t, i + 1) >= end ? 1 : -1;
}

static void fill_row(const GArray *spans, int64_t x, int64_t end, uint8_t *row)
{
    memset(row, 0, (size_t)(end - x));
    for (guint i = first_beyond(spans, x); i < spans->len && g_array_index(spans, int64_t, i) < end; i += 2) {
        int64_t from = MAX(g_array_index(spans, int64_t, i), x),
                to = MIN(g_array_index(spans, int64_t, i + 1), end);
        memset(row + (from - x), 1, (size_t)(to - from));
    }
}

static gboolean mask_part(void *data, int64_t x, int width, void *pixels, size_t stride, gboolean *constant,
                          GError **error)
{
    const MaskRows *mask = data;
    uint8_t *out = pixels;
    int value = value_of(mask->spans->pdata[0], x, x + width), row = 1;
    while (value >= 0 && row < mask->rows && value_of(mask->spans->pdata[row], x, x + width) == value) {
        row++;
    }
    *constant = value >= 0 && row == mask->rows;
    if (*constant) {
        *out = (uint8_t)value;
        return TRUE;
    }
    for (row = 0; row < mask->rows; row++) {
        fill_row(mask->spans->pdata[row], x, x + width, out + (size_t)row * stride);
    }
    return TRUE;
}

gboolean lesion_mask_write(const char *path, const LesionMaskSpec *spec, int64_t *lesion_px, char sha256[65],
                           GError **error)
{
    int factor = spec->factor;
    g_autoptr(GPtrArray) spans = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
    MaskRows mask = {.spec = spec,
                     .width = (spec->width + factor - 1) / factor,
                     .height = (spec->height + factor - 1) / factor,
                     .spans = spans};
    PyramidSpec pyramid = {.layout = PYRAMID_MULTI_IFD,
                           .pixels = PYRAMID_LABEL,
                           .width = mask.width,
                           .height = mask.height,
                           .mpp_x = spec->mpp_x * factor,
                           .mpp_y = spec->mpp_y * factor,
                           .threads = spec->threads,
                           .part = mask_part,
                           .description = "lesion mask: 0 not lesion, 1 lesion; for research use only"};
    gboolean ok = pyramid_write(path, &pyramid, mask_rows, &mask, sha256, error);
    if (lesion_px) {
        *lesion_px = mask.set;
    }
    return ok;
}

/* ---- reading label masks ---- */

enum { LABELS = 256, STEP = 64 };

typedef struct {
    int64_t width;
    Contour *contours[LABELS]; /* of the labels that occur so far */
    GArray *spans[LABELS];     /* int64_t: runs of the current row */
} Tracing;

/* The first byte from x on that differs from `value`. */
static int64_t run_end(const uint8_t *values, int64_t x, int64_t width, uint8_t value)
{
    uint8_t same[STEP];
    memset(same, value, sizeof same);
    while (x + STEP <= width && memcmp(values + x, same, STEP) == 0) {
        x += STEP;
    }
    while (x < width && values[x] == value) {
        x++;
    }
    return x;
}

static gboolean trace_row(void *data, int64_t y, const uint8_t *values, GError **error)
{
    Tracing *tracing = data;
    for (int64_t x = 0, end; x < tracing->width; x = end) {
        uint8_t label = values[x];
        end = run_end(values, x, tracing->width, label);
        if (label == 0) {
            continue;
        }
        if (!tracing->contours[label]) {
            tracing->contours[label] = contour_new();
            tracing->spans[label] = g_array_new(FALSE, FALSE, sizeof(int64_t));
        }
        int64_t span[2] = {x, end};
        g_array_append_vals(tracing->spans[label], span, 2);
    }
    for (int i = 1; i < LABELS; i++) {
        GArray *spans = tracing->spans[i];
        if (!spans) {
            continue;
        }
        if (!contour_row(tracing->contours[i], y, (const int64_t *)(void *)spans->data, (int)spans->len / 2,
                         error)) {
            return FALSE;
        }
        g_array_set_size(spans, 0);
    }
    return TRUE;
}

static void tracing_clear(Tracing *tracing)
{
    for (int i = 0; i < LABELS; i++) {
        contour_free(tracing->contours[i]);
        g_clear_pointer(&tracing->spans[i], g_array_unref);
    }
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Tracing, tracing_clear)

/* Level-0 px per mask px along one axis: the whole number that gives the mask's size from the slide's, or else the ratio. */
static double scale_of(double slide, int64_t mask)
{
    if (slide <= 0) {
        return 1;
    }
    double whole = round(slide / (double)mask);
    gboolean divides =
        whole >= 1 && (ceil(slide / whole) == (double)mask || floor(slide / whole) == (double)mask);
    return divides ? whole : slide / (double)mask;
}

/* One factor must fit x and y to within a pixel of the mask.  Otherwise the mask is rotated, cropped or of another slide. */
static gboolean check_aspect(const char *path, const LabelMask *labels, const SlideFrame *frame,
                             GError **error)
{
    int64_t width = label_mask_width(labels), height = label_mask_height(labels);
    if (frame->width <= 0 || frame->height <= 0 ||
        tiffpages_one_factor((int64_t)frame->width, (int64_t)frame->height, width, height)) {
        return TRUE;
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                "%s (%" G_GINT64_FORMAT " x %" G_GINT64_FORMAT
                " px) does not have the aspect ratio of the slide (%.0f x %.0f px): one of its pixels would "
                "be %.4g x %.4g px "
                "of the slide; is it rotated, cropped, or of another slide?",
                path, width, height, frame->width, frame->height, frame->width / (double)width,
                frame->height / (double)height);
    return FALSE;
}

Annotation *lesion_mask_outlines(const char *path, const GroupSpec *groups, const SlideFrame *frame,
                                 GError **error)
{
    g_autoptr(LabelMask) labels = label_mask_open(path, error);
    g_auto(Tracing) tracing = {.width = labels ? label_mask_width(labels) : 0};
    if (!labels || !check_aspect(path, labels, frame, error) ||
        !label_mask_read(labels, trace_row, &tracing, error)) {
        return NULL;
    }
    LabelContour found[LABELS];
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    int count = 0;
    for (int i = 1; i < LABELS; i++) {
        if (tracing.contours[i]) {
            g_ptr_array_add(names, label_mask_name(labels, i));
            found[count] = (LabelContour){names->pdata[count], tracing.contours[i]};
            count++;
        }
    }
    Annotation *annotation =
        contour_annotation(path, found, count, scale_of(frame->width, label_mask_width(labels)),
                           scale_of(frame->height, label_mask_height(labels)), groups, frame, error);
    const char *note = label_mask_note(labels);
    if (annotation && note) {
        g_ptr_array_add(annotation->warnings, g_strdup_printf("%s is %s", path, note));
    }
    return annotation;
}
