/* QuPath GeoJSON, Aperio ImageScope XML, HALO, Hamamatsu NDPA: what each means in level-0 px, labels and holes. */
#include "annotations/read/annotation_read.h"
#include "tests/annotation_text.h"
#include <zlib.h>

/* ---- GeoJSON ---- */

static void test_geojson_forms(void)
{
    const char *feature = FEATURE("'Tumor'", "Polygon", "[" RING(0, 0, 10, 10) "]");
    g_autofree char *collection =
        g_strdup_printf("{'type':'FeatureCollection',\n'features':[\n%s,\n%s],'x':{}}", feature, feature);
    g_autofree char *array = g_strdup_printf("\xEF\xBB\xBF [%s , %s]\n", feature, feature);
    g_autoptr(Annotation) a = read_text(collection), b = read_text(array), c = read_text(feature),
                          d = read_text("[]");
    g_assert_cmpstr(a->dialect, ==, "QuPath GeoJSON");
    g_assert_cmpuint(a->outlines->len, ==, 2);
    g_assert_cmpuint(b->outlines->len, ==, 2);
    g_assert_cmpuint(c->outlines->len, ==, 1);
    g_assert_cmpuint(d->outlines->len, ==, 0);
    g_assert_cmpint(outline_at(c, 0)->points, ==, 4);
    g_assert_cmpstr(outline_at(c, 0)->name, ==, "n");
    g_assert_cmpint(outline_at(c, 0)->label, ==, LABEL_LESION);
    g_assert_cmpuint(c->warnings->len, ==, 0);
}

static void test_geojson_classes(void)
{
    const char *text = "[" FEATURE(TUMOR, "Polygon", "[" RING(0, 0, 10, 10) "]") "," /* an object */
        FEATURE("{'names':['Tumor']}", "Point", "[1,2]") ","                         /* a derived class */
        FEATURE("'Exclusion'", "MultiPoint", "[[1,2],[3,4]]") ","                    /* a string */
        FEATURE("'Tumor'", "MultiLineString", "[[[1,2],[3,4]],[[5,6],[7,8]]]") "]";
    g_autoptr(Annotation) annotation = read_text(text);
    g_assert_cmpuint(annotation->outlines->len, ==, 5);
    g_assert_cmpint(outline_at(annotation, 0)->label, ==, LABEL_LESION);
    g_assert_false(outline_at(annotation, 1)->closed);
    g_assert_cmpint(outline_at(annotation, 2)->label, ==, LABEL_NOT_LESION);
    g_assert_cmpint(outline_at(annotation, 2)->points, ==, 2);
    g_assert_cmpfloat(outline_at(annotation, 4)->xy[3], ==, 8);
    refused("[\n" FEATURE("null", "Polygon", "[" RING(0, 0, 10, 10) "]") "]",
            "file.xml:2: 1 annotation is in groups that no rule names: \"Unclassified\" (1)");
    refused("[" FEATURE("{'names':['Tumor','Positive']}", "Point", "[1,2]") "]", "\"Tumor: Positive\"");
}

static void test_geojson_holes(void)
{
    g_autoptr(Annotation) annotation = read_text(FEATURE(
        TUMOR, "Polygon", "[" RING(0, 0, 100, 100) "," RING(10, 10, 20, 20) "," RING(30, 30, 50, 50) "]"));
    g_assert_cmpuint(annotation->outlines->len, ==, 3);
    g_assert_true(outline_at(annotation, 1)->hole);
    assert_near(region_area(annotation), 10000 - 100 - 400, 1e-9);
}

static void test_geojson_islands(void)
{
    /* An island in a hole stays lesion, though not-lesion outlines are cut out of all lesions. */
    g_autoptr(Annotation) island =
        read_text(FEATURE(TUMOR, "MultiPolygon",
                          "[[" RING(0, 0, 100, 100) "," RING(10, 10, 60, 60) "," RING(
                              70, 70, 80, 80) "],"
                                              "[" RING(20, 20, 30, 30) "]]"));
    g_assert_cmpuint(island->outlines->len, ==, 4);
    assert_near(region_area(island), 10000 - 2500 - 100 + 100, 1e-9);
    g_autoptr(Raster) raster = raster_build(island, NULL);
    assert_near(raster_fraction(raster, &(Rect){10, 10, 50, 50}), 100 / 2500., 1e-12);
    g_autoptr(GArray) spans = g_array_new(FALSE, FALSE, sizeof(int64_t));
    raster_row(raster, 25, spans);
    g_assert_cmpmem(spans->data, spans->len * 8, ((int64_t[]){0, 10, 20, 30, 60, 100}), 48);
}

static void test_geojson_islands_in_two_holes(void)
{
    /* The rings of the first hole run the other way. */
    const char *outer = FEATURE(
        TUMOR, "Polygon",
        "[" RING(0, 0, 100, 100) ",[[10,10],[10,60],[60,60],[60,10],[10,10]]," RING(70, 70, 90, 90) "]");
    const char *small = FEATURE(TUMOR, "Polygon", "[" RING(20, 20, 30, 30) "]");
    const char *other = FEATURE(TUMOR, "Polygon", "[" RING(75, 75, 80, 80) "]");
    g_autofree char *text = g_strdup_printf("[%s,%s,%s]", outer, small, other);
    g_autoptr(Annotation) annotation = read_text(text);
    g_assert_cmpuint(annotation->outlines->len, ==, 5);
    assert_near(region_area(annotation), 10000 - 2500 - 400 + 100 + 25, 1e-9);
}

static void test_geojson_hole_of_exclusion(void)
{
    const char *text = "[" FEATURE(TUMOR, "Polygon", "[" RING(0, 0, 100, 100) "]") "," FEATURE(
        "'Exclusion'", "Polygon", "[" RING(10, 10, 60, 60) "," RING(20, 20, 50, 50) "]") "]";
    g_autoptr(Annotation) annotation = read_text(text);
    assert_near(region_area(annotation), 10000 - 2500 + 900, 1e-9);
}

static void test_geojson_bounds(void)
{
    g_autoptr(GError) error = NULL;
    SlideFrame frame = {.bounds_x = 1000, .bounds_y = 500};
    g_autoptr(Annotation) annotation =
        read_bytes(FEATURE(TUMOR, "Polygon", "[" RING(1, 2, 10, 10) "]"), -1, &frame, &error);
    g_assert_no_error(error);
    g_assert_cmpfloat(outline_at(annotation, 0)->xy[0], ==, 1001);
    g_assert_cmpfloat(outline_at(annotation, 0)->xy[1], ==, 502);
}

/* A file of wsiflow says where its coordinates begin, whatever the configuration says now. */
static void test_geojson_stated_origin(void)
{
    const char *one = FEATURE(TUMOR, "Polygon", "[" RING(1, 2, 10, 10) "]");
    SlideFrame frame = {.bounds_x = 1000, .bounds_y = 500};
    g_autoptr(GError) error = NULL;
    g_autofree char *before = g_strdup_printf("{'type':'FeatureCollection','wsiflow':{'offset_x_px':0,"
                                              "'offset_y_px':7},'features':[%s]}",
                                              one);
    g_autoptr(Annotation) annotation = read_bytes(before, -1, &frame, &error);
    g_assert_no_error(error);
    g_assert_cmpfloat(outline_at(annotation, 0)->xy[0], ==, 1);
    g_assert_cmpfloat(outline_at(annotation, 0)->xy[1], ==, 9);
    g_autofree char *after = g_strdup_printf("{'type':'FeatureCollection','features':[%s],'wsiflow':"
                                             "{'offset_x_px':0,'offset_y_px':7}}",
                                             one);
    g_autoptr(Annotation) none = read_bytes(after, -1, &frame, &error);
    g_assert_null(none);
    g_assert_nonnull(strstr(error->message, "stands after the features"));
}

#define OBJECT(more, properties)                                                   \
    "{'type':'Feature'," more "'geometry':{'type':'Polygon','coordinates':[" RING( \
        0, 0, 10, 10) "]},'properties':{'classification':'Tumor'" properties "}}"

static void test_geojson_left_out(void)
{
    const char *text = "[{'type':'Feature','geometry':null,'properties':null},\n"
                       "{'type':'Feature','geometry':{},'properties':{'objectType':'tile'}},\n" FEATURE(
                           TUMOR, "Polygon", "[[[0,0],[1,1],[0,0]]]") "," OBJECT("", "") "]";
    g_autoptr(Annotation) annotation = read_text(text);
    g_assert_cmpuint(annotation->outlines->len, ==, 1);
    assert_warning(annotation, 0, "file.xml:1: a feature without geometry");
    assert_warning(annotation, 1, "file.xml:3: annotation \"n\" has 2 points and is left out");
    assert_warning(annotation, 2, "file.xml:2: 1 element was skipped: \"tile\" (1)");
    refused("[" FEATURE(TUMOR, "Polygon", "[[[0,0],[9,9],[0,0]]]") "]", "all closed annotations of the file");
}

/* Cells, tiles and cores are left out under their current names and those of QuPath 0.2; annotations are read under both. */
static void test_geojson_objects(void)
{
    g_autoptr(Annotation) annotation = read_text("[" OBJECT("'id':'PathAnnotationObject',", "") "," OBJECT(
        "",
        ",'objectType':'"
        "annotation'") "," OBJECT("'id':'PathCellObject',",
                                  "") "," OBJECT("",
                                                 ",'objectType':'cell'") "," OBJECT("'id':'TMACoreObject',",
                                                                                    "") "," OBJECT("",
                                                                                                   ",'object_"
                                                                                                   "type':'"
                                                                                                   "tma_"
                                                                                                   "core'") "," OBJECT("'id"
                                                                                                                       "':'"
                                                                                                                       "Pat"
                                                                                                                       "hDe"
                                                                                                                       "tec"
                                                                                                                       "tio"
                                                                                                                       "nOb"
                                                                                                                       "jec"
                                                                                                                       "t'"
                                                                                                                       ",",
                                                                                                                       "") "," OBJECT("'id':'PathTileObject',",
                                                                                                                                      ",'objectType':'annotation'") "]");
    g_assert_cmpuint(annotation->outlines->len, ==, 4);
    assert_warning(annotation, 0, "4 elements were skipped: \"cell\" (2), \"tmaCore\" (1), \"tma_core\" (1)");
    refused("[" OBJECT("'id':'PathCellObject',", "") "," OBJECT("", ",'objectType':'cell'") "]",
            "there is no known annotation, only: \"cell\" (2)");
}

static void test_geojson_children(void)
{
    g_autoptr(Annotation) annotation =
        read_text(OBJECT("", ",'childObjects':[" OBJECT("", ",'childObjects':[" OBJECT("", "") "]") "]"));
    g_assert_cmpuint(annotation->outlines->len, ==, 3);
}

static void test_geojson_collection(void)
{
    g_autoptr(Annotation) annotation = read_text(
        "{'type':'Feature','geometry':{'type':'GeometryCollection','geometries':["
        "{'type':'Polygon','coordinates':[" RING(0, 0, 100, 100) "," RING(
            10, 10, 20,
            20) "]},"
                "{'type':'GeometryCollection','geometries':[{'type':'MultiPolygon','coordinates':[[" RING(
                    200, 0, 210, 10) "]]}]},"
                                     "{'type':'LineString','coordinates':[[0,0],[5,5]]}]},'properties':{'"
                                     "classification':'Tumor'}}");
    g_assert_cmpuint(annotation->outlines->len, ==, 4);
    assert_near(region_area(annotation), 10000 - 100 + 100, 1e-9);
    assert_warning(annotation, 0, "1 annotation has no area and marks no lesion: \"LineString\" (1)");
    refused("{'type':'Feature','geometry':{'type':'GeometryCollection','geometries':[{'type':'Circle'}]}}",
            "Circle");
}

/* Numbers that JSON does not have are allowed among measurements but not among coordinates; strings keep such words. */
static void test_geojson_no_numbers(void)
{
    g_autoptr(Annotation) annotation = read_text("{'type':'FeatureCollection','x':NaN,'features':[" OBJECT(
        "", ",'name':'NaN, \\\"Infinity','measurements':{'a':NaN,'b': -Infinity ,'c':[Infinity,1e999,-1e400],"
            "'d':123456789012345678901234567890}") "]}");
    g_assert_cmpuint(annotation->outlines->len, ==, 1);
    g_assert_cmpstr(outline_at(annotation, 0)->name, ==, "NaN, \"Infinity");
    assert_warning(annotation, 0, "6 elements were skipped: \"NaN or infinite number\" (6)");
    refused("[" OBJECT("", ",'measurements':{'a':nan}") "]", "not JSON");
    refused("[" OBJECT("", ",'measurements':{'a':Infinite}") "]", "not JSON");
}

/* An empty geometry is an error: nobody knows what it was meant to be. */
static void test_geojson_empty(void)
{
    refused("\n" FEATURE(TUMOR, "Polygon", "[]"), "file.xml:2: the closed annotation \"n\" has no points");
    refused(FEATURE(TUMOR, "Polygon", "[[]]"), "has no points");
    refused(FEATURE(TUMOR, "MultiPolygon", "[]"), "has no points");
    refused(FEATURE(TUMOR, "MultiPolygon", "[[" RING(0, 0, 9, 9) "],[]]"), "has no points");
    /* As shapely and geopandas write it. */
#define BARE(geometry, properties) \
    "[" OBJECT("", "") ",\n{'type':'Feature','geometry':" geometry ",'properties':{" properties "}}]"
#define NOTHING "{'type':'GeometryCollection','geometries':[]}"
    refused(BARE("null", "'name':'a','classification':'Tumor'"),
            "file.xml:2: the closed annotation \"a\" has no points");
    refused(BARE(NOTHING, "'classification':{'name':'Tumor'}"), "file.xml:2: the closed annotation");
    refused(BARE("{'type':'GeometryCollection','geometries':[{'type':'Point','coordinates':[1,2]}," NOTHING
                 "]}",
                 "'classification':'Tumor'"),
            "has no points");
    refused(BARE("null", "'objectType':'annotation'"), "\"Unclassified\" (1)");
    g_autoptr(Annotation) plain = read_text(BARE("null", "'stroke':'#000'"));
    assert_warning(plain, 0, "file.xml:2: a feature without geometry is left out");
    g_autoptr(Annotation) nothing = read_text("{'type':'FeatureCollection','features':[]}");
    assert_warning(nothing, 0, "file.xml:1: the file has no annotations");
}

static void test_geojson_by_name(void)
{
    static const GroupRule rules[] = {{"n", LABEL_LESION, NULL}, {NULL, LABEL_NONE, NULL}};
    g_autoptr(GError) error = NULL;
    g_autofree char *path = in_directory("named.geojson");
    g_autofree char *text = g_strdelimit(
        g_strdup(FEATURE("null", "Polygon", "[" RING(0, 0, 10, 10) "," RING(1, 1, 2, 2) "]")), "'", '"');
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    g_autoptr(Annotation) annotation =
        annotation_read_in_frame(path, &(GroupSpec){rules, "name"}, &(SlideFrame){0}, &error);
    g_assert_no_error(error);
    assert_near(region_area(annotation), 99, 1e-9);
}

static void test_geojson_geometry_refused(void)
{
#define POLYGON(coordinates) "[" FEATURE(TUMOR, "Polygon", coordinates) "]"
    refused(POLYGON("[[[0,0],[NaN,1],[1,1]]]"), "file.xml:1: a position of this feature is not [x, y]");
    refused("\n\n" POLYGON("[[[0,0],[1e999,1],[1,1]]]"), "file.xml:3: a position");
    refused(POLYGON("[[[0,0],[3e9,1],[1,1]]]"), "not within");
    refused(POLYGON("[[[0,0],['1',1],[1,1]]]"), "not [x, y]");
    refused(POLYGON("[[[0,0],[1],[1,1]]]"), "not [x, y]");
    refused(POLYGON("7"), "not an array");
    refused(POLYGON("[7]"), "not an array");
    refused("[" FEATURE(TUMOR, "Circle", "[]") "]", "Circle", "MultiPolygon");
    refused("[{'type':'Polygon','coordinates':[]}]", "\"Polygon\", expected: \"Feature\"");
    refused("{'type':'Topology','features':[]}", "\"Topology\", expected: \"FeatureCollection\"");
}

static void test_geojson_json_refused(void)
{
#define POINT FEATURE("'Tumor'", "Point", "[1,2]")
    refused("[{'type':'Feature',\n'type':'Feature'}]", "file.xml:2: not JSON: duplicate");
    refused("{'type':'FeatureCollection','features':[],'features':[]}", "duplicate");
    refused("{'type':'FeatureCollection','features':[],}", "not JSON");
    refused("{'type':'FeatureCollection','features':[,]}", "a value is missing");
    refused("[" POINT "] x", "there is text after the end");
    refused("[" POINT " " POINT "]", "a comma or ] is missing");
    refused("[" POINT ",]", "a value is missing");
    refused("[{]", "file.xml:1: not JSON");
    refused("{'features':[{'type':'Fea\nture'}]}", "a string has no closing quote");
    refused("{'a' 1}", "a colon is missing");
    g_autoptr(GString) bomb = g_string_new("[{'type':'Feature','geometry':[");
    for (int i = 0; i < 3000000; i++) {
        g_string_append(bomb, "[],");
    }
    refused(bomb->str, "a feature has more than 2097152 arrays");
}

static void write_gzip(const char *path, const char *text, size_t length, int times)
{
    gzFile file = gzopen(path, "wb1");
    for (int i = 0; i < times; i++) {
        g_assert_cmpint(gzwrite(file, text, (unsigned)length), ==, (int)length);
    }
    g_assert_cmpint(gzclose(file), ==, Z_OK);
}

static void test_gzip(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = in_directory("a.geojson.gz"), *bytes = NULL, *spaces = g_strnfill(1 << 20, ' ');
    gsize length;
    g_autofree char *text =
        g_strdelimit(g_strdup(FEATURE(TUMOR, "Polygon", "[" RING(0, 0, 10, 10) "]")), "'", '"');
    write_gzip(path, text, strlen(text), 1);
    g_autoptr(Annotation) annotation = annotation_read(path, camelyon_rules, 0, 0, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(annotation->outlines->len, ==, 1);
    /* Truncated, damaged, and with bytes after the end. */
    g_assert_true(g_file_get_contents(path, &bytes, &length, NULL));
    for (int i = 0; i < 3; i++) {
        g_autofree char *other = in_directory("damaged.gz"), *copy = g_malloc0(length + 1);
        memcpy(copy, bytes, length);
        copy[length / 2] ^= i == 1 ? 0x55 : 0;
        g_assert_true(g_file_set_contents(other, copy, (gssize)length + (i == 2) - 9 * (i == 0), NULL));
        g_assert_null(annotation_read(other, camelyon_rules, 0, 0, &error));
        g_assert_nonnull(strstr(error->message, "is a damaged gzip file"));
        g_clear_error(&error);
    }
    /* 300 kB that unpack to 70 MB. */
    write_gzip(path, spaces, 1 << 20, 70);
    g_assert_null(annotation_read(path, camelyon_rules, 0, 0, &error));
    g_assert_nonnull(strstr(error->message, "larger than 64 MiB when unpacked"));
}

/* ---- ImageScope ---- */

#define LAYERS(layers) "<Annotations MicronsPerPixel='0.5'>\n" layers "</Annotations>"
#define LAYER(id, name, description, regions)                                                  \
    "<Annotation Id='" id "' Name='" name                                                      \
    "' LineColor='65280'><Attributes><Attribute Name='Description' Id='0' Value='" description \
    "'/></Attributes><Regions><RegionAttributeHeaders/>" regions "</Regions><Plots/></Annotation>"
#define REGION(type, negative, vertices)                             \
    "<Region Id='1' Type='" type "' Text='t' NegativeROA='" negative \
    "'><Attributes><Attribute Name='Description' "                   \
    "Value='of a region'/></Attributes><Vertices>" vertices "</Vertices></Region>\n"
#define VERTEX(x, y) "<Vertex X='" #x "' Y='" #y "' Z='0'/>"
#define BOX(x0, y0, x1, y1) VERTEX(x0, y0) VERTEX(x1, y0) VERTEX(x1, y1) VERTEX(x0, y1)

static void test_imagescope(void)
{
    const char *text =
        LAYERS(LAYER("1", "Tumor", "",
                     REGION("0", "0", BOX(0, 0, 100, 100) VERTEX(0, 0)) REGION("0", "1", BOX(10, 10, 20, 20)))
                   LAYER("2", "", "metastases",
                         REGION("1", "0", VERTEX(200, 0) VERTEX(250, 10))
                             REGION("2", "0", VERTEX(300, 0) VERTEX(340, 20))
                                 REGION("4", "0", VERTEX(0, 0) VERTEX(9, 9))));
    g_autoptr(Annotation) annotation = read_text(text);
    g_assert_cmpstr(annotation->dialect, ==, "Aperio ImageScope");
    g_assert_cmpuint(annotation->outlines->len, ==, 5);
    assert_warning(annotation, 0, "1 annotation has no area and marks no lesion: \"Ruler\" (1)");
    assert_warning(annotation, 1, "100 of 11128 px of the lesions are cut out by \"negative region\" (1)");
    g_assert_cmpuint(annotation->warnings->len, ==, 2);
    g_assert_cmpstr(outline_at(annotation, 0)->group, ==, "Tumor");
    g_assert_cmpint(outline_at(annotation, 0)->points, ==, 4);
    g_assert_true(outline_at(annotation, 1)->hole);
    g_assert_cmpstr(outline_at(annotation, 2)->group, ==, "metastases");
    g_assert_cmpfloat(outline_area(outline_at(annotation, 2)), ==, 500);
    assert_near(outline_area(outline_at(annotation, 3)), G_PI * 20 * 10,
                1e-9); /* the polygon has the area of the ellipse */
    g_assert_false(outline_at(annotation, 4)->closed);
    assert_near(region_area(annotation), 10000 - 100 + 500 + G_PI * 200, 1e-6);
}

/* The flags for a hole and a line are a yes or a no. */
static void test_imagescope_flags(void)
{
    g_autoptr(Annotation) words = read_text(
        LAYERS(LAYER("1", "Tumor", "",
                     REGION("0", "False", BOX(0, 0, 100, 100)) REGION("0", "true", BOX(10, 10, 20, 20))
                         REGION("0", " 1 ", BOX(50, 50, 60, 60)))));
    assert_near(region_area(words), 10000 - 200, 1e-9);
    refused(LAYERS(LAYER("1", "Tumor", "", "\n" REGION("0", "yes", BOX(0, 0, 100, 100)))),
            "file.xml:3: NegativeROA is \"yes\"; it must be 1 or true, 0 or false");
    refused(LAYERS(LAYER("1", "Tumor", "", REGION("0", "-1", BOX(0, 0, 100, 100)))), "NegativeROA is \"-1\"");
}

static void test_imagescope_refused(void)
{
    refused(LAYERS(LAYER("7", "", "", REGION("0", "0", BOX(0, 0, 9, 9)))),
            "groups that no rule names: \"Layer 7\" (1)");
    refused(LAYERS(LAYER("7", "Tumor", "", REGION("9", "0", BOX(0, 0, 9, 9)))), "unknown type \"9\"");
    refused(LAYERS(LAYER("7", "Tumor", "", REGION("0", "0", "\n<Point X='1' Y='2'/>"))),
            "file.xml:3: <Point> among Vertices, where <Vertex> is expected");
    refused(LAYERS(VERTEX(1, 1)), "file.xml:2: a Vertex outside a Region");
    refused(LAYERS(LAYER("7", "Tumor", "", REGION("0", "0", VERTEX(nan, 1)))),
            "file.xml:2: the X and Y of a Vertex are not numbers");
}

/* People write the class into the region's text when layers have no name; a hole needs none. */
static void test_imagescope_text(void)
{
    static const GroupRule rules[] = {{"t", LABEL_LESION, NULL}, {NULL, LABEL_NONE, NULL}};
    g_autoptr(GError) error = NULL;
    g_autofree char *path = in_directory("text.xml");
    g_assert_true(g_file_set_contents(
        path,
        LAYERS(LAYER("1", "", "",
                     REGION("0", "0", BOX(0, 0, 100, 100)) "<Region Type='1' Text='' "
                                                           "NegativeROA='1'><Vertices>" BOX(
                                                               10, 10, 20, 20) "</Vertices></Region>")),
        -1, NULL));
    g_autoptr(Annotation) annotation =
        annotation_read_in_frame(path, &(GroupSpec){rules, "text"}, &(SlideFrame){0}, &error);
    g_assert_no_error(error);
    assert_near(region_area(annotation), 9900, 1e-9);
    g_assert_null(annotation_read_in_frame(path, &(GroupSpec){rules, "class"}, &(SlideFrame){0}, &error));
    g_assert_nonnull(strstr(error->message, "\"Layer 1\" (2)"));
}

/* ---- HALO ---- */

#define HALO(regions)                                                                            \
    "<Annotations>\n<Annotation LineColor='65535' Name='Tumor' Visible='True'><Regions>" regions \
    "</Regions></Annotation></Annotations>"
#define HALO_REGION(type, endcaps, negative, points)                                                  \
    "\n<Region Type='" type "' HasEndcaps='" endcaps "' NegativeROA='" negative "'><Vertices>" points \
    "</Vertices><Comments><Comment Author='a' Body='first' CreatedTime='' ModifiedTime=''/>"          \
    "<Comment Body='second'/></Comments></Region>"
#define V(x, y) "<V X='" #x "' Y='" #y "'/>"

static void test_halo(void)
{
    g_autoptr(Annotation) annotation =
        read_text(HALO(HALO_REGION("Polygon", "0", "0", V(0, 0) V(100, 0) V(100, 100) V(0, 100) V(0, 0))
                           HALO_REGION("Ellipse", "0", "1", V(60, 40) V(20, 10))
                               HALO_REGION("Rectangle", "0", "0", V(300, 50) V(200, 0))
                                   HALO_REGION("Ellipse", "0", "0", V(400, 100) V(480, 160))
                                       HALO_REGION("Polygon", "1", "0", V(0, 0) V(900, 0) V(900, 900))
                                           HALO_REGION("Ruler", "0", "0", V(0, 0) V(9, 9))
                                               HALO_REGION("Ruler", "0", "0", V(0, 0) V(9, 9))
                                                   HALO_REGION("Pin", "0", "0", V(5, 5))));
    g_assert_cmpstr(annotation->dialect, ==, "HALO");
    g_assert_cmpuint(annotation->outlines->len, ==, 8);
    g_assert_cmpint(outline_at(annotation, 0)->points, ==, 4);
    g_assert_cmpstr(outline_at(annotation, 0)->group, ==, "Tumor");
    g_assert_cmpstr(outline_at(annotation, 0)->name, ==, "first");
    g_assert_true(outline_at(annotation, 1)->hole);
    assert_near(outline_area(outline_at(annotation, 1)), G_PI * 20 * 15, 1e-9);
    g_assert_cmpfloat(outline_area(outline_at(annotation, 2)), ==, 5000);
    assert_near(outline_area(outline_at(annotation, 3)), G_PI * 40 * 30, 1e-9);
    g_assert_false(outline_at(annotation, 4)->closed);
    assert_near(region_area(annotation), 10000 - G_PI * 300 + 5000 + G_PI * 1200, 1e-6);
    g_assert_cmpuint(annotation->warnings->len, ==, 2);
    assert_warning(
        annotation, 0,
        "4 annotations have no area and mark no lesion: \"open line\" (1), \"Ruler\" (2), \"Pin\" (1)");
}

static void test_halo_refused(void)
{
    refused(HALO(HALO_REGION("Polygon", "2", "0", V(0, 0) V(9, 0) V(9, 9))), "HasEndcaps is \"2\"");
    g_autoptr(Annotation) line =
        read_text(HALO(HALO_REGION("Polygon", "True", "0", V(0, 0) V(9, 0) V(9, 9))
                           HALO_REGION("Polygon", "false", "0", V(0, 0) V(9, 0) V(9, 9))));
    g_assert_false(outline_at(line, 0)->closed);
    g_assert_true(outline_at(line, 1)->closed);
    refused(HALO(HALO_REGION("Spiral", "0", "0", V(0, 0) V(9, 9))),
            "file.xml:3: a Region has the unknown type", "Spiral", "Ellipse");
    refused(HALO(HALO_REGION("Polygon", "0", "0", V(0, 0) V(9, 9) "<Vertex X='1' Y='2'/>")),
            "<Vertex> among Vertices, where <V> is expected");
    refused(HALO(HALO_REGION("Polygon", "0", "0", "")), "file.xml:3: the closed annotation", "has no points");
    refused(HALO(HALO_REGION("Ellipse", "0", "0", V(0, 0))), "all closed annotations", "has 1 point");
    refused(HALO(HALO_REGION("Polygon", "0", "0", "<V X='1,5' Y='2'/>")),
            "the X and Y of a V are not numbers");
}

/* ---- NDPA ---- */

#define NDPA(title, annotation)                                                                           \
    "<?xml version='1.0' encoding='utf-8' standalone='yes'?>\n<annotations>\n<ndpviewstate "              \
    "id='1'><title>" title "</title><details/><coordformat>nanometers</coordformat><lens>20</lens><x>5</" \
    "x><y>6</y><z>0</z>\n" annotation "</ndpviewstate></annotations>"
#define FREEHAND(closed, points)                                                                 \
    "<annotation type='freehand' displayname='AnnotateFreehand' color='#000000'><closed>" closed \
    "</closed><pointlist>" points "</pointlist></annotation>"
#define NM(x, y) "<point><x>" #x "</x><y>" #y "</y></point>"

static const SlideFrame glass = {
    .width = 1000, .height = 800, .mpp_x = 0.5, .mpp_y = 0.25, .offset_x_nm = 1000, .offset_y_nm = -500};

static void test_ndpa(void)
{
    g_autoptr(GError) error = NULL;
    const char *text = NDPA(
        "Tumor\n",
        FREEHAND("1", NM(1000, -500) NM(2000, -500) NM(2000, 500)
                          NM(1000, 500)) "\n<annotation "
                                         "type='circle'><x>1000</x><y>-500</y><radius>50000</radius></"
                                         "annotation>" FREEHAND(
                                             "false",
                                             NM(1000, -500)
                                                 NM(2000, -500)) "<annotation "
                                                                 "type='pin'><x>1</x><y>1</y></annotation>");
    g_autoptr(Annotation) annotation = read_bytes(text, -1, &glass, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(annotation->dialect, ==, "Hamamatsu NDPA");
    g_assert_cmpuint(annotation->outlines->len, ==, 4);
    /* 1000 nm are 2 px of 0.5 um in x and 4 px of 0.25 um in y; the offset is the middle of the scan. */
    g_assert_cmpmem(outline_at(annotation, 0)->xy, 64, ((double[]){500, 400, 502, 400, 502, 404, 500, 404}),
                    64);
    g_assert_cmpstr(outline_at(annotation, 0)->group, ==, "Tumor");
    assert_near(outline_area(outline_at(annotation, 1)), G_PI * 100 * 200, 1e-6);
    g_assert_false(outline_at(annotation, 2)->closed);
    g_assert_cmpint(outline_at(annotation, 3)->points, ==, 1);
    assert_warning(annotation, 0,
                   "2 annotations have no area and mark no lesion: \"open line\" (1), \"pin\" (1)");
    refused(text, "the slide's size, mpp and offset");
}

static void test_ndpa_refused(void)
{
    const char *pixels =
        "<annotations><ndpviewstate><coordformat>pixels</coordformat></ndpviewstate></annotations>";
    assert_refused(pixels, -1, &glass,
                   (const char *const[]){"file.xml:1: coordinates are in \"pixels\"", NULL});
    assert_refused(NDPA("Tumor", FREEHAND("1", NM(nan, 1))), -1, &glass,
                   (const char *const[]){"file.xml:4: <x>nan</x> is not a number", NULL});
    assert_refused(NDPA("Tumor", FREEHAND("1", "<point><x>1</x></point>")), -1, &glass,
                   (const char *const[]){"file.xml:4", NULL});
    assert_refused(NDPA("", FREEHAND("1", NM(0, 0) NM(0, 9) NM(9, 0))), -1, &glass,
                   (const char *const[]){"groups that no rule names: \"Untitled\" (1)", NULL});
    assert_refused(NDPA("Tumor", FREEHAND("open", NM(0, 0) NM(0, 9) NM(9, 0))), -1, &glass,
                   (const char *const[]){"file.xml:4: <closed> is \"open\"", NULL});
    assert_refused(NDPA("Tumor", "<annotation type='blob'/>"), -1, &glass,
                   (const char *const[]){"unknown type \"blob\"", "linearmeasure", NULL});
    assert_refused(NDPA("Tumor", FREEHAND("1", "<p><x>1</x><y>1</y></p>")), -1, &glass,
                   (const char *const[]){"<p> in a pointlist, where <point> is expected", NULL});
    assert_refused(NDPA("Tumor", FREEHAND("1", "")), -1, &glass,
                   (const char *const[]){"has no points", NULL});
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/geojson/forms", test_geojson_forms);
    g_test_add_func("/geojson/classes", test_geojson_classes);
    g_test_add_func("/geojson/holes", test_geojson_holes);
    g_test_add_func("/geojson/islands in holes", test_geojson_islands);
    g_test_add_func("/geojson/islands in two holes", test_geojson_islands_in_two_holes);
    g_test_add_func("/geojson/hole of an exclusion", test_geojson_hole_of_exclusion);
    g_test_add_func("/geojson/bounds", test_geojson_bounds);
    g_test_add_func("/geojson/stated_origin", test_geojson_stated_origin);
    g_test_add_func("/geojson/left out", test_geojson_left_out);
    g_test_add_func("/geojson/objects", test_geojson_objects);
    g_test_add_func("/geojson/children", test_geojson_children);
    g_test_add_func("/geojson/collection", test_geojson_collection);
    g_test_add_func("/geojson/numbers that JSON lacks", test_geojson_no_numbers);
    g_test_add_func("/geojson/empty", test_geojson_empty);
    g_test_add_func("/geojson/by name", test_geojson_by_name);
    g_test_add_func("/geojson/geometry refused", test_geojson_geometry_refused);
    g_test_add_func("/geojson/JSON refused", test_geojson_json_refused);
    g_test_add_func("/geojson/gzip", test_gzip);
    g_test_add_func("/imagescope/layers", test_imagescope);
    g_test_add_func("/imagescope/flags", test_imagescope_flags);
    g_test_add_func("/imagescope/refused", test_imagescope_refused);
    g_test_add_func("/imagescope/by text", test_imagescope_text);
    g_test_add_func("/halo/shapes", test_halo);
    g_test_add_func("/halo/refused", test_halo_refused);
    g_test_add_func("/ndpa/shapes", test_ndpa);
    g_test_add_func("/ndpa/refused", test_ndpa_refused);
    return run_in_directory();
}
