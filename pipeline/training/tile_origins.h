/* Where tiles come from: the patient, slide and position of each, for the hold-out (flows/training/holdout.h) and for an even draw. */
#pragma once
#include "flows/models/tile_set.h"

/* Of one tile.  "", NULL and a side of 0 mean unknown. */
typedef struct {
    const char *patient, *slide;
    const char *name; /* distinguishes tiles of unknown position */
    TilePosition position;
} Origin;

typedef struct {
    GPtrArray *patient, *slide, *name; /* texts in `texts` */
    GArray *position;                  /* TilePosition */
    GStringChunk *texts;
} Origins;
void tile_origins_init(Origins *origins);
void tile_origins_clear(Origins *origins);
/* Both copy their strings. */
void tile_origins_add(Origins *origins, const Origin *origin);
void tile_origins_append(Origins *to, const Origins *from);
/* Keeps only the tiles in `index`: array of guint, ascending. */
void tile_origins_keep(Origins *origins, const GArray *index);
/* Sets group, slide and position of the set, NULL where they are unknown for all tiles.  They are borrowed from the origins. */
void tile_origins_give(const Origins *origins, TileSet *set);
/* The number of different slides; *named: how many tiles have a slide. */
guint tile_origins_slides(const Origins *origins, guint *named);

/* Draws `most` of the tiles: array of guint, ascending; caller unrefs.  Tiles are ordered by slide and, on a slide, along a Hilbert curve.
 * That order is cut into `most` runs of equal length, and one tile is drawn from each, so every slide and every part of it is represented in
 * proportion.  The result follows from the seed and the origins, not from the order of the tiles. */
GArray *tile_origins_draw(const Origins *origins, guint most, uint64_t seed);

/* The slide in the name of an image: SLIDE_NNNNNN (a tile number of 6 or more digits), or SLIDE_xN_yN or SLIDE_NNNN_NNN (a position);
 * otherwise "".  Caller frees. */
char *tile_origins_slide_of_name(const char *file);
