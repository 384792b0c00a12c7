/* Paints squares of a synthetic slide.
 *
 * Two layers of optical density, eosin and haematoxylin, become colours by the Beer-Lambert law:
 * grey = glass x exp(-sum of stain x density), as real stains mix.  Nuclei are on
 * jittered lattices whose cells are filled or left empty at random, so they crowd but rarely overlap.
 * Each cell makes its nucleus from its own random numbers, and a square draws all cells that can
 * reach into it. */
#include "tiler/synth/synth_plan.h"
#include "base/error.h"
#include "base/rng.h"
#include <math.h>
#include <string.h>

enum { SHADES = 2048 };
#define MAX_DENSITY 4.0f
/* Cover of normal and of tumour nuclei inside a lesion, as fractions of the cover field there.
 * The second was measured: with it, lesions and normal tissue have the same mean colour
 * (overlap, pale nuclei and soft edges reduce the effective cover). */
#define INFILTRATE 0.12
#define TUMOUR_COVER 1.05

struct SynthPainter {
    const SynthPlan *plan;
    int size, width, height; /* size: largest side; width, height: of the current square, px */
    int64_t x, y;
    float *depth, *eosin, *haem, *grain, *blotch, *stroma, *cover;
    float *row;                      /* two rows of the square */
    uint16_t shade_eosin[SHADES][3]; /* transmission by density; 2^15 = 1 */
    uint16_t shade_haem[SHADES][3];  /* glass seen through the stain, grey levels x 2^8 */
    int8_t *sensor;                  /* noise (size, size, 3), repeated over the slide */
};

/* A nucleus; lengths in px. */
typedef struct {
    double x, y;
    float radius, aspect, angle, density;
    float pale; /* 0 solid .. 1 pale with a dark rim */
    gboolean lobed;
    float lobes[3]; /* strength of cos 2t, sin 2t, cos 3t in the outline */
} Nucleus;

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
    for (int i = 0; i < SHADES; i++) {
        double density = (double)MAX_DENSITY * i / SHADES;
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

/* The pixels [*first, *end) of [centre - reach, centre + reach] inside the square. */
static void clip(double centre, double reach, int64_t origin, int size, int *first, int *end)
{
    *first = (int)CLAMP(floor(centre - reach) - (double)origin, 0, size);
    *end = (int)CLAMP(ceil(centre + reach) + 1 - (double)origin, 0, size);
}

/* The density of a nucleus at (u, v), in units of its half axes.  The edge is soft over about two pixels, as through a lens. */
static float nucleus_value(const Nucleus *n, float u, float v, float grain)
{
    float square = u * u + v * v, distance = sqrtf(square), edge = 1;
    if (n->lobed && square > 0.01f) {
        float inverse = 1 / square;
        /* cos 2t = (u^2 - v^2) / r^2, sin 2t = 2 u v / r^2, cos 3t = u (u^2 - 3 v^2) / r^3. */
        edge += (n->lobes[0] * (u * u - v * v) + n->lobes[1] * 2 * u * v) * inverse +
                n->lobes[2] * u * (u * u - 3 * v * v) * inverse / distance;
    }
    float ratio = MIN(distance / edge, 1), hollow = 1 - n->pale * (1 - ratio * ratio * ratio);
    /* Density = soft edge x darkness, paler towards the centre, with grain. */
    float inside = CLAMP((edge - distance) * n->radius * 0.5f + 0.5f, 0, 1);
    return inside * n->density * hollow * (1 + 0.22f * grain);
}

/* Draws a rotated ellipse; where nuclei overlap, the denser one shows. */
static void paint_nucleus(SynthPainter *painter, const Nucleus *n)
{
    /* The area stays pi radius^2 whatever the aspect is. */
    float major = n->radius * sqrtf(n->aspect), minor = n->radius / sqrtf(n->aspect), cosine = cosf(n->angle),
          sine = sinf(n->angle);
    float room = n->lobed ? 1.4f : 1;
    int x0, x1, y0, y1;
    /* Half the width and height of a rotated ellipse, and two pixels for the soft edge. */
    clip(n->x, room * hypotf(major * cosine, minor * sine) + 2, painter->x, painter->width, &x0, &x1);
    clip(n->y, room * hypotf(major * sine, minor * cosine) + 2, painter->y, painter->height, &y0, &y1);
    for (int j = y0; j < y1; j++) {
        float dy = (float)((double)(painter->y + j) - n->y);
        for (int i = x0; i < x1; i++) {
            float dx = (float)((double)(painter->x + i) - n->x);
            size_t p = (size_t)j * painter->width + i;
            float value = nucleus_value(n, (dx * cosine + dy * sine) / major,
                                        (dy * cosine - dx * sine) / minor, painter->grain[p]);
            painter->haem[p] = MAX(painter->haem[p], value);
        }
    }
}

/* Draws the nucleus of one lattice cell, if it has one. */
typedef void (*CellPainter)(SynthPainter *painter, Rng *rng, double x, double y, double pitch);

/* Visits every lattice cell whose nucleus can reach into the square.  reach_um: the largest such distance. */
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

/* A uniform random number in [low, high). */
static float draw(Rng *rng, double low, double high)
{
    return (float)(low + (high - low) * rng_uniform(rng));
}

/* The number of nuclei per lattice cell that cover the fraction `cover` of it: cover pitch^2 / mean area, where radii are uniform in
 * [low, high] px, so the mean area is pi (high^2 + high low + low^2) / 3. */
static double chance_of(double cover, double pitch, double low, double high)
{
    return cover * pitch * pitch / (G_PI * (high * high + high * low + low * low) / 3);
}

/* Lymphocytes: small, round and dark.  A few larger pale cells are among them, and in fibrous areas spindles along the
 * fibres. */
static void paint_normal_cell(SynthPainter *painter, Rng *rng, double x, double y, double pitch)
{
    const SynthPlan *plan = painter->plan;
    double mpp = plan->spec.mpp, stroma = synth_plan_at(plan, FIELD_STROMA, x, y);
    double fraction = synth_plan_in_lesion(plan, x, y) ? INFILTRATE : 1;
    double low = 2.5 / mpp, high = 3.7 / mpp;
    if (rng_uniform(rng) > chance_of(fraction * synth_plan_at(plan, FIELD_COVER, x, y), pitch, low, high)) {
        return;
    }
    double kind = rng_uniform(rng);
    Nucleus n = {.x = x, .y = y, .radius = draw(rng, low, high), .aspect = draw(rng, 1, 1.35)};
    n.angle = draw(rng, 0, G_PI);
    n.density = draw(rng, 0.8, 1.2);
    /* A spindle along the fibres, which are at right angles to the wave's direction. */
    if (kind < stroma) {
        n.aspect = draw(rng, 2.2, 4.2);
        n.angle = (float)atan2(plan->fibre_x, -plan->fibre_y) + draw(rng, -0.3, 0.3);
    } else if (kind > 0.94) {
        n.radius *= 1.45f;
        n.pale = draw(rng, 0.3, 0.6);
    }
    paint_nucleus(painter, &n);
}

/* Tumour cells: large and irregular, of varying size and darkness, some of them pale, in nests. */
static void paint_tumour_cell(SynthPainter *painter, Rng *rng, double x, double y, double pitch)
{
    const SynthPlan *plan = painter->plan;
    double mpp = plan->spec.mpp, low = 4.2 / mpp, high = 7.2 / mpp;
    if (!synth_plan_in_lesion(plan, x, y)) {
        return;
    }
    if (rng_uniform(rng) >
        chance_of(TUMOUR_COVER * synth_plan_at(plan, FIELD_COVER, x, y), pitch, low, high)) {
        return;
    }
    Nucleus n = {.x = x, .y = y, .radius = draw(rng, low, high), .aspect = draw(rng, 1, 1.7), .lobed = TRUE};
    n.angle = draw(rng, 0, G_PI);
    n.density = draw(rng, 0.75, 1.25);
    n.pale = draw(rng, 0, 0.45);
    for (int k = 0; k < 3; k++) {
        n.lobes[k] = draw(rng, -0.16, 0.16);
    }
    paint_nucleus(painter, &n);
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
        clip((from[0] + to[0]) / 2, (float)(fabs(dx) / 2 + room), painter->x, painter->width, &x0, &x1);
        clip((from[1] + to[1]) / 2, (float)(fabs(dy) / 2 + room), painter->y, painter->height, &y0, &y1);
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
    return (int)(CLAMP(density, 0, MAX_DENSITY - 0.01f) * (SHADES / MAX_DENSITY));
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
        paint_lattice(painter, STREAM_NUCLEI, 8, 12, paint_normal_cell);
        paint_lattice(painter, STREAM_TUMOUR, 11, 16, paint_tumour_cell);
        paint_folds(painter);
        develop(painter, rgb, stride);
    }
    paint_inks(painter, rgb, stride);
    paint_pen(painter, rgb, stride);
    paint_black(painter, rgb, stride);
}
