/* The table of normal tiles to train on (model/tiles.csv), which the stage `normals` writes when training cuts its tiles from slides. */
#pragma once
#include <glib.h>

typedef struct {
    int slide;   /* index in an array of SlideEntry* */
    double x, y; /* top left corner, exact, level-0 px */
    double side; /* of the tile, level-0 px (Patch.side) */
} NormalTile;

/* Columns slide,patient,x,y,side,fingerprint.  tiles: array of NormalTile; fingerprints[i]: SlideInfo.fingerprint of slide i. */
gboolean normal_table_write(const char *path, const GArray *tiles, const GPtrArray *slides,
                            const char *const *fingerprints, char sha256[65], GError **error);
