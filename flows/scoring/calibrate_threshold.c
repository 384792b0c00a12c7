/* The scores that a model's threshold is chosen with: of held-out tiles, each in several augmented copies.
 *
 * A draw of augmentation depends on the seed, the tile and the number of the draw; its stream differs from that of the training.
 * Scores are stored by (draw, tile), so the result does not depend on threads. */
#include "flows/scoring/calibrate_threshold.h"
#include "flows/scoring/probability_fit.h"
#include "flows/scoring/scorer_private.h"
#include "flows/scoring/threshold_choice.h"
#include "base/error.h"
#include "base/pool.h"
#include <math.h>
#include <string.h>

typedef struct {
    AugmentScratch *scratch;
    uint8_t *tile, *rgb; /* one tile without augmentation; a batch of copies */
} Room;

typedef struct {
    const ThresholdTiles *with;
    const ThresholdSpec *spec;
    Room *rooms;    /* (threads) */
    int64_t count;  /* tiles */
    double *score;  /* (draws, count): normals, then anomalies */
    uint8_t *label; /* (count) */
} Draws;

static size_t tile_bytes(const Draws *d)
{
    return (size_t)d->with->model->spec.tile_size * (size_t)d->with->model->spec.tile_size * 3;
}

/* Scores of each tile: without draws the tile itself has one. */
static int rows(const Draws *d)
{
    return MAX(d->spec->draws, 1);
}

/* Scores copies first .. first + count - 1 of a tile. */
static gboolean score_copies(const Draws *d, int64_t tile, uint64_t identity, int worker, int first,
                             int count, GError **error)
{
    const Model *model = d->with->model;
    Scorer *scorer = d->with->scorers[worker];
    const Room *room = &d->rooms[worker];
    for (int b = 0; b < count; b++) {
        uint8_t *rgb = room->rgb + b * tile_bytes(d);
        memcpy(rgb, room->tile, tile_bytes(d));
        if (d->spec->draws > 0) {
            AugmentDraw draw = augment_draw(&model->spec.augment, model->spec.seed ^ rng_name("threshold"),
                                            identity, (uint32_t)(first + b));
            augment_apply(&draw, room->scratch, rgb);
        }
    }
    scorer_forward(scorer, room->rgb, count);
    for (int b = 0; b < count; b++) { /* the score needs no selection of the largest energies */
        TileScore score;
        if (!scorer_measure(scorer, b, &score, error)) {
            return FALSE;
        }
        d->score[(first + b) * d->count + tile] = score_recommended(model, &score);
    }
    return TRUE;
}

/* Scores one tile in all of its draws. */
static gboolean score_tile(int64_t tile, int worker, void *data, GError **error)
{
    const Draws *d = data;
    const ThresholdTiles *with = d->with;
    gboolean normal = tile < with->normals;
    if (normal && d->spec->draws == 0) { /* the calibration has scored it already */
        d->score[tile] = with->clean[tile].score;
        return TRUE;
    }
    int64_t index = normal ? with->normal[tile] : with->anomaly[tile - with->normals];
    uint8_t *rgb = d->rooms[worker].tile;
    if (!with->tiles->read(with->tiles->data, index, rgb, error)) {
        return FALSE;
    }
    uint64_t identity =
        augment_identity(rgb, tile_bytes(d), with->tiles->group ? with->tiles->group[index] : NULL);
    for (int first = 0; first < rows(d); first += SCORER_BATCH) {
        if (!score_copies(d, tile, identity, worker, first, MIN(SCORER_BATCH, rows(d) - first), error)) {
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean allocate(Draws *d, GError **error)
{
    for (int t = 0; t < d->with->threads; t++) {
        Room *room = &d->rooms[t];
        room->scratch = augment_scratch_new(d->with->model->spec.tile_size, error);
        room->tile = room->scratch ? wsi_try_alloc(1, tile_bytes(d), "a tile", error) : NULL;
        room->rgb = room->tile ? wsi_try_alloc(SCORER_BATCH, tile_bytes(d), "a batch of tiles", error) : NULL;
        if (!room->rgb) {
            return FALSE;
        }
    }
    d->score = wsi_try_alloc((size_t)d->count, (size_t)rows(d) * sizeof(double), "scores", error);
    d->label = d->score ? wsi_try_alloc((size_t)d->count, 1, "labels", error) : NULL;
    return d->label != NULL;
}

static void clear(Draws *d)
{
    for (int t = 0; t < d->with->threads; t++) {
        augment_scratch_free(d->rooms[t].scratch);
        g_free(d->rooms[t].tile);
        g_free(d->rooms[t].rgb);
    }
    g_free(d->score);
    g_free(d->label);
}

gboolean calibrate_threshold(const ThresholdTiles *tiles, Calibration *out, GError **error)
{
    g_autofree Room *rooms = g_new0(Room, tiles->threads);
    Draws d = {.with = tiles,
               .spec = &tiles->model->spec.threshold,
               .rooms = rooms,
               .count = tiles->normals + tiles->anomalies};
    gboolean ok = allocate(&d, error);
    if (ok) {
        /* Tiles are in the order normals, anomalies. */
        memset(d.label + tiles->normals, 1, (size_t)(d.count - tiles->normals));
        out->chosen = *d.spec;
        out->anomalies = d.count - tiles->normals;
        out->expected = threshold_needs_anomalies(d.spec)
                            ? NAN
                            : threshold_expected(tiles->normals, rows(&d), d.spec->eps);
        ok = pool_run(tiles->threads, tiles->threads == pool_processors(), d.count, score_tile, &d, error) &&
             threshold_choose(d.spec, d.score, rows(&d), d.count, d.label, &out->threshold, &out->threshold_f,
                              error);
        if (ok) {
            probability_fit(d.score, rows(&d), d.count, d.label, &out->probability_slope,
                            &out->probability_offset);
        }
    }
    clear(&d);
    return ok;
}
