/* The plan of a synthetic slide: what is where.  For synth*.c only.
 *
 * Slowly varying quantities are stored at the nodes of a coarse grid over the whole slide and interpolated.  Everything finer
 * comes from random numbers keyed by position, so a tile can be painted without its neighbours. */
#pragma once
#include "tiler/synth/synth_spec.h"

/* Streams of random numbers: the position is the first counter, the stream the second (base/rng.h). */
enum {
    STREAM_LAYOUT,
    STREAM_LESIONS,
    STREAM_PEN,
    STREAM_SENSOR,
    STREAM_NUCLEI,
    STREAM_TUMOUR,
    STREAM_LUMEN,
    STREAM_STROMA,
    STREAM_CROWD,
    STREAM_EOSIN,
    STREAM_NESTS,
    STREAM_WARP,
    STREAM_BLOTCH,
    STREAM_GRAIN,
    STREAM_ARTEFACTS
};

/* Quantities of the coarse grid. */
enum {
    FIELD_TISSUE, /* px inside the outline of the tissue, negative outside */
    FIELD_LESION, /* the same for the nearest lesion */
    FIELD_COVER,  /* fraction of the area that nuclei should cover */
    FIELD_STROMA, /* 0 cellular .. 1 fibrous */
    FIELD_EOSIN,  /* optical density of the tissue between nuclei */
    FIELDS
};

enum { SYNTH_STEP = 16 }; /* px between nodes */

/* A star-shaped outline: `points` vertices at equal angles, radius in units of the half axes. */
typedef struct {
    double x, y, half_width, half_height;
    int points;
    double *radius;
} SynthStar;

/* A line over the tissue: of translucent ink, or where the tissue lies double. */
enum { SYNTH_STROKE = 16 };
typedef struct {
    double xy[2 * SYNTH_STROKE], radius; /* points, px */
    double colour[3];                    /* transmission of the ink; of a fold not used */
    gboolean fold;
} SynthStroke;

typedef struct {
    SynthSpec spec;
    int nodes_x, nodes_y;
    float *field[FIELDS];
    GPtrArray *pieces, *lesions; /* SynthStar*, owned */
    double eosin[3], haematoxylin[3],
        background[3];       /* the stains: optical density per unit; bare glass: grey levels */
    double fibre_x, fibre_y; /* wave vector of the fibres, cycles per px */
    int pen_points;
    double pen_xy[64], pen_radius, pen_colour[3]; /* colour: transmission */
    Rect black;                                   /* empty: none */
    SynthStroke strokes[2 * SYNTH_ARTEFACTS];
    int stroke_count;
} SynthPlan;

SynthPlan *synth_plan_new(const SynthSpec *spec, GError **error);
void synth_plan_free(SynthPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SynthPlan, synth_plan_free)

/* The polygons of the lesions: array of SynthOutline*, owned by the caller. */
GPtrArray *synth_outlines(const SynthPlan *plan);

/* A field at (x, y), bilinear; px, inside the slide. */
double synth_plan_at(const SynthPlan *plan, int field, double x, double y);

/* Whether (x, y) is inside the polygon of a lesion; exact. */
gboolean synth_plan_in_lesion(const SynthPlan *plan, double x, double y);

/* Adds amplitude x noise to out (height, width).  The noise is smooth, about -1 .. 1, with bumps `spacing` px apart, and sampled at
 * (x + i step, y + j step).  It depends only on seed, stream and position. */
void synth_noise_add(uint64_t seed, uint32_t stream, double spacing, double amplitude, double x, double y,
                     double step, int width, int height, float *out);

/* Paints a rectangle of at most size x size px; rgb (height, width, 3) with rows of `stride` bytes.  A painter is used by one thread at a
 * time. */
typedef struct SynthPainter SynthPainter;
SynthPainter *synth_painter_new(const SynthPlan *plan, int size, GError **error);
void synth_painter_free(SynthPainter *painter);
void synth_paint(SynthPainter *painter, int64_t x, int64_t y, int width, int height, uint8_t *rgb,
                 size_t stride);
