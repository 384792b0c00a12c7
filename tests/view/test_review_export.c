/* The outlines of a review, read back and compared with sets of pixels: what was decided, and what nobody decided.
 *
 * The slide begins at bounds (100, 50), so a frame that is mixed up shows. */
#include "annotations/raster/raster.h"
#include "annotations/read/annotation_read.h"
#include "base/durable.h"
#include "pipeline/slide/annotation_rules.h"
#include "pipeline/view/review_export.h"
#include "tests/store_fixture.h"
#include <jansson.h>
#include <math.h>

enum { WIDTH = 2000, HEIGHT = 1000, X0 = 100, Y0 = 50 };
enum { BLOCK = 50, COLUMNS = WIDTH / BLOCK, ROWS = HEIGHT / BLOCK, MOST_ITEMS = 16 };

/* What is known of each block of the slide: one of 'l', 'n', 'u'. */
typedef char Blocks[ROWS][COLUMNS];

/* A rectangle in blocks. */
typedef struct {
    int x, y, width, height;
} Box4;

static char *ring_text(const Box4 *b)
{
    return g_strdup_printf("[[%d,%d],[%d,%d],[%d,%d],[%d,%d]]", b->x * BLOCK, b->y * BLOCK,
                           (b->x + b->width) * BLOCK, b->y * BLOCK, (b->x + b->width) * BLOCK,
                           (b->y + b->height) * BLOCK, b->x * BLOCK, (b->y + b->height) * BLOCK);
}

/* Decides on a ring-shaped region (hole may be NULL), as the newest of all, and marks its blocks. */
static void decide_ring(const Run *run, int number, const Box4 *outer, const Box4 *hole, gboolean lesion,
                        Blocks blocks)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *id = g_strdup_printf("%08d-1111-5111-8111-111111111111", number);
    g_autofree char *first = ring_text(outer), *second = hole ? ring_text(hole) : g_strdup("");
    g_autofree char *outline = g_strdup_printf("[%s%s%s]", first, hole ? "," : "", second);
    const ReviewWrite write = {"a", 1000, ""};
    const ReviewDecision to = {.region = id,
                               .state = (char *)(lesion ? "confirmed" : "rejected"),
                               .reason = (char *)(lesion ? "" : "fold"),
                               .outline = outline};
    g_assert_true(review_decide(run->store, &write, &to, NULL, &error));
    for (int y = outer->y; y < outer->y + outer->height; y++) {
        for (int x = outer->x; x < outer->x + outer->width; x++) {
            if (!hole || x < hole->x || x >= hole->x + hole->width || y < hole->y ||
                y >= hole->y + hole->height) {
                blocks[y][x] = lesion ? 'l' : 'n';
            }
        }
    }
}

/* The file as the next run reads it. */
static Raster *read_part(const Run *run, AnnotationPart part)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(run->directory, "review", "a.geojson", NULL);
    g_autoptr(GArray) rules = annotation_rules_new(NULL, FALSE, part);
    const GroupSpec spec = {(const GroupRule *)(void *)rules->data, "auto"};
    const SlideFrame frame = {.width = WIDTH, .height = HEIGHT, .bounds_x = X0, .bounds_y = Y0};
    g_autoptr(Annotation) annotation = annotation_read_in_frame(path, &spec, &frame, &error);
    g_assert_no_error(error);
    for (guint i = 0; i < annotation->warnings->len; i++) {
        g_test_message("%s", (const char *)annotation->warnings->pdata[i]);
    }
    g_assert_cmpuint(annotation->warnings->len, ==, 0);
    Raster *raster = raster_build(annotation, &error);
    g_assert_no_error(error);
    return raster;
}

static void export(const Run *run)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = g_build_filename(run->directory, "review", NULL);
    const ReviewSlide slide = {
        .slide = "a", .width = WIDTH, .height = HEIGHT, .bounds_x = X0, .bounds_y = Y0};
    g_autoptr(Review) review = review_get(run->store, "a", &error);
    g_assert_no_error(error);
    g_assert_true(durable_folder(folder, &error));
    review_export_slide(run->directory, &slide, review, &error);
    g_assert_no_error(error);
}

/* The file has exactly these blocks. */
static void assert_blocks(const Run *run, Blocks blocks)
{
    static const struct {
        AnnotationPart part;
        char mark;
    } parts[] = {{PART_LESIONS, 'l'}, {PART_HARD, 'n'}, {PART_UNKNOWN, 'u'}};
    export(run);
    for (size_t p = 0; p < G_N_ELEMENTS(parts); p++) {
        g_autoptr(Raster) raster = read_part(run, parts[p].part);
        for (int y = 0; y < ROWS; y++) {
            for (int x = 0; x < COLUMNS; x++) {
                const Rect at = {x * BLOCK, y * BLOCK, BLOCK, BLOCK};
                const double off = raster_fraction(raster, &at) - (blocks[y][x] == parts[p].mark);
                g_assert_cmpfloat(fabs(off), <, 1e-9);
            }
        }
    }
}

/* A hole of a region was decided by nobody: it is unknown, also when there are regions in it, and holes in these. */
static void test_holes(Run *run, gconstpointer unused)
{
    Blocks blocks;
    memset(blocks, 'u', sizeof blocks);
    decide_ring(run, 1, &(Box4){2, 2, 16, 14}, &(Box4){4, 4, 12, 10}, TRUE, blocks);
    assert_blocks(run, blocks);
    decide_ring(run, 2, &(Box4){6, 6, 8, 6}, &(Box4){8, 8, 4, 2}, FALSE, blocks);
    decide_ring(run, 3, &(Box4){9, 8, 1, 1}, NULL, TRUE, blocks);
    assert_blocks(run, blocks);
}

/* A newer region cuts what it covers; its hole is not part of it. */
static void test_hole_cuts_nothing(Run *run, gconstpointer unused)
{
    Blocks blocks;
    memset(blocks, 'u', sizeof blocks);
    decide_ring(run, 1, &(Box4){8, 6, 6, 6}, NULL, TRUE, blocks);
    decide_ring(run, 2, &(Box4){4, 2, 14, 14}, &(Box4){6, 4, 10, 10}, FALSE, blocks);
    assert_blocks(run, blocks);
    decide_ring(run, 3, &(Box4){7, 5, 4, 4}, &(Box4){9, 7, 1, 1}, FALSE, blocks);
    assert_blocks(run, blocks);
}

/* Any regions, over each other in any way. */
static void test_any_regions(Run *run, gconstpointer unused)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(12);
    Blocks blocks;
    memset(blocks, 'u', sizeof blocks);
    for (int i = 1; i <= MOST_ITEMS; i++) {
        Box4 outer = {g_rand_int_range(random, 0, 12), g_rand_int_range(random, 0, 9), 0, 0}, hole;
        outer.width = g_rand_int_range(random, 3, COLUMNS - outer.x - 10);
        outer.height = g_rand_int_range(random, 3, ROWS - outer.y + 1);
        hole = (Box4){outer.x + 1, outer.y + 1, outer.width - 2, outer.height - 2};
        decide_ring(run, i, &outer, i % 3 ? &hole : NULL, g_rand_boolean(random), blocks);
        assert_blocks(run, blocks);
    }
}

static void draw(const Run *run, const char *label, const char *ring)
{
    g_autoptr(GError) error = NULL;
    const ReviewWrite write = {"a", 0, ""};
    int id;
    g_assert_true(review_draw(run->store, &write, label, ring, NULL, &id, &error));
}

/* A decision that newer ones leave nothing of is not written, and the file says so. */
static void test_overruled(Run *run, gconstpointer unused)
{
    draw(run, "lesion", "[[1000,500],[1100,500],[1100,600],[1000,600]]");
    draw(run, "normal", "[[900,400],[1200,400],[1200,700],[900,700]]");
    export(run);
    g_autoptr(Raster) lesions = read_part(run, PART_LESIONS);
    g_assert_cmpfloat(raster_area(lesions), ==, 0);
    g_autofree char *path = g_build_filename(run->directory, "review", "a.geojson", NULL);
    json_auto_t *file = json_load_file(path, 0, NULL);
    const json_t *overruled = json_object_get(json_object_get(file, "wsiflow"), "overruled");
    g_assert_cmpuint(json_array_size(overruled), ==, 1);
    g_assert_cmpstr(json_string_value(json_array_get(overruled, 0)), ==, "drawn 1");
    g_autoptr(GError) error = NULL;
    g_autoptr(Review) review = review_get(run->store, "a", &error);
    int count;
    g_assert_true(review_export_overruled(review, &count, &error));
    g_assert_cmpint(count, ==, 1);
}

/* All of the slide can be decided. */
static void test_nothing_unknown(Run *run, gconstpointer unused)
{
    draw(run, "normal", "[[0,0],[2000,0],[2000,1000],[0,1000]]");
    draw(run, "lesion", "[[1000,500],[1100,500],[1100,600],[1000,600]]");
    export(run);
    g_autoptr(Raster) unknown = read_part(run, PART_UNKNOWN);
    g_autoptr(Raster) lesions = read_part(run, PART_LESIONS);
    g_assert_cmpfloat(raster_area(unknown), ==, 0);
    g_assert_cmpfloat(raster_area(lesions), ==, 1e4);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/review_export/holes", Run, NULL, set_up, test_holes, tear_down);
    g_test_add("/review_export/a hole cuts nothing", Run, NULL, set_up, test_hole_cuts_nothing, tear_down);
    g_test_add("/review_export/any regions", Run, NULL, set_up, test_any_regions, tear_down);
    g_test_add("/review_export/overruled", Run, NULL, set_up, test_overruled, tear_down);
    g_test_add("/review_export/nothing unknown", Run, NULL, set_up, test_nothing_unknown, tear_down);
    return g_test_run();
}
