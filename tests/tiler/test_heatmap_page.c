/* What the overview of a heatmap shows, read from its pixels (heatmap_page.h). */
#include "tiler/heatmap/heatmap_page.h"
#include "tiler/heatmap/colour_map.h"
#include "tiler/heatmap/heatmap_layout.h"
#include "tests/slide_file.h"

/* A page that a test draws. */
typedef struct {
    SlideFile file;
    Slide *slide;
    Map *map;
    HeatmapPage page;
    Image *image;
    HeatmapLayout layout;
} Drawn;

static Map *map_of(int width, int height, float value)
{
    Map *map = map_new(width, height, NULL);
    for (int i = 0; i < width * height; i++) {
        map->values[i] = value;
    }
    return map;
}

/* A flat slide of this size. */
static void begin(Drawn *drawn, int width, int height, double mpp_x, double mpp_y)
{
    *drawn = (Drawn){.image = NULL};
    set_up(&drawn->file, NULL);
    g_autoptr(Image) flat = fixture_image(width, height, 3);
    memset(flat->pixels, 220, image_bytes(flat));
    fixture_write(drawn->file.path, &(FixtureSpec){.compression = COMPRESSION_LZW}, flat);
    drawn->slide = open_slide(drawn->file.path, &(SlideOptions){.mpp_x = mpp_x, .mpp_y = mpp_y});
    drawn->map = map_of(60, 30, 0);
    drawn->page = (HeatmapPage){.map = drawn->map,
                                .colours = "viridis",
                                .high = 10,
                                .opacity = 1,
                                .threshold = 2.5,
                                .title = "",
                                .subtitle = "",
                                .note = ""};
}

/* The layout follows from the heights of the texts, which the page finds by measuring them; here from its height. */
static void draw(Drawn *drawn)
{
    g_autoptr(GError) error = NULL;
    const SlideInfo *info = slide_info(drawn->slide);
    image_free(drawn->image);
    drawn->image = heatmap_page(drawn->slide, &drawn->page, &error);
    g_assert_no_error(error);
    double width_um = (double)info->levels[0].width * info->mpp_x,
           height_um = (double)info->levels[0].height * info->mpp_y;
    int bare = heatmap_layout(width_um, height_um, 0, 0).height, more = drawn->image->height - bare;
    g_assert_cmpint(more, >, 0);
    drawn->layout = heatmap_layout(width_um, height_um, 0, more);
    /* Where the images begin is seen in the frame above the first one. */
    int y = 0;
    while (memcmp(drawn->image->pixels + 3 * ((size_t)y * drawn->image->width + drawn->layout.left[0]),
                  "\xbe\xbe\xbe", 3) != 0) {
        y++;
    }
    int above = y + 2 - drawn->layout.upper[0];
    drawn->layout = heatmap_layout(width_um, height_um, above, more - above);
}

static void end(Drawn *drawn)
{
    image_free(drawn->image);
    map_free(drawn->map);
    slide_free(drawn->slide);
    tear_down(&drawn->file, NULL);
}

static const uint8_t *at(const Drawn *drawn, int x, int y)
{
    g_assert_true(x >= 0 && y >= 0 && x < drawn->image->width && y < drawn->image->height);
    return drawn->image->pixels + 3 * ((size_t)y * drawn->image->width + x);
}

static gboolean is_dark(const uint8_t *pixel)
{
    return pixel[0] < 100 && pixel[1] < 100 && pixel[2] < 100;
}

/* Bounds of the pixels in an area for which a test holds. */
static Rect bounds_of(const Drawn *drawn, const Rect *area, gboolean (*test)(const uint8_t *pixel))
{
    int x0 = G_MAXINT, y0 = G_MAXINT, x1 = -1, y1 = -1;
    for (int y = (int)area->y; y < area->y + area->height; y++) {
        for (int x = (int)area->x; x < area->x + area->width; x++) {
            if (test(at(drawn, x, y))) {
                x0 = MIN(x0, x);
                x1 = MAX(x1, x + 1);
                y0 = MIN(y0, y);
                y1 = MAX(y1, y + 1);
            }
        }
    }
    return (Rect){x0, y0, x1 - x0, y1 - y0};
}

static Rect panel(const Drawn *drawn, int i)
{
    const HeatmapLayout *l = &drawn->layout;
    return (Rect){l->left[i], l->upper[i], l->panel_width, l->panel_height};
}

/* ---- the slide and the map ---- */

static gboolean is_last_colour(const uint8_t *pixel)
{
    return memcmp(pixel, colour_map_find("viridis")[255], 3) == 0;
}

/* Pixels of 0.5 x 1 um: the image is square in um, and a known square of high scores is where it is on the slide. */
static void test_place(void)
{
    Drawn drawn;
    begin(&drawn, 1200, 600, 0.5, 1);
    for (int y = 10; y < 16; y++) {
        for (int x = 20; x < 30; x++) {
            drawn.map->values[y * 60 + x] = 11;
        }
    }
    draw(&drawn);
    const HeatmapLayout *l = &drawn.layout;
    g_assert_cmpint(l->panel_width, ==, l->panel_height); /* 600 x 600 um */
    Rect right = panel(&drawn, 1), left = panel(&drawn, 0);
    Rect square = bounds_of(&drawn, &right, is_last_colour);
    g_assert_cmpfloat_with_epsilon(square.x, right.x + right.width / 60 * 20, 0.5);
    g_assert_cmpfloat_with_epsilon(square.y, right.y + right.height / 30 * 10, 0.5);
    g_assert_cmpfloat_with_epsilon(square.width, right.width / 60 * 10, 1);
    g_assert_cmpfloat_with_epsilon(square.height, right.height / 30 * 6, 1);
    /* The slide is shown without the map. */
    for (int i = 0; i < l->panel_width; i += 7) {
        g_assert_cmpmem(at(&drawn, (int)left.x + i, (int)left.y + i), 3, "\xdc\xdc\xdc", 3);
    }
    end(&drawn);
}

static gboolean is_annotation(const uint8_t *pixel)
{
    return pixel[0] > 180 && pixel[1] < 110 && pixel[2] < 70;
}

/* Outlines are at their places within half a pixel, on both images; that of the threshold only on the map. */
static void test_outlines(void)
{
    Drawn drawn;
    begin(&drawn, 1200, 600, 0.5, 1);
    /* In a frame of 100 x 200. */
    const double box[] = {20, 60, 70, 60, 70, 150, 20, 150}, inner[] = {40, 90, 50, 90, 50, 110, 40, 110};
    const Ring ring = {box, 4}, small = {inner, 4};
    const HeatmapOutlines annotation = {&ring, 1, 100, 200}, regions = {&small, 1, 100, 200};
    drawn.page.annotation = &annotation;
    drawn.page.regions = &regions;
    drawn.page.opacity = 0.5; /* of a dark violet: nothing but lines is dark */
    draw(&drawn);
    for (int i = 0; i < 2; i++) {
        Rect on = panel(&drawn, i), seen = bounds_of(&drawn, &on, is_annotation);
        double line = 4; /* px, half on each side */
        g_assert_cmpfloat_with_epsilon(seen.x + line / 2, on.x + 0.2 * on.width, 1);
        g_assert_cmpfloat_with_epsilon(seen.y + line / 2, on.y + 0.3 * on.height, 1);
        g_assert_cmpfloat_with_epsilon(seen.x + seen.width - line / 2, on.x + 0.7 * on.width, 1);
        g_assert_cmpfloat_with_epsilon(seen.y + seen.height - line / 2, on.y + 0.75 * on.height, 1);
        /* The middle of the line: half of its ink is on either side. */
        g_assert_cmpfloat_with_epsilon(seen.x + seen.width / 2, on.x + 0.45 * on.width, 0.5);
        g_assert_cmpfloat_with_epsilon(seen.y + seen.height / 2, on.y + 0.525 * on.height, 0.5);
    }
    Rect on = panel(&drawn, 1), off = panel(&drawn, 0), seen = bounds_of(&drawn, &on, is_dark);
    g_assert_cmpfloat_with_epsilon(seen.x + seen.width / 2, on.x + 0.45 * on.width, 0.5);
    g_assert_cmpfloat_with_epsilon(seen.y + seen.height / 2, on.y + 0.5 * on.height, 0.5);
    g_assert_cmpfloat_with_epsilon(seen.width, 0.1 * on.width, 3);
    g_assert_cmpfloat(bounds_of(&drawn, &off, is_dark).width, <, 0);
    end(&drawn);
}

/* What is not known is hatched, in grey, and only then the legend says so. */
static void test_no_data(void)
{
    Drawn drawn;
    begin(&drawn, 600, 600, 1, 1);
    g_autoptr(Image) known = image_new(60, 30, 1, NULL);
    memset(known->pixels, 255, image_bytes(known));
    drawn.page.known = known;
    for (int y = 3; y < 9; y++) {
        for (int x = 30; x < 40; x++) {
            drawn.map->values[y * 60 + x] = NAN;
            known->pixels[y * 60 + x] = y < 6 ? 0 : 255;
        }
    }
    draw(&drawn);
    Rect on = panel(&drawn, 1);
    for (int y = 0; y < 30; y++) {
        for (int x = 29; x < 41; x++) {
            const uint8_t *pixel =
                at(&drawn, (int)(on.x + (x + 0.5) * on.width / 60), (int)(on.y + (y + 0.5) * on.height / 30));
            gboolean grey = pixel[0] == pixel[1] && pixel[1] == pixel[2],
                     empty = x >= 30 && x < 40 && y >= 3 && y < 9;
            g_assert_true(grey == empty);
            if (empty) { /* the slide's own grey, or stripes */
                g_assert_true(y < 6 ? pixel[0] == 96 || pixel[0] == 160 : pixel[0] == 220);
            }
        }
    }
    g_autoptr(Image) with = g_steal_pointer(&drawn.image);
    drawn.page.known = NULL;
    draw(&drawn);
    Rect below = {0, drawn.layout.below, drawn.image->width, drawn.image->height - drawn.layout.below};
    double shorter = bounds_of(&drawn, &below, is_dark).width;
    image_free(drawn.image);
    drawn.image = g_steal_pointer(&with);
    g_assert_cmpfloat(bounds_of(&drawn, &below, is_dark).width, >, shorter + 50);
    end(&drawn);
}

/* ---- the scale ---- */

/* The black bar is as long as its label says, on slides of any size; the label is one, two or five times a power of ten. */
static void test_scale(void)
{
    static const struct {
        int width, height;
        double mpp_x, mpp_y, um;
        const char *label;
    } cases[] = {
        {1200, 600, 0.5, 1, 100, "100 \u00b5m"},
        {1200, 600, 7, 7, 2000, "2 mm"},
        {600, 900, 0.1, 0.2, 10, "10 \u00b5m"},
        {640, 640, 40, 20, 5000, "5 mm"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        Drawn drawn;
        begin(&drawn, cases[i].width, cases[i].height, cases[i].mpp_x, cases[i].mpp_y);
        draw(&drawn);
        const HeatmapLayout *l = &drawn.layout;
        g_autofree char *label = heatmap_layout_scale(l->scale_um);
        g_assert_cmpfloat(l->scale_um, ==, cases[i].um);
        g_assert_cmpstr(label, ==, cases[i].label);
        /* The first thing below the images. */
        int x = l->margin, y = l->below, end_x;
        while (!is_dark(at(&drawn, x, y))) {
            y++;
        }
        for (end_x = x; is_dark(at(&drawn, end_x, y)); end_x++) {
        }
        g_assert_false(is_dark(at(&drawn, x - 1, y)));
        double um_per_px = cases[i].width * cases[i].mpp_x / l->panel_width;
        g_assert_cmpfloat_with_epsilon((end_x - x) * um_per_px, cases[i].um, um_per_px);
        /* There is text to its right. */
        Rect text = {end_x, l->below, 300, 40};
        g_assert_cmpfloat(bounds_of(&drawn, &text, is_dark).width, >, 40);
        end(&drawn);
    }
}

/* ---- the bar of colours ---- */

/* Its ends have the first and the last colour, the rows between them those of their values; the threshold is marked at its row. */
static void test_bar(void)
{
    static const double thresholds[] = {2.5, 0.01, 9.99, 7, NAN, 12};
    const uint8_t(*table)[3] = colour_map_find("viridis");
    for (guint i = 0; i < G_N_ELEMENTS(thresholds); i++) {
        Drawn drawn;
        begin(&drawn, 900, 800, 1, 1);
        drawn.page.threshold = thresholds[i];
        draw(&drawn);
        const Rect *bar = &drawn.layout.bar;
        gboolean marked = thresholds[i] >= 0 && thresholds[i] <= 10;
        int middle = (int)(bar->x + bar->width / 2), first = -1, last = -1;
        for (int row = 0; row < bar->height; row++) {
            const uint8_t *pixel = at(&drawn, middle, (int)bar->y + row);
            double value = 10 * (1 - row / (bar->height - 1));
            gboolean line = pixel[0] + pixel[1] + pixel[2] < 60;
            first = line && first < 0 ? row : first;
            last = line ? row : last;
            if (!marked || fabs(value - thresholds[i]) > 0.2) {
                g_assert_cmpmem(pixel, 3, table[(int)(value / 10 * 255 + 0.5)], 3);
            }
        }
        if (marked) {
            double row = (bar->height - 1) * (10 - thresholds[i]) / 10;
            g_assert_cmpfloat_with_epsilon((first + last) / 2.0, row, 0.75);
            g_assert_cmpint(last - first, <=, 4);
        } else {
            g_assert_cmpint(first, ==, -1);
        }
        /* Numbers and words are beside it. */
        Rect beside = {bar->x + bar->width, bar->y, drawn.image->width - bar->x - bar->width, bar->height};
        Rect ink = bounds_of(&drawn, &beside, is_dark);
        g_assert_cmpfloat(ink.height, >, 0.9 * bar->height);
        g_assert_cmpfloat(ink.x + ink.width, <=, drawn.image->width - drawn.layout.margin / 2.0);
        end(&drawn);
    }
}

/* ---- the page ---- */

/* Texts are there, at the size for print; nothing else depends on the title. */
static void test_texts(void)
{
    Drawn drawn;
    begin(&drawn, 900, 800, 1, 1);
    drawn.page.title = "synth_01";
    drawn.page.subtitle = "H";
    drawn.page.note = "H";
    draw(&drawn);
    const HeatmapLayout *l = &drawn.layout;
    Rect title = {0, l->margin, drawn.image->width, CANVAS_PT(11) * 1.2},
         note = {0, drawn.image->height - l->margin - CANVAS_PT(7) * 1.4, drawn.image->width,
                 CANVAS_PT(7) * 1.4};
    g_assert_cmpfloat(bounds_of(&drawn, &title, is_dark).height, >, 0.7 * CANVAS_PT(11));
    g_assert_cmpfloat(bounds_of(&drawn, &note, is_dark).height, >,
                      0.7 * CANVAS_PT(7)); /* a capital: 0.73 em */
    g_assert_cmpint(drawn.image->width, <=, (int)(CANVAS_MM(180) + 1));
    g_autoptr(Image) other = g_steal_pointer(&drawn.image);
    drawn.page.title = "synth_02";
    draw(&drawn);
    g_assert_cmpint(drawn.image->height, ==, other->height);
    size_t row = (size_t)other->width * 3, until = (size_t)(title.y + title.height);
    g_assert_true(memcmp(drawn.image->pixels, other->pixels, until * row) != 0);
    g_assert_cmpmem(drawn.image->pixels + until * row, (other->height - until) * row,
                    other->pixels + until * row, (other->height - until) * row);
    end(&drawn);
}

/* Slides of any shape, with names of any length, and ranges that leave no room for labels. */
static void test_shapes(void)
{
    static const int sizes[][2] = {{64, 3000}, {3000, 64}, {70, 70}, {3000, 1000}};
    g_autofree char *name = g_strnfill(2000, 'n');
    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
        for (int k = 0; k < 2; k++) {
            Drawn drawn;
            begin(&drawn, sizes[i][0], sizes[i][1], 0.25, 0.25);
            drawn.page.title = drawn.page.subtitle = drawn.page.note = k ? name : "";
            drawn.page.low = k ? -1e6 : 0;
            drawn.page.high = k ? 123456.789 : 1e-3;
            drawn.page.threshold = 5e-4;
            draw(&drawn);
            Rect on = panel(&drawn, 1);
            g_assert_cmpfloat(on.x + on.width, <, drawn.image->width);
            g_assert_cmpfloat_with_epsilon(on.width * sizes[i][1], on.height * sizes[i][0],
                                           fmax(sizes[i][0], sizes[i][1]));
            Rect right = {drawn.image->width - 4, 0, 4, drawn.image->height},
                 below = {0, drawn.image->height - 4, drawn.image->width, 4};
            g_assert_cmpfloat(bounds_of(&drawn, &right, is_dark).width, <, 0); /* nothing is cut off */
            g_assert_cmpfloat(bounds_of(&drawn, &below, is_dark).width, <, 0);
            end(&drawn);
        }
    }
}

/* In the small image one high cell of thousands is seen at its place, and pixels are square in um. */
static void test_thumbnail(void)
{
    Drawn drawn;
    begin(&drawn, 1200, 600, 0.5, 0.5);
    map_free(drawn.map);
    drawn.page.map = drawn.map = map_of(1600, 800, 0);
    drawn.map->values[500 * 1600 + 1200] = 12;
    g_autoptr(GError) error = NULL;
    drawn.image = heatmap_page_thumbnail(drawn.slide, &drawn.page, 160, &error);
    g_assert_no_error(error);
    g_assert_cmpint(drawn.image->width, ==, 160);
    g_assert_cmpint(drawn.image->height, ==, 80);
    Rect all = {0, 0, 160, 80}, seen = bounds_of(&drawn, &all, is_last_colour);
    g_assert_cmpfloat(seen.x, ==, 120);
    g_assert_cmpfloat(seen.y, ==, 50);
    g_assert_cmpfloat(seen.width, ==, 1);
    g_assert_cmpfloat(seen.height, ==, 1);
    end(&drawn);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/page/place", test_place);
    g_test_add_func("/page/outlines", test_outlines);
    g_test_add_func("/page/no-data", test_no_data);
    g_test_add_func("/page/scale", test_scale);
    g_test_add_func("/page/bar", test_bar);
    g_test_add_func("/page/texts", test_texts);
    g_test_add_func("/page/shapes", test_shapes);
    g_test_add_func("/page/thumbnail", test_thumbnail);
    return g_test_run();
}
