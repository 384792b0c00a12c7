/* CSV tables, and the names that people meant: what is written is read back, and errors say what is wrong. */
#include "base/csv.h"
#include "base/durable.h"
#include "base/error.h"
#include "base/nearest.h"
#include "base/rng.h"
#include "tests/test_folder.h"
#include <math.h>
#include <string.h>

/* ---- CSV ---- */

static Csv *read_text(const Folder *folder, const char *text, GError **error)
{
    g_autofree char *path = inside(folder, "table.csv");
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    return csv_read(path, error);
}

static void test_csv(Folder *folder, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Csv) csv = read_text(folder,
                                   "\xEF\xBB\xBFslide,note,mpp\r\n"
                                   "a.svs,\"one, \"\"two\"\"\nthree\",0.25\r\n"
                                   "\r\n"
                                   "b.svs,,\n"
                                   "c.svs,\"\",1e-3",
                                   &error);
    double value;
    g_assert_no_error(error);
    g_assert_cmpint(csv_rows(csv), ==, 3);
    g_assert_cmpint(csv_column(csv, "slide"), ==, 0);
    g_assert_cmpint(csv_column(csv, "mpp"), ==, 2);
    g_assert_cmpint(csv_column(csv, "Mpp"), ==, -1);
    g_assert_cmpstr(csv_get(csv, 0, 1), ==, "one, \"two\"\nthree");
    g_assert_cmpstr(csv_get(csv, 1, 0), ==, "b.svs");
    g_assert_cmpstr(csv_get(csv, 1, 1), ==, "");
    g_assert_cmpstr(csv_get(csv, 2, 1), ==, "");
    g_assert_cmpint(csv_line(csv, 0), ==, 2);
    g_assert_cmpint(csv_line(csv, 1), ==, 5);
    g_assert_cmpint(csv_line(csv, 2), ==, 6);
    g_assert_true(csv_number(csv, 0, 2, &value, NULL));
    g_assert_cmpfloat(value, ==, 0.25);
    g_assert_true(csv_number(csv, 1, 2, &value, NULL));
    g_assert_true(isnan(value));
    g_assert_true(csv_number(csv, 2, 2, &value, NULL));
    g_assert_cmpfloat(value, ==, 1e-3);
}

static void assert_bad_csv(const Folder *folder, const char *text, const char *says)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(read_text(folder, text, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, "table.csv"));
    g_assert_nonnull(strstr(error->message, says));
}

static void test_bad_csv(Folder *folder, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    assert_bad_csv(folder, "", "empty");
    assert_bad_csv(folder, "a,b\n1,2\n\"x\ny\",2,3\n", "line 3");
    assert_bad_csv(folder, "a,b\n1\n", "line 2");
    assert_bad_csv(folder, "slide,split,slide\nx,train,y\n", "two columns \"slide\"");
    assert_bad_csv(folder, "a,b\n1,\"2\"x\n", "line 2: text after");
    assert_bad_csv(folder, "a,b\r1,2\r", "carriage return");
    assert_bad_csv(folder, "a,b\n1,\"2\n", "line 2: a quoted cell is not closed");
    g_autofree char *path = inside(folder, "table.csv");
    g_assert_true(g_file_set_contents(path, "a,b\n1,\0\n", 8, NULL));
    g_assert_null(csv_read(path, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_clear_error(&error);
    g_assert_null(csv_read("/nowhere/table.csv", &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_ABSENT);
}

static void test_bad_numbers(Folder *folder, gconstpointer unused)
{
    g_autoptr(Csv) bad = read_text(folder, "x,y\nnan,inf\n1e999,12 um\n0x10,1;5\n", NULL);
    for (int row = 0; row < csv_rows(bad); row++) {
        for (int column = 0; column < 2; column++) {
            g_autoptr(GError) error = NULL;
            double value;
            if (row == 2 && column == 0) {
                continue; /* C accepts hexadecimal numbers */
            }
            g_assert_false(csv_number(bad, row, column, &value, &error));
            g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
            g_assert_nonnull(strstr(error->message, csv_get(bad, row, column)));
        }
    }
    g_autoptr(GError) error = NULL;
    g_assert_cmpint(csv_need(bad, "mpp", &error), ==, -1);
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, "mpp"));
}

/* A table of random cells, some of which mean something to CSV or to a spreadsheet. */
static void test_cells(Folder *folder, gconstpointer unused)
{
    static const char *const pieces[] = {
        "=",     "+",  "-", "@", "'", "\"",           ",",        "\n",   "\r",   "\r\n",
        ";",     "\t", " ", "a", "1", "\xEF\xBB\xBF", "\xC3\xA4", "\xE4", "\x01", "=HYPERLINK(\"http://x\")",
        "-a.tif"};
    Rng rng = rng_at(1, rng_name("cells"), 0);
    for (int round = 0; round < 400; round++) {
        int columns = 1 + (int)rng_below(&rng, 4), rows = (int)rng_below(&rng, 5);
        g_autoptr(GPtrArray) cells = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GString) text = g_string_new(NULL);
        for (int i = 0; i < columns * (rows + 1); i++) {
            GString *cell = g_string_new(NULL);
            for (guint n = rng_below(&rng, 5); n > 0; n--) {
                g_string_append(cell, pieces[rng_below(&rng, G_N_ELEMENTS(pieces))]);
            }
            if (i < columns) {
                g_string_append_printf(cell, "%d", i); /* names must differ */
            }
            g_ptr_array_add(cells, g_string_free(cell, FALSE));
            csv_cell(text, cells->pdata[i], i % columns + 1 < columns ? ',' : '\n');
        }
        g_autoptr(GError) error = NULL;
        g_autoptr(Csv) csv = read_text(folder, text->str, &error);
        g_assert_no_error(error);
        g_assert_cmpint(csv_rows(csv), ==, rows);
        for (int i = 0; i < columns * (rows + 1); i++) {
            g_assert_cmpstr(csv_get(csv, i / columns - 1, i % columns), ==, cells->pdata[i]);
        }
    }
}

static void test_no_column(Folder *folder, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Csv) plural = read_text(folder, "slides,split\n", NULL),
                   other = read_text(folder, "slide;split\n", NULL);
    g_assert_cmpint(csv_need(plural, "slide", &error), ==, -1);
    g_assert_nonnull(strstr(error->message, "no column \"slide\"; did you mean \"slides\"?"));
    g_clear_error(&error);
    g_assert_cmpint(csv_need(other, "slide", &error), ==, -1);
    g_assert_nonnull(strstr(error->message, "separated by semicolons, not by commas"));
}

/* A table of an earlier version is named as such; the former name is not offered. */
static void test_former_column(Folder *folder, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Csv) former = read_text(folder, "file,tissue_share\n", NULL);
    g_assert_cmpint(csv_need(former, "tissue_fraction", &error), ==, -1);
    g_assert_nonnull(strstr(error->message, "made by an earlier version of wsiflow: make it again"));
    g_assert_nonnull(strstr(error->message, "\"tissue_share\" is called \"tissue_fraction\" now"));
    g_assert_null(strstr(error->message, "did you mean"));
}

/* ---- nearest names ---- */

static void test_nearest(void)
{
    static const char *const columns[] = {"slide", "patient", "centre", "split", "annotation", "mpp", NULL};
    static const struct {
        const char *name, *near;
    } cases[] = {
        {"annotations", "annotation"}, /* a plural */
        {"patient_id", "patient"},     /* a longer name */
        {"Slide", "slide"},            /* another case */
        {"silde", "slide"},            /* two letters swapped */
        {"center", "centre"},
        {"spilt", "split"},
        {"slide_name", "slide"},
        {"anno", "annotation"},
        {"colour", NULL},
        {"x", NULL},
        {"", NULL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_assert_cmpstr(nearest_name(cases[i].name, columns), ==, cases[i].near);
    }
    static const char *const keys[] = {"min_tissue", "min_area_um2", "mpp", "mpp_x", NULL};
    g_assert_cmpstr(nearest_name("Min-Tissue", keys), ==, "min_tissue");
    g_assert_cmpstr(nearest_name("mpp_z", keys), ==, "mpp_x");
    /* The same first word of several, where only one name has it. */
    const char *const fractions[] = {"valid_fraction", "test_fraction", "image",
                                     "jpeg_quality",   "jpeg_size",     NULL};
    g_assert_cmpstr(nearest_name("valid_share", fractions), ==, "valid_fraction");
    g_assert_cmpstr(nearest_name("test-part", fractions), ==, "test_fraction");
    g_assert_null(nearest_name("jpeg_restart_marker", fractions));
    g_assert_null(nearest_name("valid", (const char *const[]){"quality", NULL}));
    g_autofree char *hint = nearest_hint("mintissue", keys), *none = nearest_hint("zzz", keys);
    g_assert_cmpstr(hint, ==, "; did you mean \"min_tissue\"?");
    g_assert_cmpstr(none, ==, "");
    g_autofree char *huge = g_strnfill(1 << 20, 'm');
    g_assert_null(nearest_name(huge, columns));
}

#define IN_FOLDER(name) g_test_add("/csv/" #name, Folder, NULL, set_up, test_##name, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    IN_FOLDER(csv);
    IN_FOLDER(bad_csv);
    IN_FOLDER(bad_numbers);
    IN_FOLDER(cells);
    IN_FOLDER(no_column);
    IN_FOLDER(former_column);
    g_test_add_func("/nearest/nearest", test_nearest);
    return g_test_run();
}
