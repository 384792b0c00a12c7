/* The review as the page uses it: requests, the files that follow each change, and what becomes of decisions when the regions change. */
#include "annotations/raster/raster.h"
#include "annotations/read/annotation_read.h"
#include "base/csv.h"
#include "pipeline/slide/annotation_rules.h"
#include "pipeline/view/review_export.h"
#include "tests/review_fixture.h"
#include <math.h>

/* ---- the files ---- */

/* Area of a part of the exported annotation, px; -1 when there is no file.  `at`, when given, receives the fraction of a rectangle. */
static double area_of(const Fixture *f, AnnotationPart part, const Rect *at, double *fraction)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(f->run.directory, "review", "a.geojson", NULL);
    if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
        return -1;
    }
    g_autoptr(GArray) rules = annotation_rules_new(NULL, FALSE, part);
    const GroupSpec spec = {(const GroupRule *)(void *)rules->data, "auto"};
    const SlideFrame frame = {.width = WIDTH, .height = HEIGHT, .bounds_x = X0, .bounds_y = Y0};
    g_autoptr(Annotation) annotation = annotation_read_in_frame(path, &spec, &frame, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(annotation->warnings->len, ==, 0);
    g_autoptr(Raster) raster = raster_build(annotation, &error);
    g_assert_no_error(error);
    if (at) {
        *fraction = raster_fraction(raster, at);
    }
    return raster_area(raster);
}

static void assert_areas(const Fixture *f, double lesion, double hard, double unknown)
{
    g_assert_cmpfloat(area_of(f, PART_LESIONS, NULL, NULL), ==, lesion);
    g_assert_cmpfloat(area_of(f, PART_HARD, NULL, NULL), ==, hard);
    g_assert_cmpfloat(area_of(f, PART_UNKNOWN, NULL, NULL), ==, unknown);
}

enum { ALL = WIDTH * HEIGHT, AREA_A = 100 * 100, AREA_B = 200 * 100 };

/* What nobody decided stays unknown, until the slide is done. */
static void test_export(Fixture *f, gconstpointer unused)
{
    g_assert_cmpfloat(area_of(f, PART_LESIONS, NULL, NULL), ==, -1);
    json_decref(decide(f, A, "{\"state\":\"confirmed\",\"revision\":0}", 200));
    json_decref(decide(f, B, "{\"state\":\"rejected\",\"reason\":\"pen\",\"revision\":1}", 200));
    assert_areas(f, AREA_A, AREA_B, ALL - AREA_A - AREA_B);
    const Rect at = {200, 100, 100, 100}; /* the frame */
    double fraction;
    area_of(f, PART_LESIONS, &at, &fraction);
    g_assert_cmpfloat(fraction, ==, 1);

    json_decref(draw(f, "{\"ring\":[[1000,500],[1100,500],[1100,600],[1000,600]]}", 200));
    assert_areas(f, AREA_A + 1e4, AREA_B, ALL - AREA_A - AREA_B - 1e4);
    json_decref(mark(f, "{\"state\":\"done\",\"note\":\"\",\"revision\":3}", 200));
    assert_areas(f, AREA_A + 1e4, AREA_B, 0);
    json_decref(mark(f, "{\"state\":\"excluded\",\"note\":\"\",\"revision\":4}", 200));
    assert_areas(f, 0, 0, ALL);
    json_decref(mark(f, "{\"state\":\"open\",\"note\":\"\",\"revision\":5}", 200));
    json_decref(decide(f, A, "{\"state\":\"open\",\"revision\":6}", 200));
    assert_areas(f, 1e4, AREA_B, ALL - AREA_B - 1e4);
    json_decref(decide(f, B, "{\"state\":\"open\",\"revision\":7}", 200));
    int status = 0;
    json_t *review = review_request_erase(f->desk, &f->entry, 1, "{\"revision\":8}", 14, &status);
    g_assert_cmpint(revision(got(review, &status, 200)), ==, 9);
    json_decref(review);
    g_assert_cmpfloat(area_of(f, PART_LESIONS, NULL, NULL), ==, -1); /* nothing is left to say */
}

/* A slide on which nothing was found says so. */
static void test_done_without_regions(Fixture *f, gconstpointer unused)
{
    json_decref(mark(f, "{\"state\":\"done\",\"note\":\"clean\",\"revision\":0}", 200));
    assert_areas(f, 0, 0, 0);
}

/* An annotation knows more than the review, so the review alone never says that the rest is normal. */
static void test_annotated(Fixture *f, gconstpointer unused)
{
    f->entry.annotation = (char *)"a.xml";
    json_decref(mark(f, "{\"state\":\"done\",\"note\":\"\",\"revision\":0}", 200));
    assert_areas(f, 0, 0, ALL);
}

/* A run that was repeated in its own folder has the review itself as annotation. */
static void test_own_annotation(Fixture *f, gconstpointer unused)
{
    json_decref(decide(f, A, "{\"state\":\"confirmed\",\"revision\":0}", 200));
    g_autofree char *own = g_build_filename(f->run.directory, "review", "a.geojson", NULL);
    f->entry.annotation = own;
    f->entry.label = SLIDE_ANNOTATED;
    json_decref(decide(f, B, "{\"state\":\"rejected\",\"reason\":\"pen\",\"revision\":1}", 200));
    assert_areas(f, AREA_A, AREA_B, ALL - AREA_A - AREA_B);
    json_decref(mark(f, "{\"state\":\"done\",\"note\":\"\",\"revision\":2}", 200));
    assert_areas(f, AREA_A, AREA_B, 0);
}

/* What the manifest says of the whole slide holds for all that nobody has decided. */
static void test_known_normal(Fixture *f, gconstpointer unused)
{
    f->entry.label = SLIDE_NORMAL;
    f->entry.label_given = TRUE;
    json_decref(decide(f, A, "{\"state\":\"rejected\",\"reason\":\"pen\",\"revision\":0}", 200));
    assert_areas(f, 0, AREA_A, 0);
    json_decref(mark(f, "{\"state\":\"excluded\",\"note\":\"\",\"revision\":1}", 200));
    assert_areas(f, 0, 0, ALL);
}

/* Of two decisions that contradict each other the newer one holds. */
static void test_newer_holds(Fixture *f, gconstpointer unused)
{
    json_decref(decide(f, A, "{\"state\":\"rejected\",\"reason\":\"fold\",\"revision\":0}", 200));
    json_decref(draw(f, "{\"ring\":[[250,100],[400,100],[400,200],[250,200]]}", 200));
    assert_areas(f, 150 * 100, 50 * 100, ALL - 200 * 100);
    json_decref(draw(f, "{\"label\":\"normal\",\"ring\":[[300,100],[400,100],[400,200],[300,200]]}", 200));
    assert_areas(f, 50 * 100, 150 * 100, ALL - 200 * 100);
}

/* A ring that crosses itself covers what it winds around. */
static void test_crossing(Fixture *f, gconstpointer unused)
{
    json_decref(draw(f, "{\"ring\":[[1000,500],[1100,600],[1100,500],[1000,600]]}", 200));
    g_assert_cmpfloat(fabs(area_of(f, PART_LESIONS, NULL, NULL) - 5000), <, 1e-6);
}

static void test_table(Fixture *f, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    json_decref(mark(f, "{\"state\":\"in progress\",\"note\":\"a, \\\"b\\\"\\nµ\",\"revision\":0}", 200));
    json_decref(decide(f, B, "{\"state\":\"rejected\",\"reason\":\"blood\",\"revision\":1}", 200));
    json_decref(draw(f, "{\"ring\":[[1000,500],[1100,500],[1100,600],[1000,600]]}", 200));
    g_autofree char *path = g_build_filename(f->run.directory, "review", "review.csv", NULL);
    g_autoptr(Csv) csv = csv_read(path, &error);
    g_assert_no_error(error);
    g_assert_cmpint(csv_rows(csv), ==, 3);
    const int note = csv_column(csv, "note"), x = csv_column(csv, "x"), y = csv_column(csv, "y"),
              area = csv_column(csv, "area_um2"), score = csv_column(csv, "score_maximum");
    g_assert_cmpstr(csv_get(csv, 0, note), ==, "a, \"b\"\nµ");
    g_assert_cmpstr(csv_get(csv, 1, csv_column(csv, "reason")), ==, "blood");
    g_assert_cmpstr(csv_get(csv, 1, csv_column(csv, "id")), ==, B);
    g_assert_cmpstr(csv_get(csv, 1, x), ==, "700.0");
    g_assert_cmpstr(csv_get(csv, 1, y), ==, "350.0");
    g_assert_cmpstr(csv_get(csv, 1, score), ==, "5");
    g_assert_cmpstr(csv_get(csv, 2, area), ==, "1250"); /* 100 x 0.5 by 100 x 0.25 um */
    g_assert_cmpstr(csv_get(csv, 2, csv_column(csv, "reviewer")), ==, "ada");
}

/* ---- two people ---- */

static void test_stale(Fixture *f, gconstpointer unused)
{
    json_decref(decide(f, A, "{\"state\":\"confirmed\",\"revision\":0}", 200));
    json_t *told = decide(f, A, "{\"state\":\"rejected\",\"reason\":\"pen\",\"revision\":0}", 409);
    g_assert_cmpstr(member(json_object_get(told, "review"), A, "state"), ==, "confirmed");
    json_decref(told);
    json_decref(decide(f, B, "{\"state\":\"confirmed\",\"revision\":0}", 200)); /* another region */
    json_t *review = get(f);
    g_assert_cmpint(revision(review), ==, 2);
    json_decref(review);
}

enum { EACH = 10 };

static gpointer draw_many(gpointer data)
{
    const Fixture *other = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(ReviewDesk) desk = review_desk_open(other->run.directory, other->slides, "", &error);
    g_assert_no_error(error);
    for (int i = 0; i < EACH; i++) {
        int status = 0;
        const char *body = "{\"ring\":[[1000,500],[1100,500],[1100,600],[1000,600]]}";
        json_decref(got(review_request_draw(desk, &other->entry, body, strlen(body), &status), &status, 200));
    }
    return NULL;
}

/* Several processes (here desks of their own) on one run: the files show what all of them did. */
static void test_writers(Fixture *f, gconstpointer unused)
{
    GThread *threads[3];
    for (int i = 0; i < 3; i++) {
        threads[i] = g_thread_new("writer", draw_many, f);
    }
    for (int i = 0; i < 3; i++) {
        g_thread_join(threads[i]);
    }
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(f->run.directory, "review", "review.csv", NULL);
    g_autoptr(Csv) csv = csv_read(path, &error);
    g_assert_no_error(error);
    g_assert_cmpint(csv_rows(csv), ==, 1 + 3 * EACH);
    json_t *review = get(f);
    g_assert_true(json_is_true(json_object_get(review, "exported")));
    g_assert_cmpint(revision(review), ==, 3 * EACH);
    json_decref(review);
}

/* A process that died between the table and the files: the next one writes them. */
static void test_left_behind(Fixture *f, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    g_clear_pointer(&f->desk, review_desk_free);
    const ReviewWrite write = {"a", 0, ""};
    const ReviewDecision to = {.region = (char *)A,
                               .state = (char *)"confirmed",
                               .reason = (char *)"",
                               .outline = (char *)"[[[200,100],[300,100],[300,200],[200,200]]]"};
    g_assert_true(review_decide(f->run.store, &write, &to, NULL, &error));
    g_assert_cmpfloat(area_of(f, PART_LESIONS, NULL, NULL), ==, -1);
    open_desk(f);
    assert_areas(f, AREA_A, 0, ALL - AREA_A);
}

/* ---- regions of other settings ---- */

static void test_orphans(Fixture *f, gconstpointer unused)
{
    json_decref(decide(f, A, "{\"state\":\"rejected\",\"reason\":\"pen\",\"revision\":0}", 200));
    json_decref(decide(f, B, "{\"state\":\"confirmed\",\"revision\":1}", 200));
    /* Now A has grown by a fifth, and B is a third of what it was. */
    g_autofree char *first = feature(C, 200, 100, 120, 100, 9), *second = feature("x", 600, 300, 66, 100, 5);
    put_regions(f, first, second);
    json_t *review = get(f);
    g_assert_cmpstr(member(review, C, "state"), ==, "rejected");
    g_assert_cmpstr(member(review, C, "from"), ==, A);
    g_assert_null(member(review, "x", "state"));
    g_assert_cmpint((int)json_integer_value(json_object_get(review, "orphaned")), ==, 2);
    json_decref(review);
    ReviewState state;
    g_assert_true(review_desk_state(f->desk, &state, NULL));
    g_assert_cmpint(state.decisions, ==, 2);
    g_assert_cmpint(state.orphaned, ==, 2);
    g_assert_cmpint(state.matched, ==, 1);
    assert_areas(f, AREA_B, AREA_A, ALL - AREA_A - AREA_B); /* as they were seen */

    /* A decision on the new region takes the place of the old one. */
    json_decref(decide(f, C, "{\"state\":\"confirmed\",\"revision\":2}", 200));
    assert_areas(f, AREA_B + 12000, 0, ALL - AREA_B - 12000);
    /* A decision whose region is gone can still be taken back. */
    json_decref(decide(f, B, "{\"state\":\"open\",\"revision\":3}", 200));
    assert_areas(f, 12000, 0, ALL - 12000);
    json_decref(decide(f, "y", "{\"state\":\"open\",\"revision\":3}", 404));
}

/* ---- what is refused ---- */

static void test_refused(Fixture *f, gconstpointer unused)
{
    static const struct {
        char request; /* m(ark), d(ecide), r(ing) */
        const char *body, *error;
    } cases[] = {
        {'m', "", "not JSON"},
        {'m', "[]", "not a JSON object"},
        {'m', "{\"state\":\"done\",\"note\":\"\"}", "\"revision\" must be a whole number"},
        {'m', "{\"state\":\"done\",\"note\":3,\"revision\":0}", "\"note\" must be a text"},
        {'m', "{\"state\":\"don\",\"note\":\"\",\"revision\":0}", "did you mean \"done\""},
        {'m', "{\"state\":\"done\",\"notes\":\"\",\"note\":\"\",\"revision\":0}", "unknown member \"notes\""},
        {'m', "{\"state\":\"done\",\"state\":\"done\",\"note\":\"\",\"revision\":0}", "duplicate"},
        {'m', "{\"state\":\"done\",\"note\":\"\\u0000\",\"revision\":0}", "not JSON"},
        {'m', "{\"state\":\"done\",\"note\":\"\xff\",\"revision\":0}", "not JSON"},
        {'d', "{\"state\":\"rejected\",\"revision\":0}", "unknown reason"},
        {'d', "{\"state\":\"confirmed\",\"reason\":\"pen\",\"revision\":0}", "only a rejected region"},
        {'d', "{\"state\":\"confirmed\",\"revision\":0.5}", "whole number"},
        {'r', "{\"ring\":[]}", "0 points"},
        {'r', "{\"ring\":[[1,1],[2,2]]}", "2 points"},
        {'r', "{\"ring\":[[1,1],[2,2],[3]]}", "point 3"},
        {'r', "{\"ring\":[[1,1],[2,2],[3,3,3]]}", "point 3"},
        {'r', "{\"ring\":[[1,1],[2,2],[\"3\",3]]}", "point 3"},
        {'r', "{\"ring\":[[1,1],[2,2],[1e999,3]]}", "not JSON"},
        {'r', "{\"ring\":[[1,1],[2,2],[3,3]]}", "encloses 0 px"},
        {'r', "{\"ring\":[[1,1],[2001,1],[3,300]]}", "the slide has 2000 x 1000 px"},
        {'r', "{\"ring\":[[-1,1],[20,1],[3,300]]}", "the slide has 2000 x 1000 px"},
        {'r', "{\"ring\":[[1,1],[20,1],[3,300]],\"label\":\"tumour\"}", "unknown label"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        json_t *answer = cases[i].request == 'm'   ? mark(f, cases[i].body, 400)
                         : cases[i].request == 'd' ? decide(f, A, cases[i].body, 400)
                                                   : draw(f, cases[i].body, 400);
        const char *error = json_string_value(json_object_get(answer, "error"));
        if (!strstr(error, cases[i].error)) {
            g_test_message("%s: %s", cases[i].body, error);
        }
        g_assert_nonnull(strstr(error, cases[i].error));
        json_decref(answer);
    }
    json_t *review = get(f);
    g_assert_cmpint(revision(review), ==, 0);
    json_decref(review);
}

/* More than is kept. */
static void test_too_long(Fixture *f, gconstpointer unused)
{
    g_autofree char *note = g_strnfill(REVIEW_NOTE_BYTES + 1, 'n');
    g_autofree char *body = g_strdup_printf("{\"state\":\"done\",\"note\":\"%s\",\"revision\":0}", note);
    json_decref(mark(f, body, 400));
    g_autoptr(GString) ring = g_string_new("{\"ring\":[[0,0]");
    for (int i = 0; i < REVIEW_RING_POINTS; i++) {
        g_string_append_printf(ring, ",[%d,%d]", 1 + i % 999, 1 + i / 999);
    }
    g_string_append(ring, "]}");
    json_decref(draw(f, ring->str, 400));
}

/* A request that is sent again, because its answer was lost, does nothing again. */
static void test_sent_again(Fixture *f, gconstpointer unused)
{
    const char *body = "{\"ring\":[[1000,500],[1100,500],[1100,600],[1000,600]],\"key\":\"k1\"}";
    const char *other = "{\"ring\":[[1000,500],[1100,500],[1100,700],[1000,700]],\"key\":\"k1\"}";
    json_decref(draw(f, body, 200));
    json_t *review = draw(f, body, 200);
    g_assert_cmpuint(json_array_size(json_object_get(review, "drawn")), ==, 1);
    g_assert_cmpstr(
        json_string_value(json_object_get(json_array_get(json_object_get(review, "drawn"), 0), "key")), ==,
        "k1");
    g_assert_cmpint(revision(review), ==, 1);
    json_decref(review);
    json_decref(draw(f, other, 400)); /* another region of the same key */
    json_decref(draw(f, "{\"ring\":[[1000,500],[1100,500],[1100,700],[1000,700]],\"key\":\"\"}", 400));
    for (int i = 0; i < 2; i++) {
        int status = 0;
        review = review_request_erase(f->desk, &f->entry, 1, "{\"revision\":1}", 14, &status);
        g_assert_cmpint(revision(got(review, &status, 200)), ==, 2);
        json_decref(review);
    }
    review = draw(f, body, 200); /* late: it was erased since */
    g_assert_cmpuint(json_array_size(json_object_get(review, "drawn")), ==, 0);
    json_decref(review);
}

/* Files that cannot be written, whatever the reason: the change is kept, and the answer says so; the next change writes all of them. */
static void test_no_files(Fixture *f, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = g_build_filename(f->run.directory, "review", NULL);
    g_autofree char *table = g_build_filename(folder, "review.csv", NULL);
    g_assert_true(durable_folder(table, &error)); /* "Is a directory" counts as absent */
    json_t *told = decide(f, A, "{\"state\":\"confirmed\",\"revision\":0}", 200);
    g_assert_cmpstr(member(told, A, "state"), ==, "confirmed");
    g_assert_true(json_is_false(json_object_get(told, "exported")));
    g_assert_nonnull(strstr(json_string_value(json_object_get(told, "export_error")), "review.csv"));
    json_decref(told);
    SlideEntry second = {.id = (char *)"b"};
    g_rmdir(table);
    json_t *review = get(f);
    g_assert_true(json_is_false(json_object_get(review, "exported")));
    json_decref(review);
    int status = 0;
    const char *done = "{\"state\":\"done\",\"note\":\"\",\"revision\":0}";
    json_decref(got(review_request_mark(f->desk, &second, done, strlen(done), &status), &status, 200));
    review = get(f); /* the other slide's files are written too */
    g_assert_true(json_is_true(json_object_get(review, "exported")));
    g_assert_null(json_object_get(review, "export_error"));
    json_decref(review);
    assert_areas(f, AREA_A, 0, ALL - AREA_A);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    static const struct {
        const char *name;
        void (*test)(Fixture *, gconstpointer);
    } tests[] = {{"export", test_export},
                 {"done without regions", test_done_without_regions},
                 {"annotated", test_annotated},
                 {"own annotation", test_own_annotation},
                 {"known normal", test_known_normal},
                 {"newer holds", test_newer_holds},
                 {"crossing", test_crossing},
                 {"table", test_table},
                 {"stale", test_stale},
                 {"writers", test_writers},
                 {"left behind", test_left_behind},
                 {"orphans", test_orphans},
                 {"refused", test_refused},
                 {"too long", test_too_long},
                 {"no files", test_no_files},
                 {"sent again", test_sent_again}};
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strdup_printf("/review_desk/%s", tests[i].name);
        g_test_add(path, Fixture, NULL, set_up_desk, tests[i].test, tear_down_desk);
    }
    return g_test_run();
}
