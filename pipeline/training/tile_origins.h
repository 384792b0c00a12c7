/* Whose tiles are: patient, slide and place of each, for the hold-out (flows/training/holdout.h) and for a draw that is even in space. */
#pragma once
#include "flows/models/tile_set.h"

/* Of one tile.  Texts "" or NULL and a side of 0: unknown. */
typedef struct {
    const char *patient, *slide;
    const char *name; /* tells tiles of unknown place apart */
    TilePosition position;
} Origin;

typedef struct {
    GPtrArray *patient, *slide, *name; /* texts in `texts` */
    GArray *position;                  /* TilePlace */
    GStringChunk *texts;
} Origins;
void tile_origins_init(Origins *origins);
void tile_origins_clear(Origins *origins);
/* Copies. */
void tile_origins_add(Origins *origins, const Origin *origin);
void tile_origins_append(Origins *to, const Origins *from);
/* Keeps the tiles of an array of guint, ascending. */
void tile_origins_keep(Origins *origins, const GArray *index);
/* Sets group, slide and place of the tiles, NULL where nothing is known of any; borrowed. */
void tile_origins_give(const Origins *origins, TileSet *set);
/* How many slides there are; *named receives of how many tiles they are. */
guint tile_origins_slides(const Origins *origins, guint *named);

/* Draws `most` of the tiles: array of guint, ascending.  Tiles are put in the order of slides and, on a slide, of a Hilbert curve, the
 * order is cut into `most` runs of equal length, and one tile is drawn of each: every slide is there in proportion, and every part of it.
 * Follows from the seed and the origins, not from the order of the tiles. */
GArray *tile_origins_draw(const Origins *origins, guint most, uint64_t seed);

/* The slide that an image's name tells: SLIDE_NNNNNN (a tile's number of 6 digits or more, as patch sets here have), SLIDE_xN_yN or SLIDE_NNNN_NNN
 * (its place); else "".  Caller frees. */
char *tile_origins_slide_of_name(const char *file);
