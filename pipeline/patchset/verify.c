/* Verification of a patch set.
 *
 * Hashes show whether the files are those that were written.  Cutting again shows whether they are what the slides show at that position, with
 * the configuration stored in the run.  PNG is lossless, so pixels must be equal.  A JPEG is compared with the tile cut and encoded again:
 * equal with the same library, within a small tolerance with another. */
#include "pipeline/patchset/verify.h"
#include "base/durable.h"
#include "base/error.h"
#include "base/pool.h"
#include "base/rng.h"
#include "pipeline/cohort/stored_cohort.h"
#include "pipeline/config/stored_config.h"
#include "pipeline/patchset/patch_cut.h"
#include "pipeline/patchset/sha256sums.h"
#include "pipeline/slide/slide_stain.h"
#include "pipeline/slide/tile_recipe.h"
#include "pipeline/slide/tile_table.h"
#include "tiler/imagefile/imagefile.h"
#include "tiler/patches/shard.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const Config *config;
    char *folder, *root; /* of the run; of the patch set */
    GPtrArray *patches;
    GHashTable *shards;     /* name -> Shard* */
    GHashTable *unreadable; /* name of a shard -> the error */
    char **wrong;           /* one per patch: what is wrong, or NULL */
} Verify;

/* ---- bytes ---- */

static char *shard_of(const Patch *patch)
{
    const char *end = strstr(patch->file, ".tar/");
    return end ? g_strndup(patch->file, (gsize)(end - patch->file) + 4) : NULL;
}

static GByteArray *sample_bytes(const Shard *shard, const Patch *patch, GError **error)
{
    g_autofree char *key = g_path_get_basename(patch->file);
    key[strcspn(key, ".")] = 0;
    int at = shard_find(shard, key);
    if (at < 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "is not in its shard");
        return NULL;
    }
    return shard_read(shard, &shard_entry(shard, at)->image, error);
}

static GByteArray *bytes_of(const Verify *verify, const Patch *patch, GError **error)
{
    g_autofree char *name = shard_of(patch), *path = g_build_filename(verify->root, patch->file, NULL);
    if (name) {
        const Shard *shard = g_hash_table_lookup(verify->shards, name);
        if (!shard) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "its shard cannot be read: %s",
                        (const char *)g_hash_table_lookup(verify->unreadable, name));
        }
        return shard ? sample_bytes(shard, patch, error) : NULL;
    }
    char *data;
    gsize size;
    return g_file_get_contents(path, &data, &size, error) ? g_byte_array_new_take((guint8 *)data, size)
                                                          : NULL;
}

static gboolean hash_one(int64_t index, int worker, void *data, GError **error)
{
    Verify *verify = data;
    const Patch *patch = verify->patches->pdata[index];
    g_autoptr(GError) why = NULL;
    g_autoptr(GByteArray) bytes = bytes_of(verify, patch, &why);
    char sha256[65] = "";
    if (bytes) {
        durable_hash_bytes(bytes->data, bytes->len, sha256);
    }
    if (!bytes || !g_str_equal(sha256, patch->sha256)) {
        verify->wrong[index] =
            g_strdup(why ? why->message : "differs from the file that was written (SHA-256)");
    }
    return TRUE;
}

static void open_shards(Verify *verify)
{
    verify->shards = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)shard_free);
    verify->unreadable = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    for (guint i = 0; i < verify->patches->len; i++) {
        char *name = shard_of(verify->patches->pdata[i]);
        if (name && !g_hash_table_contains(verify->shards, name) &&
            !g_hash_table_contains(verify->unreadable, name)) {
            g_autoptr(GError) why = NULL;
            g_autofree char *path = g_build_filename(verify->root, name, NULL);
            Shard *shard = shard_open(path, &why);
            g_hash_table_insert(shard ? verify->shards : verify->unreadable, g_strdup(name),
                                shard ? (gpointer)shard : g_strdup(why->message));
        }
        g_free(name);
    }
}

/* ---- pixels ---- */

/* How the stored image differs from the tile that is cut now, or NULL. */
static char *compare(const Config *config, const GByteArray *stored, const Image *cut)
{
    g_autoptr(GByteArray) again = g_byte_array_new();
    int quality = patch_jpeg_quality(config);
    if (!patchset_encode(cut, quality, again, NULL)) {
        return g_strdup("cannot be encoded");
    }
    g_autoptr(Image) a = imagefile_decode(stored->data, stored->len, "", NULL);
    g_autoptr(Image) b = imagefile_decode(again->data, again->len, "", NULL);
    if (!a || !b || a->width != b->width || a->height != b->height) {
        return g_strdup("is not an image of the tile size");
    }
    double sum = 0;
    for (size_t i = 0; i < image_bytes(a); i++) {
        sum += abs(a->pixels[i] - b->pixels[i]);
    }
    double mean = sum / (double)image_bytes(a), allowed = quality > 0 ? VERIFY_JPEG_TOLERANCE : 0;
    return mean <= allowed ? NULL
                           : g_strdup_printf("differs from the slide by %.3g grey levels on average", mean);
}

typedef struct {
    const SlideEntry *entry; /* NULL: none is open */
    Slide *slide;
    GArray *tiles;
} Source;

static void source_close(Source *source)
{
    g_clear_pointer(&source->slide, slide_free);
    g_clear_pointer(&source->tiles, g_array_unref);
    source->entry = NULL;
}

/* The slide in the colours that its patches were cut in. */
static Slide *open_coloured(const Verify *verify, const SlideEntry *entry, GError **error)
{
    g_autofree char *path = g_build_filename(verify->folder, "slides", entry->id, "stain.json", NULL);
    gboolean fitted = slide_stain_wanted(verify->config);
    g_autoptr(Slide) slide = slide_entry_open(verify->config, entry, error);
    return slide && tile_recipe_colour_by_config(verify->config, slide, fitted ? path : NULL, error)
               ? g_steal_pointer(&slide)
               : NULL;
}

/* Opens the slide of a patch and reads its tiles; both are kept while patches of the same slide follow. */
static gboolean source_open(Source *source, const Verify *verify, const GPtrArray *slides, const char *id,
                            GError **error)
{
    if (source->entry && g_str_equal(source->entry->id, id)) {
        return TRUE;
    }
    source_close(source);
    for (guint i = 0; i < slides->len && !source->entry; i++) {
        const SlideEntry *entry = slides->pdata[i];
        source->entry = g_str_equal(entry->id, id) ? entry : NULL;
    }
    if (!source->entry) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "its slide %s is no longer in the run", id);
        return FALSE;
    }
    g_autofree char *table = g_build_filename(verify->folder, "slides", id, "tiles.csv", NULL);
    source->tiles = tile_table_read(table, error);
    source->slide = source->tiles ? open_coloured(verify, source->entry, error) : NULL;
    if (!source->slide) {
        source_close(source);
    }
    return source->entry != NULL;
}

/* What is wrong with the pixels of a patch, or NULL. */
static char *cut_again(const Verify *verify, Source *source, const GPtrArray *slides, const Patch *patch)
{
    g_autoptr(GError) why = NULL;
    if (!source_open(source, verify, slides, patch->slide, &why)) {
        return g_strdup(why->message);
    }
    int number = patchset_number(patch->file), size = verify->config->tiles_size;
    const Tile *tile = number >= 0 && (guint)number < source->tiles->len
                           ? &g_array_index(source->tiles, Tile, number)
                           : NULL;
    if (!tile || (int64_t)floor(tile->x + 0.5) != patch->x || (int64_t)floor(tile->y + 0.5) != patch->y) {
        return g_strdup("is at a position where the grid has no tile");
    }
    CutSpec spec = tile_recipe_cut_spec(verify->config);
    g_autoptr(GByteArray) stored = bytes_of(verify, patch, &why);
    g_autoptr(Image) rgb = stored ? image_new(size, size, 3, &why) : NULL;
    if (!rgb || !cut_tile(source->slide, &spec, tile->x, tile->y, rgb, NULL, NULL, &why)) {
        return g_strdup(why->message);
    }
    return compare(verify->config, stored, rgb);
}

static gint by_number(gconstpointer a, gconstpointer b)
{
    uint32_t p = *(const uint32_t *)a, q = *(const uint32_t *)b;
    return p < q ? -1 : p > q;
}

/* Cuts a seeded sample again; *cut: how many. */
static gboolean cut_sample(Verify *verify, int sample, int *cut, GError **error)
{
    g_autoptr(Store) store = sample > 0 ? store_open_existing(verify->folder, error) : NULL;
    g_autoptr(Cohort) cohort = store ? stored_cohort_read(store, error) : NULL;
    uint32_t n = verify->patches->len;
    g_autofree uint32_t *order = wsi_try_alloc(MAX(n, 1), sizeof *order, "the sample", error);
    if ((sample > 0 && !cohort) || !order) {
        return FALSE;
    }
    Rng rng = rng_at((uint64_t)verify->config->run_seed, rng_name("verify"), 0);
    rng_permutation(&rng, order, n);
    *cut = (int)MIN((uint32_t)sample, n);
    qsort(order, (size_t)*cut, sizeof *order, by_number);
    Source source = {0};
    for (int i = 0; i < *cut; i++) {
        char **wrong = &verify->wrong[order[i]];
        if (!*wrong) {
            *wrong = cut_again(verify, &source, cohort->slides, verify->patches->pdata[order[i]]);
        }
    }
    source_close(&source);
    return TRUE;
}

/* ---- the report ---- */

/* Whether the card names the hash of the manifest or of SHA256SUMS.  It does not when lines were lost or changed. */
static gboolean is_named(const Verify *verify, const char *file)
{
    char sha256[65];
    g_autofree char *path = g_build_filename(verify->root, file, NULL), *text = NULL;
    g_autofree char *card = g_build_filename(verify->root, "CARD.md", NULL);
    return durable_hash_file(path, sha256, NULL, NULL) && g_file_get_contents(card, &text, NULL, NULL) &&
           strstr(text, sha256);
}

/* Prints and counts the images in the patch set's folders that are not in the manifest. */
static int foreign_images(const Verify *verify, GHashTable *known)
{
    static const char *const usual[] = {"train/good", "train/Ungood", "test/good", "test/Ungood"};
    g_autoptr(GHashTable) folders = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    int foreign = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(usual); i++) {
        g_hash_table_add(folders, g_strdup(usual[i]));
    }
    for (guint i = 0; i < verify->patches->len; i++) {
        g_hash_table_add(folders, g_path_get_dirname(((const Patch *)verify->patches->pdata[i])->file));
    }
    g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(folders), (GCompareFunc)strcmp);
    for (const GList *one = names; one; one = one->next) {
        g_autofree char *folder = g_build_filename(verify->root, one->data, NULL);
        g_auto(GStrv) images = g_file_test(folder, G_FILE_TEST_IS_DIR) ? imagefile_list(folder, NULL) : NULL;
        for (char **name = images; name && *name; name++) {
            g_autofree char *file = g_build_filename(one->data, *name, NULL);
            if (!g_hash_table_contains(known, file)) {
                printf("%s: is not in manifest.csv\n", file);
                foreign++;
            }
        }
    }
    return foreign;
}

static int report(const Verify *verify, int cut)
{
    int differ = 0;
    static const char *const named[] = {"manifest.csv", SHA256SUMS_FILE};
    for (size_t i = 0; i < G_N_ELEMENTS(named); i++) {
        if (!is_named(verify, named[i])) {
            printf("%s: is not the file that CARD.md names (SHA-256)\n", named[i]);
            differ++;
        }
    }
    g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);
    g_hash_table_add(known, (char *)"manifest.csv");
    for (guint i = 0; i < verify->patches->len; i++) {
        g_hash_table_add(known, ((Patch *)verify->patches->pdata[i])->file);
    }
    int others, wrong;
    sha256sums_check(verify->root, known, &others, &wrong);
    differ += wrong + foreign_images(verify, known);
    for (guint i = 0; i < verify->patches->len; i++) {
        if (verify->wrong[i]) {
            printf("%s: %s\n", ((const Patch *)verify->patches->pdata[i])->file, verify->wrong[i]);
            differ++;
        }
    }
    printf("%u images and %d other files hashed, %d cut again, %d differ\n", verify->patches->len, others,
           cut, differ);
    return differ;
}

static void verify_clear(Verify *verify)
{
    for (guint i = 0; verify->wrong && i < verify->patches->len; i++) {
        g_free(verify->wrong[i]);
    }
    g_free(verify->wrong);
    g_clear_pointer(&verify->shards, g_hash_table_unref);
    g_clear_pointer(&verify->unreadable, g_hash_table_unref);
    g_clear_pointer(&verify->patches, g_ptr_array_unref);
    g_free(verify->folder);
    g_free(verify->root);
}

gboolean verify_dataset(const char *folder, int sample, int threads, int *differ, GError **error)
{
    g_autoptr(Config) config = stored_config_read(folder, error);
    if (!config) {
        return FALSE;
    }
    Verify verify = {
        .config = config, .folder = g_strdup(folder), .root = g_build_filename(folder, "dataset", NULL)};
    g_autofree char *manifest = g_build_filename(verify.root, "manifest.csv", NULL);
    int cut = 0;
    verify.patches = patchset_read_manifest(manifest, error);
    gboolean ok = verify.patches != NULL;
    if (ok) {
        verify.wrong = g_new0(char *, verify.patches->len + 1);
        open_shards(&verify);
        ok = pool_run(threads, FALSE, verify.patches->len, hash_one, &verify, error) &&
             cut_sample(&verify, sample, &cut, error);
    }
    if (ok) {
        *differ = report(&verify, cut);
    }
    verify_clear(&verify);
    return ok;
}
