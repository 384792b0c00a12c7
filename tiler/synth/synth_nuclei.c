/* Nuclei are on jittered lattices whose cells are filled or left empty at random, so they crowd but rarely overlap.  Each cell makes its nucleus
 * from its own random numbers, and a square draws all cells that can reach into it. */
#include "tiler/synth/synth_painter.h"
#include "base/rng.h"

/* Cover of normal and of tumour nuclei inside a lesion, as fractions of the cover field there.
 * The second was measured: with it, lesions and normal tissue have the same mean colour
 * (overlap, pale nuclei and soft edges reduce the effective cover). */
#define INFILTRATE 0.12
#define TUMOUR_COVER 1.05

/* A nucleus; lengths in px. */
typedef struct {
    double x, y;
    float radius, aspect, angle, density;
    float pale; /* 0 solid .. 1 pale with a dark rim */
    gboolean lobed;
    float lobes[3]; /* strength of cos 2t, sin 2t, cos 3t in the outline */
} Nucleus;

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
    synth_clip(n->x, room * hypotf(major * cosine, minor * sine) + 2, painter->x, painter->width, &x0, &x1);
    synth_clip(n->y, room * hypotf(major * sine, minor * cosine) + 2, painter->y, painter->height, &y0, &y1);
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

void synth_paint_nuclei(SynthPainter *painter)
{
    paint_lattice(painter, STREAM_NUCLEI, 8, 12, paint_normal_cell);
    paint_lattice(painter, STREAM_TUMOUR, 11, 16, paint_tumour_cell);
}
