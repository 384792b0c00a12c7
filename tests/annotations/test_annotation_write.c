/* The writers: ASAP XML that is read back number for number, and GeoJSON that QuPath understands. */
#include "annotations/read/annotation_read.h"
#include "annotations/write/annotation_write.h"
#include "tests/annotation_text.h"
#include <jansson.h>

static const char *several =
    ASAP(SHAPE("a &amp; &quot;b&quot; &lt;\xC3\xA4&gt;", "Polygon", "Tumor", SQUARE(0.1, 0.2, 100.3, 1e2))
             SHAPE("hole", "Polygon", "Exclusion", SQUARE(10.123456789, 10, 20.0000001, 20))
                 SHAPE("across", "Polygon", "Exclusion", SQUARE(90, 90, 120, 120))
                     SHAPE("apart", "Polygon", "Tumor", SQUARE(300, 300, 310, 310))
                         SHAPE("dot", "Dot", "Tumor", AT(0, 3, 4)),
         GROUPS);

static void test_asap(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Annotation) annotation = read_text(several);
    g_autofree char *path = in_directory("written.xml");
    char sha256[65], again[65];
    g_assert_true(asap_write(path, annotation, sha256, &error));
    g_autoptr(Annotation) back = annotation_read(path, camelyon_rules, 0, 0, &error);
    g_assert_no_error(error);
    assert_same_outlines(annotation, back);
    g_assert_true(asap_write(path, back, again, &error));
    g_assert_cmpstr(sha256, ==, again);
    g_assert_false(asap_write("/proc/nowhere/a.xml", annotation, NULL, &error));
    g_assert_nonnull(error);
}

static void test_asap_neither(void)
{
    /* An outline that is neither must not be read back as not lesion: it is written to a group that no rule names. */
    g_autoptr(GError) error = NULL;
    g_autoptr(Annotation) annotation = read_text(several);
    g_autofree char *path = in_directory("neither.xml");
    ((Outline *)annotation->outlines->pdata[0])->label = LABEL_NONE;
    g_assert_true(asap_write(path, annotation, NULL, &error));
    g_assert_null(annotation_read(path, camelyon_rules, 0, 0, &error));
    g_assert_nonnull(strstr(error->message, "\"Other\" (1)"));
}

static const char *text_at(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void test_geojson(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Annotation) annotation = read_text(several);
    g_autofree char *path = in_directory("written.geojson");
    char sha256[65], again[65];
    g_assert_true(geojson_write(path, annotation, sha256, &error));
    json_auto_t *written = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    const json_t *features = json_object_get(written, "features");
    g_assert_cmpuint(json_array_size(features), ==, 4); /* the hole is not an object */
    const json_t *first = json_array_get(features, 0), *second = json_array_get(features, 1);
    const json_t *geometry = json_object_get(first, "geometry"),
                 *properties = json_object_get(first, "properties");
    const json_t *class = json_object_get(properties, "classification");
    g_assert_cmpstr(text_at(geometry, "type"), ==, "MultiPolygon");
    g_assert_cmpuint(json_array_size(json_array_get(json_object_get(geometry, "coordinates"), 0)), ==, 2);
    g_assert_cmpstr(text_at(properties, "objectType"), ==, "annotation");
    g_assert_cmpstr(text_at(properties, "name"), ==, "a & \"b\" <\xC3\xA4>");
    g_assert_cmpstr(text_at(class, "name"), ==, "Tumor");
    g_assert_cmpuint(json_array_size(json_object_get(class, "color")), ==, 3);
    g_assert_true(g_uuid_string_is_valid(text_at(first, "id")));
    g_assert_cmpint(text_at(first, "id")[14], ==, '5');
    g_assert_cmpstr(text_at(first, "id"), !=, text_at(second, "id"));
    class = json_object_get(json_object_get(second, "properties"), "classification");
    g_assert_cmpstr(text_at(class, "name"), ==, "Exclusion"); /* because it crosses a border */
    /* Reading gives the same region, and writing that again the same bytes. */
    g_autoptr(Annotation) back = annotation_read(path, camelyon_rules, 0, 0, &error);
    g_assert_no_error(error);
    assert_near(region_area(back), region_area(annotation), 1e-9);
    g_assert_true(geojson_write(path, annotation, again, &error));
    g_assert_cmpstr(sha256, ==, again);
}

static void test_geojson_islands(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = in_directory("islands.geojson");
    g_autoptr(Annotation) island =
        read_text(FEATURE(TUMOR, "MultiPolygon",
                          "[[" RING(0, 0, 100, 100) "," RING(10, 10, 40, 40) "," RING(
                              50, 50, 90, 90) "],"
                                              "[" RING(20, 20, 30, 30) "],[" RING(60, 60, 70, 70) "]]"));
    SlideFrame frame = {.bounds_x = 1000, .bounds_y = 2000};
    g_assert_true(geojson_write_in_frame(path, island, &frame, NULL, &error));
    json_auto_t *written = json_load_file(path, 0, NULL);
    const json_t *first = json_array_get(json_object_get(written, "features"), 0);
    /* Three rings again, each closed. */
    const json_t *rings =
        json_array_get(json_object_get(json_object_get(first, "geometry"), "coordinates"), 0);
    g_assert_cmpuint(json_array_size(rings), ==, 3);
    for (size_t i = 0; i < 3; i++) {
        const json_t *ring = json_array_get(rings, i);
        g_assert_cmpuint(json_array_size(ring), ==, 5);
        g_assert_true(json_equal(json_array_get(ring, 0), json_array_get(ring, 4)));
    }
    g_autoptr(Annotation) back =
        annotation_read_in_frame(path, &(GroupSpec){.rules = camelyon_rules}, &frame, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(back->outlines->len, ==, 5);
    assert_near(region_area(back), 10000 - 900 - 1600 + 200, 1e-9);
    g_assert_cmpfloat(outline_at(back, 0)->xy[0], ==, 0);
}

static void test_geojson_nothing(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = in_directory("nothing.geojson");
    g_autoptr(Annotation) nothing = read_text("[]");
    g_assert_true(geojson_write(path, nothing, NULL, &error));
    g_autoptr(Annotation) back = annotation_read(path, camelyon_rules, 0, 0, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(back->outlines->len, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/write/asap", test_asap);
    g_test_add_func("/write/asap/neither lesion nor not", test_asap_neither);
    g_test_add_func("/write/geojson", test_geojson);
    g_test_add_func("/write/geojson/islands", test_geojson_islands);
    g_test_add_func("/write/geojson/nothing", test_geojson_nothing);
    return run_in_directory();
}
