/* Tiles to train on.
 *
 * A model takes tiles by number.  Pictures and shards are read at random: a shard's index makes any sample one read.  Straight from
 * slides a tile is cut when it is asked for, by the code that cuts patches, so its pixels are those of a lossless patch; tiles
 * are asked for in the order of slides first, and the features of the frozen extractor are kept, so the slide's cache is of use.
 * Slides are opened once and few at a time: each holds decoded tiles. */
#include "pipeline/traintiles.h"
#include "pipeline/colouring.h"
#include "base/csv.h"
#include "base/durable.h"
#include "base/error.h"
#include "pipeline/models.h"
#include "pipeline/sizes.h"
#include "pipeline/tiles.h"
#include "tiler/patchset.h"
#include "tiler/cut.h"
#include "tiler/picture.h"
#include "tiler/shards.h"
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#define OPEN_SLIDES 8
#define SLIDE_CACHE ((size_t)16 << 20)

/* A slide that tiles are cut from. */
typedef struct {
    const SlideEntry *entry;
    const char *fit; /* file with the fit of its stain, or NULL */
    char fingerprint[65];
    Slide *slide; /* NULL: not open */
    int readers;
    int64_t used; /* when, in takes */
} Source;

/* A tile: a sample of a shard, or a place in a slide. */
typedef struct {
    int source; /* shard or slide */
    int entry;
    double x, y;
} Place;

struct TrainTiles {
    const Config *config;
    TileSet set;
    PictureSet pictures; /* used when `places` is NULL */
    GArray *places;      /* Place */
    GPtrArray *groups;   /* of the places: interned names of patients */
    GArray *strange;     /* Place of labelled anomalies, to be added to the normals, and their groups */
    GPtrArray *strange_groups;
    GByteArray *anomaly;
    GPtrArray *shards;  /* Shard* */
    GArray *sources;    /* Source */
    GArray *sizes;      /* PictureSize, of patches.folder; else NULL */
    int64_t unreadable; /* samples that were left out for it */
    double mpp;         /* that all samples of its shards say; 0 = none, or they differ */
    GMutex lock;        /* guards the sources */
    int64_t takes;
    int open;
};

const TileSet *traintiles_set(const TrainTiles *tiles)
{
    return &tiles->set;
}

static void source_clear(gpointer data)
{
    slide_free(((Source *)data)->slide);
}

static TrainTiles *tiles_new(const Config *config)
{
    TrainTiles *tiles = g_new0(TrainTiles, 1);
    tiles->config = config;
    tiles->shards = g_ptr_array_new_with_free_func((GDestroyNotify)shard_free);
    tiles->sources = g_array_new(FALSE, TRUE, sizeof(Source));
    g_array_set_clear_func(tiles->sources, source_clear);
    g_mutex_init(&tiles->lock);
    return tiles;
}

void traintiles_free(TrainTiles *tiles)
{
    if (!tiles) {
        return;
    }
    picture_set_clear(&tiles->pictures);
    g_clear_pointer(&tiles->places, g_array_unref);
    g_clear_pointer(&tiles->groups, g_ptr_array_unref);
    g_clear_pointer(&tiles->strange, g_array_unref);
    g_clear_pointer(&tiles->strange_groups, g_ptr_array_unref);
    g_clear_pointer(&tiles->anomaly, g_byte_array_unref);
    g_ptr_array_unref(tiles->shards);
    g_array_unref(tiles->sources);
    g_clear_pointer(&tiles->sizes, g_array_unref);
    g_mutex_clear(&tiles->lock);
    g_free(tiles);
}

/* ---- places ---- */

static void begin_places(TrainTiles *tiles)
{
    tiles->places = g_array_new(FALSE, FALSE, sizeof(Place));
    tiles->groups = g_ptr_array_new();
    tiles->strange = g_array_new(FALSE, FALSE, sizeof(Place));
    tiles->strange_groups = g_ptr_array_new();
}

static void add_place(TrainTiles *tiles, Place place, gboolean normal, const char *group)
{
    g_array_append_vals(normal ? tiles->places : tiles->strange, &place, 1);
    g_ptr_array_add(normal ? tiles->groups : tiles->strange_groups, (gpointer)g_intern_string(group));
}

/* Labelled anomalies behind the normals, when they are wanted. */
static gboolean append_strange(TrainTiles *tiles, const char *where, GError **error)
{
    guint normals = tiles->places->len, n = tiles->strange->len;
    if (!models_need_anomalies(tiles->config)) {
        return TRUE;
    }
    if (n == 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s has no labelled anomaly to train on", where);
        return FALSE;
    }
    g_array_append_vals(tiles->places, tiles->strange->data, n);
    for (guint i = 0; i < n; i++) {
        g_ptr_array_add(tiles->groups, tiles->strange_groups->pdata[i]);
    }
    tiles->anomaly = g_byte_array_new();
    g_byte_array_set_size(tiles->anomaly, normals + n);
    memset(tiles->anomaly->data, 0, normals);
    memset(tiles->anomaly->data + normals, 1, n);
    return TRUE;
}

/* The set over the places: at most train.max_tiles normals, evenly chosen, and all anomalies. */
static gboolean end_places(TrainTiles *tiles, TileSource read, const char *where, GError **error)
{
    guint n = tiles->places->len, most = (guint)tiles->config->train_max_tiles;
    if (n == 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s has no normal tile to train on", where);
        return FALSE;
    }
    for (guint i = 0; most > 0 && most < n && i < most; i++) {
        guint from = (guint)((uint64_t)i * n / most);
        g_array_index(tiles->places, Place, i) = g_array_index(tiles->places, Place, from);
        tiles->groups->pdata[i] = tiles->groups->pdata[from];
    }
    n = most > 0 ? MIN(n, most) : n;
    g_array_set_size(tiles->places, n);
    g_ptr_array_set_size(tiles->groups, (int)n);
    gboolean ok = append_strange(tiles, where, error);
    tiles->set = (TileSet){.count = tiles->places->len,
                           .read = read,
                           .data = tiles,
                           .group = (const char *const *)tiles->groups->pdata,
                           .anomaly = tiles->anomaly ? tiles->anomaly->data : NULL};
    return ok;
}

/* ---- pictures ---- */

/* The set over normal pictures, and anomalies from the manifest (NULL: from the folder) when they are wanted. */
static gboolean use_pictures(TrainTiles *tiles, const char *manifest, GError **error)
{
    PictureSet *set = &tiles->pictures;
    picture_set_limit(set, tiles->config->train_max_tiles);
    gboolean ok = !models_need_anomalies(tiles->config) ||
                  (manifest ? picture_set_add_manifest(set, manifest, error)
                            : picture_set_add_folder(set, tiles->config->patches_folder, error));
    tiles->set = picture_tile_set(set);
    return ok;
}

/* ---- shards ---- */

static gboolean read_sample(void *data, int64_t index, uint8_t *rgb, GError **error)
{
    const TrainTiles *tiles = data;
    const Place *place = &g_array_index(tiles->places, Place, index);
    g_autoptr(Image) picture = shard_picture(tiles->shards->pdata[place->source], place->entry, error);
    return picture && picture_fit(picture, tiles->config->tiles_size, rgb, error);
}

static Shard *add_shard(TrainTiles *tiles, const char *path, GError **error)
{
    Shard *shard = shard_open(path, error);
    if (shard) {
        g_ptr_array_add(tiles->shards, shard);
    }
    return shard;
}

/* Whether facts call a tile normal or an anomaly (other labels are neither); what says nothing of its label is refused, since it
 * may be anything. */
static gboolean label_of(const json_t *facts, gboolean *normal, gboolean *strange)
{
    const json_t *label = json_object_get(facts, "label");
    const char *text = json_string_value(label);
    *normal = text ? g_str_equal(text, "good") : json_integer_value(label) == 0;
    *strange = text ? g_str_equal(text, "Ungood") : !*normal;
    return json_is_string(label) || json_is_integer(label);
}

/* A text, or a number as text, as shards of others have it; "" when there is none.  Caller frees. */
static char *name_of(const json_t *facts, const char *key)
{
    const json_t *value = json_object_get(facts, key);
    return json_is_integer(value) ? g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value))
                                  : g_strdup(json_is_string(value) ? json_string_value(value) : "");
}

static gboolean list_shard(TrainTiles *tiles, const Shard *shard, GError **error)
{
    for (int i = 0; i < shard_count(shard); i++) {
        gboolean normal, strange;
        json_t *facts = shard_facts(shard, i, error);
        if (!facts) {
            return FALSE;
        }
        if (!label_of(facts, &normal, &strange)) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                        "%s: %s.json has no \"label\" (\"good\" or 0 is a normal tile)", shard_path(shard),
                        shard_entry(shard, i)->key);
            json_decref(facts);
            return FALSE;
        }
        g_autofree char *patient = name_of(facts, "patient"), *slide = name_of(facts, "slide");
        double mpp = json_number_value(json_object_get(facts, "mpp"));
        tiles->mpp = i == 0 && tiles->shards->len == 1 ? MAX(mpp, 0) : tiles->mpp == mpp ? mpp : 0;
        const json_t *share = json_object_get(facts, "valid_share");
        gboolean readable = !json_is_number(share) || cut_readable(json_number_value(share));
        tiles->unreadable += !readable;
        if (readable && (normal || strange)) {
            add_place(tiles, (Place){.source = (int)tiles->shards->len - 1, .entry = i}, normal,
                      *patient ? patient : slide);
        }
        json_decref(facts);
    }
    return TRUE;
}

static gboolean use_shard_folder(TrainTiles *tiles, const char *folder, GError **error)
{
    g_auto(GStrv) names = shards_list(folder, "train-", error);
    begin_places(tiles);
    for (char **name = names; name && *name; name++) {
        g_autofree char *path = g_build_filename(folder, *name, NULL);
        Shard *shard = add_shard(tiles, path, error);
        if (!shard || !list_shard(tiles, shard, error)) {
            return FALSE;
        }
    }
    return names && end_places(tiles, read_sample, folder, error);
}

/* A patch "SHARD.tar/KEY.EXTENSION"; *shard is the number of the last one opened. */
static gboolean add_sample(TrainTiles *tiles, const char *root, const Patch *patch, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(patch->file, "/", 2);
    g_autofree char *path = g_build_filename(root, parts[0], NULL);
    guint n = tiles->shards->len;
    Shard *shard = n ? tiles->shards->pdata[n - 1] : NULL; /* the manifest is in the order of the shards */
    if ((!shard || !g_str_equal(shard_path(shard), path)) && !(shard = add_shard(tiles, path, error))) {
        return FALSE;
    }
    char *dot = strchr(parts[1], '.');
    *(dot ? dot : parts[1]) = 0;
    int entry = shard_find(shard, parts[1]);
    if (entry < 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_IO, "%s has no sample %s", path, parts[1]);
        return FALSE;
    }
    add_place(tiles, (Place){.source = (int)tiles->shards->len - 1, .entry = entry},
              g_str_equal(patch->label, "good"), patch_patient(patch));
    return TRUE;
}

static gboolean use_shards(TrainTiles *tiles, const char *manifest, const GPtrArray *patches, GError **error)
{
    g_autofree char *root = g_path_get_dirname(manifest);
    begin_places(tiles);
    for (guint i = 0; i < patches->len; i++) {
        const Patch *patch = patches->pdata[i];
        gboolean wanted = g_str_equal(patch->split, "train") &&
                          (g_str_equal(patch->label, "good") || g_str_equal(patch->label, "Ungood"));
        if (wanted && !add_sample(tiles, root, patch, error)) {
            return FALSE;
        }
    }
    return end_places(tiles, read_sample, manifest, error);
}

/* ---- slides ---- */

gboolean traintiles_write(const char *path, const GArray *tiles, const GPtrArray *slides,
                          const char *const *fingerprints, char sha256[65], GError **error)
{
    g_autoptr(GString) out = g_string_new("slide,patient,x,y,fingerprint\n");
    char x[G_ASCII_DTOSTR_BUF_SIZE], y[G_ASCII_DTOSTR_BUF_SIZE];
    for (guint i = 0; i < tiles->len; i++) {
        const NormalTile *tile = &g_array_index(tiles, NormalTile, i);
        const SlideEntry *entry = slides->pdata[tile->slide];
        csv_cell(out, entry->id, ',');
        csv_cell(out, entry->patient, ',');
        g_string_append_printf(out, "%s,%s,%s\n", g_ascii_formatd(x, sizeof x, "%.17g", tile->x),
                               g_ascii_formatd(y, sizeof y, "%.17g", tile->y), fingerprints[tile->slide]);
    }
    return durable_write_file(path, out->str, out->len, sha256, error);
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

/* Closes what was not used for longest, as long as more are open than may be. */
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
    if (!slide || !colouring_open(tiles->config, slide, source->fit, error)) {
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
    const Place *place = &g_array_index(tiles->places, Place, index);
    Source *source = &g_array_index(tiles->sources, Source, place->source);
    Slide *slide = take_slide(tiles, source, error);
    if (!slide) {
        return FALSE;
    }
    CutSpec spec = tiles_cut_spec(tiles->config);
    Image tile = {spec.size, spec.size, 3, rgb};
    gboolean ok = cut_tile(slide, &spec, place->x, place->y, &tile, NULL, NULL, error);
    g_mutex_lock(&tiles->lock);
    source->readers--;
    g_mutex_unlock(&tiles->lock);
    return ok;
}

static gboolean use_slides(TrainTiles *tiles, const char *table, const GPtrArray *slides,
                           const GPtrArray *fits, GError **error)
{
    static const char *const names[] = {"slide", "x", "y", "fingerprint", "patient"};
    g_autoptr(Csv) csv = csv_read(table, error);
    int at[G_N_ELEMENTS(names)];
    for (size_t c = 0; c < G_N_ELEMENTS(names); c++) {
        if (!csv || (at[c] = csv_need(csv, names[c], error)) < 0) {
            return FALSE;
        }
    }
    begin_places(tiles);
    for (int row = 0; row < csv_rows(csv); row++) {
        const char *id = csv_get(csv, row, at[0]);
        Place place = {.source = add_source(tiles, slides, fits, id, csv_get(csv, row, at[3]))};
        if (!csv_number(csv, row, at[1], &place.x, error) || !csv_number(csv, row, at[2], &place.y, error)) {
            return FALSE;
        }
        if (place.source < 0) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s line %d: there is no slide %s", table,
                        csv_line(csv, row), id);
            return FALSE;
        }
        add_place(tiles, place, TRUE, csv_get(csv, row, at[4]));
    }
    return end_places(tiles, read_slide, table, error);
}

/* ---- how they are made ---- */

enum { HEADER = 1 << 16 }; /* bytes in which the size of nearly every picture stands */

static gboolean add_file_size(GArray *sizes, const char *path, GError **error)
{
    uint8_t head[HEADER];
    int width, height;
    FILE *file = g_fopen(path, "rb");
    size_t bytes = file ? fread(head, 1, sizeof head, file) : 0;
    if (!file) {
        return wsi_error_errno(error, "cannot open", path);
    }
    fclose(file);
    if (!picture_size(head, bytes, &width, &height)) {
        g_autoptr(Image) picture = picture_read(path, error);
        if (!picture) {
            return FALSE;
        }
        width = picture->width;
        height = picture->height;
    }
    sizes_add(sizes, width, height);
    return TRUE;
}

static gboolean add_sample_size(GArray *sizes, const Shard *shard, int entry, GError **error)
{
    ShardPart part = shard_entry(shard, entry)->picture;
    int width, height;
    part.bytes = MIN(part.bytes, HEADER);
    g_autoptr(GByteArray) head = shard_read(shard, &part, error);
    if (head && picture_size(head->data, head->len, &width, &height)) {
        sizes_add(sizes, width, height);
        return TRUE;
    }
    g_autoptr(Image) picture = head ? shard_picture(shard, entry, error) : NULL;
    if (picture) {
        sizes_add(sizes, picture->width, picture->height);
    }
    return picture != NULL;
}

/* Of the tiles that were chosen. */
static gboolean measure_sizes(TrainTiles *tiles, GError **error)
{
    tiles->sizes = g_array_new(FALSE, FALSE, sizeof(PictureSize));
    for (guint i = 0; tiles->places && i < tiles->places->len; i++) {
        const Place *place = &g_array_index(tiles->places, Place, i);
        if (!add_sample_size(tiles->sizes, tiles->shards->pdata[place->source], place->entry, error)) {
            return FALSE;
        }
    }
    const GPtrArray *files = tiles->pictures.files;
    for (guint i = 0; files && i < files->len; i++) {
        if (!add_file_size(tiles->sizes, files->pdata[i], error)) {
            return FALSE;
        }
    }
    return TRUE;
}

int64_t traintiles_unreadable(const TrainTiles *tiles)
{
    return tiles->unreadable;
}

GArray *traintiles_sizes(const TrainTiles *tiles)
{
    return tiles->sizes;
}

gboolean traintiles_recipe(const TrainTiles *tiles, Recipe *out, GError **error)
{
    const Config *config = tiles->config;
    gboolean found;
    if (!recipe_of_config(config, out, error)) {
        return FALSE;
    }
    if (!*config->patches_folder) {
        return TRUE;
    }
    Recipe its = *out;
    if (!recipe_of_patches(config->patches_folder, &its, &found, error)) {
        return FALSE;
    }
    double mpp = found ? its.cut.mpp : tiles->mpp;
    mpp *= (double)sizes_side(tiles->sizes) / config->tiles_size;
    if (config->tiles_mpp > 0 && mpp > 0 && fabs(mpp / config->tiles_mpp - 1) > 1e-6) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "tiles.mpp is %g in the configuration, but the pictures of %s are of %g um/px at %d px: "
                    "give that "
                    "value or leave the key out",
                    config->tiles_mpp, config->patches_folder, mpp, config->tiles_size);
        return FALSE;
    }
    its.cut.size = config->tiles_size;
    its.cut.mpp = mpp > 0 ? mpp : config->tiles_mpp;
    *out = its;
    return TRUE;
}

/* ---- all together ---- */

static gboolean use_folder(TrainTiles *tiles, GError **error)
{
    const Config *config = tiles->config;
    g_autofree char *good = g_build_filename(config->patches_folder, "train", "good", NULL);
    g_auto(GStrv) shards = shards_list(config->patches_folder, "train-", NULL);
    gboolean has_shards = shards && *shards;
    if (g_str_equal(config->train_source, "shards") ||
        (has_shards && !g_file_test(good, G_FILE_TEST_IS_DIR))) {
        return use_shard_folder(tiles, config->patches_folder, error);
    }
    return picture_set_folder(&tiles->pictures, config->patches_folder, config->tiles_size, error) &&
           use_pictures(tiles, NULL, error);
}

static gboolean use_manifest(TrainTiles *tiles, const char *manifest, GError **error)
{
    g_autoptr(GPtrArray) patches = patchset_read_manifest(manifest, error);
    if (!patches) {
        return FALSE;
    }
    if (patches->len > 0 && strstr(((const Patch *)patches->pdata[0])->file, ".tar/")) {
        return use_shards(tiles, manifest, patches, error);
    }
    return picture_set_manifest(&tiles->pictures, manifest, tiles->config->tiles_size, error) &&
           use_pictures(tiles, manifest, error);
}

TrainTiles *traintiles_new(const Config *config, const char *manifest, const char *normals,
                           const GPtrArray *slides, const GPtrArray *fits, GError **error)
{
    g_autoptr(TrainTiles) tiles = tiles_new(config);
    gboolean ok = *config->patches_folder ? use_folder(tiles, error) && measure_sizes(tiles, error)
                  : normals               ? use_slides(tiles, normals, slides, fits, error)
                                          : use_manifest(tiles, manifest, error);
    return ok ? g_steal_pointer(&tiles) : NULL;
}
