/* What a synthetic slide shows where.  For synth*.c only.
 *
 * Slow quantities live on a coarse grid of nodes over the whole slide and are interpolated; everything finer
 * is drawn from random numbers keyed by position, so a tile can be painted without its neighbours. */
#pragma once
#include "tiler/synth/synth.h"

/* Streams of random numbers; the position is the identity, this the second counter. */
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
    STREAM_GRAIN
};

/* Quantities of the coarse grid. */
enum {
    FIELD_TISSUE, /* px inside the tissue's outline, negative outside */
    FIELD_LESION, /* the same for the nearest lesion */
    FIELD_COVER,  /* fraction of the area that nuclei should cover */
    FIELD_STROMA, /* 0 cellular .. 1 fibrous */
    FIELD_EOSIN,  /* optical density of the ground */
    FIELDS
};

enum { SYNTH_STEP = 16 }; /* px between nodes */

/* A star-shaped outline: `points` vertices at equal angles, radius in units of the half axes. */
typedef struct {
    double x, y, half_width, half_height;
    int points;
    double *radius;
} SynthStar;

typedef struct {
    SynthSpec spec;
    int nodes_x, nodes_y;
    float *field[FIELDS];
    GPtrArray *pieces, *lesions; /* SynthStar*, owned */
    double eosin[3], haematoxylin[3],
        background[3];       /* stain: optical density per unit; bare glass: grey levels */
    double fibre_x, fibre_y; /* waves of the fibres, cycles per px */
    int pen_points;
    double pen_xy[64], pen_radius, pen_colour[3]; /* colour: transmission */
    Rect black;                                   /* empty: none */
} SynthPlan;

SynthPlan *synth_plan_new(const SynthSpec *spec, GError **error);
void synth_plan_free(SynthPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SynthPlan, synth_plan_free)

/* The lesions' polygons: array of SynthOutline*, owned. */
GPtrArray *synth_outlines(const SynthPlan *plan);

/* A field at any place, bilinear; x and y in px, inside of the slide. */
double synth_plan_at(const SynthPlan *plan, int field, double x, double y);

/* TRUE inside of a lesion's polygon, exactly. */
gboolean synth_plan_in_lesion(const SynthPlan *plan, double x, double y);

/* Smooth noise in about -1 .. 1 with bumps `spacing` px apart, sampled at (x + i step, y + j step); adds
 * amplitude x noise to out (width x height).  Depends on seed, stream and place only. */
void synth_noise_add(uint64_t seed, uint32_t stream, double spacing, double amplitude, double x, double y,
                     double step, int width, int height, float *out);

/* Paints a square of glass and tissue: rgb rows of `stride` bytes.  Scratch memory of synth_painter_new. */
typedef struct SynthPainter SynthPainter;
SynthPainter *synth_painter_new(const SynthPlan *plan, int size, GError **error);
void synth_painter_free(SynthPainter *painter);
void synth_paint(SynthPainter *painter, int64_t x, int64_t y, int width, int height, uint8_t *rgb,
                 size_t stride);
