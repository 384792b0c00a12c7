/* Pages for people: where lines and text come to lie, and that the pixels depend on nothing outside (canvas.h). */
#include "tiler/draw/canvas.h"
#include "base/error.h"
#include <glib/gstdio.h>
#include <locale.h>
#include <stdio.h>
#include <math.h>
#include <string.h>

static const CanvasText plain = {.points = 8, .colour = {0, 0, 0}};

static Canvas *page(int width, int height)
{
    g_autoptr(GError) error = NULL;
    Canvas *canvas = canvas_new(width, height, &error);
    g_assert_no_error(error);
    return canvas;
}

static Image *finish(Canvas *canvas)
{
    g_autoptr(GError) error = NULL;
    Image *image = canvas_finish(canvas, &error);
    g_assert_no_error(error);
    return image;
}

static gboolean is_white(const Image *image, int x, int y)
{
    return memcmp(image->pixels + 3 * ((size_t)y * image->width + x), "\xff\xff\xff", 3) == 0;
}

/* The smallest rectangle that holds all ink. */
static Rect ink_of(const Image *image)
{
    int x0 = image->width, y0 = image->height, x1 = 0, y1 = 0;
    for (int y = 0; y < image->height; y++) {
        for (int x = 0; x < image->width; x++) {
            if (!is_white(image, x, y)) {
                x0 = MIN(x0, x);
                y0 = MIN(y0, y);
                x1 = MAX(x1, x + 1);
                y1 = MAX(y1, y + 1);
            }
        }
    }
    return (Rect){x0, y0, x1 - x0, y1 - y0};
}

static Image *written(const CanvasText *style, const char *text, double x, double y, Rect *box)
{
    g_autoptr(Canvas) canvas = page(600, 300);
    *box = canvas_text(canvas, x, y, style, text);
    return finish(canvas);
}

static void assert_inside(const Rect *inner, const Rect *outer)
{
    g_assert_cmpfloat(inner->x, >=, floor(outer->x));
    g_assert_cmpfloat(inner->y, >=, floor(outer->y));
    g_assert_cmpfloat(inner->x + inner->width, <=, ceil(outer->x + outer->width));
    g_assert_cmpfloat(inner->y + inner->height, <=, ceil(outer->y + outer->height));
}

/* Images and fills cover exactly the pixels that they are given; a frame is outside of its area. */
static void test_pixels(void)
{
    g_autoptr(Canvas) canvas = page(40, 30);
    g_autoptr(Image) image = image_new(5, 4, 3, NULL);
    for (int i = 0; i < 60; i++) {
        image->pixels[i] = (uint8_t)(4 * i);
    }
    canvas_image(canvas, image, 7, 9);
    canvas_frame(canvas, &(Rect){7, 9, 5, 4}, 2, (CanvasColour){190, 0, 1});
    canvas_fill(canvas, &(Rect){20, 3, 10, 6}, (CanvasColour){1, 2, 3});
    g_autoptr(Image) out = finish(canvas);
    for (int y = 0; y < 30; y++) {
        for (int x = 0; x < 40; x++) {
            const uint8_t *pixel = out->pixels + 3 * (y * 40 + x);
            gboolean in_image = x >= 7 && x < 12 && y >= 9 && y < 13,
                     in_frame = x >= 5 && x < 14 && y >= 7 && y < 15,
                     in_fill = x >= 20 && x < 30 && y >= 3 && y < 9;
            const uint8_t *wanted = in_image ? image->pixels + 3 * ((y - 9) * 5 + x - 7)
                                             : (const uint8_t *)(in_frame  ? "\xbe\x00\x01"
                                                                 : in_fill ? "\x01\x02\x03"
                                                                           : "\xff\xff\xff");
            g_assert_cmpmem(pixel, 3, wanted, 3);
        }
    }
}

/* An outline is at its place within half a pixel, is joined at its end, and stays in its area. */
static void test_rings(void)
{
    g_autoptr(Canvas) canvas = page(200, 200);
    /* In a frame of 10 x 20 units on an area of 100 x 100 px at (50, 40); and one that reaches beyond it. */
    static const double square[] = {2, 4, 8, 4, 8, 16, 2, 16}, beyond[] = {-5, -5, 30, -5, 30, 50, -5, 50};
    const Ring rings[] = {{square, 4}, {beyond, 4}};
    const Rect area = {50, 40, 100, 100};
    canvas_rings(canvas, rings, 2, 10, 20, &area, &(CanvasPen){2, 0, {0, 0, 0}});
    g_autoptr(Image) out = finish(canvas);
    Rect ink = ink_of(out);
    g_assert_cmpfloat(ink.x, ==, 69); /* 50 + 2 * 10 px, a line of 2 px */
    g_assert_cmpfloat(ink.y, ==, 59);
    g_assert_cmpfloat(ink.x + ink.width, ==, 131);
    g_assert_cmpfloat(ink.y + ink.height, ==, 121);
    for (int y = 61; y < 119; y++) {
        g_assert_false(is_white(out, 69, y) || is_white(out, 130, y));
        g_assert_true(is_white(out, 72, y) && is_white(out, 127, y) && is_white(out, 100, y));
    }
}

/* A line has white on both sides. */
static void test_border(void)
{
    g_autoptr(Canvas) canvas = page(40, 40);
    canvas_fill(canvas, &(Rect){0, 0, 40, 40}, (CanvasColour){90, 90, 90});
    canvas_line(canvas, 0, 20, 40, 20, &(CanvasPen){4, 3, {0, 0, 0}});
    g_autoptr(Image) out = finish(canvas);
    for (int y = 0; y < 40; y++) {
        int d = y < 20 ? 19 - y : y - 20; /* px from the middle of the line */
        g_assert_cmpint(out->pixels[3 * (y * 40 + 20)], ==, d < 2 ? 0 : d < 5 ? 255 : 90);
    }
}

/* The ink of a text is in its box, at its place for each alignment and direction, and as large as the points say. */
static void test_text(void)
{
    for (int upwards = 0; upwards < 2; upwards++) {
        for (int align = CANVAS_LEFT; align <= CANVAS_RIGHT; align++) {
            CanvasText style = plain;
            style.align = (CanvasAlign)align;
            style.upwards = upwards;
            Rect box;
            g_autoptr(Image) out = written(&style, "Hxg 123", 300, 150, &box);
            Rect ink = ink_of(out);
            assert_inside(&ink, &box);
            double length = upwards ? box.height : box.width,
                   at = upwards ? box.y + box.height - 150 : 300 - box.x;
            g_assert_cmpfloat_with_epsilon(at, length * align / 2, 1e-6);
            g_assert_cmpfloat(upwards ? ink.height : ink.width, >, 0.9 * length);
        }
    }
    Rect box;
    g_autoptr(Image) capital = written(&plain, "H", 10, 10, &box);
    /* DejaVu's capitals are 0.729 em high: 8 points at 300 dpi are 33.3 px. */
    g_assert_cmpfloat_with_epsilon(ink_of(capital).height, 0.729 * CANVAS_PT(8), 1);
}

/* A text that is too long is cut in its middle, or broken into lines. */
static void test_long(void)
{
    g_autofree char *name = g_strnfill(300, 'm');
    CanvasText cut = plain, lines = plain;
    cut.width = lines.width = 400;
    lines.lines = TRUE;
    Rect one, many, word;
    g_autoptr(Image) a = written(&cut, name, 100, 20, &one), b = written(&plain, "m", 0, 0, &word);
    g_autoptr(Image) c = written(
        &lines, "some words that need more than one line of this width, and then more", 100, 20, &many);
    g_assert_cmpfloat(one.width, <=, 400);
    g_assert_cmpfloat_with_epsilon(one.height, word.height, 1e-6);
    g_assert_cmpfloat(many.width, <=, 400);
    g_assert_cmpfloat(many.height, >, 2.9 * word.height);
    Rect ink_a = ink_of(a), ink_c = ink_of(c);
    assert_inside(&ink_a, &one);
    assert_inside(&ink_c, &many);
}

/* Texts that somebody made to do harm, or that just are of another script, are one line of ink and nothing else. */
static void test_names(void)
{
    static const char *const names[] = {
        "<b>bold</b> & <span size='100000'>x</span>", /* no markup */
        "\xff\xfe\x80 not UTF-8 \xc3",
        "a\nb\tc\rd\x01\x7f",
        "\u0627\u0644\u0634\u0631\u064a\u062d\u0629 12.tif", /* Arabic */
        "abc\u202e\u2066fit.exe\u2028x",                     /* turns the direction, breaks the line */
        "\U0001F52C\U0001F9EC \u8105\u7247",                 /* no glyph in the font */
        "e\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308\u0309\u030a\u030b\u030c\u030d\u030e\u030f\u0310"
        "\u0311",
        "%s%n%d",
    };
    CanvasText style = plain;
    style.width = 500;
    Rect line, box;
    image_free(written(&plain, "x", 0, 0, &line));
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(Image) out = written(&style, names[i], 50, 100, &box);
        Rect ink = ink_of(out);
        assert_inside(&ink, &box);
        g_assert_cmpfloat(ink.width, >, 5);
        g_assert_cmpfloat(box.x, ==, 50);
        g_assert_cmpfloat(box.height, <,
                          1.5 * line.height); /* other versions of Pango: higher boxes for missing glyphs */
    }
    /* What a name says is drawn, not done: tags have a width, and a bold tag is not bold. */
    Rect tag, inner;
    image_free(written(&plain, "<b>x</b>", 0, 0, &tag));
    image_free(written(&plain, "x", 0, 0, &inner));
    g_assert_cmpfloat(tag.width, >, 4 * inner.width);
    /* A mark that turns the direction shows as a replacement character. */
    Rect turned, replaced;
    g_autoptr(Image) a = written(&plain, "a\u202eb", 50, 50, &turned),
                     b = written(&plain, "a\ufffdb", 50, 50, &replaced);
    g_assert_cmpmem(a->pixels, image_bytes(a), b->pixels, image_bytes(b));
    /* Megabytes of a name take no time. */
    g_autofree char *huge = g_strnfill(20 << 20, 'x');
    gint64 start = g_get_monotonic_time();
    image_free(written(&style, huge, 0, 0, &box));
    g_assert_cmpint(g_get_monotonic_time() - start, <, 5 * G_USEC_PER_SEC);
}

/* ---- nothing outside decides ---- */

static char *hash_of_page(void)
{
    Rect box;
    CanvasText bold = {.points = 11, .bold = TRUE, .colour = {30, 30, 30}};
    g_autoptr(Canvas) canvas = page(600, 200);
    box = canvas_text(canvas, 10, 10, &bold, "Slide \u00b5m \u2265 6.6");
    canvas_text(canvas, 10, 20 + box.height, &plain, "ffi 0123456789 \u0627\u0644");
    g_autoptr(Image) out = finish(canvas);
    return g_compute_checksum_for_data(G_CHECKSUM_SHA256, out->pixels, image_bytes(out));
}

/* Runs itself with settings that change what Pango and Cairo do elsewhere, and compares. */
static void test_settings(void)
{
    static const char *const settings[][2] = {
        {"LC_ALL", "tr_TR.UTF-8"}, {"PANGO_LANGUAGE", "ar:ja"},    {"FONTCONFIG_FILE", "/dev/null"},
        {"FONTCONFIG_PATH", "/"},  {"HOME", "/nowhere"},           {"XDG_CONFIG_HOME", NULL},
        {"FC_LANG", "ja"},         {"PANGOCAIRO_BACKEND", "none"}, {"GDK_SCALE", "3"},
    };
    g_autofree char *here = hash_of_page(), *folder = g_dir_make_tmp("wsiflow-fonts-XXXXXX", NULL);
    /* A user's rule: everything in a monospaced font, large, hinted, in subpixels. */
    g_autofree char *inner = g_build_filename(folder, "fontconfig", NULL),
                    *rules = g_build_filename(inner, "fonts.conf", NULL);
    static const char text[] =
        "<?xml version='1.0'?><!DOCTYPE fontconfig SYSTEM 'fonts.dtd'><fontconfig><match target='pattern'>"
        "<edit name='family' mode='assign' binding='strong'><string>DejaVu Sans Mono</string></edit>"
        "<edit name='pixelsize' mode='assign'><double>50</double></edit></match><match target='font'>"
        "<edit name='antialias' mode='assign'><bool>false</bool></edit></match></fontconfig>";
    g_mkdir(inner, 0700);
    g_assert_true(g_file_set_contents(rules, text, -1, NULL));
    for (guint i = 0; i < G_N_ELEMENTS(settings); i++) {
        const char *value = settings[i][1] ? settings[i][1] : folder;
        g_auto(GStrv) environment = g_environ_setenv(g_get_environ(), settings[i][0], value, TRUE);
        char *arguments[] = {"/proc/self/exe", "--hash", NULL};
        g_autofree char *out = NULL, *self = g_file_read_link("/proc/self/exe", NULL);
        g_autoptr(GError) error = NULL;
        arguments[0] = self;
        g_spawn_sync(NULL, arguments, environment, G_SPAWN_DEFAULT, NULL, NULL, &out, NULL, NULL, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(g_strstrip(out), ==, here);
    }
    g_remove(rules);
    g_rmdir(inner);
    g_rmdir(folder);
}

int main(int argc, char **argv)
{
    if (argc == 2 && g_str_equal(argv[1], "--hash")) {
        setlocale(LC_ALL, "");
        g_autofree char *hash = hash_of_page();
        puts(hash);
        return 0;
    }
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/canvas/pixels", test_pixels);
    g_test_add_func("/canvas/rings", test_rings);
    g_test_add_func("/canvas/border", test_border);
    g_test_add_func("/canvas/text", test_text);
    g_test_add_func("/canvas/long", test_long);
    g_test_add_func("/canvas/names", test_names);
    g_test_add_func("/canvas/settings", test_settings);
    return g_test_run();
}
