/* Blocks of slides, for tiles that are all of one slide.
 *
 * A slide is divided into squares of B x B tiles, and whole squares are drawn like patients are (holdout_units.c).  Tiles nearer than a
 * tile's side to a held-out one are not used: they show the same glands, and tiles that overlap even the same pixels.  Small
 * squares stand for more places of the slide and cost more margin: the smallest B is taken for which at most a quarter of the tiles
 * is lost.  When there are so few tiles that a third would not remain, only those are left out that share a pixel with a held-out
 * one.
 *
 * Places are rounded to pixels, so distances count as one pixel more than they are. */
#include "flows/training/holdout_private.h"
#include <math.h>
#include <string.h>

#define MOST_SIDE 16

typedef struct {
    int number;  /* of the slide */
    double x, y; /* smallest of its tiles */
} Corner;

typedef struct {
    const Deal *deal;
    GHashTable *slides;    /* name -> Corner, owned */
    const Corner **corner; /* of each tile of the deal */
} Ground;

static const char *slide_of(const TileSet *tiles, int64_t tile)
{
    return tiles->slide ? tiles->slide[tile] : tiles->group ? tiles->group[tile] : "";
}

static const TilePosition *position_of(const Deal *deal, int64_t i)
{
    return &deal->tiles->position[deal->index[i]];
}

static gboolean ground_init(Ground *ground, const Deal *deal)
{
    *ground = (Ground){deal, g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free),
                       g_new0(const Corner *, deal->count)};
    for (int64_t i = 0; i < deal->count; i++) {
        const TilePosition *position = position_of(deal, i);
        const char *slide = slide_of(deal->tiles, deal->index[i]);
        Corner *corner = g_hash_table_lookup(ground->slides, slide);
        if (!(position->side > 0)) {
            return FALSE;
        }
        if (!corner) {
            corner = g_new(Corner, 1);
            *corner = (Corner){(int)g_hash_table_size(ground->slides), position->x, position->y};
            g_hash_table_insert(ground->slides, (char *)slide, corner);
        }
        corner->x = MIN(corner->x, position->x);
        corner->y = MIN(corner->y, position->y);
        ground->corner[i] = corner;
    }
    return TRUE;
}

static void ground_clear(Ground *ground)
{
    g_hash_table_unref(ground->slides);
    g_free(ground->corner);
}

/* Names the cell of `sides` x `sides` tiles that holds the middle of tile i, or a cell beside it. */
static char *cell_name(const Ground *ground, int64_t i, double sides, int dx, int dy)
{
    const TilePosition *position = position_of(ground->deal, i);
    const Corner *corner = ground->corner[i];
    int64_t x = (int64_t)floor((position->x - corner->x + position->side / 2) / (position->side * sides));
    int64_t y = (int64_t)floor((position->y - corner->y + position->side / 2) / (position->side * sides));
    return g_strdup_printf("%d %" G_GINT64_FORMAT " %" G_GINT64_FORMAT, corner->number, x + dx, y + dy);
}

/* ---- the margin ---- */

/* Cells of two tiles' sides -> the held-out tiles in them. */
static GHashTable *held_cells(const Ground *ground, const uint8_t *mark)
{
    GHashTable *cells = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_array_unref);
    for (int64_t i = 0; i < ground->deal->count; i++) {
        if (mark[ground->deal->index[i]] != MARK_HELD) {
            continue;
        }
        char *name = cell_name(ground, i, 2, 0, 0);
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

/* margin: tiles' sides that have to be between two tiles. */
static gboolean is_near(const Ground *ground, GHashTable *cells, int64_t i, double margin)
{
    const TilePosition *own = position_of(ground->deal, i);
    double least = own->side * (1 + margin) - 1;
    for (int cell = 0; cell < 9; cell++) {
        g_autofree char *name = cell_name(ground, i, 2, cell % 3 - 1, cell / 3 - 1);
        const GArray *tiles = g_hash_table_lookup(cells, name);
        for (guint k = 0; tiles && k < tiles->len; k++) {
            const TilePosition *held = position_of(ground->deal, g_array_index(tiles, int64_t, k));
            if (fabs(own->x - held->x) < least && fabs(own->y - held->y) < least) {
                return TRUE;
            }
        }
    }
    return FALSE;
}

/* Marks what is too near; returns how many tiles remain to train on, 0 when a class has none. */
static int64_t leave_margin(const Ground *ground, double margin, uint8_t *mark)
{
    const Deal *deal = ground->deal;
    g_autoptr(GHashTable) cells = held_cells(ground, mark);
    int64_t left[2] = {0, 0};
    for (int64_t i = 0; i < deal->count; i++) {
        int64_t tile = deal->index[i];
        if (mark[tile] == MARK_TRAIN) {
            mark[tile] = is_near(ground, cells, i, margin) ? MARK_UNUSED : MARK_TRAIN;
            left[deal->labelled && deal->tiles->anomaly[tile]] += mark[tile] == MARK_TRAIN;
        }
    }
    gboolean enough = left[0] > 0 && (left[1] > 0 || !deal->labelled || !deal->teach);
    return enough ? left[0] + left[1] : 0;
}

/* ---- blocks ---- */

typedef struct {
    int64_t blocks, held, left; /* left: to train on; 0: impossible */
} Outcome;

static Outcome try_blocks(const Ground *ground, int side, double margin, uint8_t *mark)
{
    const Deal *deal = ground->deal;
    g_autoptr(GStringChunk) chunk = g_string_chunk_new(4096);
    g_autofree const char **name = g_new(const char *, deal->count);
    Outcome out = {0};
    for (int64_t i = 0; i < deal->count; i++) {
        g_autofree char *cell = cell_name(ground, i, side, 0, 0);
        name[i] = g_string_chunk_insert_const(chunk, cell);
    }
    out.blocks = units_hold(deal, name, NULL, mark);
    for (int64_t i = 0; out.blocks > 0 && i < deal->count; i++) {
        out.held += mark[deal->index[i]] == MARK_HELD;
    }
    out.left = out.blocks > 0 && out.held <= deal->count / 2 ? leave_margin(ground, margin, mark) : 0;
    return out;
}

/* least: how many must remain to train on. */
static int64_t best_blocks(const Ground *ground, double margin, int64_t least, uint8_t *mark)
{
    int64_t count = ground->deal->count, most = 0;
    int best = 0;
    for (int side = 1; side <= MOST_SIDE; side++) {
        Outcome out = try_blocks(ground, side, margin, mark);
        if (out.left > 0 && count - out.held - out.left <= count / 4) {
            return out.blocks;
        }
        if (out.left > most) {
            most = out.left;
            best = side;
        }
    }
    return most >= least && best > 0 ? try_blocks(ground, best, margin, mark).blocks : 0;
}

int64_t blocks_hold(const Deal *deal, uint8_t *mark, gboolean *apart)
{
    Ground ground;
    int64_t blocks = 0;
    if (!deal->tiles->position) {
        return 0;
    }
    if (ground_init(&ground, deal)) {
        blocks = best_blocks(&ground, 1, (deal->count + 2) / 3, mark);
        *apart = blocks > 0;
        blocks = blocks > 0 ? blocks : best_blocks(&ground, 0, 1, mark);
    }
    ground_clear(&ground);
    return blocks;
}
