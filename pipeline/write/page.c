/* HTML.
 *
 * Tags are written from a table by number, so no string of a caller is ever markup: neither can a name put an element into the page,
 * nor can an element that is meant be shown as text. */
#include "pipeline/write/page.h"
#include "pipeline/write/page_style.h"
#include <math.h>
#include <string.h>

struct Page {
    GString *out;
    GArray *open;        /* PageTag */
    GPtrArray *headings; /* char*: the texts of second level, in order */
    gssize contents;     /* where their links go; -1 = nowhere */
};

static const struct {
    const char *name, *attributes;
    gboolean line; /* a line feed after it, for those who read the source */
    gboolean box;  /* inside of an element that scrolls */
} tags[] = {[PAGE_H1] = {"h1", "", TRUE, FALSE},
            [PAGE_H2] = {"h2", "", TRUE, FALSE},
            [PAGE_H3] = {"h3", "", TRUE, FALSE},
            [PAGE_P] = {"p", "", TRUE, FALSE},
            [PAGE_SMALL] = {"p", " class=\"small\"", TRUE, FALSE},
            [PAGE_NOTICE] = {"p", " class=\"notice\"", TRUE, FALSE},
            [PAGE_PRE] = {"pre", "", TRUE, FALSE},
            [PAGE_SPAN] = {"span", "", FALSE, FALSE},
            [PAGE_ROW_OF_DRAWINGS] = {"div", " class=\"drawings\"", TRUE, FALSE},
            [PAGE_ROW_OF_TILES] = {"div", " class=\"tiles\"", TRUE, FALSE},
            [PAGE_FIGURE] = {"figure", "", TRUE, FALSE},
            [PAGE_CAPTION] = {"figcaption", "", TRUE, FALSE},
            [PAGE_CARDS] = {"div", " class=\"cards\"", TRUE, FALSE},
            [PAGE_CARD] = {"div", " class=\"card\"", TRUE, FALSE},
            [PAGE_VALUE] = {"span", " class=\"value\"", FALSE, FALSE},
            [PAGE_TABLE] = {"table", "", TRUE, TRUE},
            [PAGE_SORTABLE] = {"table", " class=\"sortable\"", TRUE, TRUE},
            [PAGE_THEAD] = {"thead", "", TRUE, FALSE},
            [PAGE_TBODY] = {"tbody", "", TRUE, FALSE},
            [PAGE_TR] = {"tr", "", TRUE, FALSE},
            [PAGE_TH] = {"th", " scope=\"col\"", FALSE, FALSE},
            [PAGE_TH_ROW] = {"th", " scope=\"row\"", FALSE, FALSE},
            [PAGE_TD] = {"td", "", FALSE, FALSE},
            [PAGE_TD_TEXT] = {"td", " class=\"text\"", FALSE, FALSE},
            [PAGE_TD_NAME] = {"td", " class=\"text name\"", FALSE, FALSE},
            [PAGE_UL] = {"ul", "", TRUE, FALSE},
            [PAGE_LI] = {"li", "", TRUE, FALSE},
            [PAGE_DETAILS] = {"details", "", TRUE, FALSE},
            [PAGE_SUMMARY] = {"summary", "", TRUE, FALSE}};

static void escape(GString *out, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    g_autofree char *escaped = g_markup_escape_text(valid, -1);
    g_string_append(out, escaped);
}

/* "'sha256-...'" of a style or script, as the policy names it. */
static char *hash_source(const char *text)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    guint8 digest[32];
    gsize length = sizeof digest;
    g_checksum_update(sum, (const guchar *)text, -1);
    g_checksum_get_digest(sum, digest, &length);
    g_autofree char *base64 = g_base64_encode(digest, length);
    return g_strdup_printf("'sha256-%s'", base64);
}

Page *page_new(const char *title)
{
    Page *page = g_new0(Page, 1);
    page->out = g_string_new("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n");
    page->open = g_array_new(FALSE, FALSE, sizeof(PageTag));
    page->headings = g_ptr_array_new_with_free_func(g_free);
    page->contents = -1;
    g_autofree char *style = hash_source(page_style), *script = hash_source(page_script);
    g_string_append_printf(
        page->out,
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src "
        "data:; style-src %s; script-src %s; base-uri 'none'; form-action 'none'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
        style, script);
    escape(page->out, title);
    g_string_append_printf(page->out, "</title>\n<style>%s</style></head><body>\n", page_style);
    return page;
}

void page_free(Page *page)
{
    if (page) {
        g_string_free(page->out, TRUE);
        g_array_unref(page->open);
        g_ptr_array_unref(page->headings);
        g_free(page);
    }
}

void page_open(Page *page, PageTag tag)
{
    g_string_append_printf(page->out, "%s<%s%s>", tags[tag].box ? "<div class=\"box\">" : "", tags[tag].name,
                           tags[tag].attributes);
    g_array_append_val(page->open, tag);
}

void page_close(Page *page)
{
    if (page->open->len > 0) {
        PageTag tag = g_array_index(page->open, PageTag, page->open->len - 1);
        g_array_set_size(page->open, page->open->len - 1);
        g_string_append_printf(page->out, "</%s>%s%s", tags[tag].name, tags[tag].box ? "</div>" : "",
                               tags[tag].line ? "\n" : "");
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

/* A heading that page_contents links to. */
static void put_heading(Page *page, const char *text)
{
    g_ptr_array_add(page->headings, g_strdup(text));
    g_string_append_printf(page->out, "<h2 id=\"part-%u\">", page->headings->len);
    escape(page->out, text);
    g_string_append(page->out, "</h2>\n");
}

void page_put(Page *page, PageTag tag, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    if (tag == PAGE_H2) {
        put_heading(page, text);
        return;
    }
    page_open(page, tag);
    escape(page->out, text);
    page_close(page);
}

void page_number(Page *page, const char *format, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE], exact[G_ASCII_DTOSTR_BUF_SIZE];
    if (!isfinite(value)) {
        g_string_append(page->out, "<td data-none=\"\">\xe2\x80\x93</td>");
        return;
    }
    g_string_append_printf(page->out, "<td data-v=\"%s\">%s</td>",
                           g_ascii_formatd(exact, sizeof exact, "%.9g", value),
                           g_ascii_formatd(text, sizeof text, format, value));
}

void page_link(Page *page, const char *path, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    path += strspn(path, "/");
    g_autofree char *url = g_uri_escape_string(path, "/", FALSE);
    g_string_append(page->out, "<a href=\"");
    escape(page->out, url);
    g_string_append(page->out, "\">");
    escape(page->out, text);
    g_string_append(page->out, "</a>");
}

void page_contents(Page *page)
{
    page->contents = (gssize)page->out->len;
}

void page_image(Page *page, const void *bytes, gsize length, const char *alt)
{
    static const char jpeg[] = {'\xff', '\xd8'};
    gboolean is_jpeg = length >= sizeof jpeg && memcmp(bytes, jpeg, sizeof jpeg) == 0;
    g_autofree char *text = g_base64_encode(bytes, length);
    g_string_append(page->out, "<img loading=\"lazy\" decoding=\"async\" alt=\"");
    escape(page->out, alt);
    g_string_append_printf(page->out, "\" src=\"data:image/%s;base64,%s\">\n", is_jpeg ? "jpeg" : "png",
                           text);
}

/* ---- drawings ---- */

static void check_element(GMarkupParseContext *context, const char *element, const char **names,
                          const char **values, gpointer data, GError **error)
{
    static const char *const allowed[] = {"svg", "rect", "line", "text", "path", "title", "desc", NULL};
    gboolean outermost = g_markup_parse_context_get_element_stack(context)->next == NULL;
    int *drawings = data;
    *drawings += outermost;
    gboolean good =
        g_strv_contains(allowed, element) && outermost == g_str_equal(element, "svg") && *drawings == 1;
    for (; *names; names++) {
        good = good && !g_str_has_prefix(*names, "on") && !strstr(*names, "href") && !strstr(*names, "style");
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

static void insert_contents(Page *page)
{
    g_autoptr(GString) links = g_string_new("<nav>");
    for (guint i = 0; i < page->headings->len; i++) {
        g_string_append_printf(links, "<a href=\"#part-%u\">", i + 1);
        escape(links, page->headings->pdata[i]);
        g_string_append(links, "</a> ");
    }
    g_string_append(links, "</nav>\n");
    g_string_insert(page->out, page->contents, links->str);
}

char *page_finish(Page *page)
{
    while (page->open->len > 0) {
        page_close(page);
    }
    if (page->contents >= 0) {
        insert_contents(page);
        page->contents = -1;
    }
    if (strstr(page->out->str, "<table class=\"sortable\">") || strstr(page->out->str, "<details>")) {
        g_string_append_printf(page->out, "<script>%s</script>\n", page_script);
    }
    g_string_append(page->out, "</body></html>\n");
    return g_strdup(page->out->str);
}
