/* How much of each tile of a slide is lesion, as the stage `mask` publishes it for later stages. */
#pragma once
#include "base/image.h"

typedef struct {
    double fraction; /* of the tile, 0..1 */
    double centre;   /* of its centre (lesion_fractions_centre), 0..1 */
    double hard;     /* of the tile that a person says is normal although it looks like lesion, 0..1 */
    double unknown;  /* of the tile that nobody has said anything of, 0..1 */
} LesionFraction;

/* A tile without lesion of which more than this is unknown has no label. */
#define TILE_MOST_UNKNOWN 0.5

/* The centre of a tile: the middle half of its width and height. */
Rect lesion_fractions_centre(const Rect *tile);
/* Columns lesion_fraction and centre_fraction, and where any tile has them hard_fraction and unknown_fraction; row i is tile i of the slide's grid.
 * fractions: array of LesionFraction. */
gboolean lesion_fractions_write(const char *path, const GArray *fractions, char sha256[65], GError **error);
/* Array of LesionFraction; NULL with error.  Caller unrefs. */
GArray *lesion_fractions_read(const char *path, GError **error);
