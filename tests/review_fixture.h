/* A run folder with one slide and two regions, and the requests of the page: shared by the tests of the review.
 *
 * The slide begins at bounds (100, 50) and has pixels of 0.5 x 0.25 um, so a frame or an axis that is mixed up shows. */
#pragma once
#include "pipeline/view/review_requests.h"
#include "tests/store_fixture.h"

#define A "11111111-1111-5111-8111-111111111111"
#define B "22222222-2222-5222-8222-222222222222"
#define C "33333333-3333-5333-8333-333333333333"

enum { WIDTH = 2000, HEIGHT = 1000, X0 = 100, Y0 = 50 };

typedef struct {
    Run run;
    SlideEntry entry;
    GPtrArray *slides;
    ReviewDesk *desk;
} Fixture;

static inline void put(const Fixture *f, const char *name, const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(f->run.directory, name, NULL);
    durable_write_file(path, text, strlen(text), NULL, &error);
    g_assert_no_error(error);
}

/* A rectangle of level-0 px as a feature of regions.geojson. */
static inline char *feature(const char *id, int x, int y, int width, int height, double maximum)
{
    x -= X0;
    y -= Y0;
    return g_strdup_printf("{\"type\":\"Feature\",\"geometry\":{\"type\":\"Polygon\",\"coordinates\":"
                           "[[[%d,%d],[%d,%d],[%d,%d],[%d,%d],[%d,%d]]]},\"id\":\"%s\",\"properties\":{"
                           "\"measurements\":{\"Area µm^2\":%d,\"Score maximum\":%g}}}",
                           x, y, x + width, y, x + width, y + height, x, y + height, x, y, id,
                           width * height / 8, maximum);
}

static inline void put_regions(const Fixture *f, const char *first, const char *second)
{
    g_autofree char *text = g_strdup_printf("{\"type\":\"FeatureCollection\",\"wsiflow\":{\"offset_x_px\":%d,"
                                            "\"offset_y_px\":%d},\"features\":[\n%s,\n%s]}\n",
                                            X0, Y0, first, second);
    put(f, "slides/a/regions.geojson", text);
}

static inline void open_desk(Fixture *f)
{
    g_autoptr(GError) error = NULL;
    f->desk = review_desk_open(f->run.directory, f->slides, "ada", &error);
    g_assert_no_error(error);
    g_assert_null(review_desk_read_only(f->desk));
}

static inline void set_up_desk(Fixture *f, gconstpointer unused)
{
    set_up(&f->run, NULL);
    f->entry = (SlideEntry){.id = (char *)"a"};
    f->slides = g_ptr_array_new();
    g_ptr_array_add(f->slides, &f->entry);
    put(f, "slides/a/content.json",
        "{\"width\": 2000, \"height\": 1000, \"mpp_x\": 0.5, \"mpp_y\": 0.25,"
        " \"bounds\": {\"x\": 100, \"y\": 50, \"width\": 1800, \"height\": 900}}");
    g_autofree char *first = feature(A, 200, 100, 100, 100, 9), *second = feature(B, 600, 300, 200, 100, 5);
    put_regions(f, first, second);
    open_desk(f);
}

static inline void tear_down_desk(Fixture *f, gconstpointer unused)
{
    review_desk_free(f->desk);
    g_ptr_array_unref(f->slides);
    tear_down(&f->run, NULL);
}

/* ---- requests ---- */

static inline json_t *got(json_t *answer, const int *status, int expected)
{
    if (*status != expected) {
        g_autofree char *text = json_dumps(answer, 0);
        g_test_message("status %d: %s", *status, text);
    }
    g_assert_cmpint(*status, ==, expected);
    return answer;
}

static inline json_t *decide(Fixture *f, const char *region, const char *body, int expected)
{
    int status = 0;
    return got(review_request_decide(f->desk, &f->entry, region, body, strlen(body), &status), &status,
               expected);
}

static inline json_t *mark(Fixture *f, const char *body, int expected)
{
    int status = 0;
    return got(review_request_mark(f->desk, &f->entry, body, strlen(body), &status), &status, expected);
}

static inline json_t *draw(Fixture *f, const char *body, int expected)
{
    int status = 0;
    return got(review_request_draw(f->desk, &f->entry, body, strlen(body), &status), &status, expected);
}

static inline json_t *get(Fixture *f)
{
    int status = 0;
    return got(review_request_get(f->desk, &f->entry, &status), &status, 200);
}

static inline const char *member(const json_t *review, const char *region, const char *name)
{
    return json_string_value(
        json_object_get(json_object_get(json_object_get(review, "regions"), region), name));
}

static inline int revision(const json_t *review)
{
    return (int)json_integer_value(json_object_get(review, "revision"));
}
