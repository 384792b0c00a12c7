/* HTML.
 *
 * Tags are written from a table by number, so no string of a caller is ever markup: neither can a name put an element into the page,
 * nor can an element that is meant be shown as text. */
#include "pipeline/write/page.h"
#include <string.h>

struct Page {
    GString *out;
    GArray *open; /* PageTag */
};

static const struct {
    const char *name, *class;
    gboolean line; /* a line feed after it, for those who read the source */
} tags[] = {[PAGE_H1] = {"h1", NULL, TRUE},
            [PAGE_H2] = {"h2", NULL, TRUE},
            [PAGE_H3] = {"h3", NULL, TRUE},
            [PAGE_P] = {"p", NULL, TRUE},
            [PAGE_NOTICE] = {"p", "notice", TRUE},
            [PAGE_PRE] = {"pre", NULL, TRUE},
            [PAGE_ROW_OF_DRAWINGS] = {"div", "drawings", TRUE},
            [PAGE_TABLE] = {"table", NULL, TRUE},
            [PAGE_TR] = {"tr", NULL, TRUE},
            [PAGE_TH] = {"th", NULL, FALSE},
            [PAGE_TD] = {"td", NULL, FALSE},
            [PAGE_UL] = {"ul", NULL, TRUE},
            [PAGE_LI] = {"li", NULL, TRUE}};

static const char style[] =
    "body{font:15px/1.5 sans-serif;max-width:1200px;margin:2em auto;padding:0 1em;color:#222}"
    "h1{margin-bottom:0}.notice{background:#fff3cd;border:1px solid #e0c36a;padding:.5em 1em}"
    "table{border-collapse:collapse;margin:1em 0;display:block;overflow-x:auto}td,th{border:1px solid "
    "#ccc;padding:.25em .7em;"
    "text-align:right}td:first-child,th:first-child{text-align:left;min-width:9em}img{max-width:100%}"
    "pre{background:#f6f6f6;padding:1em;overflow:auto}.drawings{display:flex;flex-wrap:wrap;gap:1em}";

static void escape(GString *out, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    g_autofree char *escaped = g_markup_escape_text(valid, -1);
    g_string_append(out, escaped);
}

Page *page_new(const char *title)
{
    Page *page = g_new0(Page, 1);
    page->out = g_string_new("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<title>");
    page->open = g_array_new(FALSE, FALSE, sizeof(PageTag));
    escape(page->out, title);
    g_string_append_printf(page->out, "</title>\n<style>%s</style></head><body>\n", style);
    return page;
}

void page_free(Page *page)
{
    if (page) {
        g_string_free(page->out, TRUE);
        g_array_unref(page->open);
        g_free(page);
    }
}

void page_open(Page *page, PageTag tag)
{
    g_string_append_printf(page->out, "<%s", tags[tag].name);
    if (tags[tag].class) {
        g_string_append_printf(page->out, " class=\"%s\"", tags[tag].class);
    }
    g_string_append_c(page->out, '>');
    g_array_append_val(page->open, tag);
}

void page_close(Page *page)
{
    if (page->open->len > 0) {
        PageTag tag = g_array_index(page->open, PageTag, page->open->len - 1);
        g_array_set_size(page->open, page->open->len - 1);
        g_string_append_printf(page->out, "</%s>%s", tags[tag].name, tags[tag].line ? "\n" : "");
    }
}

void page_text(Page *page, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    escape(page->out, text);
}

void page_put(Page *page, PageTag tag, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    page_open(page, tag);
    escape(page->out, text);
    page_close(page);
}

void page_png(Page *page, const void *bytes, gsize length)
{
    g_autofree char *text = g_base64_encode(bytes, length);
    g_string_append_printf(page->out, "<img alt=\"\" src=\"data:image/png;base64,%s\">\n", text);
}

/* ---- drawings ---- */

static void check_element(GMarkupParseContext *context, const char *element, const char **names,
                          const char **values, gpointer data, GError **error)
{
    static const char *const allowed[] = {"svg", "rect", "line", "text", "path", NULL};
    gboolean outermost = g_markup_parse_context_get_element_stack(context)->next == NULL;
    int *drawings = data;
    *drawings += outermost;
    gboolean good =
        g_strv_contains(allowed, element) && outermost == g_str_equal(element, "svg") && *drawings == 1;
    for (; *names; names++) {
        good = good && !g_str_has_prefix(*names, "on") && !strstr(*names, "href");
    }
    if (!good) {
        g_set_error(error, G_MARKUP_ERROR, G_MARKUP_ERROR_UNKNOWN_ELEMENT, "<%s> does not occur in charts",
                    element);
    }
}

gboolean page_drawing(Page *page, const char *svg)
{
    static const GMarkupParser parser = {.start_element = check_element};
    int drawings = 0;
    GMarkupParseContext *context = g_markup_parse_context_new(&parser, 0, &drawings, NULL);
    gboolean good = g_str_has_prefix(svg, "<svg ") && g_markup_parse_context_parse(context, svg, -1, NULL) &&
                    g_markup_parse_context_end_parse(context, NULL);
    g_markup_parse_context_free(context);
    if (good) {
        g_string_append(page->out, svg);
    }
    return good;
}

char *page_finish(Page *page)
{
    while (page->open->len > 0) {
        page_close(page);
    }
    g_string_append(page->out, "</body></html>\n");
    return g_strdup(page->out->str);
}
