/* Blocks of slides as units of a hold-out, for tiles that are all of one slide.
 *
 * A slide is divided into squares of B x B tiles, and whole squares are drawn as patients are (holdout_units.c).  Tiles nearer
 * than a tile's side to a held-out one are left unused: they show the same glands, and overlapping tiles the same pixels.  Small
 * squares sample more of the slide but cost more margin: the smallest B is taken that leaves at most a quarter of the tiles
 * unused.  When less than a third of the tiles would remain to train on, the margin is dropped, and only tiles that share a
 * pixel with a held-out one are left unused.
 *
 * Positions are rounded to pixels, so distances count as one pixel more than they are. */
#include "flows/training/holdout_private.h"
#include <math.h>
#include <string.h>

#define MOST_SIDE 16 /* B at most */

typedef struct {
    int number;  /* of the slide, in the order of the tiles */
    double x, y; /* level-0 px: the smallest of its tiles */
} Corner;

typedef struct {
    const Candidates *candidates;
    GHashTable *slides;    /* name -> Corner, owned */
    const Corner **corner; /* (count): of each candidate's slide */
} Grid;

static const char *slide_of(const TileSet *tiles, int64_t tile)
{
    return tiles->slide ? tiles->slide[tile] : tiles->group ? tiles->group[tile] : "";
}

static const TilePosition *position_of(const Candidates *candidates, int64_t i)
{
    return &candidates->tiles->position[candidates->index[i]];
}

static gboolean grid_init(Grid *grid, const Candidates *candidates)
{
    *grid = (Grid){candidates, g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free),
                   g_new0(const Corner *, candidates->count)};
    for (int64_t i = 0; i < candidates->count; i++) {
        const TilePosition *position = position_of(candidates, i);
        const char *slide = slide_of(candidates->tiles, candidates->index[i]);
        Corner *corner = g_hash_table_lookup(grid->slides, slide);
        if (!(position->side > 0)) {
            return FALSE;
        }
        if (!corner) {
            corner = g_new(Corner, 1);
            *corner = (Corner){(int)g_hash_table_size(grid->slides), position->x, position->y};
            g_hash_table_insert(grid->slides, (char *)slide, corner);
        }
        corner->x = MIN(corner->x, position->x);
        corner->y = MIN(corner->y, position->y);
        grid->corner[i] = corner;
    }
    return TRUE;
}

static void grid_clear(Grid *grid)
{
    g_hash_table_unref(grid->slides);
    g_free(grid->corner);
}

/* The name of the cell of `sides` x `sides` tiles with the middle of tile i in it, or of the cell (dx, dy) cells further. */
static char *cell_name(const Grid *grid, int64_t i, double sides, int dx, int dy)
{
    const TilePosition *position = position_of(grid->candidates, i);
    const Corner *corner = grid->corner[i];
    int64_t x = (int64_t)floor((position->x - corner->x + position->side / 2) / (position->side * sides));
    int64_t y = (int64_t)floor((position->y - corner->y + position->side / 2) / (position->side * sides));
    return g_strdup_printf("%d %" G_GINT64_FORMAT " %" G_GINT64_FORMAT, corner->number, x + dx, y + dy);
}

/* ---- the margin ---- */

/* The held-out tiles by cells of 2 x 2 tiles: neighbours within two sides are in the same or an adjacent cell. */
static GHashTable *held_cells(const Grid *grid, const uint8_t *mark)
{
    GHashTable *cells = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_array_unref);
    for (int64_t i = 0; i < grid->candidates->count; i++) {
        if (mark[grid->candidates->index[i]] != MARK_HELD) {
            continue;
        }
        char *name = cell_name(grid, i, 2, 0, 0);
        GArray *tiles = g_hash_table_lookup(cells, name);
        if (!tiles) {
            tiles = g_array_new(FALSE, FALSE, sizeof(int64_t));
            g_hash_table_insert(cells, name, tiles);
        } else {
            g_free(name);
        }
        g_array_append_val(tiles, i);
    }
    return cells;
}

/* Whether tile i is nearer to a held-out tile than `margin` sides of a tile. */
static gboolean is_near(const Grid *grid, GHashTable *cells, int64_t i, double margin)
{
    const TilePosition *own = position_of(grid->candidates, i);
    double least = own->side * (1 + margin) - 1; /* between corners, less the rounding */
    for (int cell = 0; cell < 9; cell++) {
        g_autofree char *name = cell_name(grid, i, 2, cell % 3 - 1, cell / 3 - 1);
        const GArray *tiles = g_hash_table_lookup(cells, name);
        for (guint k = 0; tiles && k < tiles->len; k++) {
            const TilePosition *held = position_of(grid->candidates, g_array_index(tiles, int64_t, k));
            if (fabs(own->x - held->x) < least && fabs(own->y - held->y) < least) {
                return TRUE;
            }
        }
    }
    return FALSE;
}

/* Marks the tiles that are too near as unused.  Returns how many tiles remain to train on; 0 when a class has none left. */
static int64_t leave_margin(const Grid *grid, double margin, uint8_t *mark)
{
    const Candidates *candidates = grid->candidates;
    g_autoptr(GHashTable) cells = held_cells(grid, mark);
    int64_t left[2] = {0, 0};
    for (int64_t i = 0; i < candidates->count; i++) {
        int64_t tile = candidates->index[i];
        if (mark[tile] == MARK_TRAIN) {
            mark[tile] = is_near(grid, cells, i, margin) ? MARK_UNUSED : MARK_TRAIN;
            left[candidates->labelled && candidates->tiles->anomaly[tile]] += mark[tile] == MARK_TRAIN;
        }
    }
    gboolean enough = left[0] > 0 && (left[1] > 0 || !candidates->labelled || !candidates->train_anomalies);
    return enough ? left[0] + left[1] : 0;
}

/* ---- blocks ---- */

typedef struct {
    int64_t blocks; /* held out */
    int64_t held;   /* tiles */
    int64_t left;   /* tiles to train on; 0 = this side of a block is impossible */
} Outcome;

static Outcome try_blocks(const Grid *grid, int side, double margin, uint8_t *mark)
{
    const Candidates *candidates = grid->candidates;
    g_autoptr(GStringChunk) chunk = g_string_chunk_new(4096);
    g_autofree const char **name = g_new(const char *, candidates->count);
    Outcome out = {0};
    for (int64_t i = 0; i < candidates->count; i++) {
        g_autofree char *cell = cell_name(grid, i, side, 0, 0);
        name[i] = g_string_chunk_insert_const(chunk, cell);
    }
    out.blocks = holdout_units(candidates, name, NULL, mark);
    for (int64_t i = 0; out.blocks > 0 && i < candidates->count; i++) {
        out.held += mark[candidates->index[i]] == MARK_HELD;
    }
    /* With more than half of the tiles held out, too few are left to train on. */
    out.left = out.blocks > 0 && out.held <= candidates->count / 2 ? leave_margin(grid, margin, mark) : 0;
    return out;
}

/* Tries sides from 1 on; least: how many tiles must remain to train on.  Returns how many blocks are held out, 0 for none. */
static int64_t best_blocks(const Grid *grid, double margin, int64_t least, uint8_t *mark)
{
    int64_t count = grid->candidates->count, most = 0;
    int best = 0;
    for (int side = 1; side <= MOST_SIDE; side++) {
        Outcome out = try_blocks(grid, side, margin, mark);
        if (out.left > 0 && count - out.held - out.left <= count / 4) { /* the unused ones */
            return out.blocks;
        }
        if (out.left > most) {
            most = out.left;
            best = side;
        }
    }
    return most >= least && best > 0 ? try_blocks(grid, best, margin, mark).blocks : 0;
}

int64_t holdout_blocks(const Candidates *candidates, uint8_t *mark, gboolean *apart)
{
    Grid grid;
    int64_t blocks = 0;
    if (!candidates->tiles->position) {
        return 0;
    }
    if (grid_init(&grid, candidates)) {
        /* With a margin of one side; else without. */
        blocks = best_blocks(&grid, 1, (candidates->count + 2) / 3, mark);
        *apart = blocks > 0;
        blocks = blocks > 0 ? blocks : best_blocks(&grid, 0, 1, mark);
    }
    grid_clear(&grid);
    return blocks;
}
