/* ASAP XML, the gate that outlines of all dialects pass, and files that are broken or hostile. */
#include "tests/annotation_text.h"
#include <sys/stat.h>
#include <unistd.h>

/* ---- ASAP ---- */

static void test_types(void)
{
    g_autoptr(Annotation) annotation = read_text(ASAP(
        SHAPE("geen tumor?", "Polygon", "Tumor", SQUARE(0, 0, 10, 10))
            SHAPE("a &lt; b &#228;", "Spline", "Exclusion", SQUARE(1.5, 1.5, 2.5, 2.25))
                SHAPE("r", "Rectangle", "tumor", SQUARE(20, 0, 30, 5)) SHAPE("d", "Dot", "Tumor", AT(0, 3, 4))
                    SHAPE("p", "PointSet", "None", SQUARE(0, 0, 9, 9)),
        GROUPS GROUP("tumor", "None")));
    g_assert_cmpstr(annotation->dialect, ==, "ASAP");
    g_assert_cmpuint(annotation->outlines->len, ==, 5);
    g_assert_cmpuint(annotation->warnings->len, ==, 0);
    g_assert_cmpstr(outline_at(annotation, 0)->name, ==, "geen tumor?");
    g_assert_cmpint(outline_at(annotation, 0)->label, ==, LABEL_LESION); /* the group decides, not the name */
    g_assert_cmpint(outline_at(annotation, 0)->points, ==, 4);
    g_assert_cmpstr(outline_at(annotation, 1)->name, ==, "a < b \xC3\xA4");
    g_assert_cmpint(outline_at(annotation, 1)->label, ==, LABEL_NOT_LESION);
    g_assert_cmpfloat(outline_area(outline_at(annotation, 1)), ==, 0.75);
    g_assert_cmpint(outline_at(annotation, 2)->label, ==, LABEL_LESION); /* case does not matter to rules */
    g_assert_false(outline_at(annotation, 3)->closed);
    g_assert_cmpfloat(outline_at(annotation, 3)->xy[1], ==, 4);
    g_assert_false(outline_at(annotation, 4)->closed);
    g_assert_cmpint(outline_at(annotation, 4)->label, ==, LABEL_NOT_LESION); /* None */
    assert_near(region_area(annotation), 100 - 0.75 + 50, 1e-9);
}

static void test_nested_groups(void)
{
    g_autoptr(Annotation) annotation =
        read_text(ASAP(SHAPE("x", "Polygon", "macro", SQUARE(0, 0, 10, 10)),
                       GROUP("macro", "large") GROUP("large", "Tumor") GROUP("Tumor", "None")));
    g_assert_cmpint(outline_at(annotation, 0)->label, ==, LABEL_LESION);
    g_assert_cmpstr(outline_at(annotation, 0)->group, ==, "macro");
    refused(ASAP(SHAPE("x", "Polygon", "a", SQUARE(0, 0, 10, 10)), GROUP("a", "b") GROUP("b", "a")),
            "group \"a\", which no rule names");
    refused(ASAP(SHAPE("x", "Polygon", "a", SQUARE(0, 0, 10, 10)), GROUP("a", "b")),
            "group \"b\", which the file does not");
}

static void test_unknown_groups(void)
{
    refused(
        ASAP(SHAPE("x", "Polygon", "Tumour", SQUARE(0, 0, 10, 10)), GROUPS),
        "file.xml:4: annotation \"x\" is in group \"Tumour\", which the file does not define; known groups: "
        "Exclusion, Tumor");
    refused(ASAP("\n" SHAPE("x", "Polygon", "Stroma", SQUARE(0, 0, 10, 10)), GROUP("Stroma", "None")),
            "file.xml:5: annotation \"x\" is in group \"Stroma\", which no rule names; known groups: Tumor, "
            "_0, _1");
}

static void test_order(void)
{
#define SHUFFLED(a, b, c) ASAP(SHAPE("x", "Polygon", "Tumor", AT(a, 0, 1) AT(b, 2, 3) AT(c, 4, 9)), GROUPS)
    g_autoptr(Annotation) annotation = read_text(SHUFFLED(2, 0, 1));
    double expected[] = {2, 3, 4, 9, 0, 1};
    g_assert_cmpmem(outline_at(annotation, 0)->xy, 48, expected, sizeof expected);
    refused(SHUFFLED(0, 1, 1), "file.xml:4: the Order of the 3 coordinates is not 0 to 2");
    refused(SHUFFLED(0, 1, 3), "Order");
    refused(SHUFFLED(0, 1, -7), "Order");
    refused(SHUFFLED(0, 1, 1e300), "Order");
}

static void test_repairs(void)
{
    g_autoptr(Annotation) annotation =
        read_text(ASAP(SHAPE("two", "Polygon", "Tumor", AT(0, 0, 0) "\n" AT(1, 5, 0))
                           SHAPE("same", "Polygon", "Tumor",
                                 AT(0, 0, 0) AT(1, 0, 0) AT(2, 5, 0) AT(3, 5, 0) AT(4, 5, 0) AT(5, 5, 5)
                                     AT(6, 0, 0)) SHAPE("empty", "Dot", "None", ""),
                       GROUPS));
    g_assert_cmpuint(annotation->outlines->len, ==, 1);
    g_assert_cmpint(outline_at(annotation, 0)->points, ==, 3);
    g_assert_cmpuint(annotation->warnings->len, ==, 3);
    assert_warning(annotation, 0, "file.xml:4: annotation \"two\" has 2 points and is left out");
    assert_warning(annotation, 1, "file.xml:7: annotation \"empty\" has 0 points and is left out");
    assert_warning(annotation, 2, "file.xml:6: 4 repeated points dropped");
}

static void test_numbers(void)
{
#define WITH_X(x) ASAP(SHAPE("x", "Polygon", "Tumor", "\n<Coordinate Order='0' X='" x "' Y='2'/>"), GROUPS)
    refused(WITH_X("nan"), "file.xml:5: a coordinate is not a pair of numbers: X=\"nan\"");
    refused(WITH_X("inf"), "file.xml:5");
    refused(WITH_X("0x10"), "file.xml:5");
    refused(WITH_X("12,5"), "file.xml:5", "12,5");
    refused(WITH_X(""), "file.xml:5");
    refused(WITH_X("1 "), "file.xml:5");
    refused(WITH_X("1e999"), "file.xml:5", "not within");
    refused(WITH_X("3e9"), "file.xml:5", "not within +-2^31");
    refused(ASAP("<Coordinate X='1' Y='1'/>", GROUPS), "file.xml:4: a Coordinate outside");
    refused(ASAP(SHAPE("x", "Blob", "Tumor", ""), GROUPS), "file.xml:4", "Blob", "Polygon");
}

static void test_outside(void)
{
    const char *text = ASAP(SHAPE("x", "Polygon", "Tumor", SQUARE(90, 50, 120, 60)), GROUPS);
    g_autoptr(Annotation) inside = read_on_slide(text, 120, 60), partly = read_on_slide(text, 100, 60);
    g_assert_cmpuint(inside->warnings->len, ==, 0);
    g_assert_cmpuint(partly->warnings->len, ==, 1);
    assert_warning(partly, 0, "file.xml:4: annotation \"x\" (x 90 to 120, y 50 to 60) is partly outside");
    assert_refused(
        text, -1, &(SlideFrame){.width = 90, .height = 1000},
        (const char *const[]){"file.xml:4: annotation \"x\" (x 90 to 120, y 50 to 60) is wholly outside of "
                              "the slide of 90 x 1000 px",
                              NULL});
}

static void test_many_warnings(void)
{
    g_autoptr(GString) text = g_string_new("<ASAP_Annotations>");
    for (int i = 0; i < 250; i++) {
        g_string_append(text, SHAPE("x", "Dot", "None", ""));
    }
    g_string_append(text, "</ASAP_Annotations>");
    g_autoptr(Annotation) annotation = read_text(text->str);
    g_assert_cmpuint(annotation->warnings->len, ==, 101);
    assert_warning(annotation, 100, "150 more warnings");
}

/* ---- hostile and broken files ---- */

static void test_doctypes(void)
{
    refused("<?xml version='1.0'?>\n<!DOCTYPE lolz [<!ENTITY a 'lol'><!ENTITY b "
            "'&a;&a;&a;&a;'>]>\n<ASAP_Annotations/>",
            "file.xml:2: a DOCTYPE or entity is not allowed");
    refused("<!DOCTYPE x SYSTEM 'file:///etc/passwd'><ASAP_Annotations/>", "file.xml:1: a DOCTYPE");
    refused("<ASAP_Annotations>&undefined;</ASAP_Annotations>", "file.xml:1: not well-formed");
    refused("<ASAP_Annotations><!ENTITY a 'b'></ASAP_Annotations>", "a DOCTYPE or entity");
    /* Quadratic blow-up needs an entity too. */
    g_autoptr(GString) text = g_string_new("<!DOCTYPE x [<!ENTITY a '");
    for (int i = 0; i < 50000; i++) {
        g_string_append_c(text, 'A');
    }
    g_string_append(text, "'>]><ASAP_Annotations>");
    for (int i = 0; i < 50000; i++) {
        g_string_append(text, "&a;");
    }
    refused(text->str, "DOCTYPE");
}

static void test_many_attributes(void)
{
    g_autoptr(GString) text = g_string_new("<ASAP_Annotations ");
    for (int i = 0; i < 100000; i++) {
        g_string_append_printf(text, "a%d='' ", i);
    }
    g_string_append(text, "/>");
    refused(text->str, "file.xml:1: a tag has more than 64 attributes");
    /* A ">" within a value does not end a tag. */
    g_string_replace(text, "a0=''", "a0='>'", 1);
    refused(text->str, "more than 64 attributes");
    g_autofree char *value = g_strnfill(70000, 'v');
    g_autofree char *tag = g_strdup_printf("<ASAP_Annotations a='%s'/>", value);
    refused(tag, "longer than 65536 bytes");
}

static void test_depth(void)
{
    g_autoptr(GString) text = g_string_new("<ASAP_Annotations>");
    for (int i = 0; i < 100000; i++) {
        g_string_append(text, "<a>");
    }
    refused(text->str, "nested deeper than 64");
    g_autofree char *brackets = g_strnfill(1 << 20, '[');
    refused(brackets, "file.xml:1", "nested deeper than 64");
}

static void test_long_text(void)
{
    g_autofree char *filler = g_strnfill(2 << 20, 'x');
    g_autofree char *text = g_strdup_printf("<ASAP_Annotations>%s</ASAP_Annotations>", filler);
    refused(text, "a text is longer than 1048576 bytes");
}

static void test_encodings(void)
{
    static const char utf16[] = "\xFF\xFE<\0A\0S\0A\0P\0";
    SlideFrame frame = {0};
    assert_refused(utf16, sizeof utf16, &frame, (const char *const[]){"UTF-16", NULL});
    assert_refused("\xFE\xFF\0<\0A", 6, &frame, (const char *const[]){"UTF-16", NULL});
    assert_refused("<\0A\0S\0", 6, &frame, (const char *const[]){"NUL", NULL});
    refused("<ASAP_Annotations a='\xE4'/>", "not UTF-8");
    refused("<?xml version='1.0' encoding='UTF-7'?><ASAP_Annotations/>", "UTF-7");
    refused("<?xml version='1.0' encoding='ISO-8859-1'?><ASAP_Annotations/>", "ISO-8859-1");
    g_autoptr(Annotation) annotation =
        read_text("\xEF\xBB\xBF<?xml version='1.0' encoding='utf-8'?><ASAP_Annotations/>");
    g_assert_cmpuint(annotation->outlines->len, ==, 0);
}

static void test_broken_files(void)
{
    refused("", "is empty");
    refused("hello", "none of the known dialects (ASAP, QuPath GeoJSON, Aperio ImageScope, Hamamatsu NDPA)");
    refused("<html/>", "root element is html");
    refused("<!-- x", "none of the known dialects");
    refused("<ASAP_Annotations><Annotations></ASAP_Annotations>", "file.xml:1: not well-formed");
    refused("<ASAP_Annotations>\n<Annotations", "file.xml:2: the file ends within a tag");
    refused("<ASAP_Annotations>\n<a>", "not well-formed XML: the file ends before all elements do");
    refused("<ASAP_Annotations><!-- ", "the file ends before a closing \"-->\"");
    refused("<ASAP_Annotations/><b/>", "not well-formed");
}

static void assert_unreadable(const char *path, WsiErrorCode code, const char *part)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(annotation_read(path, camelyon_rules, 0, 0, &error));
    g_assert_error(error, WSI_ERROR, (int)code);
    g_assert_nonnull(strstr(error->message, part));
}

static void test_no_files(void)
{
    g_autofree char *pipe = in_directory("pipe"), *large = in_directory("large.xml");
    g_assert_cmpint(mkfifo(pipe, 0600), ==, 0);
    g_assert_true(g_file_set_contents(large, "<", 1, NULL));
    g_assert_cmpint(truncate(large, (64 << 20) + 1), ==, 0);
    assert_unreadable("/nonexistent/a.xml", WSI_ERROR_IO, "/nonexistent/a.xml");
    assert_unreadable(directory, WSI_ERROR_INPUT, "not a regular file");
    assert_unreadable(pipe, WSI_ERROR_INPUT, "not a regular file");
    assert_unreadable(large, WSI_ERROR_INPUT, "larger than 64 MiB");
}

static void test_too_many(void)
{
    g_autoptr(GString) text = g_string_new("<ASAP_Annotations>");
    for (int i = 0; i <= 100000; i++) {
        g_string_append(text, "<Annotation Type='Dot'/>");
    }
    g_string_append(text, "</ASAP_Annotations>");
    refused(text->str, "more than 100000 annotations");
}

static void test_every_truncation(void)
{
    /* Any beginning of a file is an error, and never a crash or a silent half. */
    const char *texts[] = {ASAP(SHAPE("x", "Polygon", "Tumor", SQUARE(0, 0, 9, 9)), GROUPS),
                           "{'type':'FeatureCollection','features':[" FEATURE(
                               TUMOR, "Polygon", "[" RING(0, 0, 9, 9) "]") "]}\n"};
    for (int t = 0; t < 2; t++) {
        for (size_t cut = 0; cut < strlen(texts[t]) - 1; cut++) {
            SlideFrame frame = {0};
            g_autoptr(GError) error = NULL;
            g_assert_null(read_bytes(texts[t], (gssize)cut, &frame, &error));
            g_assert_nonnull(error);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/annotation/asap/types", test_types);
    g_test_add_func("/annotation/asap/nested groups", test_nested_groups);
    g_test_add_func("/annotation/asap/unknown groups", test_unknown_groups);
    g_test_add_func("/annotation/asap/order", test_order);
    g_test_add_func("/annotation/asap/numbers", test_numbers);
    g_test_add_func("/annotation/gate/repairs", test_repairs);
    g_test_add_func("/annotation/gate/outside of the slide", test_outside);
    g_test_add_func("/annotation/gate/many warnings", test_many_warnings);
    g_test_add_func("/annotation/hostile/doctypes", test_doctypes);
    g_test_add_func("/annotation/hostile/attributes", test_many_attributes);
    g_test_add_func("/annotation/hostile/depth", test_depth);
    g_test_add_func("/annotation/hostile/long text", test_long_text);
    g_test_add_func("/annotation/hostile/encodings", test_encodings);
    g_test_add_func("/annotation/hostile/too many", test_too_many);
    g_test_add_func("/annotation/broken files", test_broken_files);
    g_test_add_func("/annotation/no files", test_no_files);
    g_test_add_func("/annotation/every truncation", test_every_truncation);
    return run_in_directory();
}
