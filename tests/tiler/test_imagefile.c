/* Images as imagefile.h specifies them.  tools/golden_imagefile.py computed the pixels of each kind of
 * file. */
#include "tiler/imagefile/imagefile.h"
#include "base/durable.h"
#include "base/error.h"
#include "base/rng.h"
#include <math.h>
#include <string.h>
#include <zlib.h>
#include <glib/gstdio.h>

#define GOLDEN "tests/golden/imagefile/"
enum { WIDTH = 13, HEIGHT = 11 }; /* of the golden images */

static Image *random_image(int width, int height, int channels)
{
    Image *image = image_new(width, height, channels, NULL);
    Rng rng = rng_at(1, (uint64_t)width, (uint32_t)channels);
    for (size_t i = 0; i < image_bytes(image); i++) {
        image->pixels[i] = (uint8_t)rng_below(&rng, 256);
    }
    return image;
}

static char *temporary(const char *name)
{
    g_autofree char *folder = g_dir_make_tmp("wsiflow-image-XXXXXX", NULL);
    return g_build_filename(folder, name, NULL);
}

static void remove_with_folder(const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_unlink(path);
    g_assert_cmpint(g_rmdir(folder), ==, 0);
}

static uint8_t *load(const char *path, gsize *bytes)
{
    char *data = NULL;
    GError *error = NULL;
    g_file_get_contents(path, &data, bytes, &error);
    g_assert_no_error(error);
    return (uint8_t *)data;
}

/* Every kind of file gives the pixels that it should. */
static void test_kinds(void)
{
    static const char *const names[] = {"rgb.png",        "interlaced.png",    "rgba.png",  "grey.png",
                                        "grey_alpha.png", "grey1.png",         "rgb16.png", "palette4.png",
                                        "gamma.png",      "palette_alpha.png", "420.jpg",   "444.jpg",
                                        "grey.jpg",       "progressive.jpg"};
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_strconcat(GOLDEN, names[i], NULL),
                        *wanted_path = g_strconcat(path, ".rgb", NULL);
        gsize bytes;
        g_autofree uint8_t *wanted = load(wanted_path, &bytes);
        GError *error = NULL;
        g_autoptr(Image) image = imagefile_read(path, &error);
        g_assert_no_error(error);
        g_assert_cmpint(image->width, ==, WIDTH);
        g_assert_cmpint(image->height, ==, HEIGHT);
        g_assert_cmpint(image->channels, ==, 3);
        g_assert_cmpmem(image->pixels, image_bytes(image), wanted, bytes);
    }
}

static void test_refused(void)
{
    static const struct {
        const char *path;
        int code;
    } cases[] = {{GOLDEN "cmyk.jpg", WSI_ERROR_INPUT},
                 {GOLDEN "rgb.png.rgb", WSI_ERROR_INPUT},
                 {GOLDEN, WSI_ERROR_INPUT},
                 {GOLDEN "absent.png", WSI_ERROR_ABSENT}};
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(imagefile_read(cases[i].path, &error));
        g_assert_error(error, WSI_ERROR, cases[i].code);
        g_assert_nonnull(strstr(error->message, cases[i].path));
    }
}

/* A truncated file is an error, wherever it is cut off, and never gives grey or black pixels. */
static void test_cut_off(void)
{
    static const char *const names[] = {GOLDEN "rgb.png", GOLDEN "interlaced.png", GOLDEN "420.jpg",
                                        GOLDEN "progressive.jpg"};
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        gsize bytes;
        g_autofree uint8_t *data = load(names[i], &bytes);
        for (gsize cut = 0; cut < bytes; cut++) {
            g_autoptr(GError) error = NULL;
            g_autofree uint8_t *part =
                g_memdup2(data, MAX(cut, 1)); /* its own block: reading past it is seen */
            g_autoptr(Image) image = imagefile_decode(part, cut, "cut", &error);
            g_assert_null(image);
            g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
        }
    }
}

/* A damaged byte gives an error or an image of some size, nothing worse. */
static void test_damaged(void)
{
    static const char *const names[] = {GOLDEN "palette_alpha.png", GOLDEN "rgba.png", GOLDEN "420.jpg",
                                        GOLDEN "progressive.jpg"};
    Rng rng = rng_at(2, 0, 0);
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        gsize bytes;
        g_autofree uint8_t *data = load(names[i], &bytes);
        for (gsize at = 0; at < bytes; at++) {
            uint8_t whole = data[at];
            g_autoptr(GError) error = NULL;
            data[at] ^= (uint8_t)(1 + rng_below(&rng, 255));
            g_autoptr(Image) image = imagefile_decode(data, bytes, "damaged", &error);
            g_assert_true((image == NULL) == (error != NULL));
            g_assert_true(!image || (image->width > 0 && image->channels == 3));
            data[at] = whole;
        }
    }
}

static void put_be32(uint8_t *out, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        out[i] = (uint8_t)(value >> (24 - 8 * i));
    }
}

/* Headers that claim billions of pixels are refused before memory is allocated. */
static void test_huge(void)
{
    gsize bytes;
    g_autofree uint8_t *png = load(GOLDEN "rgb.png", &bytes);
    put_be32(png + 16, 1000000);
    put_be32(png + 20, 1000000);
    put_be32(png + 29, (uint32_t)crc32(0, png + 12, 17));
    g_autoptr(GError) error = NULL;
    g_assert_null(imagefile_decode(png, bytes, "huge.png", &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, "1000000 x 1000000"));

    g_autofree uint8_t *jpeg = load(GOLDEN "420.jpg", &bytes);
    g_autoptr(GError) jpeg_error = NULL;
    for (gsize at = 2; at + 9 < bytes; at++) {
        if (jpeg[at] == 0xff && jpeg[at + 1] == 0xc0) {
            put_be32(jpeg + at + 5, 65000u << 16 | 65000u);
            break;
        }
    }
    g_assert_null(imagefile_decode(jpeg, bytes, "huge.jpg", &jpeg_error));
    g_assert_error(jpeg_error, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(jpeg_error->message, "65000 x 65000"));
}

/* Written images read back equal; the bytes depend only on the pixels and hold no date; the hash is that of the
 * file. */
static void test_png_round_trip(void)
{
    static const int sizes[][3] = {{1, 1, 1}, {1, 1, 3}, {257, 3, 1}, {64, 300, 3}};
    g_autofree char *path = temporary("image.png");
    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(Image) image = random_image(sizes[i][0], sizes[i][1], sizes[i][2]);
        GError *error = NULL;
        char sha256[65], on_disk[65];
        g_assert_true(imagefile_write_png(path, image, sha256, &error));
        g_assert_no_error(error);
        g_assert_true(durable_hash_file(path, on_disk, NULL, NULL));
        g_assert_cmpstr(sha256, ==, on_disk);
        g_autoptr(Image) back = imagefile_read(path, &error);
        g_assert_no_error(error);
        for (size_t p = 0; p < (size_t)image->width * image->height * 3; p++) {
            g_assert_cmpint(back->pixels[p], ==, image->pixels[p * (size_t)image->channels / 3]);
        }
        gsize bytes;
        g_autofree uint8_t *file = load(path, &bytes);
        g_autoptr(GByteArray) memory = g_byte_array_new();
        g_assert_true(imagefile_encode_png(image, memory, &error));
        g_assert_cmpmem(memory->data, memory->len, file, bytes);
        for (gsize at = 8; at < bytes;) { /* chunks: length, name, data, CRC */
            const uint8_t *chunk = file + at;
            g_assert_true(!memcmp(chunk + 4, "IHDR", 4) || !memcmp(chunk + 4, "IDAT", 4) ||
                          !memcmp(chunk + 4, "IEND", 4));
            at += 12 + ((gsize)chunk[0] << 24 | (gsize)chunk[1] << 16 | (gsize)chunk[2] << 8 | chunk[3]);
        }
    }
    remove_with_folder(path);
}

static void test_png_cannot_write(void)
{
    g_autoptr(Image) image = random_image(4, 4, 3);
    g_autoptr(GError) error = NULL;
    g_assert_false(imagefile_write_png("/proc/wsiflow/image.png", image, NULL, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_ABSENT);
    image->channels = 2;
    g_autoptr(GByteArray) out = g_byte_array_new();
    g_autoptr(GError) channels = NULL;
    g_assert_false(imagefile_encode_png(image, out, &channels));
    g_assert_error(channels, WSI_ERROR, WSI_ERROR_INTERNAL);
}

/* Sampling factors of the first component in a JPEG's frame header: 0x11 full chroma, 0x22 halved both
 * ways. */
static int sampling_of(const GByteArray *jpeg)
{
    for (guint at = 2; at + 11 < jpeg->len; at++) {
        if (jpeg->data[at] == 0xff && jpeg->data[at + 1] == 0xc0) {
            return jpeg->data[at + 11];
        }
    }
    return 0;
}

static void test_jpeg_encode(void)
{
    g_autoptr(Image) image = image_new(100, 70, 3, NULL);
    for (int i = 0; i < 100 * 70; i++) {
        image->pixels[3 * i] = (uint8_t)(128 + 100 * sin(i % 100 / 9.0));
        image->pixels[3 * i + 1] = (uint8_t)(128 + 100 * cos(i / 100 / 7.0));
        image->pixels[3 * i + 2] = 90;
    }
    for (int quality = 75; quality <= 95; quality += 5) {
        g_autoptr(GByteArray) out = g_byte_array_new();
        GError *error = NULL;
        g_assert_true(imagefile_encode_jpeg(image, quality, out, &error));
        g_assert_no_error(error);
        g_assert_cmpint(sampling_of(out), ==, quality >= 90 ? 0x11 : 0x22);
        g_autoptr(Image) back = imagefile_decode(out->data, out->len, "jpeg", &error);
        g_assert_no_error(error);
        double sum = 0;
        for (size_t i = 0; i < image_bytes(image); i++) {
            sum += pow(back->pixels[i] - (double)image->pixels[i], 2);
        }
        g_assert_cmpfloat(sqrt(sum / (double)image_bytes(image)), <, quality >= 90 ? 2.5 : 5);
    }
    g_autoptr(GByteArray) out = g_byte_array_new();
    g_autoptr(GError) error = NULL;
    g_assert_false(imagefile_encode_jpeg(image, 0, out, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INTERNAL);
}

static void test_list(void)
{
    static const char *const names[] = {"b.png",  "a.jpeg",      "C.JPG",     "a10.png",
                                        "a2.png", ".hidden.png", "notes.txt", "png"};
    g_autofree char *folder = g_dir_make_tmp("wsiflow-list-XXXXXX", NULL);
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(folder, names[i], NULL);
        g_assert_true(g_file_set_contents(path, "", 0, NULL));
    }
    GError *error = NULL;
    g_auto(GStrv) list = imagefile_list(folder, &error);
    g_assert_no_error(error);
    g_autofree char *joined = g_strjoinv(" ", list);
    g_assert_cmpstr(joined, ==, "C.JPG a.jpeg a10.png a2.png b.png");
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(folder, names[i], NULL);
        g_unlink(path);
    }
    g_rmdir(folder);
    g_assert_null(imagefile_list(folder, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_ABSENT);
    g_clear_error(&error);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/image/kinds", test_kinds);
    g_test_add_func("/image/refused", test_refused);
    g_test_add_func("/image/cut-off", test_cut_off);
    g_test_add_func("/image/damaged", test_damaged);
    g_test_add_func("/image/huge", test_huge);
    g_test_add_func("/image/png-round-trip", test_png_round_trip);
    g_test_add_func("/image/png-cannot-write", test_png_cannot_write);
    g_test_add_func("/image/jpeg-encode", test_jpeg_encode);
    g_test_add_func("/image/list", test_list);
    return g_test_run();
}
