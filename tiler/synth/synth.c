/* A synthetic slide: planned as a whole, painted tile by tile, written as a pyramid.
 *
 * It replaces real slides, which may not be distributed: the demo and the tests run the whole program
 * on it, with lesions whose outlines are known exactly. */
#include "tiler/synth/synth.h"
#include "tiler/synth/synth_plan.h"
#include "tiler/pyramid/pyramid.h"
#include "base/error.h"
#include "base/pool.h"
#include <math.h>

enum { TILE = 256, QUALITY = 80 };

typedef struct {
    const SynthPlan *plan;
    SynthPainter **painters; /* [thread] */
    int threads, rows;
    int64_t y;
    uint8_t *band;
} Scanner;

/* Paints one tile of the band; run by a thread of the pool. */
static gboolean paint_column(int64_t column, int worker, void *data, GError **error)
{
    Scanner *scanner = data;
    /* Columns do not overlap, so threads write to separate parts of the band (rows, width, 3). */
    int64_t x = column * TILE, width = scanner->plan->spec.width;
    synth_paint(scanner->painters[worker], x, scanner->y, (int)MIN(TILE, width - x), scanner->rows,
                scanner->band + x * 3, (size_t)width * 3);
    return TRUE;
}

/* Paints a band of tiles, as a PyramidSource. */
static gboolean scan_band(void *data, int64_t y, int rows, void *pixels, GError **error)
{
    Scanner *scanner = data;
    scanner->y = y;
    scanner->rows = rows;
    scanner->band = pixels;
    return pool_run(scanner->threads, FALSE, (scanner->plan->spec.width + TILE - 1) / TILE, paint_column,
                    scanner, error);
}

/* Writes the slide with one painter per thread. */
static gboolean scan(const char *path, const SynthPlan *plan, int threads, GError **error)
{
    Scanner scanner = {.plan = plan, .threads = MAX(threads, 1)};
    /* A painter has buffers of its own, so each thread needs one. */
    scanner.painters = g_new0(SynthPainter *, scanner.threads);
    gboolean ok = TRUE;
    for (int t = 0; ok && t < scanner.threads; t++) {
        scanner.painters[t] = synth_painter_new(plan, TILE, error);
        ok = scanner.painters[t] != NULL;
    }
    PyramidSpec spec = {.layout = PYRAMID_MULTI_IFD,
                        .pixels = PYRAMID_RGB_JPEG,
                        .width = plan->spec.width,
                        .height = plan->spec.height,
                        .mpp_x = plan->spec.mpp,
                        .mpp_y = plan->spec.mpp,
                        .tile = TILE,
                        .quality = QUALITY,
                        .description = "synthetic slide",
                        .threads = scanner.threads};
    ok = ok && pyramid_write(path, &spec, scan_band, &scanner, NULL, error);
    for (int t = 0; t < scanner.threads; t++) {
        synth_painter_free(scanner.painters[t]);
    }
    g_free(scanner.painters);
    return ok;
}

static void outline_free(gpointer data)
{
    SynthOutline *outline = data;
    g_free(outline->xy);
    g_free(outline);
}

/* The vertices of a star in level-0 px. */
static SynthOutline *outline_of(const SynthStar *star)
{
    SynthOutline *outline = g_new(SynthOutline, 1);
    outline->points = star->points;
    outline->xy = g_new(double, 2 * star->points);
    for (int i = 0; i < star->points; i++) {
        /* Vertices are at equal angles. */
        double angle = 2 * G_PI * i / star->points;
        outline->xy[2 * i] = star->x + star->radius[i] * cos(angle) * star->half_width;
        outline->xy[2 * i + 1] = star->y + star->radius[i] * sin(angle) * star->half_height;
    }
    return outline;
}

GPtrArray *synth_outlines(const SynthPlan *plan)
{
    GPtrArray *outlines = g_ptr_array_new_with_free_func(outline_free);
    for (guint i = 0; i < plan->lesions->len; i++) {
        g_ptr_array_add(outlines, outline_of(plan->lesions->pdata[i]));
    }
    return outlines;
}

GPtrArray *synth_slide(const char *path, const SynthSpec *spec, int threads, GError **error)
{
    if (spec->width < 512 || spec->height < 512 || spec->width > 1 << 18 || spec->height > 1 << 18 ||
        !(spec->mpp >= 0.1 && spec->mpp <= 4) || spec->lesions < 0 || spec->lesions > 100 ||
        spec->artefacts < 0 || spec->artefacts > SYNTH_ARTEFACTS) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "a synthetic slide has 512 to 262144 px per side, 0.1 to 4 um/px and up to 100 lesions "
                    "and %d artefacts of a kind, not %" G_GINT64_FORMAT " x %" G_GINT64_FORMAT
                    " px, %g um/px, %d lesions and %d artefacts",
                    SYNTH_ARTEFACTS, spec->width, spec->height, spec->mpp, spec->lesions, spec->artefacts);
        return NULL;
    }
    g_autoptr(SynthPlan) plan = synth_plan_new(spec, error);
    if (!plan || !scan(path, plan, threads, error)) {
        return NULL;
    }
    return synth_outlines(plan);
}
