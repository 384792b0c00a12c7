/* Holes belong only to their polygon or layer; the area that is cut out of lesions is reported; something must be left; coordinates are px. */
#include "annotations/read/annotation_read.h"
#include "annotations/write/annotation_write.h"
#include "tests/annotation_text.h"

#define LAYER(name, regions) "\n<Annotation Name='" name "'><Regions>" regions "</Regions></Annotation>"
#define REGION(negative, x0, y0, x1, y1)                                                               \
    "\n<Region Type='0' NegativeROA='" negative "'><Vertices><Vertex X='" #x0 "' Y='" #y0              \
    "'/><Vertex X='" #x1 "' Y='" #y0 "'/><Vertex X='" #x1 "' Y='" #y1 "'/><Vertex X='" #x0 "' Y='" #y1 \
    "'/></Vertices></Region>"
#define HALO_REGION(negative, x0, y0, x1, y1)                                                               \
    "\n<Region Type='Rectangle' HasEndcaps='0' NegativeROA='" negative "'><Vertices><V X='" #x0 "' Y='" #y0 \
    "'/><V X='" #x1 "' Y='" #y1 "'/></Vertices></Region>"
#define LAYERS(layers) "<Annotations>" layers "</Annotations>"

/* After writing and reading, in both formats, the region is the same. */
static void assert_round_trips(const Annotation *annotation)
{
    static gboolean (*const writers[])(const char *, const Annotation *, char *, GError **) = {asap_write,
                                                                                               geojson_write};
    for (int i = 0; i < 2; i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *path = in_directory("written");
        g_assert_true(writers[i](path, annotation, NULL, &error));
        g_autoptr(Annotation) back = annotation_read(path, camelyon_rules, 0, 0, &error);
        g_assert_no_error(error);
        assert_near(region_area(back), region_area(annotation), 1e-6);
    }
}

static void test_layers(void)
{
    static const struct {
        const char *text;
        double area;
    } cases[] = {
        /* A lesion of another layer inside the hole stays. */
        {LAYERS(LAYER("Tumor", REGION("0", 0, 0, 100, 100) REGION("1", 20, 20, 80, 80))
                    LAYER("metastases", REGION("0", 30, 30, 50, 50))),
         6400 + 400},
        {LAYERS(LAYER("Tumor", HALO_REGION("0", 0, 0, 100, 100) HALO_REGION("1", 20, 20, 80, 80))
                    LAYER("metastases", HALO_REGION("0", 30, 30, 50, 50))),
         6400 + 400},
        /* Two layers of the same name are different layers. */
        {LAYERS(LAYER("Tumor", REGION("0", 0, 0, 100, 100) REGION("1", 20, 20, 80, 80))
                    LAYER("Tumor", REGION("0", 30, 30, 50, 50))),
         6400 + 400},
        /* It is cut out of all regions of the layer, also where two overlap. */
        {LAYERS(LAYER("Tumor",
                      REGION("0", 0, 0, 100, 100) REGION("1", 40, 40, 60, 60) REGION("0", 30, 30, 120, 120))),
         10000 + 8100 - 4900 - 400},
        /* A hole across the border, and two holes that overlap. */
        {LAYERS(LAYER("Tumor", REGION("0", 0, 0, 100, 100) REGION("1", 50, 50, 150, 150))), 7500},
        {LAYERS(LAYER("Tumor",
                      REGION("0", 0, 0, 100, 100) REGION("1", 10, 10, 30, 30) REGION("1", 20, 20, 40, 40))),
         10000 - 700},
        /* A negative region in a layer that is not lesion is not cut out of the lesions. */
        {LAYERS(LAYER("Tumor", REGION("0", 0, 0, 100, 100))
                    LAYER("Exclusion", REGION("0", 10, 10, 50, 50) REGION("1", 20, 20, 30, 30))),
         10000 - 1600 + 100},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Annotation) annotation = read_text(cases[i].text);
        assert_near(region_area(annotation), cases[i].area, 1e-9);
        assert_round_trips(annotation);
    }
}

static void test_only_negative(void)
{
    refused(LAYERS(LAYER("Tumor", REGION("1", 0, 0, 100, 100) REGION("1", 0, 0, 50, 50))),
            "file.xml:3: the layer \"Tumor\" has only negative regions (2)", "negative tool");
    refused(LAYERS(LAYER("Tumor", HALO_REGION("0", 0, 0, 100, 100))
                       LAYER("metastases", HALO_REGION("1", 0, 0, 50, 50))),
            "the layer \"metastases\" has only negative regions (1)");
    refused(LAYERS(LAYER("Tumor", REGION("0", 0, 0, 100, 100)) LAYER("Exclusion", REGION("1", 0, 0, 50, 50))),
            "the layer \"Exclusion\" has only negative regions (1)");
    g_autoptr(Annotation) apart =
        read_text(LAYERS(LAYER("Tumor", REGION("0", 0, 0, 100, 100) REGION("1", 200, 0, 250, 50))));
    g_assert_cmpuint(apart->warnings->len, ==, 1);
    assert_warning(apart, 0,
                   "file.xml:4: 1 negative region is in no region of its layer and cuts nothing out");
}

/* Rings that are invalid for JTS: each is cut out of its polygon, whatever it crosses. */
static void test_rings(void)
{
    static const struct {
        const char *rings;
        double area;
    } cases[] = {
        {RING(0, 0, 100, 100) "," RING(10, 10, 30, 30) "," RING(20, 20, 40, 40), 10000 - 700},
        {RING(0, 0, 100, 100) "," RING(50, 50, 150, 150), 7500},
        {RING(0, 0, 100, 100) "," RING(200, 200, 250, 250), 10000},
        {RING(0, 0, 100, 100) "," RING(10, 10, 30, 30) "," RING(10, 10, 30, 30), 10000 - 400},
        /* A ring is everything that it winds around (not the even-odd rule): a pentagram includes its middle. */
        {"[[50,0],[79.389,90.451],[2.447,34.549],[97.553,34.549],[20.611,90.451],[50,0]]", 2806.3},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *alone = g_strdup_printf(FEATURE(TUMOR, "Polygon", "[%s]"), cases[i].rings);
        g_autofree char *pair =
            g_strdup_printf("[%s," FEATURE(TUMOR, "Polygon", "[" RING(55, 55, 60, 60) "]") "]", alone);
        g_autoptr(Annotation) one = read_text(alone), two = read_text(pair);
        assert_near(region_area(one), cases[i].area, 1);
        g_autoptr(Raster) raster = raster_build(two, NULL);
        assert_near(raster_fraction(raster, &(Rect){55, 55, 5, 5}), 1, 1e-9);
        assert_round_trips(one);
    }
}

/* ASAP cannot express a hole across a border with another lesion in it: an error, instead of another region. */
static void test_no_form(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = in_directory("no.xml");
    g_autoptr(Annotation) annotation = read_text(
        "[" FEATURE(TUMOR, "Polygon", "[" RING(0, 0, 100, 100) "," RING(50, 50, 150, 150) "]") "," FEATURE(
            TUMOR, "Polygon", "[" RING(60, 60, 70, 70) "]") "]");
    g_assert_false(asap_write(path, annotation, NULL, &error));
    g_assert_nonnull(strstr(error->message, "write GeoJSON"));
    g_clear_error(&error);
    g_assert_true(geojson_write(path, annotation, NULL, &error));
    g_autoptr(Annotation) back = annotation_read(path, camelyon_rules, 0, 0, &error);
    g_assert_no_error(error);
    assert_near(region_area(back), 7500 + 100, 1e-9);
}

static void test_losses(void)
{
    g_autoptr(Annotation) islands =
        read_text(ASAP("\n" SHAPE("outer", "Polygon", "Tumor", SQUARE(0, 0, 100, 100))
                           SHAPE("hole", "Polygon", "Exclusion", SQUARE(10, 10, 90, 90)) "\n" SHAPE(
                               "island", "Polygon", "Tumor", SQUARE(20, 20, 40, 40))
                               SHAPE("across", "Polygon", "Tumor", SQUARE(86, 86, 99, 99)),
                       GROUPS));
    g_assert_cmpuint(islands->warnings->len, ==, 1);
    assert_warning(
        islands, 0,
        "file.xml:5: 6400 of 10000 px of the lesions are cut out by \"Exclusion\" (1); most affected: "
        "\"outer\" of "
        "line 5 (6400 of 10000 px), \"island\" of line 8 (400 of 400 px)");
    /* A "normal" region over nearly everything. */
    g_autoptr(Annotation) drawn_over =
        read_text("[\n" FEATURE("'normal'", "Polygon", "[" RING(0, 0, 1000, 1000) "]") ",\n" FEATURE(
            TUMOR, "Polygon", "[" RING(100, 100, 1001, 200) "]") "]");
    assert_warning(drawn_over, 0,
                   "90000 of 90100 px of the lesions are cut out by \"normal\" (1); most affected: \"n\" of "
                   "line 3 (90000 of 90100 px)");
    /* Everything is cut out. */
    refused(ASAP("\n" SHAPE("a", "Polygon", "Tumor", SQUARE(10, 10, 30, 30))
                     SHAPE("b", "Polygon", "Exclusion", SQUARE(0, 0, 30, 30)),
                 GROUPS),
            "file.xml:5: only 0 of the 400 px of the lesions are left", "\"Exclusion\" (1)");
    refused(FEATURE(TUMOR, "Polygon", "[" RING(0, 0, 30, 30) "," RING(0, 0, 30, 30) "]"),
            "the lesions cover only 0 px in all");
    /* Only the part inside the slide counts: a line is left of a lesion that extends beyond it. */
    assert_refused(FEATURE(TUMOR, "Polygon", "[" RING(-50, 0, 0.01, 50) "]"), -1,
                   &(SlideFrame){.width = 100, .height = 100},
                   (const char *const[]){"the lesions cover only 0.5 px in all", NULL});
    refused(FEATURE(TUMOR, "Polygon", "[[[0,0],[50,50],[20,20]]]"), "the lesions cover only 0 px");
}

static void test_units(void)
{
    refused(
        "[" FEATURE(TUMOR, "Polygon", "[" RING(0.2, 0.2, 0.6, 0.6) "]") "," FEATURE(
            "'normal'", "Polygon", "[" RING(0, 0, 1, 1) "]") "]",
        "file.xml:1: all coordinates are within 1 px of the origin: they look like fractions of the slide");
    refused(ASAP(SHAPE("x", "Polygon", "Tumor", SQUARE(0.1, 0.1, 0.3, 0.4)), GROUPS),
            "fractions of the slide");
    refused(ASAP(SHAPE("x", "Polygon", "Tumor", SQUARE(12.1, 7.1, 12.7, 7.4)), GROUPS),
            "file.xml:4: no outline is larger than 0.6 px", "in mm instead of level-0 px");
    assert_refused(
        FEATURE(TUMOR, "Polygon", "[" RING(0.2, 0.2, 0.6, 0.6) "]"), -1,
        &(SlideFrame){.bounds_x = 1000, .bounds_y = 3000}, /* where the coordinates of GeoJSON begin */
        (const char *const[]){"fractions of the slide", NULL});
    g_autoptr(Annotation) small = read_text(FEATURE(TUMOR, "Polygon", "[" RING(5, 5, 6, 6) "]"));
    assert_near(region_area(small), 1, 1e-9);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/holes/layers", test_layers);
    g_test_add_func("/holes/only negative", test_only_negative);
    g_test_add_func("/holes/rings", test_rings);
    g_test_add_func("/holes/not expressible in ASAP", test_no_form);
    g_test_add_func("/holes/losses reported", test_losses);
    g_test_add_func("/units", test_units);
    return run_in_directory();
}
