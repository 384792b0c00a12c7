/* The inside of a hold-out: holdout.c (what may be held out apart, in turn), holdout_units.c (a draw of whole units) and holdout_blocks.c
 * (blocks of a slide). */
#pragma once
#include "flows/training/holdout.h"

typedef enum { MARK_TRAIN, MARK_HELD, MARK_UNUSED } Mark;

/* Tiles that are dealt to training and hold-out. */
typedef struct {
    const TileSet *tiles;
    const int64_t *index; /* of the tiles, count of them */
    int64_t count;
    double fraction;
    uint64_t seed;
    gboolean
        labelled; /* anomalies count apart from normals, and some are held out; otherwise all tiles are alike */
    gboolean teach; /* some anomalies stay */
} Deal;

/* Whole units are held out: mark[index[i]] becomes MARK_HELD for tiles of units that are, MARK_TRAIN for the others; name[i] is the unit of
 * tile index[i].  first (may be NULL): a unit that is held out in any case.  Returns how many units with normals are held out; 0: it
 * cannot be done, and mark is as before. */
int64_t units_hold(const Deal *deal, const char *const *name, const char *first, uint8_t *mark);

/* Blocks of slides are held out, and tiles next to them are MARK_UNUSED.  Returns how many blocks; 0: it cannot be done, since the tiles have
 * no places or are too few.  FALSE in *apart when the margin had to go: then held-out tiles share no pixel with others, but may touch
 * them. */
int64_t blocks_hold(const Deal *deal, uint8_t *mark, gboolean *apart);
