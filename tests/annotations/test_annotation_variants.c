/* Variants that other programs write: types of objects, boxes of two corners, files without groups, JSON that is not GeoJSON. */
#include "tests/annotation_text.h"

#define OBJECT(type)                                                       \
    "{'type':'Feature','geometry':{'type':'Polygon','coordinates':[" RING( \
        0, 0, 10, 10) "]},"                                                \
                      "'properties':{'classification':'Tumor','objectType':'" type "'}}"

static void test_object_types(void)
{
    /* QuPath: "Unknown object type, I will create an annotation"; cells and tiles are left out, in any case of letters. */
    g_autoptr(Annotation) annotation =
        read_text("[" OBJECT("Annotation") "," OBJECT("pathAnnotationObject") ",\n" OBJECT(
            "region") "," OBJECT("polygon") "," OBJECT("region") ",\n" OBJECT("Cell") "," OBJECT("TILE") "]");
    g_assert_cmpuint(annotation->outlines->len, ==, 5);
    g_assert_cmpuint(annotation->warnings->len, ==, 2);
    assert_warning(
        annotation, 0,
        "file.xml:2: 3 objects of unknown types are read as annotations, as QuPath does: \"region\" (2), "
        "\"polygon\" (1)");
    assert_warning(annotation, 1, "file.xml:3: 2 elements were skipped: \"cell\" (1), \"tile\" (1)");
}

/* Two opposite corners, in any order, are a box when the type is rectangle, and only then. */
static void test_boxes(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Annotation) asap = read_text(ASAP(SHAPE("a", "Rectangle", "Tumor", AT(0, 30, 5) AT(1, 10, 25))
                                                    SHAPE("b", "Rectangle", "Tumor", SQUARE(50, 0, 60, 10)),
                                                GROUPS));
    assert_near(region_area(asap), 400 + 100, 1e-9);
    g_assert_cmpuint(asap->warnings->len, ==, 0);
    refused(ASAP(SHAPE("a", "Polygon", "Tumor", AT(0, 30, 5) AT(1, 10, 25)), GROUPS), "has 2 points");
    const SlideFrame glass = {.width = 1000, .height = 800, .mpp_x = 0.5, .mpp_y = 0.25};
#define NDPA(attributes, special)                                                                         \
    "<annotations><ndpviewstate><title>Tumor</title><annotation type='freehand' " attributes              \
    "><closed>1</closed><pointlist><point><x>10000</x><y>5000</y></point><point><x>0</x><y>0</y></point>" \
    "</pointlist>" special "</annotation></ndpviewstate></annotations>"
    const char *texts[] = {NDPA("displayname='AnnotateRectangle'", ""),
                           NDPA("displayname='AnnotateFreehand'", "<specialtype>rectangle</specialtype>")};
    for (int i = 0; i < 2; i++) {
        g_autoptr(Annotation) ndpa = read_bytes(texts[i], -1, &glass, &error);
        g_assert_no_error(error);
        assert_near(region_area(ndpa), 20 * 20, 1e-9);
    }
    assert_refused(NDPA("displayname='AnnotateFreehand'", ""), -1, &glass,
                   (const char *const[]){"has 2 points", NULL});
}

/* A file without group definitions may use any PartOfGroup; a file with some must define all that it uses. */
static void test_no_definitions(void)
{
    g_autoptr(Annotation) annotation = read_text(
        "<ASAP_Annotations><Annotations>" SHAPE("a", "Polygon", "Tumor", SQUARE(0, 0, 10, 10))
            SHAPE("b", "Polygon", "Exclusion", SQUARE(0, 0, 5, 10)) "</Annotations></ASAP_Annotations>");
    assert_near(region_area(annotation), 50, 1e-9);
    g_autoptr(Annotation) empty = read_text(ASAP(SHAPE("a", "Polygon", "_1", SQUARE(0, 0, 10, 10)), ""));
    assert_near(region_area(empty), 100, 1e-9);
    refused(ASAP(SHAPE("a", "Polygon", "Stroma", SQUARE(0, 0, 10, 10)), ""),
            "groups that no rule names: \"Stroma\" (1)");
    refused(ASAP(SHAPE("a", "Polygon", "Tumor", SQUARE(0, 0, 10, 10)), GROUP("Exclusion", "None")),
            "groups that the file does not define: \"Tumor\" (1)");
}

static void test_json_of_others(void)
{
    static const struct {
        const char *text, *program;
    } cases[] = {
        {"{'name':'t','elements':[{'type':'polyline','points':[[0,0,0]]}]}", "the Digital Slide Archive"},
        {"[{'_id':'x','annotation':{'elements':[]}}]", "the Digital Slide Archive"},
        {"{'collection':[{'location':'POLYGON((0 0,9 0,9 9,0 0))'}],'size':1}", "Cytomine"},
        {"[{'location':'POLYGON((0 0,9 0,9 9,0 0))','term':[1]}]", "Cytomine"},
        {"{'images':[],'annotations':[],'categories':[]}", "COCO"},
        {"[{'segmentation':[[1,1,5,1,5,5]],'category_id':1}]", "COCO"},
        {"{'version':'5','shapes':[],'imagePath':'x'}", "labelme"},
        {"{'x.png1':{'filename':'x.png','regions':[]}}", "VIA"},
        {"{'_via_img_metadata':{}}", "VIA"},
        {"[{'@context':'x','type':'Annotation','body':[],'target':{}}]", "Annotorious"},
        {"{'type':'Topology','arcs':[]}", "TopoJSON"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        refused(cases[i].text, "this is JSON of ", cases[i].program, "export the outlines as GeoJSON");
    }
    refused("{'a':1}", "the type is \"\", expected: \"Feature\"");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/variants/object types", test_object_types);
    g_test_add_func("/variants/boxes", test_boxes);
    g_test_add_func("/variants/no definitions", test_no_definitions);
    g_test_add_func("/variants/JSON", test_json_of_others);
    return run_in_directory();
}
