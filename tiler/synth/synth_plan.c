/* The layout of a synthetic slide: pieces of tissue, lesions, stain, and the slowly varying fields.
 *
 * The mean colour must not reveal lesions.  So the fields of nuclear cover and of eosin are shifted
 * inside each lesion until their means equal those of the normal tissue.  The remaining difference is
 * the kind of nuclei: few large irregular ones in nests instead of many small ones. */
#include "tiler/synth/synth_plan.h"
#include "base/error.h"
#include "base/rng.h"
#include <math.h>
#include <string.h>

enum { PIECE_POINTS = 512, LESION_POINTS = 256, TRIES = 400 };

/* A uniform random number in [low, high). */
static double between(Rng *rng, double low, double high)
{
    return low + (high - low) * rng_uniform(rng);
}

static void star_free(gpointer data)
{
    SynthStar *star = data;
    g_free(star->radius);
    g_free(star);
}

/* A round outline with bumps: harmonics of order 2 to 12 whose strength decreases with the order. */
static SynthStar *star_new(Rng *rng, int points, double roughness)
{
    SynthStar *star = g_new0(SynthStar, 1);
    star->points = points;
    star->radius = g_new(double, points);
    for (int i = 0; i < points; i++) {
        star->radius[i] = 1;
    }
    /* Order 1 would only move the star. */
    for (int order = 2; order <= 12; order++) {
        double strength = between(rng, 0.4, 1) * roughness / order, phase = between(rng, 0, 2 * G_PI);
        for (int i = 0; i < points; i++) {
            star->radius[i] += strength * cos(order * 2 * G_PI * i / points + phase);
        }
    }
    for (int i = 0; i < points; i++) {
        /* Always above 0, so the polygon never crosses itself. */
        star->radius[i] = CLAMP(star->radius[i], 0.55, 1.4);
    }
    return star;
}

/* Vertex i in units of the half axes. */
static void star_vertex(const SynthStar *star, int i, double *x, double *y)
{
    double angle = 2 * G_PI * i / star->points;
    *x = star->radius[i] * cos(angle);
    *y = star->radius[i] * sin(angle);
}

/* Area of the polygon in px^2: a fan of triangles r_i r_(i+1) sin(angle) / 2. */
static double star_area(const SynthStar *star)
{
    double twice = 0;
    for (int i = 0; i < star->points; i++) {
        twice += star->radius[i] * star->radius[(i + 1) % star->points];
    }
    return twice / 2 * sin(2 * G_PI / star->points) * star->half_width * star->half_height;
}

/* Approximate depth of (x, y) inside the polygon, px; negative outside; exactly 0 on its edges. */
static double star_depth(const SynthStar *star, double x, double y)
{
    double u = (x - star->x) / star->half_width, v = (y - star->y) / star->half_height;
    double distance = hypot(u, v), scale = MIN(star->half_width, star->half_height);
    /* Far outside, where only the sign matters. */
    if (distance > 3) {
        return (1 - distance) * scale;
    }
    if (distance < 1e-9) {
        return star->radius[0] * scale;
    }
    /* The edge between two vertices that the ray from the centre through (x, y) crosses. */
    double turn = atan2(v, u) / (2 * G_PI);
    int i = MIN((int)((turn - floor(turn)) * star->points), star->points - 1);
    double x0, y0, x1, y1, dx = u / distance, dy = v / distance;
    star_vertex(star, i, &x0, &y0);
    star_vertex(star, (i + 1) % star->points, &x1, &y1);
    double edge = (x0 * y1 - x1 * y0) /
                  (dx * (y1 - y0) - dy * (x1 - x0)); /* distance at which the ray meets the edge */
    return (edge - distance) * scale;
}

/* The largest depth in any of the stars. */
static double depth_in(const GPtrArray *stars, double x, double y)
{
    /* Inside a union is inside any of its members. */
    double depth = -1e9;
    for (guint i = 0; i < stars->len; i++) {
        depth = MAX(depth, star_depth(stars->pdata[i], x, y));
    }
    return depth;
}

/* One to three pieces in a row along the longer side, which cover 35 to 45 % of the area together. */
static void lay_out_pieces(SynthPlan *plan)
{
    Rng rng = rng_at(plan->spec.seed, 0, STREAM_LAYOUT);
    double width = (double)plan->spec.width, height = (double)plan->spec.height;
    int count = 1 + (int)rng_below(&rng, 3);
    /* The wanted area; all pieces are scaled to it below. */
    double target = between(&rng, 0.37, 0.43) * width * height, area = 0;
    gboolean wide = width >= height;
    for (int i = 0; i < count; i++) {
        SynthStar *star = star_new(&rng, PIECE_POINTS, 0.3);
        double fraction = (i + 0.5) / count;
        star->x = width * (wide ? fraction : 0.5);
        star->y = height * (wide ? 0.5 : fraction);
        star->half_width = width / 2 / (wide ? count : 1) * between(&rng, 0.92, 1.0);
        star->half_height = height / 2 / (wide ? 1 : count) * between(&rng, 0.85, 1.0);
        area += star_area(star);
        g_ptr_array_add(plan->pieces, star);
    }
    for (int i = 0; i < count; i++) {
        SynthStar *star = plan->pieces->pdata[i];
        /* Areas grow with the square of the lengths. */
        star->half_width *= sqrt(target / area);
        star->half_height *= sqrt(target / area);
        star->x += between(&rng, -0.03, 0.03) * star->half_width;
        star->y += between(&rng, -0.06, 0.06) * star->half_height;
    }
}

/* Whether the outline is inside the tissue and separate from the other lesions. */
static gboolean lesion_fits(const SynthPlan *plan, const SynthStar *lesion)
{
    /* Distance from the border of the tissue and from other lesions. */
    double margin = 0.02 * MIN(plan->spec.width, plan->spec.height);
    for (int i = 0; i < lesion->points; i++) {
        double x, y;
        star_vertex(lesion, i, &x, &y);
        x = lesion->x + x * lesion->half_width;
        y = lesion->y + y * lesion->half_height;
        /* Vertices inside the tissue, and outside of all other lesions. */
        if (depth_in(plan->pieces, x, y) < margin || depth_in(plan->lesions, x, y) > -margin) {
            return FALSE;
        }
    }
    /* A lesion around another one has all its vertices outside of it; its centre shows it. */
    return depth_in(plan->lesions, lesion->x, lesion->y) < -margin;
}

/* Diameters are 1/6 to 0.38 of the shorter side (1500 to 3400 px of 9000).  The largest wanted one is tried first, then ever smaller
 * ones. */
static gboolean add_lesion(SynthPlan *plan, Rng *rng, GError **error)
{
    double side = (double)MIN(plan->spec.width, plan->spec.height), largest = between(rng, 0.2, 0.38) / 2;
    SynthStar *lesion = star_new(rng, LESION_POINTS, 0.35);
    double squeeze = between(rng, 0.8, 1);
    for (int i = 0; i < TRIES; i++) {
        double radius = MAX(largest * (1 - 0.9 * i / TRIES), 1.0 / 12) * side / 1.2;
        const SynthStar *piece = plan->pieces->pdata[rng_below(rng, plan->pieces->len)];
        lesion->half_width = radius;
        lesion->half_height = radius * squeeze;
        lesion->x = piece->x + between(rng, -0.8, 0.8) * piece->half_width;
        lesion->y = piece->y + between(rng, -0.8, 0.8) * piece->half_height;
        if (lesion_fits(plan, lesion)) {
            g_ptr_array_add(plan->lesions, lesion);
            return TRUE;
        }
    }
    star_free(lesion);
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                "%d lesions do not fit into the tissue of a synthetic slide of %" G_GINT64_FORMAT
                " x %" G_GINT64_FORMAT " px",
                plan->spec.lesions, plan->spec.width, plan->spec.height);
    return FALSE;
}

/* Stain and glass vary between slides as those of laboratories do. */
static void choose_stain(SynthPlan *plan)
{
    static const double eosin[3] = {0.10, 0.80, 0.38}, haematoxylin[3] = {0.82, 0.72, 0.30};
    Rng rng = rng_at(plan->spec.seed, 1, STREAM_LAYOUT);
    double strength_e = between(&rng, 0.85, 1.15), strength_h = between(&rng, 0.85, 1.15),
           glass = between(&rng, 238, 247);
    for (int c = 0; c < 3; c++) {
        plan->eosin[c] = strength_e * eosin[c] * between(&rng, 0.92, 1.08);
        plan->haematoxylin[c] = strength_h * haematoxylin[c] * between(&rng, 0.94, 1.06);
        plan->background[c] =
            floor(glass +
                  between(&rng, -2,
                          2)); /* a whole number, so that glass near tissue is as bright as glass far away */
    }
    /* Fibres: a wave with a period of 9 to 13 um in one direction. */
    double angle = between(&rng, 0, G_PI), period = between(&rng, 9, 13) / plan->spec.mpp;
    plan->fibre_x = cos(angle) / period;
    plan->fibre_y = sin(angle) / period;
}

/* A pen stroke that follows a part of the first piece's outline on the outside. */
static void draw_pen(SynthPlan *plan)
{
    static const double inks[3][3] = {{0.15, 0.25, 0.75}, {0.10, 0.55, 0.30}, {0.12, 0.12, 0.14}};
    Rng rng = rng_at(plan->spec.seed, 0, STREAM_PEN);
    const SynthStar *piece = plan->pieces->pdata[0];
    double start = between(&rng, 0.55, 0.65), side = (double)MIN(plan->spec.width, plan->spec.height);
    const double *ink = inks[rng_below(&rng, 3)];
    plan->pen_radius = 0.006 * side;
    plan->pen_points = 32;
    for (int i = 0; i < plan->pen_points; i++) {
        double x, y;
        star_vertex(piece, (int)((start + 0.2 * i / plan->pen_points) * piece->points), &x, &y);
        /* Moved outwards by 6 % of the shorter side. */
        double out = 1 + 0.06 * side / (hypot(x * piece->half_width, y * piece->half_height));
        plan->pen_xy[2 * i] = piece->x + x * out * piece->half_width + between(&rng, -0.002, 0.002) * side;
        plan->pen_xy[2 * i + 1] =
            piece->y + y * out * piece->half_height + between(&rng, -0.002, 0.002) * side;
    }
    for (int c = 0; c < 3; c++) {
        plan->pen_colour[c] = ink[c];
    }
}

/* A wavy line through a piece of tissue, from one side of its middle to the other. */
static void lay_stroke(const SynthPlan *plan, Rng *rng, SynthStroke *stroke)
{
    static const double inks[4][3] = {
        {0.30, 0.40, 0.85}, {0.25, 0.70, 0.45}, {0.30, 0.30, 0.33}, {0.85, 0.30, 0.30}};
    const SynthStar *piece = plan->pieces->pdata[rng_below(rng, plan->pieces->len)];
    const double side = (double)MIN(plan->spec.width, plan->spec.height);
    const double angle = between(rng, 0, 2 * G_PI), bend = between(rng, -0.25, 0.25),
                 off_x = between(rng, -0.45, 0.45), off_y = between(rng, -0.45, 0.45);
    const double *ink = inks[rng_below(rng, 4)];
    for (int i = 0; i < SYNTH_STROKE; i++) {
        double along = 0.9 * (2.0 * i / (SYNTH_STROKE - 1) - 1) * 0.5, across = bend * sin(G_PI * along * 2);
        stroke->xy[2 * i] = piece->x + piece->half_width * (off_x + along * cos(angle) - across * sin(angle));
        stroke->xy[2 * i + 1] =
            piece->y + piece->half_height * (off_y + along * sin(angle) + across * cos(angle));
    }
    stroke->radius = (stroke->fold ? between(rng, 0.010, 0.016) : between(rng, 0.02, 0.03)) * side;
    for (int c = 0; c < 3; c++) {
        stroke->colour[c] = ink[c];
    }
}

static void lay_strokes(SynthPlan *plan)
{
    Rng rng = rng_at(plan->spec.seed, 0, STREAM_ARTEFACTS);
    plan->stroke_count = 2 * plan->spec.artefacts;
    for (int i = 0; i < plan->stroke_count; i++) {
        plan->strokes[i].fold = i % 2;
        lay_stroke(plan, &rng, &plan->strokes[i]);
    }
}

/* A field of three octaves of noise around a mean. */
static void fill_noise(const SynthPlan *plan, uint32_t stream, int field, double mean, double amplitude,
                       double spacing_um)
{
    float *out = plan->field[field];
    for (size_t i = 0; i < (size_t)plan->nodes_x * plan->nodes_y; i++) {
        out[i] = (float)mean;
    }
    for (int octave = 0; octave < 3; octave++) {
        /* Each octave has half the spacing and half the amplitude. */
        synth_noise_add(plan->spec.seed, stream + 100 * (uint32_t)octave,
                        spacing_um / plan->spec.mpp / (1 << octave), amplitude / (1 << octave), 0, 0,
                        SYNTH_STEP, plan->nodes_x, plan->nodes_y, out);
    }
}

/* Mean of a field over the nodes of one owner (see fill_depths()). */
static double field_mean(const SynthPlan *plan, const float *field, const int16_t *owner, int which)
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < (size_t)plan->nodes_x * plan->nodes_y; i++) {
        if (owner[i] == which) {
            sum += field[i];
            count++;
        }
    }
    return count ? sum / (double)count : 0;
}

/* Shifts the density of eosin inside each lesion to the mean of the normal tissue. */
static void equalise_eosin(SynthPlan *plan, const int16_t *owner)
{
    float *eosin = plan->field[FIELD_EOSIN];
    double normal = field_mean(plan, eosin, owner, -1);
    for (guint l = 0; l < plan->lesions->len; l++) {
        /* Adding a constant keeps the structure of the field. */
        float shift = (float)(normal - field_mean(plan, eosin, owner, (int)l));
        for (size_t i = 0; i < (size_t)plan->nodes_x * plan->nodes_y; i++) {
            eosin[i] += owner[i] == (int16_t)l ? shift : 0;
        }
    }
}

/* The area that randomly placed nuclei of total area `cover` really cover, since some overlap: 1 - exp(-cover). */
static double seen_cover(double cover)
{
    return 1 - exp(-cover);
}

/* Concentrates the nuclei of lesions in nests.  Then scales the cover of each lesion until its mean visible cover equals that of
 * the normal tissue. */
static void equalise_cover(SynthPlan *plan, const int16_t *owner, float *seen)
{
    float *cover = plan->field[FIELD_COVER];
    size_t nodes = (size_t)plan->nodes_x * plan->nodes_y;
    memset(seen, 0, nodes * sizeof *seen);
    synth_noise_add(plan->spec.seed, STREAM_NESTS, 45 / plan->spec.mpp, 2.2, 0, 0, SYNTH_STEP, plan->nodes_x,
                    plan->nodes_y, seen);
    for (size_t i = 0; i < nodes; i++) {
        /* Nests are where the noise is high: up to 1.9 times the cover, else down to 0.1. */
        cover[i] *= owner[i] >= 0 ? CLAMP(1 + seen[i], 0.1f, 1.9f) : 1;
    }
    for (int round = 0; round < 5; round++) {
        for (size_t i = 0; i < nodes; i++) {
            seen[i] = (float)seen_cover(cover[i]);
        }
        double normal = field_mean(plan, seen, owner, -1);
        for (guint l = 0; l < plan->lesions->len; l++) {
            /* Visible cover is not linear in cover, so a few rounds are needed. */
            double factor = normal / MAX(field_mean(plan, seen, owner, (int)l), 1e-3);
            for (size_t i = 0; i < nodes; i++) {
                cover[i] *= owner[i] == (int16_t)l ? (float)factor : 1;
            }
        }
    }
}

/* Sets the owner of each node (-2 glass, -1 normal tissue, else the number of the lesion) and the two depth fields. */
static void fill_depths(SynthPlan *plan, int16_t *owner)
{
    for (int j = 0; j < plan->nodes_y; j++) {
        for (int i = 0; i < plan->nodes_x; i++) {
            /* A node belongs to the lesion that contains it. */
            double x = i * SYNTH_STEP, y = j * SYNTH_STEP, lesion = -1e6;
            size_t node = (size_t)j * plan->nodes_x + i;
            double tissue = depth_in(plan->pieces, x, y);
            owner[node] = tissue > 0 ? -1 : -2;
            for (guint l = 0; l < plan->lesions->len; l++) {
                double depth = star_depth(plan->lesions->pdata[l], x, y);
                lesion = MAX(lesion, depth);
                owner[node] = depth > 0 ? (int16_t)l : owner[node];
            }
            plan->field[FIELD_TISSUE][node] = (float)tissue;
            plan->field[FIELD_LESION][node] = (float)lesion;
        }
    }
}

/* Fills all fields: depths, then noise, then the shifts inside lesions. */
static gboolean fill_fields(SynthPlan *plan, GError **error)
{
    size_t nodes = (size_t)plan->nodes_x * plan->nodes_y;
    g_autofree int16_t *owner = wsi_try_alloc(nodes, sizeof *owner, "the plan of a synthetic slide", error);
    g_autofree float *scratch =
        owner ? wsi_try_alloc(nodes, sizeof *scratch, "the plan of a synthetic slide", error) : NULL;
    for (int f = 0; scratch && f < FIELDS; f++) {
        plan->field[f] = wsi_try_alloc(nodes, sizeof(float), "the plan of a synthetic slide", error);
        if (!plan->field[f]) {
            return FALSE;
        }
    }
    if (!scratch) {
        return FALSE;
    }
    fill_depths(plan, owner);
    /* Mean, amplitude, and spacing of the coarsest octave in um. */
    fill_noise(plan, STREAM_STROMA, FIELD_STROMA, 0.1, 0.8, 700);
    fill_noise(plan, STREAM_CROWD, FIELD_COVER, 0.25, 0.14, 500);
    fill_noise(plan, STREAM_EOSIN, FIELD_EOSIN, 0.42, 0.08, 400);
    for (size_t i = 0; i < nodes; i++) {
        /* Less stroma in lesions; more stroma means fewer nuclei and more eosin. */
        float stroma = CLAMP(plan->field[FIELD_STROMA][i], 0, 1) * (owner[i] >= 0 ? 0.4f : 1);
        plan->field[FIELD_STROMA][i] = stroma;
        plan->field[FIELD_COVER][i] = CLAMP(plan->field[FIELD_COVER][i], 0.08f, 0.45f) * (1 - 0.65f * stroma);
        plan->field[FIELD_EOSIN][i] += 0.10f * stroma;
    }
    equalise_eosin(plan, owner);
    equalise_cover(plan, owner, scratch);
    return TRUE;
}

SynthPlan *synth_plan_new(const SynthSpec *spec, GError **error)
{
    g_autoptr(SynthPlan) plan = g_new0(SynthPlan, 1);
    plan->spec = *spec;
    plan->pieces = g_ptr_array_new_with_free_func(star_free);
    plan->lesions = g_ptr_array_new_with_free_func(star_free);
    /* One node after the last pixel, so that every pixel has a right and a lower one. */
    plan->nodes_x = (int)(spec->width / SYNTH_STEP) + 2;
    plan->nodes_y = (int)(spec->height / SYNTH_STEP) + 2;
    choose_stain(plan);
    lay_out_pieces(plan);
    Rng rng = rng_at(spec->seed, 0, STREAM_LESIONS);
    for (int i = 0; i < spec->lesions; i++) {
        if (!add_lesion(plan, &rng, error)) {
            return NULL;
        }
    }
    if (spec->pen) {
        draw_pen(plan);
    }
    if (spec->black_corner) {
        plan->black = (Rect){0, 0, floor(0.11 * (double)spec->width), floor(0.13 * (double)spec->height)};
    }
    lay_strokes(plan);
    return fill_fields(plan, error) ? g_steal_pointer(&plan) : NULL;
}

void synth_plan_free(SynthPlan *plan)
{
    if (!plan) {
        return;
    }
    for (int f = 0; f < FIELDS; f++) {
        g_free(plan->field[f]);
    }
    g_ptr_array_unref(plan->pieces);
    g_ptr_array_unref(plan->lesions);
    g_free(plan);
}

double synth_plan_at(const SynthPlan *plan, int field, double x, double y)
{
    double u = CLAMP(x / SYNTH_STEP, 0, plan->nodes_x - 1.001),
           v = CLAMP(y / SYNTH_STEP, 0, plan->nodes_y - 1.001);
    /* Bilinear between the four nodes around (x, y). */
    int i = (int)u, j = (int)v;
    double fx = u - i, fy = v - j;
    const float *top = plan->field[field] + (size_t)j * plan->nodes_x + i, *bottom = top + plan->nodes_x;
    return (top[0] * (1 - fx) + top[1] * fx) * (1 - fy) + (bottom[0] * (1 - fx) + bottom[1] * fx) * fy;
}

gboolean synth_plan_in_lesion(const SynthPlan *plan, double x, double y)
{
    double about = synth_plan_at(plan, FIELD_LESION, x, y); /* approximate near the border */
    return fabs(about) < 2 * SYNTH_STEP ? depth_in(plan->lesions, x, y) > 0 : about > 0;
}
