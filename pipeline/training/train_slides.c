/* Training tiles that are cut from slides.
 *
 * A tile is cut when it is needed, by the code that cuts patches, so its pixels are those of a lossless patch.  Tiles are first needed in the
 * order of slides, and features of the frozen extractor are kept after that, so a small cache per slide is enough.  Few slides are open at a
 * time, because each keeps decoded tiles. */
#include "pipeline/training/train_slides.h"
#include "base/csv.h"
#include "base/durable.h"
#include "base/error.h"
#include "pipeline/slide/tile_recipe.h"
#include "pipeline/training/train_tiles_private.h"
#include <math.h>
#include <string.h>

#define OPEN_SLIDES 8
#define SLIDE_CACHE ((size_t)16 << 20)

/* A slide that tiles are cut from. */
typedef struct {
    const SlideEntry *entry;
    const char *fit; /* file with its stain fit, or NULL */
    char fingerprint[65];
    Slide *slide; /* NULL: not open */
    int readers;
    int64_t used; /* when it was last used, in takes */
} Source;

static void source_clear(gpointer data)
{
    slide_free(((Source *)data)->slide);
}

static int add_source(TrainTiles *tiles, const GPtrArray *slides, const GPtrArray *fits, const char *id,
                      const char *fingerprint)
{
    guint n = tiles->sources->len;
    if (n > 0 && g_str_equal(g_array_index(tiles->sources, Source, n - 1).entry->id, id)) {
        return (int)n - 1; /* the table is in the order of the slides */
    }
    for (guint i = 0; i < slides->len; i++) {
        const SlideEntry *entry = slides->pdata[i];
        if (g_str_equal(entry->id, id)) {
            Source source = {.entry = entry, .fit = fits->pdata[i]};
            g_strlcpy(source.fingerprint, fingerprint, sizeof source.fingerprint);
            g_array_append_val(tiles->sources, source);
            return (int)n;
        }
    }
    return -1;
}

/* Closes the slides that were not used for the longest time, until one more may be opened. */
static void close_some(TrainTiles *tiles)
{
    while (tiles->open >= OPEN_SLIDES) {
        Source *oldest = NULL;
        for (guint i = 0; i < tiles->sources->len; i++) {
            Source *source = &g_array_index(tiles->sources, Source, i);
            if (source->slide && source->readers == 0 && (!oldest || source->used < oldest->used)) {
                oldest = source;
            }
        }
        if (!oldest) {
            return; /* all are being read: more threads than slides may be open */
        }
        g_clear_pointer(&oldest->slide, slide_free);
        tiles->open--;
    }
}

static gboolean open_source(TrainTiles *tiles, Source *source, GError **error)
{
    SlideOptions options = {.mpp_x = source->entry->mpp_x,
                            .mpp_y = source->entry->mpp_y,
                            .use_objective = tiles->config->slides_objective,
                            .cache_bytes = SLIDE_CACHE};
    close_some(tiles);
    g_autoptr(Slide) slide = slide_open(source->entry->path, &options, error);
    if (slide && !g_str_equal(slide_info(slide)->fingerprint, source->fingerprint)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s has changed since its tiles were chosen",
                    source->entry->path);
        return FALSE;
    }
    if (!slide || !tile_recipe_colour_by_config(tiles->config, slide, source->fit, error)) {
        return FALSE;
    }
    source->slide = g_steal_pointer(&slide);
    tiles->open += source->slide != NULL;
    return source->slide != NULL;
}

static Slide *take_slide(TrainTiles *tiles, Source *source, GError **error)
{
    g_mutex_lock(&tiles->lock);
    source->used = ++tiles->takes;
    Slide *slide = source->slide || open_source(tiles, source, error) ? source->slide : NULL;
    source->readers += slide != NULL;
    g_mutex_unlock(&tiles->lock);
    return slide;
}

static gboolean read_slide(void *data, int64_t index, uint8_t *rgb, GError **error)
{
    TrainTiles *tiles = data;
    const TileRef *ref = &g_array_index(tiles->normal.refs, TileRef, index);
    Source *source = &g_array_index(tiles->sources, Source, ref->source);
    Slide *slide = take_slide(tiles, source, error);
    if (!slide) {
        return FALSE;
    }
    CutSpec spec = tile_recipe_cut_spec(tiles->config);
    Image tile = {spec.size, spec.size, 3, rgb};
    gboolean ok = cut_tile(slide, &spec, ref->x, ref->y, &tile, NULL, NULL, error);
    g_mutex_lock(&tiles->lock);
    source->readers--;
    g_mutex_unlock(&tiles->lock);
    return ok;
}

gboolean train_slides_use(TrainTiles *tiles, const char *table, const GPtrArray *slides,
                          const GPtrArray *fits, GError **error)
{
    static const char *const names[] = {"slide", "x", "y", "fingerprint", "patient", "side"};
    g_autoptr(Csv) csv = csv_read(table, error);
    int at[G_N_ELEMENTS(names)];
    for (size_t c = 0; c < G_N_ELEMENTS(names); c++) {
        if (!csv || (at[c] = csv_need(csv, names[c], error)) < 0) {
            return FALSE;
        }
    }
    tiles->sources = g_array_new(FALSE, TRUE, sizeof(Source));
    g_array_set_clear_func(tiles->sources, source_clear);
    for (int row = 0; row < csv_rows(csv); row++) {
        const char *id = csv_get(csv, row, at[0]);
        TileRef ref = {.source = add_source(tiles, slides, fits, id, csv_get(csv, row, at[3]))};
        double side;
        if (!csv_number(csv, row, at[1], &ref.x, error) || !csv_number(csv, row, at[2], &ref.y, error) ||
            !csv_number(csv, row, at[5], &side, error)) {
            return FALSE;
        }
        if (ref.source < 0) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s line %d: the run has no slide %s", table,
                        csv_line(csv, row), id);
            return FALSE;
        }
        const Origin origin = {.patient = csv_get(csv, row, at[4]),
                               .slide = id,
                               .name = "",
                               .position = {floor(ref.x + 0.5), floor(ref.y + 0.5), side}};
        train_tiles_add(tiles, ref, TRUE, &origin);
    }
    return train_tiles_end(tiles, read_slide, table, error);
}
