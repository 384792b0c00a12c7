/* HTML and Markdown: whatever a name holds is shown as it is.  The reader of Markdown is cmark-gfm, that of HTML the parser of GLib. */
#include "pipeline/write/markdown.h"
#include "pipeline/write/page.h"
#include <glib/gstdio.h>
#include <string.h>

static const char *const names[] = {
    "synth_00.v-1",
    "<script>alert(1)</script>",
    "a & b &amp; &#60;",
    "*bold* _under_ __twice__ ~~gone~~",
    "[text](javascript:alert(1)) ![p](x.png)",
    "<http://example.org> http://example.org www.example.org",
    "`code` ``more``",
    "# heading",
    "- item",
    "+ item",
    "1. first",
    "12) first",
    "1.",
    "7)",
    "> quoted",
    "===",
    "---",
    "a|b \\| c \\",
    "\\*not\\*",
    "$x^2$ :smile: @somebody #12",
    "- [x] done",
    "100 % of 3 tiles, \xc2\xb5m: 0.5",
    "trailing #",
    "[^1] <!-- hidden -->",
};

/* What cmark-gfm makes of a document; NULL when it is not there. */
static char *render(const char *markdown)
{
    const char *argv[] = {"cmark-gfm", "--unsafe",      "-e", "footnotes", "-e", "table", "-e", "autolink",
                          "-e",        "strikethrough", "-e", "tasklist",  NULL, NULL};
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("markup-XXXXXX", &path, NULL);
    g_close(fd, NULL);
    g_assert_true(g_file_set_contents(path, markdown, -1, NULL));
    argv[G_N_ELEMENTS(argv) - 2] = path;
    char *out = NULL;
    int status;
    gboolean ran =
        g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out, NULL, &status, NULL);
    g_assert_true(!ran || status == 0);
    g_unlink(path);
    return out;
}

/* The text of a name in the HTML of cmark-gfm: it escapes four characters. */
static char *escaped(const char *name)
{
    GString *out = g_string_new(name);
    g_string_replace(out, "&", "&amp;", 0);
    g_string_replace(out, "<", "&lt;", 0);
    g_string_replace(out, ">", "&gt;", 0);
    g_string_replace(out, "\"", "&quot;", 0);
    return g_string_free(out, FALSE);
}

static void assert_holds(const char *html, const char *before, const char *name, const char *after)
{
    g_autofree char *text = escaped(name);
    g_autofree char *wanted = g_strconcat(before, text, after, NULL);
    if (!strstr(html, wanted)) {
        g_test_message("wanted %s in %s", wanted, html);
    }
    g_assert_nonnull(strstr(html, wanted));
}

static void test_names_in_markdown(void)
{
    static const char *const titles[] = {"name", "number", NULL};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GString) out = g_string_new(NULL);
        markdown_heading(out, 1, "%s", names[i]);
        markdown_text(out, "%s", names[i]);
        markdown_break(out);
        markdown_bullet(out);
        markdown_text(out, "%s", names[i]);
        markdown_line(out);
        markdown_line(out);
        markdown_table(out, titles);
        markdown_cell(out, "%s", names[i]);
        markdown_cell(out, "%d", 7);
        markdown_line(out);
        g_autofree char *html = render(out->str);
        if (!html) {
            g_test_skip("cmark-gfm is not here");
            return;
        }
        assert_holds(html, "<h1>", names[i], "</h1>");
        assert_holds(html, "<p>", names[i], "</p>");
        assert_holds(html, "<li>", names[i], "</li>");
        assert_holds(html, "<td>", names[i], "</td>\n<td>7</td>");
    }
}

static void test_plain_names_stay_plain(void)
{
    g_autoptr(GString) out = g_string_new(NULL);
    markdown_text(out, "%s", "synth_00.v-1: 0.5 um/px, 12 tiles (3 %) a>b");
    g_assert_cmpstr(out->str, ==, "synth_00.v-1: 0.5 um/px, 12 tiles (3 %) a>b");
    g_autoptr(GString) number = g_string_new(NULL);
    markdown_text(number, "%s", "0.5");
    g_assert_cmpstr(number->str, ==, "0.5");
}

static void test_line_feeds_end_nothing(void)
{
    g_autoptr(GString) out = g_string_new(NULL);
    markdown_cell(out, "%s", "a\n| b |\r\n\x01");
    g_assert_cmpstr(out->str, ==, "| a \\| b \\|    |");
    g_autoptr(GString) code = g_string_new(NULL);
    markdown_code(code, "a`b\nc");
    g_assert_cmpstr(code->str, ==, "`a'b'c`");
}

static void collect(GMarkupParseContext *context, const char *text, gsize length, gpointer data,
                    GError **error)
{
    if (g_str_equal(g_markup_parse_context_get_element(context), "td")) {
        g_string_append_len(data, text, (gssize)length);
    }
}

static void refuse(GMarkupParseContext *context, const char *element, const char **attributes,
                   const char **values, gpointer data, GError **error)
{
    static const char *const known[] = {"div", "p", "td", "h2", "svg", "line", NULL};
    g_assert_true(g_strv_contains(known, element));
}

/* The body of a page, as a parser of XML reads it: the text of its cells. */
static char *cells(const char *html)
{
    const GMarkupParser parser = {.start_element = refuse, .text = collect};
    GString *text = g_string_new(NULL);
    g_autofree char *body = g_strdup(strstr(html, "<body>") + strlen("<body>"));
    *strstr(body, "</body>") = 0;
    g_autofree char *whole = g_strconcat("<div>", body, "</div>", NULL);
    GMarkupParseContext *context = g_markup_parse_context_new(&parser, 0, text, NULL);
    g_assert_true(g_markup_parse_context_parse(context, whole, -1, NULL));
    g_assert_true(g_markup_parse_context_end_parse(context, NULL));
    g_markup_parse_context_free(context);
    return g_string_free(text, FALSE);
}

static void test_names_in_a_page(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(Page) page = page_new(names[i]);
        page_put(page, PAGE_H2, "%s", names[i]);
        page_open(page, PAGE_TD);
        page_text(page, "%s", names[i]);
        g_autofree char *html = page_finish(page);
        g_autofree char *shown = cells(html);
        g_assert_cmpstr(shown, ==, names[i]);
        g_assert_null(strstr(html, "<script"));
    }
    g_autoptr(Page) page = page_new("x");
    page_put(page, PAGE_TD, "a\xff%s", "b");
    g_autofree char *html = page_finish(page);
    g_assert_true(g_utf8_validate(html, -1, NULL));
}

static void test_only_drawings_are_drawn(void)
{
    static const char *const refused[] = {"<p>no drawing</p>",
                                          "<svg width=\"1\"><script/></svg>",
                                          "<svg width=\"1\"><line onclick=\"x\"/></svg>",
                                          "<svg width=\"1\"><text xlink:href=\"x\"/></svg>",
                                          "<svg width=\"1\"><line></svg>",
                                          "<svg width=\"1\"/><svg width=\"1\"/>",
                                          "<svg width=\"1\"><svg/></svg>"};
    g_autoptr(Page) page = page_new("x");
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_assert_false(page_drawing(page, refused[i]));
    }
    g_assert_true(page_drawing(page, "<svg width=\"1\"><line x1=\"1\"/></svg>"));
    g_autofree char *html = page_finish(page);
    g_autofree char *none = cells(html);
    g_assert_cmpstr(none, ==, "");
    g_assert_nonnull(strstr(html, "<line x1=\"1\"/>"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/markup/markdown", test_names_in_markdown);
    g_test_add_func("/markup/plain", test_plain_names_stay_plain);
    g_test_add_func("/markup/lines", test_line_feeds_end_nothing);
    g_test_add_func("/markup/page", test_names_in_a_page);
    g_test_add_func("/markup/drawings", test_only_drawings_are_drawn);
    return g_test_run();
}
