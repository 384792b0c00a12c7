/* Paints squares of a synthetic slide.
 *
 * Two layers of optical density, eosin and haematoxylin, are laid down and turned to colours by the law of Beer and
 * Lambert: grey = glass x exp(-sum of stain x density), as real stains mix.  Nuclei stand on jittered lattices whose cells
 * are kept or left empty by chance, so they crowd without lying on top of each other; each cell draws its nucleus from its own
 * random numbers, and a square draws all cells that can reach into it. */
#include "tiler/synth_plan.h"
#include "base/error.h"
#include "base/rng.h"
#include <math.h>
#include <string.h>

enum { SHADES = 2048 };
#define MAX_DENSITY 4.0f

struct SynthPainter {
    const SynthPlan *plan;
    int size, width, height; /* capacity; of the square being painted */
    int64_t x, y;
    float *depth, *eosin, *haem, *grain, *blotch, *stroma;
    float shade_eosin[3][SHADES], shade_haem[3][SHADES]; /* transmission by density */
    int8_t *sensor;                                      /* size x size x 3 */
};

/* A nucleus; lengths in px. */
typedef struct {
    double x, y, radius, aspect, angle, density;
    double lobes[3]; /* strength of cos 2t, sin 2t, cos 3t in the outline */
    double pale;     /* 0 solid .. 1 pale inside with a dark rim */
} Nucleus;

static void fill_sensor_noise(SynthPainter *painter)
{
    for (int y = 0; y < painter->size; y++) {
        Rng rng = rng_at(painter->plan->spec.seed, (uint64_t)y, STREAM_SENSOR);
        for (int i = 0; i < painter->size * 3; i++) {
            painter->sensor[(size_t)y * painter->size * 3 + i] =
                (int8_t)((int)rng_below(&rng, 4) - (int)rng_below(&rng, 4));
        }
    }
}

SynthPainter *synth_painter_new(const SynthPlan *plan, int size, GError **error)
{
    SynthPainter *painter = g_new0(SynthPainter, 1);
    size_t pixels = (size_t)size * size;
    float **layers[] = {&painter->depth, &painter->eosin,  &painter->haem,
                        &painter->grain, &painter->blotch, &painter->stroma};
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
    for (int c = 0; c < 3; c++) {
        for (int i = 0; i < SHADES; i++) {
            double density = (double)MAX_DENSITY * i / SHADES;
            painter->shade_eosin[c][i] = (float)exp(-density * plan->eosin[c]);
            painter->shade_haem[c][i] = (float)(plan->background[c] * exp(-density * plan->haematoxylin[c]));
        }
    }
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
        g_free(painter->sensor);
        g_free(painter);
    }
}

/* A coarse field at all pixels of the square. */
static void spread_field(const SynthPainter *painter, int field, float *out)
{
    const SynthPlan *plan = painter->plan;
    for (int j = 0; j < painter->height; j++) {
        int64_t y = painter->y + j;
        const float *top = plan->field[field] + (size_t)(y / SYNTH_STEP) * plan->nodes_x,
                    *bottom = top + plan->nodes_x;
        float down = (float)(y % SYNTH_STEP) / SYNTH_STEP;
        for (int i = 0; i < painter->width; i++) {
            int64_t x = painter->x + i, node = x / SYNTH_STEP;
            float left = top[node] + (bottom[node] - top[node]) * down;
            float right = top[node + 1] + (bottom[node + 1] - top[node + 1]) * down;
            out[j * painter->width + i] = left + (right - left) * ((float)(x % SYNTH_STEP) / SYNTH_STEP);
        }
    }
}

static void noise(const SynthPainter *painter, uint32_t stream, double spacing, double amplitude, float *out)
{
    synth_noise_add(painter->plan->spec.seed, stream, spacing, amplitude, (double)painter->x,
                    (double)painter->y, 1, painter->width, painter->height, out);
}

/* A wave of period 1 and range -1 .. 1, by parabolas. */
static float wave(float t)
{
    float s = 2 * (t - floorf(t)) - 1;
    return 4 * s * (1 - fabsf(s));
}

/* The ground between the nuclei: eosin with blotches, grain, and wavy fibres where it is fibrous. */
static void paint_ground(SynthPainter *painter)
{
    const SynthPlan *plan = painter->plan;
    size_t pixels = (size_t)painter->width * painter->height;
    memset(painter->grain, 0, pixels * sizeof(float));
    memset(painter->blotch, 0, pixels * sizeof(float));
    memset(painter->haem, 0, pixels * sizeof(float));
    spread_field(painter, FIELD_TISSUE, painter->depth);
    spread_field(painter, FIELD_EOSIN, painter->eosin);
    spread_field(painter, FIELD_STROMA, painter->stroma);
    noise(painter, STREAM_GRAIN, 1.6 / plan->spec.mpp, 1, painter->grain);
    noise(painter, STREAM_BLOTCH, 9 / plan->spec.mpp, 1, painter->blotch);
    noise(painter, STREAM_WARP, 40 / plan->spec.mpp, 2.2,
          painter->haem); /* phase of the fibres, for the moment */
    for (int j = 0; j < painter->height; j++) {
        for (int i = 0; i < painter->width; i++) {
            size_t p = (size_t)j * painter->width + i;
            float grain = painter->grain[p], blotch = painter->blotch[p], stroma = painter->stroma[p];
            float phase =
                (float)(plan->fibre_x * (double)(painter->x + i) + plan->fibre_y * (double)(painter->y + j));
            float fibre = wave(phase + painter->haem[p] + 0.3f * blotch);
            painter->eosin[p] += 0.05f * blotch + 0.05f * grain + stroma * 0.11f * fibre;
            painter->haem[p] = 0.05f + 0.02f * blotch;
            painter->depth[p] += (float)(5 / plan->spec.mpp) * blotch + (float)(1.5 / plan->spec.mpp) * grain;
        }
    }
}

/* A round hole in the tissue (vessel, fat): glass shows. */
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
            painter->depth[p] = MIN(painter->depth[p], depth);
        }
    }
}

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
            double radius = (8 + 30 * rng_uniform(&rng) * rng_uniform(&rng)) / plan->spec.mpp;
            if (rng_uniform(&rng) < 0.3) {
                cut_lumen(painter, x, y, radius);
            }
        }
    }
}

static void paint_nucleus(SynthPainter *painter, const Nucleus *n)
{
    double reach = n->radius * sqrt(n->aspect) * 1.4 + 2;
    int x0 = (int)CLAMP(floor(n->x - reach) - (double)painter->x, 0, painter->width);
    int x1 = (int)CLAMP(ceil(n->x + reach) - (double)painter->x, 0, painter->width);
    int y0 = (int)CLAMP(floor(n->y - reach) - (double)painter->y, 0, painter->height);
    int y1 = (int)CLAMP(ceil(n->y + reach) - (double)painter->y, 0, painter->height);
    float along = (float)(1 / (n->radius * sqrt(n->aspect))), across = (float)(sqrt(n->aspect) / n->radius);
    float ux = (float)cos(n->angle) * along, uy = (float)sin(n->angle) * along;
    float vx = -(float)sin(n->angle) * across, vy = (float)cos(n->angle) * across;
    float radius = (float)n->radius, density = (float)n->density, pale = (float)n->pale;
    float a = (float)n->lobes[0], b = (float)n->lobes[1], c = (float)n->lobes[2];
    for (int j = y0; j < y1; j++) {
        float dy = (float)((double)(painter->y + j) - n->y);
        for (int i = x0; i < x1; i++) {
            float dx = (float)((double)(painter->x + i) - n->x);
            float u = dx * ux + dy * uy, v = dx * vx + dy * vy, square = u * u + v * v;
            if (square > 2) {
                continue;
            }
            float distance = sqrtf(square) + 1e-6f, inverse = 1 / (distance * distance);
            float edge = 1 + (a * (u * u - v * v) + b * 2 * u * v) * inverse +
                         c * u * (u * u - 3 * v * v) * inverse / distance;
            float inside = CLAMP((edge - distance) * radius + 0.5f, 0, 1);
            size_t p = (size_t)j * painter->width + i;
            float ratio = distance / edge, hollow = 1 - pale * (1 - ratio * ratio * ratio);
            float value = inside * density * hollow * (1 + 0.22f * painter->grain[p]);
            painter->haem[p] = MAX(painter->haem[p], value);
        }
    }
}

/* Draws the nucleus of one lattice cell, if it has one. */
typedef void (*CellPainter)(SynthPainter *painter, Rng *rng, double x, double y, double pitch);

static void paint_lattice(SynthPainter *painter, uint32_t stream, double pitch_um, double reach_um,
                          CellPainter paint)
{
    const SynthPlan *plan = painter->plan;
    double pitch = pitch_um / plan->spec.mpp, reach = reach_um / plan->spec.mpp + 2;
    int64_t c0 = (int64_t)floor(((double)painter->x - reach) / pitch),
            r0 = (int64_t)floor(((double)painter->y - reach) / pitch);
    int64_t c1 = (int64_t)floor(((double)painter->x + painter->width + reach) / pitch);
    int64_t r1 = (int64_t)floor(((double)painter->y + painter->height + reach) / pitch);
    for (int64_t r = r0; r <= r1; r++) {
        for (int64_t c = c0; c <= c1; c++) {
            Rng rng = rng_at(plan->spec.seed, ((uint64_t)(uint32_t)r << 32) | (uint32_t)c, stream);
            double x = ((double)c + rng_uniform(&rng)) * pitch, y = ((double)r + rng_uniform(&rng)) * pitch;
            if (x >= 0 && y >= 0 && x < (double)plan->spec.width && y < (double)plan->spec.height &&
                synth_plan_at(plan, FIELD_TISSUE, x, y) > 0) {
                paint(painter, &rng, x, y, pitch);
            }
        }
    }
}

/* Lymphocytes: small, round, dark; in fibrous areas spindles along the fibres. */
static void paint_normal_cell(SynthPainter *painter, Rng *rng, double x, double y, double pitch)
{
    const SynthPlan *plan = painter->plan;
    double mpp = plan->spec.mpp, chance = rng_uniform(rng);
    double cover = synth_plan_at(plan, FIELD_COVER, x, y), stroma = synth_plan_at(plan, FIELD_STROMA, x, y);
    double share = synth_plan_at(plan, FIELD_LESION, x, y) > 0 ? 0.12 : 1;
    double low = 2.5 / mpp, high = 3.7 / mpp, mean_square = (high * high + high * low + low * low) / 3;
    if (chance > share * cover * pitch * pitch / (G_PI * mean_square)) {
        return;
    }
    gboolean spindle = rng_uniform(rng) < stroma;
    Nucleus n = {.x = x, .y = y, .radius = low + (high - low) * rng_uniform(rng)};
    n.aspect = spindle ? 2.2 + 2 * rng_uniform(rng) : 1 + 0.35 * rng_uniform(rng);
    n.angle = spindle ? atan2(plan->fibre_x, -plan->fibre_y) + 0.5 * (rng_uniform(rng) - 0.5)
                      : G_PI * rng_uniform(rng);
    n.density = 0.85 + 0.35 * rng_uniform(rng);
    paint_nucleus(painter, &n);
}

/* How much nuclei are gathered: 0 .. about 2, mean 1, in nests of some 60 um. */
static double nest_at(const SynthPlan *plan, double x, double y)
{
    float noise_value = 0;
    synth_noise_add(plan->spec.seed, STREAM_NESTS, 45 / plan->spec.mpp, 1, x, y, 1, 1, 1, &noise_value);
    return CLAMP(1 + 2.2 * noise_value, 0.1, 1.9);
}

/* Tumour cells: large, irregular, of unequal size and darkness, some pale inside, in nests. */
static void paint_tumour_cell(SynthPainter *painter, Rng *rng, double x, double y, double pitch)
{
    const SynthPlan *plan = painter->plan;
    double mpp = plan->spec.mpp, chance = rng_uniform(rng);
    if (synth_plan_at(plan, FIELD_LESION, x, y) <= 0) {
        return;
    }
    double cover = 0.88 * synth_plan_at(plan, FIELD_COVER, x, y) * nest_at(plan, x, y);
    double low = 4.2 / mpp, high = 7.2 / mpp, mean_square = (high * high + high * low + low * low) / 3;
    if (chance > cover * pitch * pitch / (G_PI * mean_square)) {
        return;
    }
    Nucleus n = {.x = x, .y = y, .radius = low + (high - low) * rng_uniform(rng)};
    n.aspect = 1 + 0.7 * rng_uniform(rng);
    n.angle = G_PI * rng_uniform(rng);
    n.density = 0.75 + 0.5 * rng_uniform(rng);
    n.pale = 0.45 * rng_uniform(rng);
    for (int k = 0; k < 3; k++) {
        n.lobes[k] = 0.16 * (rng_uniform(rng) - 0.5) * 2;
    }
    paint_nucleus(painter, &n);
}

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

static void paint_black(const SynthPainter *painter, uint8_t *rgb, size_t stride)
{
    const Rect *black = &painter->plan->black;
    int width = (int)CLAMP(black->x + black->width - (double)painter->x, 0, painter->width);
    int height = (int)CLAMP(black->y + black->height - (double)painter->y, 0, painter->height);
    for (int j = 0; j < height; j++) {
        memset(rgb + (size_t)j * stride, 0, (size_t)width * 3);
    }
}

static int shade_index(float density)
{
    return (int)(CLAMP(density, 0, MAX_DENSITY - 0.01f) * (SHADES / MAX_DENSITY));
}

static void develop(const SynthPainter *painter, uint8_t *rgb, size_t stride)
{
    float soft = (float)(painter->plan->spec.mpp / 2);
    for (int j = 0; j < painter->height; j++) {
        uint8_t *out = rgb + (size_t)j * stride;
        const int8_t *sensor = painter->sensor + (size_t)j * painter->size * 3;
        for (int i = 0; i < painter->width; i++) {
            size_t p = (size_t)j * painter->width + i;
            float presence = CLAMP(painter->depth[p] * soft + 0.5f, 0, 1);
            int e = shade_index(painter->eosin[p] * presence), h = shade_index(painter->haem[p] * presence);
            for (int c = 0; c < 3; c++) {
                float grey =
                    painter->shade_eosin[c][e] * painter->shade_haem[c][h] + 0.25f * sensor[3 * i + c] + 0.5f;
                out[3 * i + c] = (uint8_t)CLAMP(grey, 0, 255);
            }
        }
    }
}

static void paint_glass(const SynthPainter *painter, uint8_t *rgb, size_t stride)
{
    for (int j = 0; j < painter->height; j++) {
        for (int i = 0; i < painter->width; i++) {
            for (int c = 0; c < 3; c++) {
                rgb[(size_t)j * stride + 3 * i + c] = (uint8_t)(painter->plan->background[c] + 0.5);
            }
        }
    }
}

/* TRUE when no tissue reaches into the square. */
static gboolean is_glass(const SynthPainter *painter)
{
    const SynthPlan *plan = painter->plan;
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
        paint_lattice(painter, STREAM_NUCLEI, 8, 12, paint_normal_cell);
        paint_lattice(painter, STREAM_TUMOUR, 13, 16, paint_tumour_cell);
        develop(painter, rgb, stride);
    }
    paint_pen(painter, rgb, stride);
    paint_black(painter, rgb, stride);
}
