/* Patch sets as patchset.h promises them: the folders that MVTec, BMAD and MSFlow expect, and a manifest
 * that comes back. */
#include "tiler/patchset.h"
#include "tiler/picture.h"
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

/* Numbers are padded, since loaders sort names as texts; whatever a part holds, it stays one part of a
 * path. */
static void test_names(void)
{
    static const struct {
        const char *split, *label, *slide;
        int number;
        const char *start, *end;
    } cases[] = {{"train", "good", "tumor_001", 7, "train/good/tumor_001_000007.png", ""},
                 {"test", "Ungood", "a.b-c", 1234567, "test/Ungood/a.b-c_1234567.png", ""},
                 {"valid", "good", "../../etc/passwd", 0, "valid/good/_._.._etc_passwd-", "_000000.png"},
                 {"test", "good", "S 01 (\xC3\xA4)", 1, "test/good/S_01_____-", "_000001.png"},
                 {"..", "good", "", 2, "_./good/_-", "_000002.png"}};
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *name =
            patchset_name(cases[i].split, cases[i].label, cases[i].slide, cases[i].number);
        g_assert_true(g_str_has_prefix(name, cases[i].start));
        g_assert_true(*cases[i].end ? g_str_has_suffix(name, cases[i].end)
                                    : g_str_equal(name, cases[i].start));
        g_auto(GStrv) parts = g_strsplit(name, "/", -1);
        g_assert_cmpint(g_strv_length(parts), ==, 3);
    }
    g_autofree char *a = patchset_name("test", "good", "S 1", 0),
                    *b = patchset_name("test", "good", "S/1", 0);
    g_assert_cmpstr(a, !=, b); /* slides never share a file */
}

static Patch *new_patch(const char *split, const char *label, int number)
{
    Patch *patch = g_new0(Patch, 1);
    patch->file = patchset_name(split, label, "tumor_001", number);
    patch->slide = g_strdup("tumor_001");
    patch->patient = g_strdup("p, \"1\"");
    patch->x = 97000 + number;
    patch->y = -12;
    patch->level = 2;
    patch->mpp = 0.97204;
    patch->tissue_share = 0.87654321;
    patch->lesion_share = number % 2 ? 1.0 / 3 : 0;
    patch->valid_share = 1;
    patch->label = g_strdup(label);
    patch->split = g_strdup(split);
    return patch;
}

static void free_patch(gpointer data)
{
    patch_clear(data);
    g_free(data);
}

/* Pictures and masks where loaders look for them; masks are 0 and 255; the hash is the file's. */
static void test_write(void)
{
    static const struct {
        const char *split, *label;
        gboolean mask;
    } cases[] = {{"train", "good", FALSE},
                 {"test", "good", TRUE},
                 {"test", "Ungood", TRUE},
                 {"valid", "Ungood", FALSE}};
    g_autofree char *root = new_folder();
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Image) rgb = image_new(24, 16, 3, NULL), mask = image_new(24, 16, 1, NULL);
        for (size_t p = 0; p < image_bytes(rgb); p++) {
            rgb->pixels[p] = (uint8_t)(p * 7);
        }
        for (size_t p = 0; p < image_bytes(mask); p++) {
            mask->pixels[p] = (uint8_t)(p % 3);
        }
        Patch *patch = new_patch(cases[i].split, cases[i].label, (int)i);
        GError *error = NULL;
        g_assert_true(patchset_write(root, patch, rgb, cases[i].mask ? mask : NULL, &error));
        g_assert_no_error(error);
        g_autofree char *file = g_build_filename(root, patch->file, NULL);
        g_autofree char *mask_name = g_strdup_printf("tumor_001_%06u_mask.png", i);
        g_autofree char *mask_file = g_build_filename(root, "ground_truth", "Ungood", mask_name, NULL);
        char sha256[65];
        g_assert_true(durable_hash_file(file, sha256, NULL, NULL));
        g_assert_cmpstr(sha256, ==, patch->sha256);
        g_autoptr(Image) back = picture_read(file, &error);
        g_assert_no_error(error);
        g_assert_cmpmem(back->pixels, image_bytes(back), rgb->pixels, image_bytes(rgb));
        gboolean wants_mask = cases[i].mask && g_str_equal(cases[i].label, "Ungood");
        g_assert_cmpint(g_file_test(mask_file, G_FILE_TEST_EXISTS), ==, wants_mask);
        g_autoptr(Image) back_mask = wants_mask ? picture_read(mask_file, &error) : NULL;
        g_assert_no_error(error);
        for (size_t p = 0; back_mask && p < image_bytes(mask); p++) {
            g_assert_cmpint(back_mask->pixels[3 * p], ==, p % 3 ? 255 : 0);
        }
        free_patch(patch);
    }
    remove_tree(root);
}

static void test_write_refused(void)
{
    static const char *const files[] = {
        "../outside.png", "/tmp/outside.png", "train//x.png", "train/.x.png", "", "a b.png"};
    g_autofree char *root = new_folder();
    g_autoptr(Image) rgb = image_new(4, 4, 3, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        Patch *patch = new_patch("train", "good", 0);
        g_autoptr(GError) error = NULL;
        g_free(patch->file);
        patch->file = g_strdup(files[i]);
        g_assert_false(patchset_write(root, patch, rgb, NULL, &error));
        g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
        free_patch(patch);
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
    g_assert_cmpfloat(fabs(a->mpp - b->mpp), <, 1e-6);
    g_assert_cmpfloat(fabs(a->tissue_share - b->tissue_share), <, 1e-4);
    g_assert_cmpfloat(fabs(a->lesion_share - b->lesion_share), <, 1e-4);
    g_assert_cmpfloat(fabs(a->valid_share - b->valid_share), <, 1e-4);
    g_assert_cmpstr(a->label, ==, b->label);
    g_assert_cmpstr(a->split, ==, b->split);
    g_assert_cmpstr(a->sha256, ==, b->sha256);
}

/* The manifest has its columns in this order, comes back as it was, and looks the same in any locale. */
static void test_manifest(void)
{
    static const char *const locales[] = {"C", "de_DE.UTF-8", "de_DE", "fr_FR.UTF-8", "C.UTF-8"};
    g_autofree char *root = new_folder(), *path = g_build_filename(root, "manifest.csv", NULL);
    g_autoptr(GPtrArray) patches = g_ptr_array_new_with_free_func(free_patch);
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
        text, "file,slide,patient,x,y,level,mpp,tissue_share,lesion_share,valid_share,label,split,sha256\n"
              "train/good/tumor_001_000000.png,tumor_001,\"p, \"\"1\"\"\",97000,-12,2,0.972040,0.8765,"
              "0.0000,1.0000,good,train,"));
    remove_tree(root);
}

/* What is wrong in a manifest is said with file and line, and a path in it cannot lead out of the set. */
static void test_bad_manifests(void)
{
    static const char *const head =
        "file,slide,patient,x,y,level,mpp,tissue_share,lesion_share,valid_share,label,split,sha256\n";
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
    g_test_add_func("/patchset/write", test_write);
    g_test_add_func("/patchset/write-refused", test_write_refused);
    g_test_add_func("/patchset/manifest", test_manifest);
    g_test_add_func("/patchset/bad-manifests", test_bad_manifests);
    return g_test_run();
}
