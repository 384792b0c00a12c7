/* What the files of the hold-out share: holdout.c (which kind of unit can be held out), holdout_units.c (a draw of whole units)
 * and holdout_blocks.c (blocks of slides as units). */
#pragma once
#include "flows/training/holdout.h"

typedef enum { MARK_TRAIN, MARK_HELD, MARK_UNUSED } Mark;

/* Tiles that are divided into training and hold-out. */
typedef struct {
    const TileSet *tiles;
    const int64_t *index; /* (count) of the tiles */
    int64_t count;
    double fraction; /* to hold out */
    uint64_t seed;
    gboolean labelled; /* two classes, of which some are held out each; FALSE: all tiles are one class */
    gboolean train_anomalies; /* some anomalies stay for the training */
} Candidates;

/* Holds out whole units.  name[i]: the unit of tile index[i]; mark[index[i]] becomes MARK_HELD or MARK_TRAIN.  first (may be
 * NULL): a unit that is held out in any case.  Returns how many units with normals are held out; 0 when the units do not allow
 * it, and mark is as before. */
int64_t holdout_units(const Candidates *candidates, const char *const *name, const char *first,
                      uint8_t *mark);

/* Holds out blocks of slides; tiles near them become MARK_UNUSED.  Returns how many blocks; 0 when the tiles have no positions or
 * are too few.  *apart becomes FALSE when there was no room for the margin: held-out tiles then share no pixel with training
 * tiles, but may touch them. */
int64_t holdout_blocks(const Candidates *candidates, uint8_t *mark, gboolean *apart);
