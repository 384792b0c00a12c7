/* Tar shards as shard.h and shard_writer.h specify them: bytes that depend only on the samples, shards of limited size, a name only for complete
 * shards, and any sample by one positioned read.  tests/patchset/test_shard_readers.sh checks that other programs read them. */
#include "tiler/patches/shard_writer.h"
#include "tiler/patches/shard.h"
#include "tiler/imagefile/imagefile.h"
#include "base/durable.h"
#include "base/error.h"
#include <string.h>
#include <glib/gstdio.h>

static char *new_folder(void)
{
    return g_dir_make_tmp("wsiflow-shards-XXXXXX", NULL);
}

static void remove_folder(const char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *inner = g_build_filename(path, name, NULL);
        g_remove(inner);
    }
    g_clear_pointer(&dir, g_dir_close);
    g_remove(path);
}

static GByteArray *image_of(int number)
{
    g_autoptr(Image) image = image_new(16, 16, 3, NULL);
    for (size_t i = 0; i < image_bytes(image); i++) {
        image->pixels[i] = (uint8_t)((i * 7 + 3) * (size_t)(number + 1));
    }
    GByteArray *out = g_byte_array_new();
    g_assert_true(imagefile_encode_png(image, out, NULL));
    return out;
}

/* `count` samples; every third has a mask. */
static GPtrArray *write_samples(ShardWriter *writer, int count)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    for (int i = 0; i < count; i++) {
        GError *error = NULL;
        g_autofree char *key = g_strdup_printf("slide_%06d", i);
        g_autofree char *json = g_strdup_printf("{\"number\": %d}\n", i);
        g_autoptr(GByteArray) image = image_of(i);
        ShardSample sample = {key, "png", image, json, i % 3 == 0 ? image : NULL};
        g_assert_cmpint(shard_writer_add(writer, &sample, &error), >=, 0);
        g_assert_no_error(error);
        g_ptr_array_add(names, g_steal_pointer(&key));
    }
    return names;
}

static void check_sample(const Shard *shard, int i, int number)
{
    GError *error = NULL;
    const ShardEntry *entry = shard_entry(shard, i);
    g_autofree char *key = g_strdup_printf("slide_%06d", number);
    g_assert_cmpstr(entry->key, ==, key);
    g_assert_cmpint(shard_find(shard, key), ==, i);
    g_autoptr(GByteArray) expected = image_of(number), got = shard_read(shard, &entry->image, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(got->data, got->len, expected->data, expected->len);
    g_autoptr(Image) image = shard_image(shard, i, &error);
    g_assert_no_error(error);
    g_assert_cmpint(image->width, ==, 16);
    json_t *facts = shard_facts(shard, i, &error);
    g_assert_no_error(error);
    g_assert_cmpint(json_integer_value(json_object_get(facts, "number")), ==, number);
    json_decref(facts);
    g_assert_cmpint(entry->mask.bytes, ==, number % 3 == 0 ? (int64_t)expected->len : 0);
}

/* Samples read back in order from several shards; no shard is above the limit; the hashes are those of the files. */
static void test_round_trip(void)
{
    enum { COUNT = 20, LIMIT = 12000 };
    g_autofree char *folder = new_folder();
    GError *error = NULL;
    g_autoptr(ShardWriter) writer = shard_writer_new(folder, "train", 0, LIMIT);
    g_autoptr(GPtrArray) names = write_samples(writer, COUNT);
    const GPtrArray *files = shard_writer_finish(writer, &error);
    g_assert_no_error(error);
    g_assert_cmpint(files->len, >, 1);
    int number = 0;
    for (guint f = 0; f < files->len; f++) {
        const ShardFile *file = files->pdata[f];
        char sha256[65];
        g_autofree char *name = shard_name("train", (int)f), *base = g_path_get_basename(file->path);
        g_assert_cmpstr(base, ==, name);
        g_assert_cmpint(file->bytes, <=, LIMIT + 1024); /* and the two blocks that end a tar */
        g_assert_true(durable_hash_file(file->path, sha256, NULL, NULL));
        g_assert_cmpstr(sha256, ==, file->sha256);
        g_autoptr(Shard) shard = shard_open(file->path, &error);
        g_assert_no_error(error);
        g_assert_cmpint(shard_count(shard), ==, file->samples);
        for (int i = 0; i < shard_count(shard); i++, number++) {
            check_sample(shard, i, number);
        }
    }
    g_assert_cmpint(number, ==, COUNT);
    remove_folder(folder);
}

/* The same samples give the same bytes. */
static void test_deterministic(void)
{
    g_autofree char *folder = new_folder();
    char first[65] = "";
    for (int run = 0; run < 2; run++) {
        g_autoptr(ShardWriter) writer = shard_writer_new(folder, "train", 0, 1 << 20);
        g_autoptr(GPtrArray) names = write_samples(writer, 7);
        const GPtrArray *files = shard_writer_finish(writer, NULL);
        g_assert_cmpint(files->len, ==, 1);
        g_assert_true(run == 0 || g_str_equal(first, ((ShardFile *)files->pdata[0])->sha256));
        g_strlcpy(first, ((ShardFile *)files->pdata[0])->sha256, sizeof first);
        g_usleep(run == 0 ? 1100000 : 0); /* tar times are whole seconds */
    }
    remove_folder(folder);
}

/* A writer that is freed early leaves no file; a shard has no name before it is complete. */
static void test_given_up(void)
{
    g_autofree char *folder = new_folder();
    ShardWriter *writer = shard_writer_new(folder, "train", 0, 1 << 20);
    g_autoptr(GPtrArray) names = write_samples(writer, 3);
    g_auto(GStrv) before = shards_list(folder, "train-", NULL);
    g_assert_cmpint(g_strv_length(before), ==, 0);
    shard_writer_free(writer);
    g_assert_cmpint(g_rmdir(folder), ==, 0);
}

static void test_old_shards_go(void)
{
    static const char *const files[] = {"train-000000.tar", "train-000001.tar", "train-000002.tar",
                                        "trainer-000009.tar", "train-mine.tar"};
    g_autofree char *folder = new_folder();
    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(folder, files[i], NULL);
        g_assert_true(g_file_set_contents(path, "", 0, NULL));
    }
    shards_remove(folder, "train", 1);
    g_auto(GStrv) left = shards_list(folder, "train", NULL);
    g_autofree char *text = g_strjoinv(" ", left);
    g_assert_cmpstr(text, ==, "train-000000.tar train-mine.tar trainer-000009.tar");
    remove_folder(folder);
}

/* A file that is not a complete tar file is an error that names it, whatever its bytes are. */
static void test_damaged(void)
{
    g_autofree char *folder = new_folder();
    g_autoptr(ShardWriter) writer = shard_writer_new(folder, "train", 0, 1 << 20);
    g_autoptr(GPtrArray) names = write_samples(writer, 3);
    const ShardFile *file = shard_writer_finish(writer, NULL)->pdata[0];
    g_autofree char *whole = NULL, *path = g_build_filename(folder, "damaged.tar", NULL);
    gsize bytes;
    g_assert_true(g_file_get_contents(file->path, &whole, &bytes, NULL));
    for (gsize cut = 100; cut + 2048 < bytes; cut += 333) {
        g_autoptr(GError) error = NULL;
        g_assert_true(g_file_set_contents(path, whole, (gssize)cut, NULL));
        g_autoptr(Shard) shard = shard_open(path, &error);
        if (shard) { /* cut between members: what is there is whole */
            for (int i = 0; i < shard_count(shard); i++) {
                g_autoptr(Image) image = shard_image(shard, i, &error);
                g_assert_no_error(error);
                g_assert_nonnull(image);
            }
        } else {
            g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
            g_assert_nonnull(strstr(error->message, "damaged.tar"));
        }
    }
    remove_folder(folder);
}

static void test_refused_keys(void)
{
    static const char *const keys[] = {"", "a.b", "../x", "a/b"};
    g_autofree char *folder = new_folder();
    g_autoptr(GByteArray) image = image_of(0);
    g_autoptr(ShardWriter) writer = shard_writer_new(folder, "train", 0, 1 << 20);
    for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autoptr(GError) error = NULL;
        ShardSample sample = {keys[i], "png", image, "{}", NULL};
        g_assert_cmpint(shard_writer_add(writer, &sample, &error), ==, -1);
        g_assert_nonnull(error);
    }
    remove_folder(folder);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/shards/round trip", test_round_trip);
    g_test_add_func("/shards/deterministic", test_deterministic);
    g_test_add_func("/shards/given up", test_given_up);
    g_test_add_func("/shards/old ones go", test_old_shards_go);
    g_test_add_func("/shards/damaged", test_damaged);
    g_test_add_func("/shards/refused keys", test_refused_keys);
    return g_test_run();
}
