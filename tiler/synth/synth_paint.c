/* Paints squares of a synthetic slide.
 *
 * Two layers of optical density, eosin and haematoxylin, become colours by the Beer-Lambert law:
 * grey = glass x exp(-sum of stain x density), as real stains mix. */
#include "tiler/synth/synth_painter.h"
#include "base/error.h"
#include "base/rng.h"
#include <math.h>
#include <string.h>

#define MAX_DENSITY 4.0f

/* Triangular noise: the difference of two uniform numbers. */
static void fill_sensor_noise(SynthPainter *painter)
{
    for (int y = 0; y < painter->size; y++) {
        /* Not a function of the position on the slide: a pattern that repeats is enough for noise. */
        Rng rng = rng_at(painter->plan->spec.seed, (uint64_t)y, STREAM_SENSOR);
        for (int i = 0; i < painter->size * 3; i++) {
            painter->sensor[(size_t)y * painter->size * 3 + i] =
                (int8_t)((int)rng_below(&rng, 4) - (int)rng_below(&rng, 4));
        }
    }
}

/* Tables of exp(-density x stain) for both stains. */
static void fill_shades(SynthPainter *painter)
{
    const SynthPlan *plan = painter->plan;
    for (int i = 0; i < SYNTH_SHADES; i++) {
        double density = (double)MAX_DENSITY * i / SYNTH_SHADES;
        for (int c = 0; c < 3; c++) {
            painter->shade_eosin[i][c] = (uint16_t)(32768 * exp(-density * plan->eosin[c]));
            painter->shade_haem[i][c] =
                (uint16_t)(256 * plan->background[c] * exp(-density * plan->haematoxylin[c]));
        }
    }
}

SynthPainter *synth_painter_new(const SynthPlan *plan, int size, GError **error)
{
    SynthPainter *painter = g_new0(SynthPainter, 1);
    size_t pixels = (size_t)size * size;
    float **layers[] = {&painter->depth,  &painter->eosin,  &painter->haem,  &painter->grain,
                        &painter->blotch, &painter->stroma, &painter->cover, &painter->row};
    painter->plan = plan;
    painter->size = size;
    painter->sensor = wsi_try_alloc(pixels, 3, "a synthetic tile", error);
    gboolean ok = painter->sensor != NULL;
    for (guint i = 0; ok && i < G_N_ELEMENTS(layers); i++) {
        *layers[i] = wsi_try_alloc(pixels, sizeof(float), "a synthetic tile", error);
        ok = *layers[i] != NULL;
    }
    if (!ok) {
        synth_painter_free(painter);
        return NULL;
    }
    fill_shades(painter);
    fill_sensor_noise(painter);
    return painter;
}

void synth_painter_free(SynthPainter *painter)
{
    if (painter) {
        g_free(painter->depth);
        g_free(painter->eosin);
        g_free(painter->haem);
        g_free(painter->grain);
        g_free(painter->blotch);
        g_free(painter->stroma);
        g_free(painter->cover);
        g_free(painter->row);
        g_free(painter->sensor);
        g_free(painter);
    }
}

/* Interpolates a row of nodes of a coarse field to the pixels of the square. */
static void stretch_nodes(const SynthPainter *painter, const float *nodes, float *out)
{
    for (int i = 0; i < painter->width; i++) {
        int64_t x = painter->x + i, node = x / SYNTH_STEP;
        out[i] = nodes[node] + (nodes[node + 1] - nodes[node]) * ((float)(x % SYNTH_STEP) / SYNTH_STEP);
    }
}

/* Interpolates a coarse field to all pixels of the square. */
static void spread_field(const SynthPainter *painter, int field, float *out)
{
    const SynthPlan *plan = painter->plan;
    float *top = painter->row, *bottom = painter->row + painter->size;
    int64_t held = -1;
    for (int j = 0; j < painter->height; j++) {
        int64_t y = painter->y + j;
        /* Nodes above and below; they change every SYNTH_STEP rows. */
        if (y / SYNTH_STEP != held) {
            held = y / SYNTH_STEP;
            stretch_nodes(painter, plan->field[field] + (size_t)held * plan->nodes_x, top);
            stretch_nodes(painter, plan->field[field] + (size_t)(held + 1) * plan->nodes_x, bottom);
        }
        float lower = (float)(y % SYNTH_STEP) / SYNTH_STEP;
        for (int i = 0; i < painter->width; i++) {
            out[j * painter->width + i] = top[i] + (bottom[i] - top[i]) * lower;
        }
    }
}

/* Adds noise at all pixels of the square. */
static void noise(const SynthPainter *painter, uint32_t stream, double spacing, double amplitude, float *out)
{
    synth_noise_add(painter->plan->spec.seed, stream, spacing, amplitude, (double)painter->x,
                    (double)painter->y, 1, painter->width, painter->height, out);
}

/* A wave of period 1 and range -1 .. 1, by parabolas; t > 0. */
static float wave(float t)
{
    /* -1 .. 1 over a period; two parabolas instead of a sine, which would be slow. */
    float s = 2 * (t - (float)(int)t) - 1;
    return 4 * s * (1 - fabsf(s));
}

/* One row of the tissue without nuclei: eosin with blotches and grain, and wavy fibres where it is fibrous. */
static void paint_ground_row(SynthPainter *painter, int j)
{
    const SynthPlan *plan = painter->plan;
    /* The phase at the left border, in periods; only its fraction matters. */
    double start = plan->fibre_x * (double)painter->x + plan->fibre_y * (double)(painter->y + j);
    float phase = (float)(start - floor(start)) + 64,
          pitch = (float)plan->fibre_x; /* 64 keeps the argument of wave() positive */
    float rough = (float)(5 / plan->spec.mpp), fine = (float)(1.5 / plan->spec.mpp);
    size_t first = (size_t)j * painter->width;
    for (size_t p = first; p < first + painter->width; p++) {
        float grain = painter->grain[p], blotch = painter->blotch[p];
        float fibre = wave(phase + pitch * (float)(p - first) + painter->haem[p] + 0.3f * blotch);
        painter->eosin[p] += 0.06f * blotch + 0.05f * grain + painter->stroma[p] * 0.12f * fibre;
        painter->haem[p] = 0.05f + 0.02f * blotch;
        painter->depth[p] += rough * blotch + fine * grain;
    }
}

/* Tissue without nuclei: depth inside the tissue, eosin, and a little haematoxylin. */
static void paint_ground(SynthPainter *painter)
{
    double mpp = painter->plan->spec.mpp;
    size_t bytes = (size_t)painter->width * painter->height * sizeof(float);
    memset(painter->grain, 0, bytes);
    memset(painter->blotch, 0, bytes);
    memset(painter->haem, 0, bytes);
    spread_field(painter, FIELD_TISSUE, painter->depth);
    spread_field(painter, FIELD_EOSIN, painter->eosin);
    spread_field(painter, FIELD_STROMA, painter->stroma);
    noise(painter, STREAM_GRAIN, 1.6 / mpp, 1, painter->grain);
    noise(painter, STREAM_BLOTCH, 9 / mpp, 1, painter->blotch);
    noise(painter, STREAM_WARP, 40 / mpp, 2.2,
          painter->haem); /* phase of the fibres, until paint_ground_row() replaces it */
    for (int j = 0; j < painter->height; j++) {
        paint_ground_row(painter, j);
    }
}

/* A round hole in the tissue (vessel, fat), through which glass is visible. */
static void cut_lumen(SynthPainter *painter, double x, double y, double radius)
{
    int x0 = (int)CLAMP(x - radius - 24 - (double)painter->x, 0, painter->width);
    int x1 = (int)CLAMP(x + radius + 25 - (double)painter->x, 0, painter->width);
    int y0 = (int)CLAMP(y - radius - 24 - (double)painter->y, 0, painter->height);
    int y1 = (int)CLAMP(y + radius + 25 - (double)painter->y, 0, painter->height);
    for (int j = y0; j < y1; j++) {
        for (int i = x0; i < x1; i++) {
            size_t p = (size_t)j * painter->width + i;
            float dx = (float)((double)(painter->x + i) - x), dy = (float)((double)(painter->y + j) - y);
            float depth = sqrtf(dx * dx + dy * dy) - (float)radius + 4 * painter->blotch[p];
            /* Negative inside the hole, with a border made rough by the blotches. */
            painter->depth[p] = MIN(painter->depth[p], depth);
        }
    }
}

/* One candidate per lattice cell, of which 30 % are cut. */
static void paint_lumens(SynthPainter *painter)
{
    const SynthPlan *plan = painter->plan;
    double pitch = 260 / plan->spec.mpp, reach = 60 / plan->spec.mpp + 24;
    int64_t c0 = (int64_t)floor(((double)painter->x - reach) / pitch),
            r0 = (int64_t)floor(((double)painter->y - reach) / pitch);
    int64_t c1 = (int64_t)floor(((double)painter->x + painter->width + reach) / pitch);
    int64_t r1 = (int64_t)floor(((double)painter->y + painter->height + reach) / pitch);
    for (int64_t r = r0; r <= r1; r++) {
        for (int64_t c = c0; c <= c1; c++) {
            Rng rng = rng_at(plan->spec.seed, ((uint64_t)(uint32_t)r << 32) | (uint32_t)c, STREAM_LUMEN);
            double x = ((double)c + rng_uniform(&rng)) * pitch, y = ((double)r + rng_uniform(&rng)) * pitch;
            /* 8 to 38 um, small ones more often. */
            double radius = (8 + 30 * rng_uniform(&rng) * rng_uniform(&rng)) / plan->spec.mpp;
            if (rng_uniform(&rng) < 0.3) {
                cut_lumen(painter, x, y, radius);
            }
        }
    }
}

/* Draws the pen stroke: all pixels within its radius of a segment. */
static void paint_pen(const SynthPainter *painter, uint8_t *rgb, size_t stride)
{
    const SynthPlan *plan = painter->plan;
    double radius = plan->pen_radius;
    for (int k = 0; k + 1 < plan->pen_points; k++) {
        const double *from = plan->pen_xy + 2 * k, *to = from + 2;
        double dx = to[0] - from[0], dy = to[1] - from[1], square = dx * dx + dy * dy;
        int x0 = (int)CLAMP(MIN(from[0], to[0]) - radius - (double)painter->x, 0, painter->width);
        int x1 = (int)CLAMP(MAX(from[0], to[0]) + radius + 1 - (double)painter->x, 0, painter->width);
        int y0 = (int)CLAMP(MIN(from[1], to[1]) - radius - (double)painter->y, 0, painter->height);
        int y1 = (int)CLAMP(MAX(from[1], to[1]) + radius + 1 - (double)painter->y, 0, painter->height);
        for (int j = y0; j < y1; j++) {
            for (int i = x0; i < x1; i++) {
                double px = (double)(painter->x + i) - from[0], py = (double)(painter->y + j) - from[1];
                /* The nearest point of the segment. */
                double t = CLAMP((px * dx + py * dy) / square, 0, 1);
                if (hypot(px - t * dx, py - t * dy) <= radius) {
                    for (int c = 0; c < 3; c++) {
                        rgb[(size_t)j * stride + 3 * i + c] =
                            (uint8_t)(plan->background[c] * plan->pen_colour[c]);
                    }
                }
            }
        }
    }
}

/* How much of each pixel a stroke covers, 0..1 with soft edges, into painter->cover.  FALSE: it does not reach into the square. */
static gboolean cover_stroke(SynthPainter *painter, const SynthStroke *stroke)
{
    const double soft = 4;
    gboolean any = FALSE;
    memset(painter->cover, 0, sizeof(float) * (size_t)painter->width * painter->height);
    for (int k = 0; k + 1 < SYNTH_STROKE; k++) {
        const double *from = stroke->xy + 2 * k, *to = from + 2, room = stroke->radius + 1;
        double dx = to[0] - from[0], dy = to[1] - from[1], square = dx * dx + dy * dy;
        int x0, x1, y0, y1;
        synth_clip((from[0] + to[0]) / 2, (float)(fabs(dx) / 2 + room), painter->x, painter->width, &x0, &x1);
        synth_clip((from[1] + to[1]) / 2, (float)(fabs(dy) / 2 + room), painter->y, painter->height, &y0,
                   &y1);
        for (int j = y0; j < y1; j++) {
            for (int i = x0; i < x1; i++) {
                double px = (double)(painter->x + i) - from[0], py = (double)(painter->y + j) - from[1];
                double t = CLAMP((px * dx + py * dy) / square, 0, 1);
                float *cover = &painter->cover[(size_t)j * painter->width + i];
                double here = CLAMP((stroke->radius - hypot(px - t * dx, py - t * dy)) / soft, 0, 1);
                *cover = MAX(*cover, (float)here);
                any = TRUE;
            }
        }
    }
    return any;
}

/* Where the tissue lies double, both stains are twice as strong. */
static void paint_folds(SynthPainter *painter)
{
    const SynthPlan *plan = painter->plan;
    for (int k = 0; k < plan->stroke_count; k++) {
        if (plan->strokes[k].fold && cover_stroke(painter, &plan->strokes[k])) {
            for (size_t p = 0; p < (size_t)painter->width * painter->height; p++) {
                painter->eosin[p] *= 1 + painter->cover[p];
                painter->haem[p] *= 1 + painter->cover[p];
            }
        }
    }
}

/* Ink over the tissue, which shows through. */
static void paint_inks(SynthPainter *painter, uint8_t *rgb, size_t stride)
{
    const SynthPlan *plan = painter->plan;
    for (int k = 0; k < plan->stroke_count; k++) {
        const SynthStroke *stroke = &plan->strokes[k];
        if (stroke->fold || !cover_stroke(painter, stroke)) {
            continue;
        }
        for (int j = 0; j < painter->height; j++) {
            for (int i = 0; i < painter->width; i++) {
                double cover = (double)painter->cover[(size_t)j * painter->width + i];
                uint8_t *pixel = rgb + (size_t)j * stride + 3 * i;
                for (int c = 0; c < 3 && cover > 0; c++) {
                    pixel[c] = (uint8_t)(pixel[c] * (1 - cover * (1 - stroke->colour[c])));
                }
            }
        }
    }
}

/* The unscanned corner. */
static void paint_black(const SynthPainter *painter, uint8_t *rgb, size_t stride)
{
    const Rect *black = &painter->plan->black;
    int width = (int)CLAMP(black->x + black->width - (double)painter->x, 0, painter->width);
    int height = (int)CLAMP(black->y + black->height - (double)painter->y, 0, painter->height);
    for (int j = 0; j < height; j++) {
        memset(rgb + (size_t)j * stride, 0, (size_t)width * 3);
    }
}

/* The row of the shade tables for a density. */
static int shade_index(float density)
{
    return (int)(CLAMP(density, 0, MAX_DENSITY - 0.01f) * (SYNTH_SHADES / MAX_DENSITY));
}

/* Converts densities to colours, and adds sensor noise (steps of a quarter of a grey level). */
static void develop(const SynthPainter *painter, uint8_t *rgb, size_t stride)
{
    float soft = (float)(painter->plan->spec.mpp / 2);
    for (int j = 0; j < painter->height; j++) {
        uint8_t *out = rgb + (size_t)j * stride;
        const int8_t *sensor =
            painter->sensor + (size_t)((painter->y + j) % painter->size) * painter->size * 3;
        for (int i = 0; i < painter->width; i++) {
            const int8_t *wobble = sensor + (size_t)((painter->x + i) % painter->size) * 3;
            size_t p = (size_t)j * painter->width + i;
            /* The edge of the tissue is soft over about 2 um. */
            float presence = CLAMP(painter->depth[p] * soft + 0.5f, 0, 1);
            const uint16_t *eosin = painter->shade_eosin[shade_index(painter->eosin[p] * presence)];
            const uint16_t *haem = painter->shade_haem[shade_index(painter->haem[p] * presence)];
            for (int c = 0; c < 3; c++) {
                /* 2^15 x 2^8 / 2^15: grey levels in 1/256. */
                int grey = (int)(((uint32_t)eosin[c] * haem[c]) >> 15) + 64 * wobble[c] + 128;
                out[3 * i + c] = (uint8_t)(MAX(grey, 0) >> 8);
            }
        }
    }
}

/* A square of bare glass. */
static void paint_glass(const SynthPainter *painter, uint8_t *rgb, size_t stride)
{
    for (int i = 0; i < painter->width * 3; i++) {
        rgb[i] = (uint8_t)(painter->plan->background[i % 3] + 0.5);
    }
    for (int j = 1; j < painter->height; j++) {
        memcpy(rgb + (size_t)j * stride, rgb, (size_t)painter->width * 3);
    }
}

/* Whether no tissue reaches into the square. */
static gboolean is_glass(const SynthPainter *painter)
{
    const SynthPlan *plan = painter->plan;
    /* Blotches and grain can move the border of the tissue by this much. */
    float margin = (float)(8 / plan->spec.mpp) + SYNTH_STEP;
    int64_t i1 = (painter->x + painter->width - 1) / SYNTH_STEP + 1,
            j1 = (painter->y + painter->height - 1) / SYNTH_STEP + 1;
    for (int64_t j = painter->y / SYNTH_STEP; j <= j1; j++) {
        for (int64_t i = painter->x / SYNTH_STEP; i <= i1; i++) {
            if (plan->field[FIELD_TISSUE][j * plan->nodes_x + i] > -margin) {
                return FALSE;
            }
        }
    }
    return TRUE;
}

void synth_paint(SynthPainter *painter, int64_t x, int64_t y, int width, int height, uint8_t *rgb,
                 size_t stride)
{
    painter->x = x;
    painter->y = y;
    painter->width = width;
    painter->height = height;
    if (is_glass(painter)) {
        paint_glass(painter, rgb, stride);
    } else {
        paint_ground(painter);
        paint_lumens(painter);
        synth_paint_nuclei(painter);
        paint_folds(painter);
        develop(painter, rgb, stride);
    }
    paint_inks(painter, rgb, stride);
    paint_pen(painter, rgb, stride);
    paint_black(painter, rgb, stride);
}
