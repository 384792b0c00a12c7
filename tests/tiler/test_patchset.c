/* Patch sets as patchset.h specifies them: the folders that MVTec, BMAD and MSFlow expect, and a manifest
 * that reads back equal. */
#include "tiler/patches/patchset.h"
#include "tiler/imagefile/imagefile.h"
#include "base/durable.h"
#include "base/error.h"
#include <locale.h>
#include <math.h>
#include <string.h>
#include <glib/gstdio.h>

static char *new_folder(void)
{
    return g_dir_make_tmp("wsiflow-patchset-XXXXXX", NULL);
}

static void remove_tree(const char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *inner = g_build_filename(path, name, NULL);
        remove_tree(inner);
    }
    if (dir) {
        g_dir_close(dir);
    }
    g_remove(path);
}

/* Numbers are padded, since loaders sort names as strings; any text becomes a single part of a
 * path. */
static void test_names(void)
{
    static const struct {
        const char *split, *label, *slide;
        int number;
        const char *start, *end;
    } cases[] = {
        {"train", "good", "tumor_001", 7, "train/good/tumor_001_000007.png", ""},
        {"test", "Ungood", "a.b-c", 1234567, "test/Ungood/a.b-c_1234567.png", ""},
        {"valid", "good", "../../etc/passwd", 0, "../dataset_valid/good/_._.._etc_passwd-", "_000000.png"},
        {"test", "good", "S 01 (\xC3\xA4)", 1, "test/good/S_01_____-", "_000001.png"},
        {"..", "good", "", 2, "_./good/_-", "_000002.png"}};
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *name =
            patchset_name(cases[i].split, cases[i].label, cases[i].slide, cases[i].number, "png");
        g_assert_true(g_str_has_prefix(name, cases[i].start));
        g_assert_true(*cases[i].end ? g_str_has_suffix(name, cases[i].end)
                                    : g_str_equal(name, cases[i].start));
        g_auto(GStrv) parts = g_strsplit(name, "/", -1);
        g_assert_cmpint(g_strv_length(parts), ==, g_str_equal(cases[i].split, "valid") ? 4 : 3);
        g_assert_true(patchset_is_inside(name));
    }
    static const char *const outside[] = {"",
                                          "../x/a_000001.png",
                                          "../../dataset_valid/good/a_000001.png",
                                          "../dataset_valid/../../x.png",
                                          "../dataset_",
                                          "../dataset_/x.png",
                                          "test/../../x.png",
                                          "/etc/passwd",
                                          "test//x.png"};
    for (guint i = 0; i < G_N_ELEMENTS(outside); i++) {
        g_test_message("%s", outside[i]);
        g_assert_false(patchset_is_inside(outside[i]));
    }
    g_autofree char *a = patchset_name("test", "good", "S 1", 0, "jpg"),
                    *b = patchset_name("test", "good", "S/1", 0, "jpg");
    g_assert_cmpstr(a, !=, b); /* slides never share a file */
    g_assert_true(g_str_has_suffix(a, "_000000.jpg"));
}

/* Keys of samples have no dot, which would end them; slides that differ in dots only keep different keys. */
static void test_keys(void)
{
    static const struct {
        const char *slide;
        int number;
        const char *start, *end;
    } cases[] = {{"tumor_001", 7, "tumor_001_000007", ""},
                 {"a.b-c", 12, "a_b-c-", "_000012"},
                 {"a_b-c", 12, "a_b-c_000012", ""},
                 {"../x", 1, "__", "_000001"}};
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *key = patchset_key(cases[i].slide, cases[i].number);
        g_assert_true(g_str_has_prefix(key, cases[i].start));
        g_assert_true(g_str_has_suffix(key, *cases[i].end ? cases[i].end : cases[i].start));
        g_assert_null(strpbrk(key, "./"));
        g_assert_cmpint(patchset_number(key), ==, cases[i].number);
    }
}

/* A name gives its number, with or without extension. */
static void test_numbers(void)
{
    static const struct {
        const char *file;
        int number;
    } cases[] = {{"train/good/tumor_001_000007.png", 7},
                 {"a.b_1234567.jpg", 1234567},
                 {"tumor_001_000007", 7},
                 {"tumor_001.png", -1},
                 {"x_00000a.png", -1},
                 {"none.png", -1},
                 {"x_99999999999999.png", -1}};
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_assert_cmpint(patchset_number(cases[i].file), ==, cases[i].number);
    }
}

static Patch *new_patch(const char *split, const char *label, int number)
{
    Patch *patch = g_new0(Patch, 1);
    patch->file = patchset_name(split, label, "tumor_001", number, "png");
    patch->slide = g_strdup("tumor_001");
    patch->patient = g_strdup("p, \"1\"");
    patch->x = 97000 + number;
    patch->y = -12;
    patch->level = 2;
    patch->side = number % 2 ? 1067 : 0;
    patch->mpp = 0.97204;
    patch->tissue_fraction = 0.87654321;
    patch->lesion_fraction = number % 2 ? 1.0 / 3 : 0;
    patch->readable_fraction = 1;
    patch->label = g_strdup(label);
    patch->split = g_strdup(split);
    patch->slide_file = g_strdup("tumor 001, (copy).tif");
    patch->fold = number % 3;
    patch->flags = (unsigned)number % 32;
    g_strlcpy(patch->pixels, "0123456789abcdef", sizeof patch->pixels);
    return patch;
}

static Image *new_image(int channels)
{
    Image *image = image_new(24, 16, channels, NULL);
    for (size_t p = 0; p < image_bytes(image); p++) {
        image->pixels[p] = (uint8_t)(channels == 3 ? p * 7 : p % 3);
    }
    return image;
}

/* An image reads back equal, or nearly equal as JPEG; a mask is 0 and 255. */
static void test_encode(void)
{
    g_autoptr(Image) rgb = new_image(3), mask = new_image(1);
    g_autoptr(GByteArray) png = g_byte_array_new(), jpeg = g_byte_array_new(), bits = g_byte_array_new();
    GError *error = NULL;
    g_assert_true(patchset_encode(rgb, 0, png, &error) && patchset_encode(rgb, 90, jpeg, &error) &&
                  patchset_encode_mask(mask, bits, &error));
    g_autoptr(Image) back = imagefile_decode(png->data, png->len, "png", &error);
    g_assert_cmpmem(back->pixels, image_bytes(back), rgb->pixels, image_bytes(rgb));
    g_assert_cmpint(jpeg->data[0], ==, 0xff);
    g_autoptr(Image) back_mask = imagefile_decode(bits->data, bits->len, "mask", &error);
    g_assert_no_error(error);
    for (size_t p = 0; p < image_bytes(mask); p++) {
        g_assert_cmpint(back_mask->pixels[3 * p], ==, p % 3 ? 255 : 0);
    }
}

/* Files where loaders look for them; the same bytes again leave the file alone, others replace it. */
static void test_put(void)
{
    g_autofree char *root = new_folder();
    Patch *patch = new_patch("test", "Ungood", 3);
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_byte_array_append(bytes, (const guint8 *)"one", 3);
    g_autofree char *mask = patchset_mask_name(patch), *path = g_build_filename(root, patch->file, NULL);
    g_assert_cmpstr(mask, ==, "ground_truth/Ungood/tumor_001_000003_mask.png");
    GStatBuf first, second, third;
    g_assert_true(patchset_put(root, patch->file, bytes, NULL) && g_stat(path, &first) == 0);
    g_assert_true(patchset_put(root, patch->file, bytes, NULL) && g_stat(path, &second) == 0);
    g_assert_cmpint(first.st_ino, ==, second.st_ino);
    g_byte_array_append(bytes, (const guint8 *)"two", 3);
    g_assert_true(patchset_put(root, patch->file, bytes, NULL) && g_stat(path, &third) == 0);
    g_assert_cmpint(third.st_size, ==, 6);
    patch_free(patch);
    remove_tree(root);
}

/* Facts are JSON and read back as the same patch, whatever its names contain. */
static void test_facts(void)
{
    Patch *patch = new_patch("train", "good", 4), back;
    g_autofree char *text = patchset_facts(patch, 97003.6249999999, -12.4, 256);
    json_t *facts = json_loads(text, 0, NULL);
    GError *error = NULL;
    g_assert_true(patchset_facts_parse(facts, "x.json", &back, &error));
    g_assert_no_error(error);
    g_assert_cmpfloat(json_real_value(json_object_get(facts, "x")), ==, 97003.6249999999);
    g_assert_cmpint(back.x, ==, 97004);
    g_assert_cmpint(back.y, ==, -12);
    g_assert_cmpstr(back.patient, ==, patch->patient);
    g_assert_cmpstr(back.label, ==, "good");
    g_assert_cmpstr(back.pixels, ==, patch->pixels);
    g_assert_cmpint(back.fold, ==, patch->fold);
    g_assert_cmpuint(back.flags, ==, patch->flags);
    patch_clear(&back);
    /* Facts of an earlier version would lose their readable fraction. */
    json_object_set(facts, "valid_share", json_object_get(facts, "readable_fraction"));
    json_object_del(facts, "readable_fraction");
    g_assert_false(patchset_facts_parse(facts, "x.json", &back, &error));
    g_assert_nonnull(strstr(error->message, "x.json was made by an earlier version"));
    g_clear_error(&error);
    json_object_del(facts, "valid_share");
    json_object_del(facts, "y");
    g_assert_false(patchset_facts_parse(facts, "x.json", &back, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_clear_error(&error);
    json_decref(facts);
    patch_free(patch);
}

static void test_write_refused(void)
{
    static const char *const files[] = {
        "../outside.png", "/tmp/outside.png", "train//x.png", "train/.x.png", "", "a b.png"};
    g_autofree char *root = new_folder();
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(patchset_put(root, files[i], bytes, &error));
        g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    }
    g_assert_cmpint(g_rmdir(root), ==, 0); /* it is still empty */
}

static void assert_same(const Patch *a, const Patch *b)
{
    g_assert_cmpstr(a->file, ==, b->file);
    g_assert_cmpstr(a->slide, ==, b->slide);
    g_assert_cmpstr(a->patient, ==, b->patient);
    g_assert_cmpint(a->x, ==, b->x);
    g_assert_cmpint(a->y, ==, b->y);
    g_assert_cmpint(a->level, ==, b->level);
    g_assert_cmpfloat(a->side, ==, b->side);
    g_assert_cmpfloat(fabs(a->mpp - b->mpp), <, 1e-6);
    g_assert_cmpfloat(fabs(a->tissue_fraction - b->tissue_fraction), <, 1e-4);
    g_assert_cmpfloat(fabs(a->lesion_fraction - b->lesion_fraction), <, 1e-4);
    g_assert_cmpfloat(fabs(a->readable_fraction - b->readable_fraction), <, 1e-4);
    g_assert_cmpstr(a->label, ==, b->label);
    g_assert_cmpstr(a->split, ==, b->split);
    g_assert_cmpstr(a->slide_file, ==, b->slide_file);
    g_assert_cmpstr(a->sha256, ==, b->sha256);
    g_assert_cmpint(a->fold, ==, b->fold);
    g_assert_cmpuint(a->flags, ==, b->flags);
    g_assert_cmpstr(a->pixels, ==, b->pixels);
}

/* The manifest has its columns in this order, reads back equal, and is the same in any locale. */
static void test_manifest(void)
{
    static const char *const locales[] = {"C", "de_DE.UTF-8", "de_DE", "fr_FR.UTF-8", "C.UTF-8"};
    g_autofree char *root = new_folder(), *path = g_build_filename(root, "manifest.csv", NULL);
    g_autoptr(GPtrArray) patches = g_ptr_array_new_with_free_func((GDestroyNotify)patch_free);
    char first[65] = "";
    for (int i = 0; i < 5; i++) {
        Patch *patch = new_patch(i % 2 ? "test" : "train", i % 2 ? "Ungood" : "good", i);
        durable_hash_bytes(&i, sizeof i, patch->sha256);
        g_ptr_array_add(patches, patch);
    }
    for (guint l = 0; l < G_N_ELEMENTS(locales); l++) {
        GError *error = NULL;
        char sha256[65];
        if (!setlocale(LC_ALL, locales[l])) {
            continue;
        }
        g_assert_true(patchset_write_manifest(path, patches, sha256, &error));
        g_assert_no_error(error);
        g_assert_true(!first[0] || g_str_equal(first, sha256));
        g_strlcpy(first, sha256, sizeof first);
        g_autoptr(GPtrArray) back = patchset_read_manifest(path, &error);
        g_assert_no_error(error);
        g_assert_cmpint(back->len, ==, patches->len);
        for (guint i = 0; i < back->len; i++) {
            assert_same(back->pdata[i], patches->pdata[i]);
        }
    }
    setlocale(LC_ALL, "C");
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_true(g_str_has_prefix(
        text, "file,slide,patient,x,y,level,mpp,tissue_fraction,lesion_fraction,readable_fraction,label,"
              "split,sha256,"
              "fold,pixels,flags,side,slide_file\n"
              "train/good/tumor_001_000000.png,tumor_001,\"p, \"\"1\"\"\",97000,-12,2,0.972040,0.8765,"
              "0.0000,1.0000,good,train,"));
    remove_tree(root);
}

/* Errors in a manifest name file and line, and a path in it cannot lead out of the set. */
static void test_bad_manifests(void)
{
    static const char *const head = "file,slide,patient,x,y,level,mpp,tissue_fraction,lesion_fraction,"
                                    "readable_fraction,label,split,sha256\n";
    static const struct {
        const char *line, *says;
    } cases[] = {{"../a.png,s,,1,2,0,1,1,0,1,good,train,aa\n", "line 2"},
                 {"/a.png,s,,1,2,0,1,1,0,1,good,train,aa\n", "line 2"},
                 {"a.png,s,,one,2,0,1,1,0,1,good,train,aa\n", "\"x\""},
                 {"a.png,s,,,2,0,1,1,0,1,good,train,aa\n", "\"x\""},
                 {"a.png,s,,1,1e300,0,1,1,0,1,good,train,aa\n", "\"y\""},
                 {"a.png,s,,1,2\n", "line 2"}};
    g_autofree char *root = new_folder(), *path = g_build_filename(root, "manifest.csv", NULL);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = g_strconcat(head, cases[i].line, NULL);
        g_autoptr(GError) error = NULL;
        g_assert_true(g_file_set_contents(path, text, -1, NULL));
        g_assert_null(patchset_read_manifest(path, &error));
        g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
        g_assert_nonnull(strstr(error->message, "manifest.csv"));
        g_assert_nonnull(strstr(error->message, cases[i].says));
    }
    g_autoptr(GError) column = NULL;
    g_assert_true(g_file_set_contents(path, "file,slide\n", -1, NULL));
    g_assert_null(patchset_read_manifest(path, &column));
    g_assert_nonnull(strstr(column->message, "patient"));
    remove_tree(root);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/patchset/names", test_names);
    g_test_add_func("/patchset/keys", test_keys);
    g_test_add_func("/patchset/numbers", test_numbers);
    g_test_add_func("/patchset/encode", test_encode);
    g_test_add_func("/patchset/put", test_put);
    g_test_add_func("/patchset/facts", test_facts);
    g_test_add_func("/patchset/write-refused", test_write_refused);
    g_test_add_func("/patchset/manifest", test_manifest);
    g_test_add_func("/patchset/bad-manifests", test_bad_manifests);
    return g_test_run();
}
