/* ASAP XML, the checks that outlines of all dialects pass, and files that are broken or hostile. */
#include "annotations/read/annotation_read.h"
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
    assert_warning(annotation, 0, "1 annotation in no group taken as not lesion, as in Camelyon16");
    assert_warning(annotation, 1,
                   "2 annotations have no area and mark no lesion: \"Dot\" (1), \"PointSet\" (1)");
    assert_warning(annotation, 2, "1 of 150 px of the lesions are cut out by \"Exclusion\" (1)");
    g_assert_cmpuint(annotation->warnings->len, ==, 3);
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
            "1 annotation is in groups that no rule names: \"a\" (1)");
    refused(ASAP(SHAPE("x", "Polygon", "a", SQUARE(0, 0, 10, 10)), GROUP("a", "b")),
            "groups that the file does not define: \"b\" (1)");
}

static void test_unknown_groups(void)
{
    refused(
        ASAP(SHAPE("x", "Polygon", "Tumour", SQUARE(0, 0, 10, 10)), GROUPS),
        "file.xml:4: 1 annotation is in groups that the file does not define: \"Tumour\" (1); known groups: "
        "Exclusion, Tumor; did you mean \"Tumor\" by \"Tumour\"?");
    /* All of them at once, with their counts and the line of the first. */
    refused(
        ASAP("\n" SHAPE("x", "Polygon", "Stroma", SQUARE(0, 0, 10, 10))
                 SHAPE("y", "Polygon", "Tumor", SQUARE(0, 0, 10, 10))
                     SHAPE("z", "Polygon", "Immune cells", SQUARE(0, 0, 10, 10))
                         SHAPE("w", "Polygon", "Stroma", SQUARE(0, 0, 10, 10)),
             GROUP("Stroma", "None") GROUP("Immune cells", "None") GROUPS),
        "file.xml:5: 3 annotations are in groups that no rule names: \"Stroma\" (2), \"Immune cells\" (1); "
        "known groups: Tumor, _0, _1");
}

/* Rules of the user, and the choice of the field that is the group. */
static Annotation *read_by(const char *text, const GroupRule *rules, const char *field, GError **error)
{
    g_autofree char *path = in_directory("own.xml");
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    return annotation_read_in_frame(path, &(GroupSpec){rules, field}, &(SlideFrame){0}, error);
}

static void test_every_other_group(void)
{
    static const GroupRule rules[] = {
        {"*", LABEL_NONE, NULL}, {"Tumor bulk", LABEL_LESION, NULL}, {NULL, LABEL_NONE, NULL}};
    g_autoptr(GError) error = NULL;
    g_autoptr(Annotation) annotation =
        read_by(ASAP(SHAPE("a", "Polygon", "Tumor bulk", SQUARE(0, 0, 10, 10))
                         SHAPE("b", "Polygon", "Stroma", SQUARE(0, 0, 20, 20))
                             SHAPE("c", "Polygon", "inner", SQUARE(0, 0, 30, 30)),
                     GROUP("Tumor bulk", "None") GROUP("Stroma", "None") GROUP("inner", "Tumor bulk")),
                rules, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpint(outline_at(annotation, 0)->label, ==, LABEL_LESION);
    g_assert_cmpint(outline_at(annotation, 1)->label, ==, LABEL_NONE);
    g_assert_cmpint(outline_at(annotation, 2)->label, ==, LABEL_LESION); /* a group around it has a name */
    assert_warning(annotation, 0, "1 annotation labelled only by the rule for \"*\": \"Stroma\" (1)");
}

static void test_name_as_group(void)
{
    static const GroupRule rules[] = {{"metastasis = 2", LABEL_LESION, NULL}, {NULL, LABEL_NONE, NULL}};
    g_autoptr(GError) error = NULL;
    const char *text = ASAP(SHAPE("metastasis = 2", "Polygon", "x", SQUARE(0, 0, 10, 10)), GROUPS);
    g_autoptr(Annotation) annotation = read_by(text, rules, "name", &error);
    g_assert_no_error(error);
    g_assert_cmpint(outline_at(annotation, 0)->label, ==, LABEL_LESION);
    g_assert_null(
        read_by(ASAP(SHAPE("", "Polygon", "Tumor", SQUARE(0, 0, 10, 10)), GROUPS), rules, "name", &error));
    g_assert_nonnull(strstr(error->message, "\"Unnamed\" (1)"));
    g_clear_error(&error);
    g_assert_null(read_by(text, rules, "title", &error));
    g_assert_nonnull(strstr(error->message, "outlines of ASAP have no field \"title\""));
}

/* Outlines in no group are not lesion in files with Camelyon16's groups; elsewhere a person has to name them. */
static void test_no_group(void)
{
    static const GroupRule own[] = {{"None", LABEL_LESION, NULL}, {NULL, LABEL_NONE, NULL}};
    const char *alone = ASAP(SHAPE("a", "Polygon", "None", SQUARE(0, 0, 10, 10)), GROUPS);
    refused(alone, "file.xml:4: 1 annotation is in groups that no rule names: \"None\" (1), where \"None\" "
                   "stands for outlines in no group");
    refused("<ASAP_Annotations>\n<Annotation Type='Polygon'>" SQUARE(0, 0, 9,
                                                                     9) "</Annotation></ASAP_Annotations>",
            "file.xml:2: 1 annotation is in groups that no rule names: \"None\" (1)");
    refused(ASAP(SHAPE("a", "Polygon", "None", SQUARE(0, 0, 10, 10))
                     SHAPE("b", "Polygon", "metastases", SQUARE(0, 0, 10, 10)),
                 GROUP("metastases", "None")),
            "\"None\" (1)"); /* groups of Camelyon17 */
    g_autoptr(Annotation) nested = read_text(ASAP(SHAPE("a", "Polygon", "None", SQUARE(0, 0, 5, 5))
                                                      SHAPE("b", "Polygon", "large", SQUARE(0, 0, 10, 10)),
                                                  GROUP("large", "_0") GROUP("_0", "None")));
    assert_near(region_area(nested), 75, 1e-9);
    g_autoptr(GError) error = NULL;
    g_autoptr(Annotation) named = read_by(alone, own, NULL, &error);
    g_assert_no_error(error);
    assert_near(region_area(named), 100, 1e-9);
}

static void test_order(void)
{
#define SHUFFLED(a, b, c) ASAP(SHAPE("x", "Polygon", "Tumor", AT(a, 0, 1) AT(b, 2, 3) AT(c, 4, 9)), GROUPS)
    g_autoptr(Annotation) annotation = read_text(SHUFFLED(2, 0, 1));
    double expected[] = {2, 3, 4, 9, 0, 1};
    g_assert_cmpmem(outline_at(annotation, 0)->xy, 48, expected, sizeof expected);
    refused(SHUFFLED(0, 1, 1),
            "file.xml:4: the Order of the 3 coordinates does not have each number from 0 to 2 once");
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
    g_assert_cmpuint(annotation->warnings->len, ==, 5);
    assert_warning(annotation, 0, "1 annotation in no group taken as not lesion");
    assert_warning(annotation, 1, "file.xml:4: annotation \"two\" has 2 points and is left out");
    assert_warning(annotation, 2, "file.xml:7: annotation \"empty\" has 0 points and is left out");
    assert_warning(annotation, 3, "file.xml:6: 4 repeated points dropped");
    assert_warning(annotation, 4, "file.xml:7: 1 annotation has no area");
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
        (const char *const[]){"file.xml:4: annotation \"x\" (x 90 to 120, y 50 to 60) is entirely outside "
                              "the slide of 90 x 1000 px",
                              NULL});
}

static void test_many_warnings(void)
{
    g_autoptr(GString) text = g_string_new("<ASAP_Annotations>");
    for (int i = 0; i < 250; i++) {
        g_string_append(text, "<Annotation Type='Dot' PartOfGroup='Tumor'/>");
    }
    g_string_append(text, "<AnnotationGroups>" GROUPS "</AnnotationGroups></ASAP_Annotations>");
    g_autoptr(Annotation) annotation = read_text(text->str);
    g_assert_cmpuint(annotation->warnings->len, ==, 101);
    assert_warning(annotation, 100, "151 more warnings"); /* one counts those without area */
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
    /* A ">" inside a value does not end a tag. */
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

/* One outline whose name is "Größe", in some encoding. */
static void assert_encoding(const char *encoding, const char *declared, gboolean mark)
{
    g_autofree char *text =
        g_strdup_printf("%s<?xml version='1.0' encoding='%s'?>\n", mark ? "\xEF\xBB\xBF" : "", declared);
    g_autofree char *whole =
        g_strconcat(text,
                    "<ASAP_Annotations><Annotation Name='Gr\xC3\xB6\xC3\x9F"
                    "e' Type='Polygon' PartOfGroup='Tumor'>",
                    SQUARE(0, 0, 10, 10), "</Annotation>" GROUPS "</ASAP_Annotations>", NULL);
    gsize length = 0;
    g_autofree char *bytes = g_convert(whole, -1, encoding, "UTF-8", NULL, &length, NULL);
    g_autoptr(GError) error = NULL;
    g_assert_nonnull(bytes);
    g_autoptr(Annotation) annotation = read_bytes(bytes, (gssize)length, &(SlideFrame){0}, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(outline_at(annotation, 0)->name, ==,
                    "Gr\xC3\xB6\xC3\x9F"
                    "e");
}

static void test_encodings(void)
{
    assert_encoding("UTF-8", "utf-8", TRUE);
    assert_encoding("UTF-8", "utf-16", FALSE); /* as .NET writes a text in memory */
    assert_encoding("UTF-16LE", "utf-16", TRUE);
    assert_encoding("UTF-16BE", "UTF-16", TRUE);
    assert_encoding("UTF-16LE", "UTF-16", FALSE);
    assert_encoding("UTF-16BE", "windows-1252", FALSE); /* the bytes prove it */
    assert_encoding("WINDOWS-1252", "windows-1252", FALSE);
    assert_encoding("ISO-8859-1", "iso-8859-1", FALSE);
    assert_encoding("ISO-8859-15", "ISO-8859-15", FALSE);
    assert_encoding("WINDOWS-1250", "Windows-1250", FALSE);
    assert_encoding("ISO-8859-1", "latin1", FALSE);
    assert_encoding("ISO-8859-1", "ISO_8859-1", FALSE);
    assert_encoding("ISO-8859-1", "iso8859-1", FALSE);
    assert_encoding("WINDOWS-1252", "cp1252", FALSE);
    assert_encoding("IBM850", "cp850", FALSE);
    assert_encoding("MACINTOSH", "macintosh", FALSE);
    assert_encoding("UTF-8", "ASCII", FALSE); /* as lxml declares it; other characters would be references */
    assert_encoding("UTF-8", "UCS-2", FALSE);
    assert_encoding("UTF-16LE", "UCS-2", FALSE);
    assert_encoding("UTF-32LE", "UTF-32", TRUE);
    assert_encoding("UTF-32BE", "ucs-4", FALSE);
    assert_refused("\xFF\xFE<\0\0\xD8"
                   "x\0",
                   8, &(SlideFrame){0}, (const char *const[]){"in UTF-16LE", NULL});
    assert_refused("<a>\0</a>", 8, &(SlideFrame){0}, (const char *const[]){"NUL", NULL});
    refused("<ASAP_Annotations a='\xE4'/>", "not UTF-8", "declares no other encoding");
    refused("<?xml version='1.0' encoding='x-mine'?><ASAP_Annotations/>",
            "file.xml:1: the file declares the encoding \"X-MINE\", which iconv does not know");
    refused("<?xml version='1.0' encoding='LATIN1//IGNORE'?><ASAP_Annotations/>", "LATIN1//IGNORE");
    refused("<?xml version='1.0' encoding='iso-8859-8'?><a b='\xFF'/>", "in ISO-8859-8");
    refused("<?xml version='1.0' encoding='windows-1252'?><a b='\x81'/>", "in WINDOWS-1252");
    refused("<?xml version='1.0' encoding='windows-1252'?>\n\n<ASAP_Annotations><a>", "file.xml:3");
    refused("\xFF\xD8\xFF\xE0", "JPEG image");
    refused("BM1234", "BMP image", "label masks are PNG or TIFF");
}

/* An outline inside an outline must neither crash the program nor lose the outer one. */
static void test_nested_outlines(void)
{
    refused("<Annotations><Annotation "
            "Name='Tumor'><Regions>\n<Region>\n<Region/></Region></Regions></Annotation></Annotations>",
            "file.xml:3: a Region within the Region of line 2");
    refused("<Annotations><Annotation Name='Tumor'>\n<Annotation Name='x'/></Annotation></Annotations>",
            "file.xml:2: an Annotation within an Annotation");
    refused(ASAP("<Annotation Type='Polygon'>" AT(1, 2, 3) "<Annotation Type='Polygon'>" AT(
                     1, 2, 3) "</Annotation></Annotation>",
                 GROUPS),
            "file.xml:4: an Annotation within the Annotation of line 4");
    assert_refused("<annotations><ndpviewstate><annotation type='freehand'>\n<annotation "
                   "type='circle'/></annotation></ndpviewstate></annotations>",
                   -1, &(SlideFrame){.width = 9, .height = 9, .mpp_x = 1, .mpp_y = 1},
                   (const char *const[]){"file.xml:2: an annotation within the annotation of line 1", NULL});
}

/* What is not understood must not look like a slide without lesions. */
static void test_not_understood(void)
{
    refused(ASAP("\n" SHAPE("x", "Polygon", "Tumor", ""), GROUPS),
            "file.xml:5: the closed annotation \"x\" has no points");
    refused(ASAP(SHAPE("x", "Polygon", "Tumor", "<Point X='1' Y='2'/>"), GROUPS),
            "file.xml:4: <Point> among Coordinates, where <Coordinate> is expected");
    refused(ASAP("\n" SHAPE("x", "Polygon", "Tumor", AT(0, 1, 1) AT(1, 2, 2)), GROUPS),
            "file.xml:5: all closed annotations of the file are left out", "has 2 points");
    refused("<ASAP_Annotations>\n<Shapes><Shape/><Shape/></Shapes></ASAP_Annotations>",
            "file.xml:2: there is no known annotation, only: \"Shapes\" (1), \"Shape\" (2)");
    g_autoptr(Annotation) more =
        read_text(ASAP("<Shape/>" SHAPE("x", "Polygon", "Tumor", SQUARE(0, 0, 9, 9)), GROUPS));
    assert_warning(more, 0, "1 element was skipped: \"Shape\" (1)");
    g_autoptr(Annotation) none = read_text("<ASAP_Annotations><Annotations/></ASAP_Annotations>");
    g_assert_cmpuint(none->outlines->len, ==, 0);
    assert_warning(none, 0, "file.xml:1: the file has no annotations");
    /* An empty outline of a group that is ignored loses nothing. */
    static const GroupRule rules[] = {
        {"Tumor", LABEL_LESION, NULL}, {"x", LABEL_NONE, NULL}, {NULL, LABEL_NONE, NULL}};
    g_autoptr(GError) error = NULL;
    g_autoptr(Annotation) ignored =
        read_by(ASAP(SHAPE("a", "Polygon", "x", "") SHAPE("b", "Polygon", "Tumor", SQUARE(0, 0, 9, 9)),
                     GROUPS GROUP("x", "None")),
                rules, NULL, &error);
    g_assert_no_error(error);
    assert_warning(ignored, 0, "annotation \"a\" has 0 points and is left out");
}

static void test_broken_files(void)
{
    refused("", "is empty");
    refused("hello", "none of the known annotation formats (ASAP, QuPath GeoJSON, HALO, Aperio ImageScope, "
                     "Hamamatsu NDPA)");
    refused("<html/>", "is a web page (HTML)");
    refused("<!-- x", "none of the known annotation formats");
    refused("<ASAP_Annotations><Annotations></ASAP_Annotations>", "file.xml:1: not well-formed");
    refused("<ASAP_Annotations>\n<Annotations", "file.xml:2: the file ends inside a tag");
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
    assert_unreadable("/nonexistent/a.xml", WSI_ERROR_ABSENT, "/nonexistent/a.xml");
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
    /* Every truncated file is an error, never a crash or half of the outlines. */
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
    g_test_add_func("/annotation/asap/no group", test_no_group);
    g_test_add_func("/annotation/groups/every other", test_every_other_group);
    g_test_add_func("/annotation/groups/the name", test_name_as_group);
    g_test_add_func("/annotation/asap/order", test_order);
    g_test_add_func("/annotation/asap/numbers", test_numbers);
    g_test_add_func("/annotation/checks/repairs", test_repairs);
    g_test_add_func("/annotation/checks/outside the slide", test_outside);
    g_test_add_func("/annotation/checks/many warnings", test_many_warnings);
    g_test_add_func("/annotation/hostile/doctypes", test_doctypes);
    g_test_add_func("/annotation/hostile/attributes", test_many_attributes);
    g_test_add_func("/annotation/hostile/depth", test_depth);
    g_test_add_func("/annotation/hostile/long text", test_long_text);
    g_test_add_func("/annotation/hostile/encodings", test_encodings);
    g_test_add_func("/annotation/hostile/nested outlines", test_nested_outlines);
    g_test_add_func("/annotation/not understood", test_not_understood);
    g_test_add_func("/annotation/hostile/too many", test_too_many);
    g_test_add_func("/annotation/broken files", test_broken_files);
    g_test_add_func("/annotation/no files", test_no_files);
    g_test_add_func("/annotation/every truncation", test_every_truncation);
    return run_in_directory();
}
