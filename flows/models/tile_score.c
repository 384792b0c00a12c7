/* The table of scores: CSV files, metrics and reports follow it. */
#include "flows/models/tile_score.h"

/* The order of the columns of scores.csv; COLUMN_SCORE and the like are indices of this table. */
#define COLUMN(name)                     \
    {                                    \
#name, offsetof(TileScore, name) \
    }
static const struct {
    const char *name;
    size_t offset;
} columns[TILE_SCORES] = {
    COLUMN(score),
    COLUMN(contrast),
    COLUMN(absolute),
    COLUMN(nll),
    COLUMN(logdet),
    /* Members of an array need names of their own. */
    {"scale1", offsetof(TileScore, scale[0])},
    {"scale2", offsetof(TileScore, scale[1])},
    {"scale3", offsetof(TileScore, scale[2])},
    COLUMN(top),
    COLUMN(maximum),
    COLUMN(logit),
};

const char *tile_score_column(int i)
{
    return i >= 0 && i < TILE_SCORES ? columns[i].name : NULL;
}

/* Every column is a double of TileScore. */
double tile_score_value(const TileScore *score, int i)
{
    return *(const double *)((const char *)score + columns[i].offset);
}
