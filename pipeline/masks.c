/* Lesion masks as pyramids, and the way back.
 *
 * The raster gives rows of bytes, the pyramid takes them: a mask of 97,792 x 221,184 px needs memory for some rows of tiles only.
 * Pixels are counted on the way, by searching for the ends of runs, as nearly all of them are of one kind.
 *
 * Masks of others are read by tiler/ and traced by annotations/; a row of labels is all that passes between them. */
#include "pipeline/masks.h"
#include "annotations/contour.h"
#include "tiler/labels.h"
#include "tiler/pyramid.h"
#include <math.h>
#include <string.h>

typedef struct {
    const MaskSpec *spec;
    int64_t width, height, set;
} MaskRows;

/* How many bytes are 1; the others are 0. */
static int64_t count_set(const uint8_t *bytes, size_t length)
{
    const uint8_t *end = bytes + length, *from;
    int64_t set = 0;
    while (bytes < end && (from = memchr(bytes, 1, (size_t)(end - bytes)))) {
        bytes = memchr(from, 0, (size_t)(end - from));
        bytes = bytes ? bytes : end;
        set += bytes - from;
    }
    return set;
}

static gboolean mask_rows(void *data, int64_t y, int rows, void *pixels, GError **error)
{
    MaskRows *mask = data;
    const MaskSpec *spec = mask->spec;
    raster_rows_max(spec->raster, spec->factor, y, rows, mask->width, pixels);
    mask->set += count_set(pixels, (size_t)rows * (size_t)mask->width);
    return !spec->tick || spec->tick(spec->data, y, mask->height, error);
}

gboolean masks_write(const char *path, const MaskSpec *spec, int64_t *lesion_px, char sha256[65],
                     GError **error)
{
    int factor = spec->factor;
    MaskRows mask = {spec, (spec->width + factor - 1) / factor, (spec->height + factor - 1) / factor, 0};
    PyramidSpec pyramid = {.layout = PYRAMID_MULTI_IFD,
                           .pixels = PYRAMID_LABEL,
                           .width = mask.width,
                           .height = mask.height,
                           .mpp_x = spec->mpp_x * factor,
                           .mpp_y = spec->mpp_y * factor,
                           .threads = spec->threads,
                           .description = "lesion mask: 0 not lesion, 1 lesion; for research use only"};
    gboolean ok = pyramid_write(path, &pyramid, mask_rows, &mask, sha256, error);
    if (lesion_px) {
        *lesion_px = mask.set;
    }
    return ok;
}

/* ---- the way back ---- */

enum { LABELS = 256, STEP = 64 };

typedef struct {
    int64_t width;
    Contour *contours[LABELS]; /* of the labels met so far */
    GArray *spans[LABELS];     /* int64_t: runs of the row in hand */
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

/* Level-0 px a pixel along one axis: the whole number that makes the slide's size this one, else the ratio. */
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

Annotation *masks_outlines(const char *path, const GroupRule *rules, const SlideFrame *frame, GError **error)
{
    g_autoptr(Labels) labels = labels_open(path, error);
    g_auto(Tracing) tracing = {.width = labels ? labels_width(labels) : 0};
    if (!labels || !labels_read(labels, trace_row, &tracing, error)) {
        return NULL;
    }
    LabelContour found[LABELS];
    char names[LABELS][4];
    int count = 0;
    for (int i = 1; i < LABELS; i++) {
        if (tracing.contours[i]) {
            g_snprintf(names[count], sizeof names[count], "%d", i);
            found[count] = (LabelContour){names[count], tracing.contours[i]};
            count++;
        }
    }
    return contour_annotation(path, found, count, scale_of(frame->width, labels_width(labels)),
                              scale_of(frame->height, labels_height(labels)), rules, frame, error);
}
